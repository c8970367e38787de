"""Series: what a master's pattern, its exceptions and its deleted occurrences come to. Nothing here is stored.

An occurrence is at its date in the series' zone, from and to the master's times of day there: its length is one of
the wall clock. Sources: MS-OXOCAL 2.2.1.44 (one occurrence a day, offsets in minutes from midnight), 3.1.4.6.2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from bridge.simulator.model import ExtendedPath, Item, Modification, Occurrence
from bridge.simulator.recurrence import Recurrence
from bridge.simulator.trouble import EwsError
from bridge.simulator.zones import Zone, utc

_DAY = timedelta(days=1)
_LOOKED_AT = 70  # consecutive occurrences whose distances are compared: every pattern shows its shortest within
Values = Mapping[str, object]


def midnight(day: date) -> datetime:
    """Give the beginning of a date, in local time."""
    return datetime.combine(day, time())


def zone_in(values: Values) -> Zone:
    """Give the zone that the dates of an item are of."""
    found = values.get("StartTimeZone")
    return found if isinstance(found, Zone) else utc()


def recurrence_in(values: Values) -> Recurrence | None:
    """Give the recurrence among an item's values."""
    found = values.get("Recurrence")
    return found if isinstance(found, Recurrence) else None


@dataclass(frozen=True)
class Series:
    """A master with its arithmetic; `begins` and `ends` are counted from the midnight of an occurrence's date."""

    master: Item
    recurrence: Recurrence
    zone: Zone
    begins: timedelta
    ends: timedelta

    def span(self, day: date) -> tuple[datetime, datetime]:
        """Give where the pattern has the occurrence of a date (UTC)."""
        local = midnight(day)
        start = self.zone.to_utc(local + self.begins)
        return start, max(start, self.zone.to_utc(local + self.ends))  # the rule `skipped_past_end`

    def place(self, day: date) -> tuple[datetime, datetime]:
        """Give where the occurrence of a date is, moved or not (UTC)."""
        changed = self.master.exceptions.get(day)
        if changed is None:
            return self.span(day)
        start, end = changed.values["Start"], changed.values["End"]
        if not isinstance(start, datetime) or not isinstance(end, datetime):
            raise TypeError("an exception has no times")
        return start, end

    def plain(self, day: date) -> Item:
        """Give the occurrence of a date as it would be without an exception."""
        start, end = self.span(day)
        values = {name: value for name, value in self.master.values.items() if name != "Recurrence"}
        values |= {"Start": start, "End": end}
        part = Occurrence(day, start)
        return replace(self.master, values=values, exceptions={}, deleted=frozenset(), occurrence=part)

    def item(self, day: date) -> Item:
        """Give the occurrence or exception of a date of the pattern."""
        plain = self.plain(day)
        changed = self.master.exceptions.get(day)
        if changed is None or plain.occurrence is None:
            return plain
        return replace(
            plain,
            change=max(plain.change, changed.change),
            modified=changed.modified,
            modified_by=changed.modified_by,
            values={k: v for k, v in {**plain.values, **changed.values}.items() if v is not None},
            extended={k: v for k, v in {**plain.extended, **changed.extended}.items() if v is not None},
            occurrence=replace(plain.occurrence, is_exception=True),
        )

    def holds(self, day: date) -> bool:
        """Tell whether there is an occurrence of that original date, not deleted."""
        return day not in self.master.deleted and self.recurrence.index_of(day) is not None

    def remaining(self) -> int | None:
        """Give how many occurrences there are that are not deleted, None for a series without end."""
        total = self.recurrence.total
        return None if total is None else total - len(self.master.deleted)

    def in_window(self, start: datetime, end: datetime) -> Iterator[Item]:
        """Give the occurrences that overlap a window of UTC instants, by original date."""
        first = self.zone.to_local(start).date() - self.ends - _DAY
        last = self.zone.to_local(end).date() + _DAY
        days = set(self.recurrence.between(first, last)) - self.master.deleted
        for day in sorted(days | set(self.master.exceptions)):
            if overlaps(*self.place(day), start, end):
                yield self.item(day)

    def next_after(self, moment: datetime) -> date | None:
        """Give the date of the first occurrence that begins at or after an instant, None when all have passed."""
        index = self.recurrence.index_from(self.zone.to_local(moment).date() - _DAY)
        while (day := self.recurrence.day(index)) is not None:
            if day not in self.master.deleted and self.place(day)[0] >= moment:
                return day
            index += 1
        return None

    def first(self) -> date | None:
        """Give the date of the first occurrence that is not deleted."""
        return self._undeleted(1, 1)

    def last(self) -> date | None:
        """Give the date of the last occurrence that is not deleted, None for a series without end."""
        total = self.recurrence.total
        return None if total is None else self._undeleted(total, -1)

    def _undeleted(self, index: int, step: int) -> date | None:
        while (day := self.recurrence.day(index)) in self.master.deleted:
            index += step
        return day

    def numbered(self, index: int, *, skip_deleted: bool) -> date | None:
        """Give the date of an InstanceIndex, None beyond the range; `skip_deleted` counts what is left only."""
        if not skip_deleted:
            return self.recurrence.day(index)
        gone = sorted(filter(None, (self.recurrence.index_of(day) for day in self.master.deleted)))
        for number in gone:
            if number <= index:
                index += 1
        return self.recurrence.day(index)


def series_of(item: Item) -> Series:
    """Give the series of a master. Raises TypeError for any other item."""
    recurrence = recurrence_in(item.values)
    if recurrence is None:
        raise TypeError("not the master of a series")
    zone = zone_in(item.values)
    begins, ends = zone.to_local(item.start), zone.to_local(item.end)
    start = midnight(begins.date())
    return Series(item, recurrence, zone, begins - start, ends - start)


def overlaps(begins: datetime, ends: datetime, start: datetime, end: datetime) -> bool:
    """Tell whether something from `begins` to `ends` is in a window; what has no length is where it begins."""
    if begins == ends:
        return start <= begins < end
    return begins < end and ends > start


def arranged(values: Values, *, written: bool) -> dict[str, object]:
    """Give the values of a master with its times moved onto the first occurrence of its pattern.

    `written`: the client gave the recurrence, whose StartDate counts; else the series begins where Start is. Raises
    ErrorRecurrenceHasNoOccurrence and ErrorOccurrenceTimeSpanTooBig.
    """
    kept, recurrence, zone = dict(values), recurrence_in(values), zone_in(values)
    start, end = kept.get("Start"), kept.get("End")
    if recurrence is None or not isinstance(start, datetime) or not isinstance(end, datetime):
        return kept
    # [D] Create a recurring series: what was sent with seconds comes back without
    begins, ends = (zone.to_local(moment).replace(second=0, microsecond=0) for moment in (start, end))
    if not written:
        recurrence = replace(recurrence, start=begins.date())
    first = recurrence.day(1)
    if first is None:
        raise _no_occurrence(recurrence)
    shift = midnight(first) - midnight(begins.date())
    kept |= {"Start": zone.to_utc(begins + shift), "End": zone.to_utc(ends + shift)}
    kept["Recurrence"] = recurrence = replace(recurrence, start=first)  # MS-OXOCAL 2.2.1.44.1, StartDate
    if ends - begins > _DAY and ends - begins > _shortest(recurrence):
        raise EwsError("ErrorOccurrenceTimeSpanTooBig")
    return kept


def _no_occurrence(recurrence: Recurrence) -> EwsError:
    # [C] the EWS Managed API reads these two beside the error
    told = {"EffectiveStartDate": f"{recurrence.start}T00:00:00", "EffectiveEndDate": f"{recurrence.end}T00:00:00"}
    return EwsError("ErrorRecurrenceHasNoOccurrence", values=told)


def _shortest(recurrence: Recurrence) -> timedelta:
    days = [day for day in map(recurrence.day, range(1, _LOOKED_AT + 1)) if day is not None]
    gaps = [later - earlier for earlier, later in pairwise(days)]
    return min(gaps, default=timedelta.max)


def check_place(series: Series, day: date, start: datetime, end: datetime, *, deleted_bound: bool) -> None:
    """Refuse a place for an occurrence that is not between its neighbours.

    Raises ErrorOccurrenceCrossingBoundary for one on or past a neighbour's day, ErrorOccurrenceTimeSpanTooBig for one
    that overlaps a neighbour; `deleted_bound`: deleted neighbours count too.
    """
    local = series.zone.to_local
    for step in (-1, 1):
        neighbour = _neighbour(series, day, step, deleted_bound=deleted_bound)
        if neighbour is None:
            continue
        begins, ends = series.place(neighbour)
        mine, theirs = local(start).date(), local(begins).date()
        if (mine <= theirs) if step < 0 else (mine >= theirs):
            raise EwsError("ErrorOccurrenceCrossingBoundary")
        if (start < ends) if step < 0 else (end > begins):
            raise EwsError("ErrorOccurrenceTimeSpanTooBig")


def _neighbour(series: Series, day: date, step: int, *, deleted_bound: bool) -> date | None:
    index = series.recurrence.index_of(day)
    if index is None:
        return None
    found = series.recurrence.day(index + step)
    while found in series.master.deleted and not deleted_bound:
        index += step
        found = series.recurrence.day(index + step)
    return found


def with_exception(series: Series, after: Item, change: int) -> Item:
    """Give the master with an occurrence as it now is; what it has in common with the master is the master's."""
    if after.occurrence is None:
        raise TypeError("not an occurrence")
    plain = series.plain(after.occurrence.day)
    values: dict[str, object] = {name: None for name in plain.values if name not in after.values}
    values |= {name: value for name, value in after.values.items() if plain.values.get(name) != value}
    extended: dict[ExtendedPath, tuple[str, ...] | None] = {p: None for p in plain.extended if p not in after.extended}
    extended |= {path: told for path, told in after.extended.items() if plain.extended.get(path) != told}
    values |= {"Start": after.start, "End": after.end}
    changed = Modification(values, extended, after.modified, after.modified_by, change)
    return replace(series.master, exceptions={**series.master.exceptions, after.occurrence.day: changed})


def without(series: Series, day: date) -> Item:
    """Give the master with the occurrence of a date deleted."""
    exceptions = {other: changed for other, changed in series.master.exceptions.items() if other != day}
    return replace(series.master, exceptions=exceptions, deleted=series.master.deleted | {day})
