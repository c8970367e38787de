"""Recurrence as Exchange has it: six patterns, three ranges, and the arithmetic from an index to a date and back.

All of it is in dates of the series' own zone; days of the week are numbers, 0 is Sunday. A pattern divides time into
periods (days, weeks, months or years, `interval` of them at a step) of which each but the first holds the same number
of occurrences, so no date is found by walking. Sources: [D] Recurrence patterns and EWS; MS-OXOCAL 2.2.1.44.1.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Protocol

# [D] responsecode, ErrorRecurrenceEndDateTooBig: no later than 4500-09-01
LAST_DAY = date(4500, 9, 1)
EVERY_DAY, WORK_DAYS, WEEKEND = frozenset(range(7)), frozenset({1, 2, 3, 4, 5}), frozenset({0, 6})
LAST = -1
_WEEK = 7


def day_of_week(day: date) -> int:
    """Give the number of a date's day of the week, 0 for Sunday."""
    return (day.weekday() + 1) % _WEEK


class Pattern(Protocol):
    """What a pattern can say of a series that begins on `start`. Periods count from 0, the one that holds `start`."""

    @property
    def size(self) -> int:
        """Give how many occurrences each period has but the first."""

    def holding(self, start: date, day: date) -> int:
        """Give the number of the period that a date falls into."""

    def dates(self, start: date, number: int) -> tuple[date, ...]:
        """Give the dates of a period, in order, those before `start` too."""


@dataclass(frozen=True)
class Daily:
    """Every `interval` days."""

    interval: int
    size: int = 1

    def holding(self, start: date, day: date) -> int:
        """Give the number of the period that a date falls into."""
        return (day - start).days // self.interval

    def dates(self, start: date, number: int) -> tuple[date, ...]:
        """Give the dates of a period."""
        return (start + timedelta(days=self.interval * number),)


@dataclass(frozen=True)
class Weekly:
    """On `days` of every `interval`-th week; weeks begin on `first_day`."""

    interval: int
    days: frozenset[int]
    first_day: int = 0

    @property
    def size(self) -> int:
        """Give how many occurrences each period has but the first."""
        return len(self.days)

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day_of_week(day) - self.first_day) % _WEEK)

    def holding(self, start: date, day: date) -> int:
        """Give the number of the period that a date falls into."""
        return (self._week(day) - self._week(start)).days // _WEEK // self.interval

    def dates(self, start: date, number: int) -> tuple[date, ...]:
        """Give the dates of a period."""
        week = self._week(start) + timedelta(days=_WEEK * self.interval * number)
        return tuple(week + timedelta(days=place) for place in sorted((d - self.first_day) % _WEEK for d in self.days))


@dataclass(frozen=True)
class DayOfMonth:
    """A day of the month by its number; in a shorter month its last day. Source: MS-OXCICAL 2.1.3.2.2.3."""

    day: int

    def within(self, year: int, month: int) -> date:
        """Give the date in a month."""
        return date(year, month, min(self.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class DayByPosition:
    """The `position`-th (1 to 4, `LAST`) of those `days` of the week in a month."""

    days: frozenset[int]
    position: int

    def within(self, year: int, month: int) -> date:
        """Give the date in a month."""
        every = (date(year, month, number) for number in range(1, monthrange(year, month)[1] + 1))
        fitting = [day for day in every if day_of_week(day) in self.days]
        return fitting[self.position - 1 if self.position > 0 else -1]


@dataclass(frozen=True)
class Monthly:
    """On one day of every `interval`-th month."""

    interval: int
    day: DayOfMonth | DayByPosition
    size: int = 1

    def holding(self, start: date, day: date) -> int:
        """Give the number of the period that a date falls into."""
        return ((day.year - start.year) * 12 + day.month - start.month) // self.interval

    def dates(self, start: date, number: int) -> tuple[date, ...]:
        """Give the dates of a period."""
        years, month = divmod(start.month - 1 + self.interval * number, 12)
        return (self.day.within(start.year + years, month + 1),)


@dataclass(frozen=True)
class Yearly:
    """On one day of a month (1 to 12), every year."""

    month: int
    day: DayOfMonth | DayByPosition
    size: int = 1

    def holding(self, start: date, day: date) -> int:
        """Give the number of the period that a date falls into."""
        return day.year - start.year

    def dates(self, start: date, number: int) -> tuple[date, ...]:
        """Give the dates of a period."""
        return (self.day.within(start.year + number, self.month),)


@dataclass(frozen=True)
class Recurrence:
    """A pattern and its range: from `start` on, until `end` or for `count` occurrences or for ever.

    Occurrences are counted from 1 in the pattern as it is, whatever has become of them.
    """

    pattern: Pattern
    start: date
    end: date | None = None
    count: int | None = None

    @cached_property
    def _head(self) -> tuple[date, ...]:
        return tuple(day for day in self.pattern.dates(self.start, 0) if day >= self.start)

    def day(self, index: int) -> date | None:
        """Give the date of an occurrence, None when there are not so many."""
        if index < 1 or (self.count is not None and index > self.count):
            return None
        if index <= len(self._head):
            found = self._head[index - 1]
        else:
            number, place = divmod(index - len(self._head) - 1, self.pattern.size)
            try:
                found = self.pattern.dates(self.start, number + 1)[place]
            except (ValueError, OverflowError):  # past the year 9999
                return None
        return found if found <= (self.end or LAST_DAY) else None

    def index_from(self, day: date) -> int:
        """Give the index of the first occurrence on or after a date, as if the range had no end."""
        if day <= self.start:
            return 1
        number = self.pattern.holding(self.start, day)
        dates = self.pattern.dates(self.start, number) if number else self._head
        before = len(self._head) + (number - 1) * self.pattern.size if number else 0
        return before + sum(found < day for found in dates) + 1

    def index_of(self, day: date) -> int | None:
        """Give the index of the occurrence on a date, None when there is none."""
        index = self.index_from(day)
        return index if self.day(index) == day else None

    def between(self, first: date, last: date) -> Iterator[date]:
        """Give the dates from `first` to `last`, both included."""
        index = self.index_from(first)
        while (day := self.day(index)) is not None and day <= last:
            yield day
            index += 1

    @property
    def total(self) -> int | None:
        """Give how many occurrences there are, None when there is no end."""
        if self.end is None:
            return self.count
        within = self.index_from(self.end + timedelta(days=1)) - 1
        return within if self.count is None else min(within, self.count)
