"""DTSTART, DTEND, DURATION: instants, zones and whole days (RFC 5545 3.6.1, 3.8.2; MS-OXCICAL 2.1.3.1.1.20.8-10).

Exchange holds whole days as the UTC instants of midnights in the item's zone. A client's own zone, floating times and
DURATION come back through `Kept` while the instants are what they were.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import UTC_ZONE, Content, Item, Zone
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Shown, attributes
from bridge.mapping.lines import Line
from bridge.mapping.moment import LAST_YEAR, Moment, is_of_series, read_moment, rules_of_calendar
from bridge.mapping.values import (
    Duration,
    parse_duration,
    write_date,
    write_date_time,
    write_utc,
)
from bridge.occurrences import zone_of
from bridge.zones import WINDOWS_TO_IANA, to_instant, to_rules

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_LONGEST = timedelta(days=5 * 365 + 1)
"""Five years (ErrorCalendarDurationIsTooLong)."""


class Times(Field):
    """When the event is."""

    name = "DTSTART"
    ical = frozenset({"DTSTART", "DTEND", "DURATION", "X-MICROSOFT-CDO-ALLDAYEVENT"})
    attributes = attributes("start", "end", "start_zone", "end_zone", "is_all_day")
    is_required = True

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take start and end. Raises InvalidCalendarData for what is no time, NotExpressible for Exchange's bounds."""
        line = asked.event.get("DTSTART")
        if line is None:
            raise InvalidCalendarData("The event has no DTSTART.")
        try:
            start = read_moment(line, asked)
            end, end_zone = _end(start, asked)
        except OverflowError:
            raise _too_late(asked) from None
        is_all_day = start.is_date or _is_marked_all_day(asked, start, end)
        _check_bounds(asked, start.instant, end)
        return {
            "start": start.instant,
            "end": end,
            "start_zone": start.zone,
            "end_zone": start.zone if is_all_day else end_zone,
            "is_all_day": is_all_day,
        }

    def to_ical(self, shown: Shown) -> list[str]:
        """Write whole days as dates, the rest in the item's zones; an event of no length has no DTEND."""
        content = shown.item.content
        if content.is_all_day:
            first, last = days(content, shown.context)
            return [f"DTSTART;VALUE=DATE:{write_date(first)}", f"DTEND;VALUE=DATE:{write_date(last)}"]
        lines = [_write_start(shown)]
        if content.end > content.start:
            lines.append(_write_moment("DTEND", content.end, shown_rules(shown, content.end_zone)))
        return lines

    def shows_surely(self, item: Item) -> bool:
        """Whether the server gives back both zones: one that poses as Exchange may write the start's over the end's."""
        return item.content.start_zone.id == item.content.end_zone.id

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the days, or on the instants and the start's zone (servers may overwrite the end's)."""
        content = item.content
        rules = _rules_stood_on(content)
        zone = rules.key if rules else content.start_zone.id
        if content.is_all_day and rules:
            return days_in(content, rules)
        if content.recurrence and rules and any(one.astimezone(rules).fold for one in (content.start, content.end)):
            zone += ", by the rule"  # the first occurrence alone says in UTC which of two times it is
        return write_utc(content.start), write_utc(content.end), zone


def days(content: Content, context: Context) -> tuple[date, date]:
    """Give the first day of an all-day event and the one after its last."""
    return days_in(content, rules_of(content, context))


def days_in(content: Content, rules: tzinfo) -> tuple[date, date]:
    """Give these days by the rules of a zone: the nearest midnights, since not every day begins at one."""
    first, last = (_nearest_day(moment.astimezone(rules)) for moment in (content.start, content.end))
    return first, max(last, first + _DAY)


def midnights(content: Content, context: Context) -> tuple[datetime, datetime]:
    """Give the UTC instants at which the days of an all-day event begin and end."""
    rules = rules_of(content, context)
    first, last = (to_instant(datetime.combine(day, _MIDNIGHT), rules) for day in days_in(content, rules))
    return first, last


def rules_of(content: Content, context: Context) -> tzinfo:
    """Give the rules of the start zone; where it is not known, those a series is expanded by, or the calendar's."""
    if content.recurrence:
        return zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    return to_rules(content.start_zone) or rules_of_calendar(context)


def _rules_stood_on(content: Content) -> ZoneInfo | None:
    """Give the rules by which a content's times are told: of a Windows id its own, but for a series of others."""
    known = to_rules(content.start_zone)
    if known and content.recurrence:
        return zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    return to_rules(Zone(content.start_zone.id)) or known


def _nearest_day(local: datetime) -> date:
    return (local.replace(tzinfo=None) + _DAY / 2).date()


# --- to the item -------------------------------------------------------------------------------------


def _end(start: Moment, asked: Asked) -> tuple[datetime, Zone]:
    """Give the end: DTEND, or DURATION, or the end of the day, or the start (RFC 5545 3.6.1)."""
    is_series = is_of_series(asked)
    if line := asked.event.get("DTEND"):
        end = read_moment(line, asked)
        if end.is_date != start.is_date:
            raise InvalidCalendarData(f"DTEND in line {line.number} is a date where DTSTART is a time, or the reverse.")
        instant, zone = end.instant, end.zone
    elif line := asked.event.get("DURATION"):
        duration = _read_duration(line, start)
        end = start.by_clock(duration)
        instant, zone = end.instant if is_series else start.after(duration), start.zone
    else:
        return (start.after(Duration(1, timedelta())) if start.is_date else start.instant), start.zone
    if instant < start.instant:
        raise InvalidCalendarData(f"The event ends before it starts: {line.name} in line {line.number}.")
    if is_series and end.is_skipped:
        raise NotExpressible(f"{line.name} in line {line.number} has the first occurrence end when the clock skips.")
    if start.is_date and instant == start.instant:  # seen: DTEND as the last day, not the one after
        instant = start.after(Duration(1, timedelta()))
    return instant, zone


def _read_duration(line: Line, start: Moment) -> Duration:
    try:
        duration = parse_duration(line.value)
    except ValueError:
        raise InvalidCalendarData(f"DURATION in line {line.number} is not a duration.") from None
    if start.is_date and duration.rest % _DAY:
        raise InvalidCalendarData(f"DURATION in line {line.number} is not of whole days, as DTSTART is.")
    return Duration(duration.exact.days, timedelta()) if start.is_date else duration


def _is_marked_all_day(asked: Asked, start: Moment, end: datetime) -> bool:
    """Outlook writes whole days as times from midnight to midnight, and a mark (MS-OXCICAL 2.1.3.1.1.20.29)."""
    mark = asked.event.get("X-MICROSOFT-CDO-ALLDAYEVENT")
    if mark is None or mark.value.strip().upper() != "TRUE" or end <= start.instant:
        return False
    rules = to_rules(start.zone) or UTC
    return all(moment.astimezone(rules).time() == _MIDNIGHT for moment in (start.instant, end))


def _check_bounds(asked: Asked, start: datetime, end: datetime) -> None:
    if end.year >= LAST_YEAR:
        raise _too_late(asked)
    if end - start > _LONGEST:
        raise NotExpressible(f"{_end_name(asked)}: the event is longer than the five years that Exchange holds.")


def _too_late(asked: Asked) -> NotExpressible:
    return NotExpressible(f"{_end_name(asked)}: the event ends after the last year that Exchange has.")


def _end_name(asked: Asked) -> str:
    line = asked.event.get("DTEND") or asked.event.get("DURATION") or asked.event.get("DTSTART")
    return f"{line.name} in line {line.number}" if line else "DTSTART"


# --- to iCalendar ------------------------------------------------------------------------------------


def shown_rules(shown: Shown, zone: Zone) -> ZoneInfo | None:
    """Give the rules of an event's zone: of one that brings rules along those that its series is expanded by."""
    own = to_rules(zone)
    if shown.series is not None and zone.definition is not None:
        return next((one for one in (own, to_rules(Zone(zone.id))) if one is shown.series.zone), own)
    return own


def _write_start(shown: Shown) -> str:
    """Write DTSTART; a series' in the zone whose clock it follows, whatever the clock shows there at first."""
    content = shown.item.content
    if content.recurrence is None:
        return _write_moment("DTSTART", content.start, shown_rules(shown, content.start_zone))
    rules = zone_of(content.start_zone, content.start, content.recurrence)
    if rules.key == WINDOWS_TO_IANA[UTC_ZONE.id]:
        return f"DTSTART:{write_utc(content.start)}"
    return f"DTSTART;TZID={rules.key}:{write_date_time(content.start.astimezone(rules))}"


def _write_moment(name: str, moment: datetime, rules: ZoneInfo | None) -> str:
    """Write an instant in its zone; in UTC where the zone is not known, or the clock shows that time a second time."""
    if rules is None or rules.key == WINDOWS_TO_IANA[UTC_ZONE.id]:
        return f"{name}:{write_utc(moment)}"
    local = moment.astimezone(rules)
    if local.fold:
        return f"{name}:{write_utc(moment)}"
    return f"{name};TZID={rules.key}:{write_date_time(local)}"
