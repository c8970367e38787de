"""t:Recurrence: read from a request with Exchange's errors for what cannot be, and written into an answer.

Sources: the schema; [D] responsecode (ErrorCalendarOutOfRange, ErrorCalendarInvalidDayForWeeklyRecurrence,
ErrorCalendarInvalidRecurrence, ErrorRecurrenceEndDateTooBig); [V] a 14.3 and a 15.2 for what is written.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time

from bridge.simulator.call import Call, offset_text
from bridge.simulator.recurrence import (
    EVERY_DAY,
    LAST,
    LAST_DAY,
    WEEKEND,
    WORK_DAYS,
    Daily,
    DayByPosition,
    DayOfMonth,
    Monthly,
    Pattern,
    Recurrence,
    Weekly,
    Yearly,
)
from bridge.simulator.rules import rank
from bridge.simulator.trouble import EwsError, invalid
from bridge.simulator.xml import Element, T, add, children, make, name_of, text_of
from bridge.simulator.zones import DAYS, Zone

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_POSITIONS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": LAST}
_KINDS = {"Day": EVERY_DAY, "Weekday": WORK_DAYS, "WeekendDay": WEEKEND}
# exchangelib checks the same limits before it sends; MS-OXCICAL has COUNT of three digits
_MOST_DAYS, _MOST_STEPS, _MOST_OCCURRENCES = 999, 99, 999
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")


def take_recurrence(call: Call, element: Element) -> Recurrence:
    """Give the recurrence a client writes."""
    parts = list(children(element))
    if len(parts) != 2 or name_of(parts[0]) not in _READERS:
        raise invalid("The element 'Recurrence' has incomplete or invalid content.")
    return _range(parts[1], _READERS[name_of(parts[0])](call, parts[0]))


def _range(element: Element, pattern: Pattern) -> Recurrence:
    start = _date(text_of(element, T + "StartDate"))
    if name_of(element) == "NoEndRecurrence":
        return Recurrence(pattern, start)
    if name_of(element) == "NumberedRecurrence":
        return Recurrence(pattern, start, count=_number(element, "NumberOfOccurrences", _MOST_OCCURRENCES))
    if name_of(element) != "EndDateRecurrence":
        raise invalid(f"The element '{element.tag}' is not expected.")
    end = _date(text_of(element, T + "EndDate"))
    if end > LAST_DAY:
        raise EwsError("ErrorRecurrenceEndDateTooBig")
    if end < start:
        raise EwsError("ErrorCalendarInvalidRecurrence", "The recurrence ends before it begins.")
    return Recurrence(pattern, start, end)


def _date(text: str) -> date:
    """Give a date; an offset beside it says nothing more (assumed)."""
    found = _DATE.fullmatch(text.strip())
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError as cause:
        raise invalid(f"The value '{text}' is not a date.") from cause


def _number(element: Element, name: str, most: int) -> int:
    try:
        number = int(text_of(element, T + name))
    except ValueError as cause:
        raise invalid(f"The '{name}' element is invalid.") from cause
    if not 1 <= number <= most:
        raise EwsError("ErrorCalendarOutOfRange", f"{name} is out of range.")
    return number


def _daily(_call: Call, element: Element) -> Pattern:
    return Daily(_number(element, "Interval", _MOST_DAYS))


def _weekly(call: Call, element: Element) -> Pattern:
    names = text_of(element, T + "DaysOfWeek").split()
    if set(names) & set(_KINDS):
        raise EwsError("ErrorCalendarInvalidDayForWeeklyRecurrence")
    if not names:
        raise EwsError("ErrorCalendarInvalidRecurrence", "A weekly recurrence needs a day.")
    first = element.find(T + "FirstDayOfWeek")
    if first is not None and call.level < rank("Exchange2010_SP1"):
        raise invalid("The element 'FirstDayOfWeek' is not expected.")
    interval = _number(element, "Interval", _MOST_STEPS)
    # [R] without FirstDayOfWeek weeks begin on Sunday
    return Weekly(interval, frozenset(map(_week_day, names)), 0 if first is None else _week_day(text_of(first)))


def _week_day(name: str) -> int:
    if name in _KINDS:
        raise EwsError("ErrorCalendarInvalidRecurrence", f"{name} is no day of the week.")
    if name not in DAYS:
        raise invalid(f"The value '{name}' is not a day of the week.")
    return DAYS.index(name)


def _day_of_month(element: Element) -> DayOfMonth:
    return DayOfMonth(_number(element, "DayOfMonth", 31))


def _position(element: Element) -> DayByPosition:
    name, place = text_of(element, T + "DaysOfWeek").strip(), text_of(element, T + "DayOfWeekIndex")
    if place not in _POSITIONS:
        raise invalid(f"The value '{place}' is not a DayOfWeekIndex.")
    days = _KINDS[name] if name in _KINDS else frozenset({_week_day(name)})
    return DayByPosition(days, _POSITIONS[place])


def _month(element: Element) -> int:
    name = text_of(element, T + "Month")
    if name not in MONTHS:
        raise invalid(f"The value '{name}' is not a month.")
    return MONTHS.index(name) + 1


_READERS: dict[str, Callable[[Call, Element], Pattern]] = {
    "DailyRecurrence": _daily,
    "WeeklyRecurrence": _weekly,
    "AbsoluteMonthlyRecurrence": lambda _, e: Monthly(_number(e, "Interval", _MOST_STEPS), _day_of_month(e)),
    "RelativeMonthlyRecurrence": lambda _, e: Monthly(_number(e, "Interval", _MOST_STEPS), _position(e)),
    "AbsoluteYearlyRecurrence": lambda _, e: Yearly(_month(e), _day_of_month(e)),
    "RelativeYearlyRecurrence": lambda _, e: Yearly(_month(e), _position(e)),
}


def recurrence_element(call: Call, recurrence: Recurrence, zone: Zone) -> Element:
    """Give t:Recurrence of a series in a zone."""
    element = make(T + "Recurrence")
    _add_pattern(call, element, recurrence.pattern)
    name = "EndDateRecurrence" if recurrence.end else "NumberedRecurrence" if recurrence.count else "NoEndRecurrence"
    holder = add(element, T + name)
    add(holder, T + "StartDate", _date_text(call, recurrence.start, zone))
    if recurrence.end:
        add(holder, T + "EndDate", _date_text(call, recurrence.end, zone))
    elif recurrence.count:
        add(holder, T + "NumberOfOccurrences", str(recurrence.count))
    return element


def _date_text(call: Call, day: date, zone: Zone) -> str:
    """Give a date with its zone's offset on it. Source: [V] +02:00 of a 14.3, Z of a 15.2; [D] -08:00 of a 15.0."""
    offset = zone.offset(zone.to_utc(datetime.combine(day, time())))
    if call.rules.dates_as_times:
        return f"{day}T00:00:00.000000000{offset_text(offset).replace(':', '')}"
    return f"{day}{offset_text(offset) if offset else 'Z'}"


def _add_pattern(call: Call, holder: Element, pattern: Pattern) -> None:
    if isinstance(pattern, Daily):
        add(add(holder, T + "DailyRecurrence"), T + "Interval", str(pattern.interval))
    elif isinstance(pattern, Weekly):
        weekly = add(holder, T + "WeeklyRecurrence")
        add(weekly, T + "Interval", str(pattern.interval))
        add(weekly, T + "DaysOfWeek", " ".join(DAYS[day] for day in sorted(pattern.days)))
        if call.level >= rank("Exchange2010_SP1"):
            add(weekly, T + "FirstDayOfWeek", DAYS[pattern.first_day])
    elif isinstance(pattern, Monthly):
        absolute = isinstance(pattern.day, DayOfMonth)
        monthly = add(holder, T + ("AbsoluteMonthlyRecurrence" if absolute else "RelativeMonthlyRecurrence"))
        add(monthly, T + "Interval", str(pattern.interval))
        _add_day(monthly, pattern.day)
    elif isinstance(pattern, Yearly):
        absolute = isinstance(pattern.day, DayOfMonth)
        yearly = add(holder, T + ("AbsoluteYearlyRecurrence" if absolute else "RelativeYearlyRecurrence"))
        _add_day(yearly, pattern.day)
        add(yearly, T + "Month", MONTHS[pattern.month - 1])


def _add_day(holder: Element, day: DayOfMonth | DayByPosition) -> None:
    if isinstance(day, DayOfMonth):
        add(holder, T + "DayOfMonth", str(day.day))
        return
    kinds = {days: name for name, days in _KINDS.items()} | {frozenset({n}): name for n, name in enumerate(DAYS)}
    add(holder, T + "DaysOfWeek", kinds[day.days])
    add(holder, T + "DayOfWeekIndex", next(name for name, n in _POSITIONS.items() if n == day.position))
