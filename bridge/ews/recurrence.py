"""A recurrence as EWS carries it: one of six patterns and one of three ranges (RecurrenceType of types.xsd).

Regenerating patterns are of tasks and not among them. Written with every element there is; read liberally, since dates
come with offsets (``2013-05-19+02:00``), and on some servers as a dateTime.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import TypeVar, assert_never

from bridge.errors import RequestRefused
from bridge.ews.xml import TYPES, Element, from_instant, text_element, type_element, type_text
from bridge.item import Zone
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
from bridge.zones import to_rules

WEEK = (Day.SUNDAY, Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY)
_KINDS: Mapping[Day, frozenset[Day]] = MappingProxyType(
    {Day.DAY: frozenset(WEEK), Day.WEEKDAY: frozenset(WEEK[1:6]), Day.WEEKEND_DAY: frozenset((WEEK[0], WEEK[6]))}
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DATE_LENGTH = len("2013-05-19")
_Told = TypeVar("_Told")
_Range = tuple[date, date | None, int | None]


class RecurrenceNotUnderstood(ValueError):
    """A recurrence that makes no sense here: nothing may be said of when the series takes place."""


# --- to Exchange -------------------------------------------------------------------------------------


def to_recurrence(recurrence: Recurrence) -> Element:
    """Make the Recurrence element."""
    return type_element("Recurrence", to_pattern(recurrence.pattern), _to_range(recurrence))


def to_recurrence_of_2007(recurrence: Recurrence) -> Element:
    """Make the Recurrence element for Exchange 2007, whose weeks begin on Sunday.

    Raises RequestRefused where weeks from another day on would give other dates.
    """
    pattern = recurrence.pattern
    element = to_recurrence(recurrence)
    if not isinstance(pattern, Weekly):
        return element
    start = WEEK[(recurrence.start.weekday() + 1) % 7]
    if pattern.interval > 1 and _weeks(pattern, start, pattern.first_day) != _weeks(pattern, start, Day.SUNDAY):
        raise RequestRefused(
            "This version of Exchange begins weeks on Sunday, so that the event would be on other days.",
            "ErrorInvalidPropertySet",
        )
    for first in list(element.iter(f"{{{TYPES}}}FirstDayOfWeek")):
        element[0].remove(first)
    return element


def _weeks(pattern: Weekly, start: Day, first: Day) -> frozenset[int]:
    """Give the days of the week that the start is in, in days from the start, when weeks begin on a day."""

    def place(day: Day) -> int:
        return (WEEK.index(day) - WEEK.index(first)) % 7

    return frozenset(place(day) - place(start) for day in pattern.days)


def to_pattern(pattern: Pattern) -> Element:
    """Make a pattern; its elements stand in the order of the schema."""
    match pattern:
        case Daily(interval):
            return type_element("DailyRecurrence", _number("Interval", interval))
        case Weekly(interval, days, first_day):
            return type_element(
                "WeeklyRecurrence",
                _number("Interval", interval),
                text_element("DaysOfWeek", " ".join(days)),
                text_element("FirstDayOfWeek", first_day),
            )
        case AbsoluteMonthly(interval, day_of_month):
            return type_element(
                "AbsoluteMonthlyRecurrence", _number("Interval", interval), _number("DayOfMonth", day_of_month)
            )
        case RelativeMonthly(interval, day, position):
            return type_element("RelativeMonthlyRecurrence", _number("Interval", interval), *_relative(day, position))
        case AbsoluteYearly(month, day_of_month):
            return type_element("AbsoluteYearlyRecurrence", _number("DayOfMonth", day_of_month), _to_month(month))
        case RelativeYearly(month, day, position):
            return type_element("RelativeYearlyRecurrence", *_relative(day, position), _to_month(month))
    assert_never(pattern)


def _to_range(recurrence: Recurrence) -> Element:
    start = text_element("StartDate", recurrence.start.isoformat())
    if recurrence.count is not None:
        return type_element("NumberedRecurrence", start, _number("NumberOfOccurrences", recurrence.count))
    if recurrence.end is not None:
        return type_element("EndDateRecurrence", start, text_element("EndDate", recurrence.end.isoformat()))
    return type_element("NoEndRecurrence", start)


def _number(name: str, number: int) -> Element:
    return text_element(name, str(number))


def _relative(day: Day, position: Position) -> tuple[Element, Element]:
    return text_element("DaysOfWeek", day), text_element("DayOfWeekIndex", position)


def _to_month(month: int) -> Element:
    return text_element("Month", _MONTHS[month - 1])


# --- from Exchange -----------------------------------------------------------------------------------


def from_recurrence(element: Element, zone: Zone) -> Recurrence:
    """Read the Recurrence element of a master whose start zone this is. Raises RecurrenceNotUnderstood.

    Of patterns and ranges that are there twice the first counts.
    """
    try:
        pattern_element, read_pattern = _first(element, _PATTERNS)
        range_element, read_range = _first(element, _RANGES)
        start, end, count = read_range(range_element, zone)
        return Recurrence(read_pattern(pattern_element), start, end, count)
    except ValueError as error:
        raise RecurrenceNotUnderstood("a recurrence that makes no sense") from error


def from_pattern(element: Element) -> Pattern:
    """Read the pattern among an element's children. Raises ValueError where there is none."""
    told, read = _first(element, _PATTERNS)
    return read(told)


def _first(element: Element, known: Mapping[str, _Told]) -> tuple[Element, _Told]:
    for child in element:
        told = known.get(str(child.tag))
        if told is not None:
            return child, told
    raise ValueError("no pattern or no range that is known")


def _from_weekly(element: Element) -> Weekly:
    first = Day(type_text(element, "FirstDayOfWeek").strip() or Day.SUNDAY)
    days = _from_days(element)
    begin = WEEK.index(first)
    in_order = tuple(day for day in WEEK[begin:] + WEEK[:begin] if day in days)
    return Weekly(_interval(element), in_order, first)


def _from_days(element: Element) -> frozenset[Day]:
    """Read the days, kinds of day taken apart into days. Raises ValueError when there are none."""
    told = [Day(name) for name in type_text(element, "DaysOfWeek").split()]
    if not told:
        raise ValueError("no days of the week")
    return frozenset[Day]().union(*(_KINDS.get(day, {day}) for day in told))


def _from_day(element: Element) -> Day:
    """Read the one day, or the one kind of day, of a relative pattern; some servers list the days of a kind."""
    days = _from_days(element)
    kind = next((kind for kind, members in _KINDS.items() if members == days), None)
    if kind is not None:
        return kind
    (day,) = days
    return day


def _position(element: Element) -> Position:
    return Position(type_text(element, "DayOfWeekIndex").strip())


def _month(element: Element) -> int:
    return _MONTHS.index(type_text(element, "Month").strip()) + 1


def _interval(element: Element) -> int:
    return _from_number(element, "Interval") if type_text(element, "Interval") else 1


def _from_number(element: Element, name: str) -> int:
    number = int(type_text(element, name))
    if number < 1:
        raise ValueError(f"{name} below 1")
    return number


def _day_of_month(element: Element) -> int:
    day = _from_number(element, "DayOfMonth")
    if day > 31:
        raise ValueError("a day of the month above 31")
    return day


def _from_date(element: Element, name: str, zone: Zone) -> date:
    """Read a date of the series' zone. An offset says where the date was told, not which date it is.

    A dateTime at midnight, as told, is that date; at another time it is an instant, and its date that of the zone.
    """
    text = type_text(element, name).strip()
    if "T" not in text:
        return date.fromisoformat(text[:_DATE_LENGTH])
    told = datetime.fromisoformat(text)
    rules = to_rules(zone)
    if told.time() == time(0) or told.tzinfo is None or rules is None:
        return told.date()
    return from_instant(text).astimezone(rules).date()


_PATTERNS: Mapping[str, Callable[[Element], Pattern]] = MappingProxyType(
    {
        f"{{{TYPES}}}DailyRecurrence": lambda e: Daily(_interval(e)),
        f"{{{TYPES}}}WeeklyRecurrence": _from_weekly,
        f"{{{TYPES}}}AbsoluteMonthlyRecurrence": lambda e: AbsoluteMonthly(_interval(e), _day_of_month(e)),
        f"{{{TYPES}}}RelativeMonthlyRecurrence": lambda e: RelativeMonthly(_interval(e), _from_day(e), _position(e)),
        f"{{{TYPES}}}AbsoluteYearlyRecurrence": lambda e: AbsoluteYearly(_month(e), _day_of_month(e)),
        f"{{{TYPES}}}RelativeYearlyRecurrence": lambda e: RelativeYearly(_month(e), _from_day(e), _position(e)),
    }
)
_RANGES: Mapping[str, Callable[[Element, Zone], _Range]] = MappingProxyType(
    {
        f"{{{TYPES}}}NoEndRecurrence": lambda e, zone: (_from_date(e, "StartDate", zone), None, None),
        f"{{{TYPES}}}EndDateRecurrence": lambda e, zone: (
            _from_date(e, "StartDate", zone),
            _from_date(e, "EndDate", zone),
            None,
        ),
        f"{{{TYPES}}}NumberedRecurrence": lambda e, zone: (
            _from_date(e, "StartDate", zone),
            None,
            _from_number(e, "NumberOfOccurrences"),
        ),
    }
)
