"""VTIMEZONE (RFC 5545 3.6.5): written from a zone's rules for the years of an event, and read where it must be.

A written one begins with the rules in effect for the event, no earlier: clients expand each rule from its DTSTART on.
"""

import calendar
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import cast

from icalendar import Timezone

from bridge.mapping.component import Component
from bridge.mapping.values import write_date_time
from bridge.zone_rules import Onset, onsets_of

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = timedelta(days=1)
_REGULAR_YEARS = 4
_HORIZON = 2100
"""Past what the tz database tells of zones without rules (Morocco's Ramadan, until 2087)."""
_DAY_AND_TIME = frozenset({"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND"})
_RULE_PARTS = _DAY_AND_TIME | {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
_MOST_RULES = 100
_ESSENTIAL = frozenset({"TZID", "DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE"})
_OBSERVANCES = frozenset({"STANDARD", "DAYLIGHT"})
_LONGEST = 64 * 1024
"""Characters of a VTIMEZONE; the whole history of a zone takes a tenth."""


def write_vtimezone(tzid: str, rules: tzinfo, first: datetime, last_year: int | None) -> tuple[str, ...]:
    """Give the unfolded lines of a VTIMEZONE for a zone of these rules, good from a moment (UTC) to the end of a year.

    ``last_year`` is None for what has no end: rules then go on for ever, and zones whose clock follows no rule are told
    as far as the tz database tells them.
    """
    near = (onset for year in (first.year - 1, first.year) for onset in onsets_of(rules, year))
    since = max((onset.instant for onset in near if onset.instant <= first), default=None)
    return _write(tzid, rules, since, first.year, last_year)


@lru_cache(maxsize=2048)
def _write(tzid: str, rules: tzinfo, since: datetime | None, first: int, last_year: int | None) -> tuple[str, ...]:
    """Write the onsets from ``since`` on; where the clock has not changed for a year, what it shows in the first."""
    last = max(_HORIZON, first) if last_year is None else last_year
    years = range(first - 1, max(last + 2, first + _REGULAR_YEARS))
    onsets = [onset for year in years for onset in onsets_of(rules, year)]
    begin, regular = _regular(onsets, years)
    before = begin if regular else last + 2
    lines = ["BEGIN:VTIMEZONE", f"TZID:{tzid}"]
    if since is None:
        lines += _fixed(rules, first)
    told = [onset for onset in onsets if since is None or onset.instant >= since]
    for group in _grouped(onset for onset in told if onset.local.year < before):
        lines += _observance(group[0], [f"RDATE:{write_date_time(onset.local)}" for onset in group[1:]])
    for rule, kind in regular:
        lines += _observance(next(one for one in told if one.kind == kind and one.local.year >= begin), [rule])
    return (*lines, "END:VTIMEZONE")


def read_vtimezone(component: Component) -> tzinfo:
    """Give the rules of a client's VTIMEZONE. Raises ValueError where they cannot be read.

    Rules are expanded from their DTSTART on, be that in 1601; what no author of zones writes, but would take long, is
    not read.
    """
    rules = [line.value for observance in component.children for line in observance.all("RRULE")]
    text = "\r\n".join(_essence(component))
    if len(text) > _LONGEST or len(rules) > _MOST_RULES or not all(map(_is_once_a_year, rules)):
        raise ValueError
    return _read(text)


def _essence(component: Component) -> Iterator[str]:
    """Give the lines of a VTIMEZONE that say when the clock changes, without parameters and what else stands there."""
    yield f"BEGIN:{component.name}"
    for line in component.lines:
        if line.name == "RDATE":
            yield "RDATE:" + ",".join(_begin(one) for one in line.value.split(","))
        elif line.name in _ESSENTIAL:
            yield f"{line.name}:{line.value}"
    for child in component.children:
        if child.name in _OBSERVANCES:
            yield from _essence(child)
    yield f"END:{component.name}"


def _begin(value: str) -> str:
    """Give when a date, a time or a period begins, as a time."""
    start = value.partition("/")[0].strip()
    return start if "T" in start.upper() else f"{start}T000000"


def _is_once_a_year(rule: str) -> bool:
    """Whether a rule gives about one day a year; a list of days of the month stands for one of them with BYDAY."""
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    listed = {name for name, value in parts.items() if "," in value}
    return (
        parts.get("FREQ") == "YEARLY"
        and parts.keys() <= _RULE_PARTS
        and listed <= ({"BYMONTHDAY"} if "BYDAY" in parts else set())
    )


@lru_cache(maxsize=64)
def _read(text: str) -> tzinfo:
    try:
        rules = _OwnRules(cast("Timezone", Timezone.from_ical(text)).to_tz(lookup_tzid=False))
        rules.utcoffset(datetime(2000, 1, 1))  # noqa: DTZ001 - rules are asked with the clock's time
    except Exception as problem:  # the libraries below name no common error for what they cannot read
        raise ValueError from problem
    return rules


class _OwnRules(tzinfo):
    """Rules as a library reads them that is right about the clock's times, but not always about instants and gaps."""

    def __init__(self, rules: tzinfo) -> None:
        self._rules = rules

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """Give the offset at a time of the clock; where it skips that time, the one before (RFC 5545 3.3.5)."""
        if dt is None:
            return None
        local = dt.replace(tzinfo=None)
        after, before = self._offset(local), self._offset(local - _DAY)
        is_skipped = before < after and self._offset(local - (after - before)) == before
        return before if is_skipped and not local.fold else after

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Give how much of the offset is summer time."""
        return None if dt is None else self._rules.dst(dt.replace(tzinfo=None))

    def tzname(self, dt: datetime | None) -> str | None:
        """Give what the offset is called."""
        return None if dt is None else self._rules.tzname(dt.replace(tzinfo=None))

    def fromutc(self, dt: datetime) -> datetime:
        """Give what the clock shows at an instant: the one time near it that is at this offset."""
        utc = dt.replace(tzinfo=None)
        offsets = [self._offset(utc - _DAY), self._offset(utc + _DAY), self._offset(utc)]
        shown = [(utc + offset).replace(fold=fold) for offset in offsets for fold in (0, 1)]
        right = (local for local in shown if local - self._offset(local) == utc)
        return next(right, utc + offsets[-1]).replace(tzinfo=self)

    def _offset(self, local: datetime) -> timedelta:
        return self._rules.utcoffset(local) or timedelta()


_Ruled = tuple[str, tuple[object, ...]]
"""A rule, and the kind of onset that follows it."""


def _regular(onsets: Sequence[Onset], years: range) -> tuple[int, list[_Ruled]]:
    """Give the year from which on the clock follows two rules, and these; none where it does not in the end."""
    if always := _yearly(onsets, years):
        return years.start, always
    found: tuple[int, list[_Ruled]] = (years.stop, [])
    for first in range(years.stop - _REGULAR_YEARS, years.start - 1, -1):
        rules = _yearly([onset for onset in onsets if onset.local.year >= first], range(first, years.stop))
        if not rules:
            break
        found = (first, rules)
    return found


def _yearly(onsets: Sequence[Onset], years: range) -> list[_Ruled] | None:
    """Give the rules that two kinds of onset follow every year, None where the zone's rules are not such."""
    groups = list(_grouped(onsets))
    if len(groups) != 2 or any([onset.local.year for onset in group] != list(years) for group in groups):
        return None
    found = [(rule, group[0].kind) for group in groups if (rule := _rule(group))]
    return found if len(found) == 2 else None


def _rule(onsets: Sequence[Onset]) -> str | None:
    """Give the RRULE of onsets on the same weekday of the same week of a month, at the same time."""
    first = onsets[0].local
    if any((one.local.month, one.local.time()) != (first.month, first.time()) for one in onsets):
        return None
    places = set.intersection(*(_places(one.local) for one in onsets))
    if not places:
        return None
    week, weekday = min(places)  # the last week before a counted one
    return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={week}{_DAYS[weekday]}"


def _places(local: datetime) -> set[tuple[int, int]]:
    places = {((local.day - 1) // 7 + 1, local.weekday())}
    if local.day + 7 > calendar.monthrange(local.year, local.month)[1]:
        places.add((-1, local.weekday()))
    return places


def _grouped(onsets: Iterable[Onset]) -> Iterable[list[Onset]]:
    groups: dict[tuple[object, ...], list[Onset]] = {}
    for onset in onsets:
        groups.setdefault(onset.kind, []).append(onset)
    return groups.values()


def _fixed(rules: tzinfo, year: int) -> Iterator[str]:
    """Write the observance in effect when the year begins (UTC, as the search for changes does)."""
    start = datetime(year, 1, 1, tzinfo=UTC).astimezone(rules)
    offset = start.utcoffset() or timedelta()
    naive = start.replace(tzinfo=None)
    return iter(_observance(Onset(naive, offset, offset, start.tzname() or "", bool(start.dst())), []))


def _observance(onset: Onset, more: Sequence[str]) -> list[str]:
    kind = "DAYLIGHT" if onset.is_daylight else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{write_date_time(onset.local)}",
        f"TZOFFSETFROM:{_write_offset(onset.before)}",
        f"TZOFFSETTO:{_write_offset(onset.after)}",
        *([f"TZNAME:{onset.name}"] if onset.name else []),
        *more,
        f"END:{kind}",
    ]


def _write_offset(offset: timedelta) -> str:
    minutes, seconds = divmod(abs(int(offset.total_seconds())), 60)
    sign = "-" if offset < timedelta() else "+"
    return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{seconds:02}" if seconds else "")
