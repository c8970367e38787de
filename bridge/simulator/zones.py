"""Windows time zones: definitions as EWS carries them, and the arithmetic they imply.

Rules: [D] TimeZoneDefinition, TransitionsGroup, RecurringDayTransition; the table of zones is a real server's.
A local time that occurs twice is taken as standard time, one that never occurs is taken with the offset before
the gap ("assumed", as .NET's TimeZoneInfo does for the first).
"""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from bridge.simulator.zone_table import TABLE
from bridge.simulator.zone_table_young import AMENDED
from bridge.simulator.zone_table_young import TABLE as YOUNG

# [C] exchangelib knows it as UTC, as servers tell it
UTC_ELSEWHERE = "tzone://Microsoft/Utc"
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True)
class Period:
    """A stretch of one bias: `bias` is what is added to local time to get UTC."""

    id: str
    name: str
    bias: timedelta


@dataclass(frozen=True)
class Move:
    """A transition inside a group, every year: to period `to`, at `offset` after midnight of the day meant.

    `occurrence` -1 is the last `weekday` (0 Sunday) of `month`; without weekday `day` is meant; month 0: always.
    """

    to: str
    month: int = 0
    offset: timedelta = timedelta()
    occurrence: int = 0
    weekday: int | None = None
    day: int = 1

    def in_year(self, year: int) -> datetime:
        """Give the local time of the transition in `year`."""
        if not self.month:
            return datetime(year, 1, 1)  # noqa: DTZ001 - local time of this zone
        last = monthrange(year, self.month)[1]
        if self.weekday is None:
            return datetime(year, self.month, min(self.day, last)) + self.offset  # noqa: DTZ001
        first = (datetime(year, self.month, 1).weekday() + 1) % 7  # noqa: DTZ001
        day = 1 + (self.weekday - first) % 7
        if self.occurrence > 0:
            day += 7 * (self.occurrence - 1)
            day = day if day <= last else day - 7
        else:
            day += 7 * ((last - day) // 7)
        return datetime(year, self.month, day) + self.offset  # noqa: DTZ001


@dataclass(frozen=True)
class Change:
    """From local time `at` on (None: always) the group, or the lone period, with id `to` rules."""

    to: str
    at: datetime | None = None


@dataclass(frozen=True)
class Zone:
    """A time zone definition, with `full` told whether it came with its rules from a client."""

    id: str
    name: str
    periods: tuple[Period, ...]
    groups: tuple[tuple[str, tuple[Move, ...]], ...]
    changes: tuple[Change, ...]
    _years: dict[int, tuple[list[datetime], list[timedelta]]] = field(
        default_factory=dict, compare=False, hash=False, repr=False
    )

    def check(self) -> None:
        """Refuse a definition whose parts do not fit together with ValueError."""
        for change in self.changes:
            for move in self._moves(change.to):
                self._bias(move.to)
                move.in_year(2020)
        if not self.changes:
            raise ValueError(f"the zone {self.id} has no transitions")
        moments = [change.at for change in self.changes[1:]]
        dated = [moment for moment in moments if moment is not None]
        if self.changes[0].at is not None or dated != moments or dated != sorted(set(dated)):
            raise ValueError(f"the transitions of the zone {self.id} do not follow one another")

    def to_local(self, moment: datetime) -> datetime:
        """Give the naive local time of an instant."""
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        instants, biases = self._around(naive.year)
        return naive - biases[max(bisect_right(instants, naive) - 1, 0)]

    def offset(self, moment: datetime) -> timedelta:
        """Give what is added to UTC to get local time."""
        return self.to_local(moment) - moment.astimezone(UTC).replace(tzinfo=None)

    def to_utc(self, local: datetime) -> datetime:
        """Give the instant of a naive local time: the rules `clock_shown_twice` and `clock_never_shown`."""
        instants, biases = self._around(local.year)
        found = []
        for index in range(len(instants)):
            moment = local + biases[index]
            begins = instants[index] if index else datetime.min  # noqa: DTZ901
            if begins <= moment and (index + 1 == len(instants) or moment < instants[index + 1]):
                found.append(moment)
        if found:
            return max(found).replace(tzinfo=UTC)
        later = next(i for i in range(1, len(instants)) if local + biases[i] < instants[i])
        return (local + biases[later - 1]).replace(tzinfo=UTC)

    def _around(self, year: int) -> tuple[list[datetime], list[timedelta]]:
        if year not in self._years:
            instants: list[datetime] = []
            biases: list[timedelta] = []
            for number in (year - 1, year, year + 1):
                for local, bias in self._in_year(min(max(number, 2), 9998)):
                    if not biases or bias != biases[-1]:
                        instants.append(local + (biases[-1] if biases else bias))
                        biases.append(bias)
            self._years[year] = (instants, biases)
        return self._years[year]

    def _in_year(self, year: int) -> Iterator[tuple[datetime, timedelta]]:
        """Give (local time, bias from then on), from the year's first moment on."""
        first, last = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001
        for index, change in enumerate(self.changes):
            begins = max(change.at or first, first)
            following = self.changes[index + 1].at if index + 1 < len(self.changes) else None
            ends = min(following or last, last)
            if begins >= ends:
                continue
            moves = sorted((move.in_year(year), self._bias(move.to)) for move in self._moves(change.to))
            before = [bias for local, bias in moves if local <= begins]
            yield begins, (before or [bias for _, bias in moves])[-1]
            yield from ((local, bias) for local, bias in moves if begins < local < ends)

    def _moves(self, target: str) -> tuple[Move, ...]:
        return next((moves for group, moves in self.groups if group == target), (Move(target),))

    def _bias(self, period: str) -> timedelta:
        for known_period in self.periods:
            if known_period.id == period:
                return known_period.bias
        raise ValueError(f"the zone {self.id} has no period {period}")


def known(*, young: bool = True) -> tuple[str, ...]:
    """Give the ids of the zones a server knows, without those that came after Exchange 2010 when not `young`."""
    return tuple(_table(TABLE)) + (tuple(_table(YOUNG)) if young else ())


def named(zone_id: str, *, young: bool = True) -> Zone | None:
    """Give the zone with that Windows id, in any case; None when such a server does not know it."""
    if zone_id == UTC_ELSEWHERE:
        return utc()
    wanted = zone_id.casefold()
    tables: list[dict[str, Zone]] = [_amended(), _table(YOUNG)] if young else []
    for table in [*tables, _table(TABLE)]:
        if zone_id in table:
            return table[zone_id]
        for known_id, zone in table.items():
            if known_id.casefold() == wanted:
                return zone
    return None


def utc() -> Zone:
    """Give the zone UTC."""
    return _table(TABLE)["UTC"]


def renamed(zone: Zone) -> Zone:
    """Give a zone whose periods and groups have names of the server's making. Source: rule `zone_parts_renamed`."""
    periods = {period.id: f"trule:Microsoft/Custom/{n}-{period.name}" for n, period in enumerate(zone.periods)}
    groups = {group: str(number) for number, (group, _) in enumerate(zone.groups)}
    names = periods | groups
    return replace(
        zone,
        periods=tuple(replace(period, id=periods[period.id]) for period in zone.periods),
        groups=tuple((groups[g], tuple(replace(m, to=periods[m.to]) for m in moves)) for g, moves in zone.groups),
        changes=tuple(replace(change, to=names[change.to]) for change in zone.changes),
        _years={},
    )


def fixed(zone_id: str) -> Zone:
    """Give a zone of that id which is UTC in all but name."""
    return Zone(zone_id, zone_id, (Period("p", "Standard", timedelta()),), (("0", (Move("p"),)),), (Change("0"),))


def _paragraphs(text: str) -> list[str]:
    return re.split(r"\n(?=[^\n=]+ = )", text.strip())


@cache
def _table(text: str) -> dict[str, Zone]:
    return {zone.id: zone for zone in map(_read_paragraph, _paragraphs(text))}


@cache
def _amended() -> dict[str, Zone]:
    """Give the zones of 2010 that have changed since: the old year groups up to the change, then the new ones."""
    old = {text.partition(" = ")[0]: text.partition("\n")[2].split() for text in _paragraphs(TABLE)}
    found = {}
    for text in _paragraphs(AMENDED):
        head, _, body = text.partition("\n")
        first = int(body.partition(":")[0])
        zone_id = head.partition(" = ")[0]
        kept = [group for number, group in enumerate(old[zone_id]) if not number or int(group[:4]) < first]
        found[zone_id] = _read_paragraph("\n".join([head, " ".join(kept), body]))
    return found


def _read_paragraph(text: str) -> Zone:
    head, _, body = text.partition("\n")
    zone_id, _, name = head.partition(" = ")
    periods: list[Period] = []
    groups: list[tuple[str, tuple[Move, ...]]] = []
    changes: list[Change] = []
    for number, (label, biases, moves) in enumerate(map(_split_group, body.split())):
        prefix = f"trule:Microsoft/Registry/{zone_id}/{label}-"
        kinds = dict(zip(("Standard", "Daylight"), biases, strict=False))
        periods += [Period(prefix + kind, kind, timedelta(minutes=int(bias))) for kind, bias in kinds.items()]
        groups.append((str(number), tuple(_table_move(prefix, m) for m in moves) or (Move(prefix + "Standard"),)))
        begins = datetime(int(label), 1, 1) if number else None  # noqa: DTZ001 - local time
        changes.append(Change(str(number), begins))
    return Zone(zone_id, name, tuple(periods), tuple(groups), tuple(changes))


def _split_group(text: str) -> tuple[str, list[str], list[str]]:
    label, _, rest = text.partition(":")
    biases, _, moves = rest.partition(";")
    return label, biases.split(","), moves.split(",") if moves else []


def _table_move(prefix: str, text: str) -> Move:
    day, _, clock = text[1:].partition("@")
    month, occurrence, weekday = (int(part) for part in day.split("."))
    hours, minutes, *seconds = clock.split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds[0]) if seconds else 0)
    return Move(prefix + {"S": "Standard", "D": "Daylight"}[text[0]], month, offset, occurrence, weekday)
