"""A rule's days and the six patterns (MS-OXCICAL 2.1.3.2.2 names the templates), where both say exactly the same.

Exchange moves a day that a month has not to the month's last; a rule leaves it out (RFC 5545 3.3.10), unless it says
``SKIP=BACKWARD`` (RFC 7529). So ``BYMONTHDAY=31`` becomes a pattern of *literal* days, whose moved days somebody has to
delete, and back from Exchange day 31 is ``BYMONTHDAY=-1``, day 30 ``BYMONTHDAY=28,29,30;BYSETPOS=-1``.
"""

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from bridge.mapping.rrule import DAYS, RRule
from bridge.pattern_days import WEEKDAYS
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Pattern,
    Position,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)

_ALL_MONTHS = 12
_ALWAYS_THERE = 28
_MOST_DAYS, _MOST_PERIODS = 999, 99
"""The greatest intervals of days, and of weeks and months."""
_POSITIONS = {1: Position.FIRST, 2: Position.SECOND, 3: Position.THIRD, 4: Position.FOURTH, -1: Position.LAST}
_NUMBERS = {position: number for number, position in _POSITIONS.items()}
_KINDS = {weekdays: day for day, weekdays in WEEKDAYS.items()}
_ONE_WEEK = {
    **{frozenset(range(7 * number - 6, 7 * number + 1)): number for number in (1, 2, 3, 4)},
    frozenset(range(-7, 0)): -1,
}
"""The days of a month among which each day of the week is the n-th of its name."""


@dataclass(frozen=True, slots=True)
class _Absolute:
    """A day of the month; ``is_literal``: left out where the month has no such day."""

    day: int
    is_literal: bool


@dataclass(frozen=True, slots=True)
class _Relative:
    day: Day
    position: Position


# --- to the pattern ----------------------------------------------------------------------------------


def to_pattern(rule: RRule, first: date) -> tuple[Pattern, bool]:
    """Give the pattern of a rule that begins on ``first``, and whether its days are literal (see above).

    Raises NotExpressible naming the part that no pattern holds.
    """
    if rule.frequency == "DAILY":
        return _daily(rule, first)
    if rule.frequency == "WEEKLY":
        return _weekly(rule, first)
    if rule.frequency in {"MONTHLY", "YEARLY"}:
        return _monthly(rule, first)
    raise rule.refusal(f"FREQ={rule.frequency}")


def _daily(rule: RRule, first: date) -> tuple[Pattern, bool]:
    if rule.month_days and rule.interval == 1 and not rule.positions:
        return _in_months(rule, first, 1 if _has_all_months(rule) else _even_step(rule))
    if rule.month_days or rule.positions or not _has_all_months(rule):
        raise rule.refusal("FREQ=DAILY with BYMONTH, BYMONTHDAY or BYSETPOS")
    weekdays = _plain(rule)
    if not weekdays or len(weekdays) == 7:
        return Daily(_within(rule, rule.interval, _MOST_DAYS)), False
    if rule.interval > 1:
        raise rule.refusal("FREQ=DAILY with BYDAY and INTERVAL")
    return _of_weeks(rule, weekdays), False


def _weekly(rule: RRule, first: date) -> tuple[Pattern, bool]:
    weekdays = _plain(rule) or frozenset({first.weekday()})
    if rule.month_days or not _has_all_months(rule):
        raise rule.refusal("FREQ=WEEKLY with BYMONTH or BYMONTHDAY")
    if not _names_the_only(rule, weekdays):
        raise rule.refusal("FREQ=WEEKLY with BYSETPOS")
    return _of_weeks(rule, weekdays), False


def _monthly(rule: RRule, first: date) -> tuple[Pattern, bool]:
    """Read FREQ=MONTHLY and FREQ=YEARLY: months apart, and a place in the month."""
    is_yearly = rule.frequency == "YEARLY"
    if not rule.months if is_yearly else _has_all_months(rule):  # a year's BYMONTH makes days, a month's leaves some
        if rule.days and not rule.month_days:
            return _by_day_alone(rule, first)
        if is_yearly and rule.month_days and (rule.interval > 1 or rule.positions):
            raise rule.refusal("FREQ=YEARLY with BYMONTHDAY in every month")
        step = 12 * rule.interval if is_yearly and not rule.month_days else rule.interval
    elif is_yearly and len(rule.months) == 1:
        step = 12 * rule.interval
    elif rule.interval == 1 and not (is_yearly and rule.positions):
        step = _even_step(rule)
    else:
        raise rule.refusal("BYMONTH with INTERVAL or BYSETPOS")
    return _in_months(rule, first, step)


def _by_day_alone(rule: RRule, first: date) -> tuple[Pattern, bool]:
    """Read BYDAY without BYMONTH and BYMONTHDAY: every week, or a place in the month or in the year."""
    if not rule.positions and not any(position for position, _ in rule.days):
        if rule.interval > 1:
            raise rule.refusal("BYDAY without a position, but with INTERVAL")
        return _of_weeks(rule, _plain(rule)), False
    if rule.frequency == "MONTHLY":
        return _in_months(rule, first, rule.interval)
    place = _place(rule, first)
    if not isinstance(place, _Relative) or first.month != (12 if place.position is Position.LAST else 1):
        raise rule.refusal("this BYDAY of FREQ=YEARLY without BYMONTH")
    return _in_months(rule, first, 12 * rule.interval)  # the first four of a year are January's, the last December's


def _in_months(rule: RRule, first: date, step: int) -> tuple[Pattern, bool]:
    place = _place(rule, first)
    if rule.months and first.month not in rule.months:
        raise rule.refusal("a DTSTART in a month that BYMONTH does not name")
    if isinstance(place, _Relative):
        if step == _ALL_MONTHS:
            return RelativeYearly(first.month, place.day, place.position), False
        return RelativeMonthly(_within(rule, step, _MOST_PERIODS), place.day, place.position), False
    is_literal = place.is_literal and _lacks(first.month, step, place.day)
    if is_literal and rule.skip == "FORWARD":
        raise rule.refusal("SKIP=FORWARD")
    if step == _ALL_MONTHS:
        return AbsoluteYearly(first.month, min(place.day, _longest(first.month))), is_literal
    return AbsoluteMonthly(_within(rule, step, _MOST_PERIODS), place.day), is_literal


def _place(rule: RRule, first: date) -> _Absolute | _Relative:
    if rule.days:
        return _place_by_day(rule)
    if not rule.month_days:
        if not rule.positions <= {1, -1}:
            raise rule.refusal("BYSETPOS")
        return _Absolute(first.day, _can_be_lacking(rule, first.day))
    if len(rule.month_days) == 1 and rule.positions <= {1, -1}:
        (day,) = rule.month_days
        if day < -1:
            raise rule.refusal("BYMONTHDAY before the month's last day")
        return _Absolute(31, is_literal=False) if day == -1 else _Absolute(day, _can_be_lacking(rule, day))
    least, most = min(rule.month_days), max(rule.month_days)
    if rule.positions == {1} and 0 < least <= _ALWAYS_THERE:
        return _Absolute(least, is_literal=False)
    if rule.positions == {-1} and 0 < least <= _ALWAYS_THERE and len(rule.month_days) == most - least + 1:
        return _Absolute(most, is_literal=False)
    raise rule.refusal("several days in BYMONTHDAY")


def _place_by_day(rule: RRule) -> _Relative:
    numbered = [one for one in rule.days if one[0]]
    if rule.month_days:
        number, weekdays = _ONE_WEEK.get(rule.month_days), _plain(rule)
        if number is None or len(weekdays) > 1 or not rule.positions <= {1, -1}:
            raise rule.refusal("these BYDAY and BYMONTHDAY together")
    elif numbered:
        if len(rule.days) > 1 or not rule.positions <= {1, -1}:
            raise rule.refusal("several positions in BYDAY")
        number, weekdays = numbered[0][0], frozenset({numbered[0][1]})
    else:
        if len(rule.positions) != 1:
            raise rule.refusal("BYDAY without one position in the month")
        (number,), weekdays = rule.positions, _plain(rule)
    if number not in _POSITIONS:
        raise rule.refusal("a position other than 1 to 4 and the last")
    if weekdays not in _KINDS:
        raise rule.refusal("BYSETPOS among these days of the week")
    return _Relative(_KINDS[weekdays], _POSITIONS[number])


def _plain(rule: RRule) -> frozenset[int]:
    if any(position for position, _ in rule.days):
        raise rule.refusal("a position in BYDAY here")
    return frozenset(weekday for _, weekday in rule.days)


def _of_weeks(rule: RRule, weekdays: Collection[int]) -> Weekly:
    order = [(rule.week_start + offset) % 7 for offset in range(7)]
    days = tuple(_KINDS[frozenset({weekday})] for weekday in order if weekday in weekdays)
    return Weekly(_within(rule, rule.interval, _MOST_PERIODS), days, _KINDS[frozenset({rule.week_start})])


def _names_the_only(rule: RRule, weekdays: Collection[int]) -> bool:
    return not rule.positions or (len(weekdays) == 1 and rule.positions <= {1, -1})


def _has_all_months(rule: RRule) -> bool:
    return len(rule.months) in {0, _ALL_MONTHS}


def _even_step(rule: RRule) -> int:
    """Give how many months lie between those of BYMONTH, all year round."""
    step, rest = divmod(_ALL_MONTHS, len(rule.months))
    if rest or len({month % step for month in rule.months}) > 1:
        raise rule.refusal("several months in BYMONTH, unless they are evenly spaced")
    return step


def _can_be_lacking(rule: RRule, day: int) -> bool:
    return day > _ALWAYS_THERE and rule.skip != "BACKWARD"


def _lacks(month: int, step: int, day: int) -> bool:
    """Whether some month of the series has no such day; February is taken to have 28."""
    return any(monthrange(2001, (month - 1 + step * turn) % 12 + 1)[1] < day for turn in range(12))


def _longest(month: int) -> int:
    return monthrange(2000, month)[1]


def _within(rule: RRule, interval: int, most: int) -> int:
    if interval > most:
        raise rule.refusal(f"INTERVAL beyond {most}")
    return interval


# --- to the rule -------------------------------------------------------------------------------------


def to_rule(pattern: Pattern) -> str:
    """Give the parts of the rule that says what a pattern says."""
    if isinstance(pattern, Daily):
        return f"FREQ=DAILY{_interval(pattern.interval)}"
    if isinstance(pattern, Weekly):
        return _weekly_rule(pattern)
    if isinstance(pattern, AbsoluteMonthly):
        return f"FREQ=MONTHLY{_interval(pattern.interval)};{_month_day(pattern.day)}"
    if isinstance(pattern, RelativeMonthly):
        return f"FREQ=MONTHLY{_interval(pattern.interval)};{_by_day(pattern.day, pattern.position)}"
    if isinstance(pattern, AbsoluteYearly):
        day = min(pattern.day, _longest(pattern.month))
        return f"FREQ=YEARLY;BYMONTH={pattern.month};BYMONTHDAY={-1 if (pattern.month, day) == (2, 29) else day}"
    return f"FREQ=YEARLY;BYMONTH={pattern.month};{_by_day(pattern.day, pattern.position)}"


def _weekly_rule(pattern: Weekly) -> str:
    (begins,) = WEEKDAYS[pattern.first_day]
    weekdays = {weekday for day in pattern.days for weekday in WEEKDAYS[day]}
    days = ",".join(DAYS[(begins + offset) % 7] for offset in range(7) if (begins + offset) % 7 in weekdays)
    is_needed = begins and pattern.interval > 1 and len(weekdays) > 1
    if not is_needed:
        days = ",".join(DAYS[weekday] for weekday in sorted(weekdays))
    return f"FREQ=WEEKLY{_interval(pattern.interval)};BYDAY={days}" + (f";WKST={DAYS[begins]}" if is_needed else "")


def _month_day(day: int) -> str:
    """Write a day of the month for which the last one stands where a month is too short."""
    if day == 31:
        return "BYMONTHDAY=-1"
    if day > _ALWAYS_THERE:
        return f"BYMONTHDAY={','.join(map(str, range(_ALWAYS_THERE, day + 1)))};BYSETPOS=-1"
    return f"BYMONTHDAY={day}"


def _by_day(day: Day, position: Position) -> str:
    weekdays = WEEKDAYS[day]
    number = _NUMBERS[position]
    if len(weekdays) == 1:
        return f"BYDAY={number}{DAYS[min(weekdays)]}"
    return f"BYDAY={','.join(DAYS[weekday] for weekday in sorted(weekdays))};BYSETPOS={number}"


def _interval(interval: int) -> str:
    return f";INTERVAL={interval}" if interval > 1 else ""
