"""The occurrence index: what takes place when, month by month, made when first asked and kept up entry by entry.

Single events are sorted into months at once; series are expanded for a month when that month is first asked for. When a
calendar has a new revision, the resources that differ are taken out and put in again; the rest stays as it is.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

from cachetools import LRUCache

from bridge.freebusy.blocks import merge
from bridge.freebusy.months import first_instant, months_between
from bridge.item import BusyStatus
from bridge.model import Block, CalendarRef, Name
from bridge.occurrences import Occurrence, occurrences
from bridge.resource import IndexRecord, Listed, Snapshot

MONTHS_HELD = 48
"""Months of one calendar that are held. Spans over more are computed without them."""
_FIRST, _LAST = datetime(1601, 1, 1, tzinfo=UTC), datetime(4501, 1, 1, tzinfo=UTC)
"""The years that Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""

_Entries = dict[Name, tuple[Occurrence, ...]]


class OccurrenceIndex:
    """The occurrences of the calendars of one process, those least recently asked for going first. Thread-safe."""

    def __init__(self, resources: int = 400_000) -> None:
        """Take how many resources may be held over all calendars; each costs about half a kilobyte."""
        self._limit = resources
        self._calendars: LRUCache[CalendarRef, _Calendar] = LRUCache(resources, getsizeof=lambda each: each.size)
        self._lock = threading.Lock()

    def at(self, snapshot: Snapshot) -> "CalendarOccurrences":
        """Give the occurrences of a calendar at the revision of a snapshot."""
        return CalendarOccurrences(self._calendar(snapshot.ref, len(snapshot.resources)), snapshot)

    def _calendar(self, ref: CalendarRef, size: int) -> "_Calendar":
        with self._lock:
            held: _Calendar | None = self._calendars.get(ref)
            if held is None or held.size != size:
                self._calendars.pop(ref, None)
                held = held or _Calendar()
                held.size = size
                if size <= self._limit:
                    self._calendars[ref] = held
            return held


class CalendarOccurrences:
    """The occurrences of one calendar at one revision. None as an end of a span is open; all instants are UTC."""

    def __init__(self, calendar: "_Calendar", snapshot: Snapshot) -> None:
        """Take the calendar's months, and the snapshot they are to be those of."""
        self._calendar = calendar
        self._snapshot = snapshot

    def names(self, start: datetime | None, end: datetime | None) -> list[Name]:
        """Give the names of the resources that have an occurrence in a span."""
        if start is None or end is None or len(months_between(start, end)) > MONTHS_HELD:
            resources = self._snapshot.resources.items()
            return [name for name, each in resources if takes_place(each.index, start, end)]
        found: dict[Name, None] = {}
        with self._reading() as calendar:
            for month in months_between(start, end):
                entries = calendar.month(month)
                if start <= first_instant(month) and first_instant(month + 1) <= end:
                    found.update(dict.fromkeys(entries))
                    continue
                for name, each in entries.items():
                    if any(_overlaps(one, start, end) for one in each):
                        found[name] = None
        return list(found)

    def occurrences(self, listed: Listed, start: datetime | None, end: datetime | None) -> Iterator[Occurrence]:
        """Give a resource's occurrences in a span, in order of start; of an endless series there is no last."""
        if _is_single(listed.index):  # most are
            return (each for each in (_only(listed.index),) if _overlaps(each, start or _FIRST, end or _LAST))
        if start is not None and end is not None and self._snapshot.resources.get(listed.name) is listed:
            with self._reading() as calendar:
                held = calendar.held(listed.name, months_between(start, end))
            if held is not None:
                return (each for each in held if _overlaps(each, start, end))
        return occurrences(listed.index, start or _FIRST, end or _LAST)

    def blocks(self, month: int) -> tuple[Block, ...]:
        """Give the blocks of a month, merged by status, without free time; they may reach beyond the month."""
        with self._reading() as calendar:
            return calendar.busy(month)

    def all_are_readable(self) -> bool:
        """Say whether every item of the calendar could be read."""
        with self._reading() as calendar:
            return calendar.all_are_readable

    def _reading(self) -> AbstractContextManager["_Calendar"]:
        return self._calendar.reading(self._snapshot)


class _Calendar:
    """The months of one calendar. ``size`` is the number of its resources."""

    def __init__(self) -> None:
        self.size = 0
        self.all_are_readable = True
        self._lock = threading.Lock()
        self._resources: Mapping[Name, Listed] = {}
        self._singles: dict[int, dict[Name, None]] = {}
        self._series: dict[Name, None] = {}
        self._months: LRUCache[int, _Entries] = LRUCache(MONTHS_HELD)
        self._blocks: LRUCache[int, tuple[Block, ...]] = LRUCache(MONTHS_HELD)

    @contextmanager
    def reading(self, snapshot: Snapshot) -> Iterator["_Calendar"]:
        """Bring the months to a snapshot and hold them there."""
        with self._lock:
            if self._resources is not snapshot.resources:
                self._advance(snapshot.resources)
            yield self

    def month(self, month: int) -> _Entries:
        """Give each resource that takes place in a month, with its occurrences there."""
        entries: _Entries | None = self._months.get(month)
        if entries is None:
            entries = {}
            for name in (*self._singles.get(month, ()), *self._series):
                _enter(entries, self._resources[name], month)
            self._months[month] = entries
        return entries

    def held(self, name: Name, months: range) -> list[Occurrence] | None:
        """Give a resource's occurrences in these months, each once, where all the months were asked for before."""
        if len(months) > MONTHS_HELD or any(month not in self._months for month in months):
            return None
        if len(months) == 1:
            return list(self._months[months[0]].get(name, ()))
        found = dict.fromkeys(each for month in months for each in self._months[month].get(name, ()))
        return sorted(found, key=lambda each: (each.start, each.original_start))

    def busy(self, month: int) -> tuple[Block, ...]:
        """Give the blocks of a month."""
        blocks: tuple[Block, ...] | None = self._blocks.get(month)
        if blocks is None:
            entries = self.month(month).values()
            blocks = merge(
                Block(each.start, each.end, each.busy_status)
                for occurring in entries
                for each in occurring
                if each.end > each.start and each.busy_status is not BusyStatus.FREE
            )
            self._blocks[month] = blocks
        return blocks

    def _advance(self, resources: Mapping[Name, Listed]) -> None:
        former = self._resources
        for name, listed in former.items():
            now = resources.get(name)
            if now is None or (now is not listed and now.index != listed.index):
                self._take_out(listed)
        for name, listed in resources.items():
            before = former.get(name)
            if before is None or (before is not listed and before.index != listed.index):
                self._put_in(listed)
        self.all_are_readable = all(each.is_readable for each in resources.values())
        self._resources = resources

    def _take_out(self, listed: Listed) -> None:
        self._series.pop(listed.name, None)
        if _is_single(listed.index):
            for month in months_between(listed.index.start, listed.index.end):
                self._singles.get(month, {}).pop(listed.name, None)
        for month, entries in self._months.items():
            if entries.pop(listed.name, None) is not None:
                self._blocks.pop(month, None)

    def _put_in(self, listed: Listed) -> None:
        months = list(self._months.items())
        if _is_single(listed.index):
            touched = months_between(listed.index.start, listed.index.end)
            for month in touched:
                self._singles.setdefault(month, {})[listed.name] = None
            months = [(month, entries) for month, entries in months if month in touched]
        else:
            self._series[listed.name] = None
        for month, entries in months:
            if _enter(entries, listed, month):
                self._blocks.pop(month, None)


def takes_place(record: IndexRecord, start: datetime | None, end: datetime | None) -> bool:
    """Say whether anything of a record is in a span, each end of which may be open (RFC 4791 9.9)."""
    if _is_single(record):  # most are
        if end is not None and record.start >= end:
            return False
        return start is None or record.end > start or record.start == record.end == start
    if end is None and _is_endless(record) and (start is None or start < _LAST):
        return True
    return next(occurrences(record, start or _FIRST, end or _LAST), None) is not None


def _enter(entries: _Entries, listed: Listed, month: int) -> bool:
    found = tuple(occurrences(listed.index, first_instant(month), first_instant(month + 1)))
    if found:
        entries[listed.name] = found
    return bool(found)


def _is_single(record: IndexRecord) -> bool:
    return record.recurrence is None and record.has_master and not record.exceptions


def _only(record: IndexRecord) -> Occurrence:
    """Give the one occurrence of a single event."""
    return Occurrence(record.start, record.end, record.start, record.busy_status, is_exception=False)


def _is_endless(record: IndexRecord) -> bool:
    series = record.recurrence
    return series is not None and record.has_master and series.end is None and series.count is None


def _overlaps(each: Occurrence, start: datetime, end: datetime) -> bool:
    return each.start < end and (each.end > start or each.start == each.end == start)
