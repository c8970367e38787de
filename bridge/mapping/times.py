"""DTSTART, DTEND, DURATION: instants, zones and whole days (RFC 5545 3.6.1, 3.8.2; MS-OXCICAL 2.1.3.1.1.20.8-10).

Exchange holds whole days as the UTC instants of midnights in the item's zone. A client's own zone, floating times and
DURATION come back through `Kept` while the instants are what they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import UTC_ZONE, Content, Item, Zone
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Shown, attributes
from bridge.mapping.lines import Line
from bridge.mapping.values import (
    Duration,
    parse_date,
    parse_date_time,
    parse_duration,
    write_date,
    write_date_time,
    write_utc,
)
from bridge.mapping.vtimezone import read_vtimezone
from bridge.occurrences import zone_of
from bridge.zones import WINDOWS_TO_IANA, load_zone, resolve_tzid, to_instant, to_known, to_rules, to_windows

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_FIRST_YEAR, _LAST_YEAR = 1601, 4500
"""The years Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""
_LONGEST = timedelta(days=5 * 365 + 1)
"""Five years (ErrorCalendarDurationIsTooLong)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a DTSTART or DTEND says: the clock's time, the rules it follows, the zone an item carries for them.

    ``is_of_series``: Exchange computes its instant from the clock, as it does for whole days.
    """

    local: datetime
    rules: tzinfo
    zone: Zone
    is_date: bool = False
    is_of_series: bool = False

    @property
    def instant(self) -> datetime:
        """The UTC instant.

        Of a time that comes twice the first, as RFC 5545 3.3.5 has it; where Exchange computes it, the second.
        """
        if self.is_date or self.is_of_series:
            return to_instant(self.local, self.rules)
        return self.local.replace(tzinfo=self.rules).astimezone(UTC)

    def after(self, duration: Duration) -> datetime:
        """Give the UTC instant this duration later: days by the calendar, the rest by the clock (RFC 5545 3.3.6)."""
        return replace(self, local=self.local + timedelta(days=duration.days)).instant + duration.rest

    def by_clock(self, duration: Duration) -> "Moment":
        """Give the moment at which the clock shows this much more: so long are a series' occurrences at Exchange.

        It is another than `after` where the first occurrence lasts through a change of the clock.
        """
        return replace(self, local=self.local + duration.exact)

    @property
    def is_skipped(self) -> bool:
        """Whether it is a time that the clock never shows."""
        return not self.is_date and self.instant.astimezone(self.rules).replace(tzinfo=None) != self.local


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
            raise NotExpressible("The event ends after the last year that Exchange has.") from None
        is_all_day = start.is_date or _is_marked_all_day(asked, start, end)
        _check_bounds(start.instant, end)
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
    return to_rules(content.start_zone) or _context_rules(context)


def _rules_stood_on(content: Content) -> ZoneInfo | None:
    """Give the rules by which a content's times are told: of a Windows id its own, but for a series of others."""
    known = to_rules(content.start_zone)
    if known and content.recurrence:
        return zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    return to_rules(Zone(content.start_zone.id)) or known


def _nearest_day(local: datetime) -> date:
    return (local.replace(tzinfo=None) + _DAY / 2).date()


def _context_rules(context: Context) -> tzinfo:
    return to_rules(context.zone) or UTC


# --- to the item -------------------------------------------------------------------------------------


def read_moment(line: Line, asked: Asked) -> Moment:
    """Read a date or time of a client's. Raises InvalidCalendarData, NotExpressible for years Exchange has not."""
    is_date = (line.parameter("VALUE") or "").upper() == "DATE"
    try:
        if is_date or "T" not in line.value.upper():
            return _day(parse_date(line.value), asked, line)
        local, is_utc = parse_date_time(line.value)
    except ValueError:
        raise InvalidCalendarData(f"{line.name} in line {line.number} is not a date or time.") from None
    _check_year(local.year, line)
    tzid = (line.parameter("TZID") or "").strip()
    if is_utc:
        return Moment(local, UTC, UTC_ZONE)
    is_of_series = _is_series(asked)
    if not tzid:
        return Moment(local, _context_rules(asked.context), asked.context.zone, is_of_series=is_of_series)
    return replace(_zoned(local, tzid, line, asked), is_of_series=is_of_series)


def _is_series(asked: Asked) -> bool:
    return asked.event.get("RRULE") is not None and asked.event.get("RECURRENCE-ID") is None


def _day(day: date, asked: Asked, line: Line) -> Moment:
    """Read a day: it begins in the zone the item's days are in already, else in the calendar's."""
    _check_year(day.year, line)
    zone = asked.context.zone
    if asked.stored and asked.stored.content.is_all_day and to_rules(asked.stored.content.start_zone):
        zone = asked.stored.content.start_zone
    return Moment(datetime.combine(day, _MIDNIGHT), to_rules(zone) or UTC, zone, is_date=True)


def _zoned(local: datetime, tzid: str, line: Line, asked: Asked) -> Moment:
    """Read a time in a zone: known places by their own rules, others by the VTIMEZONE that came along.

    The zone that an item brought along, and was shown in, stays its own.
    """
    component = asked.obj.timezones.get(tzid)
    name = resolve_tzid(tzid) or _location(component)
    if asked.stored and (brought := _brought_along(asked.stored.content, tzid)):
        return Moment(local, *brought)
    if name and (component is None or is_place(name)):
        return Moment(local, load_zone(name), to_windows(tzid) or to_windows(name) or UTC_ZONE)
    if component is None:
        raise InvalidCalendarData(f"{line.name} in line {line.number} has a TZID that is not known and no VTIMEZONE.")
    try:
        rules = read_vtimezone(component)
        zone = to_known(rules, local.year, asked.context.zone)
    except ValueError:
        message = f"The VTIMEZONE in line {component.number}, which {line.name} needs, cannot be read."
        raise InvalidCalendarData(message) from None
    return Moment(local, rules, zone or UTC_ZONE)


def _location(timezone: Component | None) -> str | None:
    """Give the place that a VTIMEZONE says it is of, as libical writes it beside a TZID of any form."""
    line = timezone.get("X-LIC-LOCATION") if timezone is not None else None
    name = resolve_tzid(line.text) if line is not None else None
    return name if name and is_place(name) else None


def _brought_along(content: Content, tzid: str) -> tuple[ZoneInfo, Zone] | None:
    for zone in (content.start_zone, content.end_zone):
        rules = to_rules(zone) if zone.definition is not None else None
        if rules is not None and rules.key == tzid:
            return rules, zone
    return None


def is_place(name: str) -> bool:
    """Whether an IANA name is a place's; others (``EST``, ``GMT``) mean different things to different authors."""
    return "/" in name and not name.startswith("Etc/")


def _end(start: Moment, asked: Asked) -> tuple[datetime, Zone]:
    """Give the end: DTEND, or DURATION, or the end of the day, or the start (RFC 5545 3.6.1)."""
    is_series = _is_series(asked)
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


def _check_year(year: int, line: Line) -> None:
    if not _FIRST_YEAR < year < _LAST_YEAR:
        raise NotExpressible(f"{line.name} in line {line.number} is not in a year that Exchange has.")


def _check_bounds(start: datetime, end: datetime) -> None:
    if end.year >= _LAST_YEAR:
        raise NotExpressible("The event ends after the last year that Exchange has.")
    if end - start > _LONGEST:
        raise NotExpressible("The event is longer than the five years that Exchange holds.")


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
