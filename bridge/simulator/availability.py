"""When somebody is busy, found by asking of every day whether a series falls on it.

This is meant to be slow and plain, and shares no arithmetic with CalendarView (`recurrence`, `series`), of which it
takes the nouns only: what the two say of a day must agree, and `tests/simulator/test_availability.py` compares them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import count

from bridge.simulator.model import Item
from bridge.simulator.recurrence import LAST, DayByPosition, DayOfMonth, Monthly, Recurrence, Weekly, Yearly
from bridge.simulator.zones import Zone, utc

_DAY = timedelta(days=1)
# [D] responsecode, ErrorRecurrenceEndDateTooBig
_END_OF_TIME = date(4500, 9, 1)


@dataclass(frozen=True)
class Busy:
    """A time (UTC) that an appointment takes; `item` holds what an exception changes too."""

    start: datetime
    end: datetime
    item: Item
    is_recurring: bool = False
    is_exception: bool = False

    @property
    def status(self) -> str:
        """Give the LegacyFreeBusyStatus."""
        return str(self.item.values.get("LegacyFreeBusyStatus", "Busy"))


def busy_times(items: Iterable[Item], start: datetime, end: datetime) -> list[Busy]:
    """Give what touches a window of UTC instants, free appointments too, in order of start."""
    found = (busy for item in items for busy in _times(item, start, end) if _touches(busy, start, end))
    return sorted(found, key=lambda busy: (busy.start, busy.item.number))


def _touches(busy: Busy, start: datetime, end: datetime) -> bool:
    if busy.start == busy.end:
        return start <= busy.start < end
    return busy.start < end and start < busy.end


def _times(item: Item, start: datetime, end: datetime) -> Iterator[Busy]:
    recurrence = item.values.get("Recurrence")
    if not isinstance(recurrence, Recurrence):
        yield Busy(item.start, item.end, item)
        return
    yield from _unchanged(item, recurrence, start, end)
    for changed in item.exceptions.values():
        values = {name: value for name, value in {**item.values, **changed.values}.items() if value is not None}
        exception = replace(item, values=values)
        yield Busy(exception.start, exception.end, exception, is_recurring=True, is_exception=True)


def _unchanged(item: Item, recurrence: Recurrence, start: datetime, end: datetime) -> Iterator[Busy]:
    found = item.values.get("StartTimeZone")
    zone = found if isinstance(found, Zone) else utc()
    first, last = zone.to_local(item.start), zone.to_local(item.end)
    # Zones differ from UTC by less than a day
    day, until = zone.to_local(start).date() - (last - first) - _DAY, zone.to_local(end).date() + _DAY
    while day <= until:
        if day not in item.deleted and day not in item.exceptions and _falls_on(recurrence, day):
            begins = datetime.combine(day, first.time())
            starts = zone.to_utc(begins)
            yield Busy(starts, max(starts, zone.to_utc(begins + (last - first))), item, is_recurring=True)
        day += _DAY


def _falls_on(recurrence: Recurrence, day: date) -> bool:
    """Tell whether a series has an occurrence on a date of its zone, be it moved or deleted."""
    if not recurrence.start <= day <= (recurrence.end or _END_OF_TIME):
        return False
    if recurrence.count is not None and day > _last_counted(recurrence):
        return False
    return _fits(recurrence, day)


@lru_cache(maxsize=4096)
def _last_counted(recurrence: Recurrence) -> date:
    """Give the date of the last occurrence of a counted series, by counting."""
    left = recurrence.count or 0
    for step in count():
        day = recurrence.start + timedelta(days=step)
        left -= _fits(recurrence, day)
        if left <= 0 or day >= _END_OF_TIME:
            return day
    raise AssertionError("days do not end")


def _fits(recurrence: Recurrence, day: date) -> bool:
    """Tell whether a date is one of the pattern's, which counts its intervals from the range's start."""
    pattern, start = recurrence.pattern, recurrence.start
    if isinstance(pattern, Weekly):
        weeks = _week(day, pattern.first_day) - _week(start, pattern.first_day)
        return weeks % pattern.interval == 0 and _weekday(day) in pattern.days
    if isinstance(pattern, Monthly):
        months = 12 * (day.year - start.year) + day.month - start.month
        return months % pattern.interval == 0 and _in_month(pattern.day, day)
    if isinstance(pattern, Yearly):
        return day.month == pattern.month and _in_month(pattern.day, day)
    interval = getattr(pattern, "interval", 0)
    return interval > 0 and (day - start).days % interval == 0


def _weekday(day: date) -> int:
    return day.isoweekday() % 7


def _week(day: date, first_day: int) -> int:
    """Give a number that grows by one with each `first_day`. The 7th of January of the year 1 was a Sunday."""
    return (day.toordinal() - first_day) // 7


def _in_month(rule: DayOfMonth | DayByPosition, day: date) -> bool:
    rest = _rest_of_month(day)
    if isinstance(rule, DayOfMonth):
        return day.day == rule.day or (day.day < rule.day and not rest)
    if _weekday(day) not in rule.days:
        return False
    if rule.position == LAST:
        return all(_weekday(later) not in rule.days for later in rest)
    before = [day.replace(day=number) for number in range(1, day.day)]
    return sum(_weekday(earlier) in rule.days for earlier in before) == rule.position - 1


def _rest_of_month(day: date) -> list[date]:
    later = (day + timedelta(days=step) for step in range(1, 31))
    return [other for other in later if other.month == day.month]


def merged(times: Iterable[Busy], start: datetime, end: datetime, step: timedelta, digits: dict[str, int]) -> str:
    """Give MergedFreeBusy: a digit for each step of the window, the highest of what touches it.

    Source: [D] MergedFreeBusy. A last step that the window ends within counts (assumed).
    """
    found = [0] * -(-(end - start) // step)
    for busy in times:
        digit = digits.get(busy.status, 0)
        first = max((busy.start - start) // step, 0)
        for place in range(first, min(-(-(busy.end - start) // step), len(found))):
            found[place] = max(found[place], digit)
    return "".join(map(str, found))
