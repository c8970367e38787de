"""The nouns of a series: the six patterns that Exchange has, and how long they go on. Nothing here acts.

Named as EWS and Microsoft Graph name them.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Day(StrEnum):
    """DayOfWeekType of EWS: a day of the week, or one of three kinds of day."""

    SUNDAY = "Sunday"
    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    DAY = "Day"
    WEEKDAY = "Weekday"
    WEEKEND_DAY = "WeekendDay"


class Position(StrEnum):
    """DayOfWeekIndexType of EWS."""

    FIRST = "First"
    SECOND = "Second"
    THIRD = "Third"
    FOURTH = "Fourth"
    LAST = "Last"


@dataclass(frozen=True, slots=True)
class Daily:
    """Every ``interval`` days, 1 to 999."""

    interval: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of every ``interval``-th week, 1 to 99. Weeks begin on ``first_day``; ``days`` are in that order."""

    interval: int
    days: tuple[Day, ...]
    first_day: Day = Day.SUNDAY


@dataclass(frozen=True, slots=True)
class AbsoluteMonthly:
    """On a day of every ``interval``-th month, 1 to 99; where the month is too short, on its last day."""

    interval: int
    day: int


@dataclass(frozen=True, slots=True)
class RelativeMonthly:
    """On the ``position``-th ``day`` of every ``interval``-th month, 1 to 99."""

    interval: int
    day: Day
    position: Position


@dataclass(frozen=True, slots=True)
class AbsoluteYearly:
    """On a day of a month (1 to 12) every year; where the month is too short, on its last day."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class RelativeYearly:
    """On the ``position``-th ``day`` of a month (1 to 12) every year."""

    month: int
    day: Day
    position: Position


Pattern = Daily | Weekly | AbsoluteMonthly | RelativeMonthly | AbsoluteYearly | RelativeYearly
"""The six patterns Exchange has."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A pattern and its range, in dates of the item's start zone.

    It begins on ``start``; it ends with the last occurrence on or before ``end``, or after ``count`` occurrences
    (deleted ones counted), or never when both are None.
    """

    pattern: Pattern
    start: date
    end: date | None = None
    count: int | None = None
