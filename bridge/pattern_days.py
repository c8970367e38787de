"""The days of Exchange's six patterns, by number and by date: the n-th is computed, none is walked to."""

import calendar
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Pattern,
    Position,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)

_WEEK = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY)
WEEKDAYS: dict[Day, frozenset[int]] = {
    **{day: frozenset({number}) for number, day in enumerate(_WEEK)},
    Day.DAY: frozenset(range(7)),
    Day.WEEKDAY: frozenset(range(5)),
    Day.WEEKEND_DAY: frozenset({5, 6}),
}
"""The days of the week that each kind of day is, Monday being 0."""


class Steps(Protocol):
    """The days of a pattern, numbered from 1."""

    def day(self, number: int) -> date:
        """Give the number-th day."""

    def number_from(self, day: date) -> int:
        """Give the number of the first of its days on or after this one."""


@lru_cache(maxsize=8192)
def steps(recurrence: Recurrence) -> Steps:
    """Give the days of a recurrence, its end and count left aside.

    Where ``recurrence.start`` is no day of the pattern, the first one after it begins the count.
    """
    pattern, start = recurrence.pattern, recurrence.start
    if isinstance(pattern, Daily):
        return _Days(start, pattern.interval)
    if isinstance(pattern, Weekly):
        return _weeks(pattern, start)
    month = start.year * 12 + start.month - 1
    interval = 12
    if isinstance(pattern, AbsoluteYearly | RelativeYearly):
        month = start.year * 12 + pattern.month - 1
    else:
        interval = pattern.interval
    return _Months(month if _in_month(pattern, month) >= start else month + interval, interval, pattern)


@dataclass(frozen=True, slots=True)
class _Days:
    first: date
    interval: int

    def day(self, number: int) -> date:
        return self.first + timedelta(days=(number - 1) * self.interval)

    def number_from(self, day: date) -> int:
        return max(1, 1 - (self.first - day).days // self.interval)


@dataclass(frozen=True, slots=True)
class _Weeks:
    """``monday`` begins the first week, ``offsets`` are the days of a week counted from it.

    ``skipped`` of them lie before the series' start.
    """

    monday: date
    interval: int
    offsets: tuple[int, ...]
    skipped: int

    def day(self, number: int) -> date:
        week, place = divmod(number - 1 + self.skipped, len(self.offsets))
        return self.monday + timedelta(days=7 * self.interval * week + self.offsets[place])

    def number_from(self, day: date) -> int:
        week, rest = divmod((day - self.monday).days, 7 * self.interval)
        return max(1, week * len(self.offsets) + bisect_left(self.offsets, rest) - self.skipped + 1)


def _weeks(pattern: Weekly, start: date) -> _Weeks:
    begins = _WEEK.index(pattern.first_day)
    into = (start.weekday() - begins) % 7
    offsets = sorted({(number - begins) % 7 for day in pattern.days for number in WEEKDAYS[day]})
    return _Weeks(start - timedelta(days=into), pattern.interval, tuple(offsets), bisect_left(offsets, into))


@dataclass(frozen=True, slots=True)
class _Months:
    """Months are counted from the year 0."""

    first: int
    interval: int
    pattern: Pattern

    def day(self, number: int) -> date:
        return _in_month(self.pattern, self.first + (number - 1) * self.interval)

    def number_from(self, day: date) -> int:
        number = max(1, 1 - (self.first - (day.year * 12 + day.month - 1)) // self.interval)
        return number if self.day(number) >= day else number + 1


_PLACES = {Position.FIRST: 0, Position.SECOND: 1, Position.THIRD: 2, Position.FOURTH: 3, Position.LAST: -1}


def _in_month(pattern: Pattern, month: int) -> date:
    """Give a pattern's day in a month; a short month's last day stands for the days it lacks."""
    year, number = divmod(month, 12)
    first, length = calendar.monthrange(year, number + 1)
    if isinstance(pattern, AbsoluteMonthly | AbsoluteYearly):
        return date(year, number + 1, min(pattern.day, length))
    assert isinstance(pattern, RelativeMonthly | RelativeYearly)  # noqa: S101 - tells mypy what `steps` has sorted out
    kinds = WEEKDAYS[pattern.day]
    found = [day for day in range(1, length + 1) if (first + day - 1) % 7 in kinds]
    return date(year, number + 1, found[_PLACES[pattern.position]])
