"""RRULE and its range: COUNT, UNTIL in every form, and the days that a rule leaves out and Exchange does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import count
from typing import Any

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import Content, Item, Zone
from bridge.mapping.field import Asked, Field, Shown, attributes
from bridge.mapping.lines import Line
from bridge.mapping.moment import read_moment
from bridge.mapping.pattern import to_pattern, to_rule
from bridge.mapping.rrule import RRule, parse_rrule
from bridge.mapping.times import Times, days_in, rules_of
from bridge.mapping.values import parse_date, parse_date_time, write_date, write_date_time, write_utc
from bridge.occurrences import Series, zone_of
from bridge.recurrence import AbsoluteMonthly, AbsoluteYearly, Daily, Recurrence
from bridge.zones import to_instant

MOST_LEFT_OUT = 50
"""Days that are deleted at Exchange because the rule leaves them out, at most: each costs an operation."""
_MOST_OCCURRENCES = 999
"""COUNT of a series at Exchange (the greatest NumberOfOccurrences that clients of Exchange can set)."""
_FIRST_YEAR, _NO_END = 1601, 4500
"""A series that ends in this year or later is one without an end (ErrorRecurrenceEndDateTooBig names 4500-09-01)."""
_TIMES = Times()


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule becomes: a recurrence, and the days of it (local) that the rule leaves out."""

    recurrence: Recurrence
    left_out: frozenset[date] = frozenset()


class Rule(Field):
    """RRULE. The other ways to repeat are refused: Exchange has none of them."""

    name = "RRULE"
    ical = frozenset({"RRULE"})
    attributes = attributes("recurrence")
    rests_on = frozenset({Times.name})

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the rule; the stored recurrence where that says the same, so that no exceptions are lost for nothing."""
        ruled = read_rule(asked)
        if ruled is None:
            return {"recurrence": None}
        stored = asked.stored.content.recurrence if asked.stored else None
        is_same = stored is not None and _normal(stored) == _normal(ruled.recurrence)
        return {"recurrence": stored if is_same else ruled.recurrence}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the rule, its UNTIL in the form of DTSTART (RFC 5545 3.3.10)."""
        if shown.series is None or shown.item.content.recurrence is None:
            return []
        return [f"RRULE:{_text(shown.series, shown.start_line)}"]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the rule we would write, which is the same however Exchange tells it."""
        content = item.content
        if content.recurrence is None:
            return ()
        return (_canonical(content.recurrence, content.start, content.start_zone, is_all_day=content.is_all_day),)


def read_rule(asked: Asked) -> Ruled | None:
    """Give what a client's event says of its repetition; None for an event that does not repeat.

    Raises InvalidCalendarData for what is no rule, NotExpressible for what Exchange has no pattern for.
    """
    event = asked.event
    for name in ("RDATE", "EXRULE"):
        if line := event.get(name):
            raise NotExpressible(f"{name} in line {line.number}: Exchange has series by a rule only.")
    lines = event.all("RRULE")
    if not lines:
        return None
    if len(lines) > 1:
        raise NotExpressible(f"RRULE in line {lines[1].number} is a second one; Exchange has one rule a series.")
    if event.get("RECURRENCE-ID"):
        whole = asked.obj.master.get("RRULE") if asked.obj.master else None
        if whole is None or lines[0].value != whole.value:
            raise NotExpressible(f"RRULE in line {lines[0].number}: a changed occurrence has no rule of its own.")
        return None  # the master's, repeated
    return _with_range(parse_rrule(lines[0]), _first(asked))


def make_series(content: Content) -> Series | None:
    """Give the series that a content is the master of; None for a single event."""
    if content.recurrence is None:
        return None
    zone = zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    start = content.start
    if content.is_all_day:
        start = to_instant(datetime.combine(days_in(content, zone)[0], time()), zone)
    return Series(content.recurrence, start, zone, content.is_all_day)


# --- to the item -------------------------------------------------------------------------------------


def _first(asked: Asked) -> Series:
    """Give where and when the series begins, as a series of whatever pattern."""
    line = asked.event.get("DTSTART")
    if line is None:
        raise InvalidCalendarData("The event has no DTSTART.")
    values = _TIMES.to_item(asked)
    content = Content(uid=asked.obj.uid, subject="", **values)
    moment = read_moment(line, asked)
    rules = rules_of(content, asked.context) if content.is_all_day else moment.rules
    local = content.start.astimezone(rules)
    if moment.is_skipped:
        raise NotExpressible(f"DTSTART in line {line.number} is a time that the clock skips on that day.")
    first = moment.local.date() if moment.is_date else local.date()
    return Series(Recurrence(Daily(1), first), content.start, rules, content.is_all_day)


def _with_range(rule: RRule, first: Series) -> Ruled:
    begins = first.recurrence.start
    _check_clock(rule, first)
    pattern, is_literal = to_pattern(rule, begins)
    series = Series(Recurrence(pattern, begins), first.start, first.zone, first.is_all_day)
    literal = pattern.day if is_literal and isinstance(pattern, AbsoluteMonthly | AbsoluteYearly) else None
    if series.day(1) != begins or literal not in {None, begins.day}:
        raise NotExpressible(f"RRULE in line {rule.number} does not give DTSTART; at Exchange a series begins with it.")
    last = _last(rule, series)
    if last == 0:
        raise NotExpressible(f"RRULE in line {rule.number} ends before DTSTART: the series has no occurrence.")
    left_out: list[int] = []
    if literal is not None:
        left_out, last = _left_out(rule, series, literal, last)
    days = frozenset(series.day(number) for number in left_out)
    if rule.count is not None:
        return Ruled(Recurrence(pattern, begins, count=_count(rule, last or rule.count)), days)
    return Ruled(Recurrence(pattern, begins, end=series.day(last) if last else None), days)


def _count(rule: RRule, number: int) -> int:
    if number > _MOST_OCCURRENCES:
        raise rule.refusal(f"COUNT beyond {_MOST_OCCURRENCES}")
    return number


def _check_clock(rule: RRule, first: Series) -> None:
    """Take BYHOUR and the like where they say what DTSTART says already."""
    now = first.time
    shown = {"BYHOUR": now.hour, "BYMINUTE": now.minute, "BYSECOND": now.second}
    for name, values in rule.clock.items():
        if values != {shown[name]}:
            raise rule.refusal(name)


def _last(rule: RRule, series: Series) -> int | None:
    """Give the number of the last occurrence of the pattern by COUNT or UNTIL, None for no end."""
    if rule.count is not None:
        return rule.count
    if rule.until is None:
        return None
    day, moment = _until(rule, series)
    if day.year >= _NO_END:
        return None
    last = series.count_until(day)
    if moment is None or not last:
        return last
    # UNTIL may be the last start itself, as a client computes it: of a time that comes twice the first.
    return last - 1 if series.clock(last).replace(tzinfo=series.zone).astimezone(UTC) > moment else last


def _until(rule: RRule, series: Series) -> tuple[date, datetime | None]:
    """Give UNTIL as a day of the series' zone, and as an instant where it is one.

    A date and a local time are forms that RFC 5545 has for whole days and floating times alone, and are seen beside
    others: a date then means all of that day. Of whole days midnight in UTC means the day it names.
    """
    value = rule.until or ""
    try:
        if "T" not in value:
            return parse_date(value), None
        local, is_utc = parse_date_time(value)
    except ValueError:
        raise InvalidCalendarData(f"UNTIL of the RRULE in line {rule.number} is not a date or time.") from None
    if not _FIRST_YEAR < local.year < _NO_END:
        return local.date(), None
    moment = local.replace(tzinfo=UTC if is_utc else series.zone).astimezone(UTC)
    if series.is_all_day:
        is_day = not is_utc or local.time() == time()
        return local.date() if is_day else moment.astimezone(series.zone).date(), None
    return moment.astimezone(series.zone).date(), moment


def _left_out(rule: RRule, series: Series, literal: int, last: int | None) -> tuple[list[int], int]:
    """Give the numbers of the days that were moved to a month's end, and of the last day that was not.

    COUNT counts those that were not. Raises NotExpressible where they are more than can be deleted.
    """
    left_out: list[int] = []
    found = 0
    for number in _numbers(rule, last):
        if series.day(number).day == literal:
            found = number
            if rule.count is not None and number - len(left_out) == rule.count:
                break
        else:
            left_out.append(number)
        if len(left_out) > MOST_LEFT_OUT:
            raise rule.refusal(f"day {literal} of months that have none, in more than {MOST_LEFT_OUT} months")
    return [number for number in left_out if number < found], found


def _numbers(rule: RRule, last: int | None) -> Iterator[int]:
    return iter(range(1, last + 1)) if rule.count is None and last is not None else count(1)


# --- to the rule -------------------------------------------------------------------------------------


def _text(series: Series, form: Line | None) -> str:
    recurrence = series.recurrence
    rule = to_rule(recurrence.pattern)
    if recurrence.end is not None and series.size is not None:
        return f"{rule};UNTIL={_write_until(series, series.size, form)}"
    return f"{rule};COUNT={recurrence.count}" if recurrence.count is not None else rule


def _write_until(series: Series, last: int, form: Line | None) -> str:
    if series.is_all_day and (form is None or "T" not in form.value.upper()):
        return write_date(series.day(last))
    if form is not None and form.parameter("TZID") is None and not form.value.strip().upper().endswith("Z"):
        return write_date_time(series.clock(last))
    return write_utc(series.at(last))


@lru_cache(maxsize=8192)
def _canonical(recurrence: Recurrence, start: datetime, zone: Zone, *, is_all_day: bool) -> str:
    rules = zone_of(zone, start, recurrence, is_all_day=is_all_day)
    return _text(Series(recurrence, start, rules, is_all_day), None)


def _normal(recurrence: Recurrence) -> tuple[object, ...]:
    """Give what a recurrence comes to: the same for those of the same days."""
    noon = datetime.combine(recurrence.start, time(12), UTC)
    size = Series(recurrence, noon, UTC).size
    return to_rule(recurrence.pattern), recurrence.start, size, recurrence.count
