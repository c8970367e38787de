"""The one expansion: Exchange's six patterns, by arithmetic from the window's start, exceptions and deletions applied.

Nothing here walks from a series' beginning: the n-th day of a pattern, and the number of a day in it, are computed.

Times are the clock's: an occurrence begins and ends when the clock of the start zone shows what it showed at the first
one, as Exchange counts both in minutes from midnight (MS-OXOCAL 2.2.1.44.5, StartTimeOffset, EndTimeOffset). RFC 5545
3.3.10 has the exact duration where DTEND is given, which differs only for what lasts through a change of the clock;
libraries that expand rules do as Exchange does.
Where the clock skips a time, the offset before the gap is taken, so that 02:30 is shown as 03:30. RFC 5545 3.3.5 says
the same of a time that somebody writes; occurrences that a rule gives at a time the clock skips it leaves out (3.3.10),
which Exchange does not, nor do those libraries. Where the clock shows a time twice, the second is taken, as Exchange
does (`bridge.zones.to_instant`), and not as the RFC does, which takes the first.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from bridge.item import BusyStatus, Zone
from bridge.pattern_days import steps
from bridge.recurrence import (
    Recurrence,
)
from bridge.resource import IndexRecord
from bridge.zone_rules import LAST_TOLD_YEAR, differences
from bridge.zones import load_zone, to_instant, to_rules

_DAY = timedelta(days=1)
_NEAR = timedelta(hours=12)
_EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)
_LAST_YEAR = 4500
"""The years Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of anything, UTC; ``original_start`` is where the pattern has it."""

    start: datetime
    end: datetime
    original_start: datetime
    busy_status: BusyStatus
    is_exception: bool


def occurrences(index: IndexRecord, start: datetime, end: datetime) -> Iterator[Occurrence]:
    """Give the occurrences of anything that overlap ``start`` to ``end`` (UTC, end exclusive), in order of start.

    Overlap is that of RFC 4791 9.9; what takes no time overlaps when it begins in the window, its first instant
    included. Of an open-ended series there is no last; they are computed one by one.
    """
    moved = [Occurrence(one.start, one.end, one.original_start, one.busy_status, True) for one in index.exceptions]  # noqa: FBT003 - a field
    for one in heapq.merge(_regular(index, start), sorted(moved, key=_order), key=_order):
        if one.start >= end:
            return
        if one.end > start or one.start == one.end == start:
            yield one


def last_end(index: IndexRecord) -> datetime | None:
    """Give when the last occurrence ends, None for an open-ended series; ``index.start`` where all are deleted."""
    ends = [one.end for one in index.exceptions]
    series = series_of(index)
    if series is not None:
        if series.size is None:
            return None
        gone = _gone(index)
        starts = (series.at(number) for number in range(series.size, 0, -1))
        last = next((start for start in starts if start not in gone), None)
        ends += [] if last is None else [series.end(last, index.end)]
    elif index.has_master:
        ends.append(index.end)
    return max(ends, default=index.start)


@dataclass(frozen=True, slots=True)
class Series:
    """A recurrence whose first occurrence begins at ``start`` (UTC), by the clock of ``zone``."""

    recurrence: Recurrence
    start: datetime
    zone: tzinfo
    is_all_day: bool = False

    @property
    def size(self) -> int | None:
        """How many occurrences the pattern has, None for an open-ended one."""
        limits = [] if self.recurrence.count is None else [self.recurrence.count]
        if self.recurrence.end is not None:
            limits.append(self.count_until(self.recurrence.end))
        return min(limits, default=None)

    @property
    def time(self) -> time:
        """What the clock shows at every start."""
        return time() if self.is_all_day else self.start.astimezone(self.zone).time().replace(fold=0)

    def day(self, number: int) -> date:
        """Give the day of the number-th occurrence."""
        return steps(self.recurrence).day(number)

    def count_until(self, day: date) -> int:
        """Give how many days of the pattern there are up to and with this one, whatever its end."""
        return steps(self.recurrence).number_from(day + _DAY) - 1

    def number_on(self, day: date) -> int | None:
        """Give the number of the occurrence on this day of the zone, None where there is none."""
        number = self.count_until(day)
        is_there = number and (self.size is None or number <= self.size) and self.day(number) == day
        return number if is_there else None

    def clock(self, number: int) -> datetime:
        """Give what the clock shows at the start of the number-th occurrence, or should if it skips that time."""
        return datetime.combine(self.day(number), self.time)

    def at(self, number: int) -> datetime:
        """Give the start of the number-th occurrence (UTC)."""
        return self._instant(self.day(number))

    def starts(self, after: datetime) -> Iterator[tuple[int, datetime]]:
        """Give number and start (UTC) of each, from the first at or after ``after``."""
        if after.year > _LAST_YEAR:
            return
        size = self.size
        local = max(after, _EARLIEST).astimezone(self.zone).date()
        # From the day before: what the clock skips just before midnight is moved behind it.
        number = steps(self.recurrence).number_from(local - _DAY)
        while size is None or number <= size:
            day = self.day(number)
            if day.year > _LAST_YEAR:
                return
            start = self._instant(day)
            if start >= after:
                yield number, start
            number += 1

    def find(self, moment: datetime) -> int | None:
        """Give the number of the occurrence that begins nearest to a moment, None when none does within half a day."""
        if not moment > _EARLIEST or moment.year > _LAST_YEAR:
            return None
        first = steps(self.recurrence).number_from(moment.astimezone(self.zone).date() - _DAY)
        size = self.size
        numbers = [number for number in range(first, first + 3) if size is None or number <= size]
        nearest = min(numbers, key=lambda number: abs(self.at(number) - moment), default=None)
        return nearest if nearest is not None and abs(self.at(nearest) - moment) <= _NEAR else None

    def end(self, start: datetime, first_end: datetime) -> datetime:
        """Give the end of the occurrence that begins at ``start``, where the first one ends at ``first_end`` (UTC)."""
        if start == self.start:
            return first_end
        first = self._nearest_day(self.start)
        if self.is_all_day:
            last = self._nearest_day(first_end)
            return to_instant(datetime.combine(self._nearest_day(start) + (last - first), time()), self.zone)
        past_midnight = self._local(first_end) - datetime.combine(first, time())
        local = datetime.combine(self._nearest_day(start), time()) + past_midnight
        return max(start, to_instant(local, self.zone))

    def _instant(self, day: date) -> datetime:
        if not self.is_all_day and day == self.start.astimezone(self.zone).date():
            return self.start  # as Exchange tells it, also where it is the first of a time that comes twice
        return to_instant(datetime.combine(day, self.time), self.zone)

    def _nearest_day(self, moment: datetime) -> date:
        """Give the day at whose beginning, or time of the series, a moment is: the clock may have skipped that time."""
        begins = datetime.combine(date.min, self.time) - datetime.min  # noqa: DTZ901 - a length, not a time
        return (self._local(moment) - begins + _NEAR).date()

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)


def is_expanded_alike(series: Series, other: tzinfo, last_year: int, first_end: datetime | None = None) -> bool:
    """Say whether a series has its occurrences at the same moments by other rules, up to a year or its end.

    ``first_end`` is when the first occurrence ends (UTC); where it is given, ends are held against each other, too.
    """
    mirrored = Series(series.recurrence, series.start, other, series.is_all_day)
    if series.time != mirrored.time:
        return False
    own_last = series.at(series.size).year if series.size else last_year
    years = range(series.start.year, min(own_last, max(last_year, series.start.year + 1)) + 1)
    longest = _DAY + (first_end - series.start if first_end else timedelta())
    for low, high in (span for year in years for span in differences(series.zone, other, year)):
        for number, start in series.starts(low - longest):
            if start >= high + _DAY:
                break
            if mirrored.at(number) != start:
                return False
            if first_end and mirrored.end(start, first_end) != series.end(start, first_end):
                return False
    return True


def series_of(index: IndexRecord) -> Series | None:
    """Give the series that an index record tells of, None for anything else."""
    if index.recurrence is None or not index.has_master:
        return None
    zone = zone_of(index.zone, index.start, index.recurrence, is_all_day=index.is_all_day)
    return Series(index.recurrence, index.start, zone, index.is_all_day)


@lru_cache(maxsize=2048)
def zone_of(zone: Zone, start: datetime, recurrence: Recurrence, *, is_all_day: bool = False) -> ZoneInfo:
    """Give the rules by which a series is expanded: those that the item brings along, as Exchange does.

    Of a Windows id they are the tz database's where these have every occurrence at the same moments, until 2037 where
    there is no end. A zone that is not known becomes the fixed offset of fewest hours that has ``start`` on the
    recurrence's first day, at midnight where the days are whole; changes of its clock are not known then.
    """
    known, named = to_rules(zone), to_rules(Zone(zone.id))
    if known and named and known is not named and not is_all_day:
        return named if is_expanded_alike(Series(recurrence, start, named), known, LAST_TOLD_YEAR) else known
    if known:
        return known
    first = datetime.combine(recurrence.start, time(), UTC)
    shifts = sorted(range(-12, 15), key=abs)
    fits = [hours for hours in shifts if first <= start + timedelta(hours=hours) < first + _DAY]
    if is_all_day:
        fits = [hours for hours in fits if start + timedelta(hours=hours) == first] or fits
    hours = fits[0] if fits else 0
    return load_zone(f"Etc/GMT{-hours:+d}" if hours else "Etc/UTC")  # POSIX counts the other way round


def _regular(index: IndexRecord, start: datetime) -> Iterator[Occurrence]:
    """Give what stands where the pattern has it, from some moments before ``start`` on."""
    series = series_of(index)
    if series is None:
        if index.has_master:
            yield Occurrence(index.start, index.end, index.start, index.busy_status, False)  # noqa: FBT003 - a field
        return
    # By the clock an occurrence may last longer than the first: a clock has been put forward by a day.
    longest = index.end - index.start + (2 * _DAY if index.is_all_day else _DAY)
    gone = _gone(index)
    for _, begin in series.starts(max(start, _EARLIEST + longest) - longest):
        if begin not in gone:
            yield Occurrence(begin, series.end(begin, index.end), begin, index.busy_status, False)  # noqa: FBT003 - a field


def _gone(index: IndexRecord) -> frozenset[datetime]:
    return frozenset(index.deleted) | {one.original_start for one in index.exceptions}


def _order(occurrence: Occurrence) -> tuple[datetime, datetime]:
    return occurrence.start, occurrence.original_start
