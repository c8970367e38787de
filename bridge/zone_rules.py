"""The rules of zones: made of a definition, made into one, and held against others."""

import struct
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from io import BytesIO
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra

_STEP = timedelta(days=6)
"""No zone changes its offset twice within it in such a way that both changes cancel out: seven days are the least."""
LAST_TOLD_YEAR = 2037
"""So far the tz database tells of single changes; what goes on without end is looked at until here."""
_FIRST_YEAR, _LAST_YEAR = 1600, 4501
"""The years Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""
_DAY_SECONDS = 86400
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - counted in UTC


# --- when the clock changes --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Onset:
    """A change of offset: ``local`` is the clock's time before it (RFC 5545 3.6.5)."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str
    is_daylight: bool

    @property
    def kind(self) -> tuple[object, ...]:
        """What onsets of one observance share."""
        return self.before, self.after, self.name, self.is_daylight

    @property
    def instant(self) -> datetime:
        """The UTC instant."""
        return (self.local - self.before).replace(tzinfo=UTC)


@lru_cache(maxsize=16384)
def onsets_of(rules: tzinfo, year: int) -> tuple[Onset, ...]:
    """Give the changes of offset in a year (UTC)."""
    found = []
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = min(moment + _STEP, end)
        if offset_at(rules, moment) != offset_at(rules, later):
            found.append(_onset_between(rules, moment, later))
        moment = later
    return tuple(found)


def _onset_between(rules: tzinfo, low: datetime, high: datetime) -> Onset:
    before = offset_at(rules, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (middle, high) if offset_at(rules, middle) == before else (low, middle)
    new = high.astimezone(rules)
    local = (high + before).replace(tzinfo=None)
    return Onset(local, before, offset_at(rules, high), new.tzname() or "", bool(new.dst()))


def offset_at(rules: tzinfo, moment: datetime) -> timedelta:
    """Give how far the clock is ahead of UTC at an instant."""
    return moment.astimezone(rules).utcoffset() or timedelta()


@lru_cache(maxsize=4096)
def differences(one: tzinfo, other: tzinfo, year: int) -> tuple[tuple[datetime, datetime], ...]:
    """Give the spans of a year (UTC, end exclusive) in which two clocks show different times."""
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    onsets = (*onsets_of(one, year), *onsets_of(other, year))
    bounds = sorted({first, last, *(onset.instant for onset in onsets)})
    return tuple((low, high) for low, high in pairwise(bounds) if offset_at(one, low) != offset_at(other, low))


def agree(one: tzinfo, other: tzinfo, first_year: int, last_year: int) -> bool:
    """Say whether two clocks show the same all through these years (UTC)."""
    return one is other or not any(differences(one, other, year) for year in range(first_year, last_year + 1))


# --- from a definition -------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def make_rules(definition: ZoneDefinition, key: str) -> ZoneInfo:
    """Give the rules of a definition, under this name. Raises ValueError for a definition without an era."""
    if not definition.eras:
        raise ValueError("a definition without an era")
    kinds: list[tuple[int, bool]] = []
    instants: list[int] = []
    told: list[int] = []
    for local, kind in _turns(definition):
        before = kinds[told[-1]] if told else kind
        if told and kind == before:
            continue
        if kind not in kinds:
            kinds.append(kind)
        instant = int((local - _EPOCH).total_seconds()) - before[0]
        if instants and instant <= instants[-1]:
            told[-1] = kinds.index(kind)
        else:
            instants.append(instant)
            told.append(kinds.index(kind))
    return ZoneInfo.from_file(BytesIO(_tzif(instants, told, kinds)), key=key)


def _turns(definition: ZoneDefinition) -> Iterator[tuple[datetime, tuple[int, bool]]]:
    """Give at which time of the clock before it another offset begins, and that, in order; some tell nothing new."""
    for number, era in enumerate(definition.eras):
        begins = _begin(era)
        ends = _begin(definition.eras[number + 1]) if number + 1 < len(definition.eras) else datetime.max  # noqa: DTZ901
        if not era.changes:
            yield begins, (era.offset, False)
            continue
        years = range(max(begins.year, _FIRST_YEAR), min(ends.year, _LAST_YEAR) + 1)
        for year in years:
            changes = sorted(((_local(change, year), change) for change in era.changes), key=lambda one: one[0])
            if year == years.start:
                past = [change for local, change in changes if local <= begins]
                yield begins, _kind((past or [change for _, change in changes])[-1])
            yield from ((local, _kind(change)) for local, change in changes if begins < local < ends)


def _begin(era: ZoneEra) -> datetime:
    if era.since is None:
        return datetime(_FIRST_YEAR, 1, 1)  # noqa: DTZ001 - the clock's time
    return datetime.combine(era.since, time()) + timedelta(seconds=era.since_seconds)


def _kind(change: ClockChange) -> tuple[int, bool]:
    return change.offset, change.is_daylight


def _local(change: ClockChange, year: int) -> datetime:
    """Give when a change comes in a year, by the clock before it."""
    first, length = monthrange(year, change.month)
    if change.day is not None:
        day = min(change.day, length)
    else:
        days = range(1 + (change.weekday - first) % 7, length + 1, 7)
        day = days[-1] if change.position < 0 else days[change.position - 1]
    return datetime(year, change.month, day) + timedelta(seconds=change.seconds)  # noqa: DTZ001 - the clock's time


def _tzif(instants: Sequence[int], told: Sequence[int], kinds: Sequence[tuple[int, bool]]) -> bytes:
    """Write a time zone file (RFC 8536), which zoneinfo reads: no other tzinfo is as fast or knows folds as well."""
    offsets = [offset for offset, _ in kinds]
    tells_summer = max(offsets) - min(offsets) < _DAY_SECONDS  # across the date line zoneinfo could not tell how much
    names = [_abbreviation(offset).encode() + b"\0" for offset, _ in kinds]
    places = [sum(map(len, names[:number])) for number in range(len(names))]
    types = b"".join(
        struct.pack(">iBB", offset, is_daylight and tells_summer, place)
        for (offset, is_daylight), place in zip(kinds, places, strict=True)
    )
    empty = struct.pack(">4sc15x6L", b"TZif", b"2", 0, 0, 0, 0, 1, 1) + struct.pack(">iBB", 0, 0, 0) + b"\0"
    head = struct.pack(">4sc15x6L", b"TZif", b"2", 0, 0, 0, len(instants), len(kinds), sum(map(len, names)))
    body = struct.pack(f">{len(instants)}q{len(told)}B", *instants, *told)
    return empty + head + body + types + b"".join(names) + b"\n\n"


def _abbreviation(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}" + (f"{minutes:02}" if minutes else "")


# --- to a definition ---------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def make_definition(rules: tzinfo, first_year: int, last_year: int) -> ZoneDefinition:
    """Give a definition of rules that is good for these years, as far as one can be; the last year's go on for ever.

    An era has two changes a year at most and begins with a year. Of a year with more changes it has those that make
    the least difference: whoever needs the exact time holds the definition against the rules.
    """
    eras: list[ZoneEra] = []
    years = [_Year(rules, year) for year in range(first_year - 1, last_year + 2)]
    begin = 0
    while begin < len(years):
        era, end = _longest(years, begin)
        eras.append(era)
        begin = end
    eras[0] = ZoneEra(eras[0].offset, eras[0].changes)
    return ZoneDefinition(tuple(eras))


@dataclass(frozen=True, slots=True)
class _Turn:
    """A change in one year: when (local, before it), and to what."""

    local: datetime
    offset: int


class _Year:
    """What a clock does in one year of its own."""

    def __init__(self, rules: tzinfo, year: int) -> None:
        self.year = year
        begin = datetime(year, 1, 1)  # noqa: DTZ001 - the clock's time
        onsets = [one for near in (year - 1, year, year + 1) for one in onsets_of(rules, near)]
        self.turns = [_Turn(one.local, _seconds(one.after)) for one in onsets if one.local.year == year]
        self.start = _Turn(begin, _seconds(begin.replace(tzinfo=rules).utcoffset() or timedelta()))
        self.chosen = self._choose()

    def _choose(self) -> tuple[_Turn, ...]:
        """Give the turns of the era: two that come back to the offset they began with, or none."""
        if not self.turns:
            return ()
        candidates = [self.start, *self.turns]
        pairs = list(combinations(candidates, 2))
        if len(self.turns) == 2 and self.turns[1].offset == self.start.offset:
            pairs = [(self.turns[0], self.turns[1])]
        return min([*pairs, (self.turns[0],)], key=self._mistake)

    def _mistake(self, chosen: tuple[_Turn, ...]) -> timedelta:
        """Give how long in the year the clock would be wrong."""
        locals_ = [turn.local for turn in self.turns]
        bounds = sorted({self.start.local, *locals_, datetime(self.year + 1, 1, 1)})  # noqa: DTZ001 - the clock's
        states = [self.start, *self.turns]
        wrong = timedelta()
        for low, high in pairwise(bounds):
            right = states[bisect_right(locals_, low)].offset
            before = [turn for turn in chosen if turn.local <= low]
            if (before or list(chosen))[-1].offset != right:
                wrong += high - low
        return wrong

    @property
    def offset(self) -> int:
        """The offset of standard time: the lesser one, as Windows has it."""
        return min((turn.offset for turn in self.chosen), default=self.start.offset)


def _seconds(offset: timedelta) -> int:
    return int(offset.total_seconds())


def _longest(years: Sequence[_Year], begin: int) -> tuple[ZoneEra, int]:
    """Give the era that begins with a year and lasts longest, and where the next begins."""
    first = years[begin]
    since = date(first.year, 1, 1)
    end = begin + 1
    if not first.chosen:
        while end < len(years) and not years[end].chosen and years[end].start.offset == first.start.offset:
            end += 1
        return ZoneEra(first.start.offset, since=since), end
    places = [_places(turn.local) for turn in first.chosen]
    while end < len(years):
        same = years[end].chosen
        if [turn.offset for turn in same] != [turn.offset for turn in first.chosen]:
            break
        now = [place & _places(turn.local) for place, turn in zip(places, same, strict=True)]
        if not all(now):
            break
        places = now
        end += 1
    changes = (_change(turn, min(place), first.offset) for turn, place in zip(first.chosen, places, strict=True))
    return ZoneEra(first.offset, tuple(changes), since), end


_Place = tuple[int, int, int, int]
"""Position (the last before a counted one), weekday, month, seconds after midnight."""


def _places(local: datetime) -> frozenset[_Place]:
    """Give the rules by which a change comes at this time; what comes at midnight comes at the end of the day, too."""
    found = {_place_of(local.date(), local.hour * 3600 + local.minute * 60 + local.second)}
    if local.time() == time() and (local - timedelta(days=1)).year == local.year:
        found |= {_place_of((local - timedelta(days=1)).date(), _DAY_SECONDS)}
    last = {
        (-1, weekday, month, seconds)
        for position, weekday, month, seconds in found
        for day in [local.date() if seconds < _DAY_SECONDS else (local - timedelta(days=1)).date()]
        if day.day + 7 > monthrange(day.year, day.month)[1]
    }
    return frozenset({one for one in found if one[0] < 5} | last)


def _place_of(day: date, seconds: int) -> _Place:
    return (day.day - 1) // 7 + 1, day.weekday(), day.month, seconds


def _change(turn: _Turn, place: _Place, standard: int) -> ClockChange:
    position, weekday, month, seconds = place
    return ClockChange(month, seconds, turn.offset, turn.offset > standard, weekday, position)
