"""A DATE or DATE-TIME of a client's (RFC 5545 3.3.4, 3.3.5): what the clock shows, in which zone, at which instant."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import UTC_ZONE, Content, Zone
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked
from bridge.mapping.lines import Line
from bridge.mapping.values import Duration, parse_date, parse_date_time
from bridge.mapping.vtimezone import read_vtimezone
from bridge.zones import load_zone, resolve_tzid, to_instant, to_known, to_rules, to_windows

_MIDNIGHT = time()
FIRST_YEAR, LAST_YEAR = 1601, 4500
"""The years Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""


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
        """Give the minute at which the clock shows this much more: so long are a series' occurrences at Exchange.

        It is another than `after` where the first occurrence lasts through a change of the clock.
        """
        return replace(self, local=(self.local + duration.exact).replace(second=0))

    @property
    def is_skipped(self) -> bool:
        """Whether it is a time that the clock never shows."""
        return not self.is_date and self.instant.astimezone(self.rules).replace(tzinfo=None) != self.local


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
    if _is_in_series(asked):
        local = local.replace(second=0)
    tzid = (line.parameter("TZID") or "").strip()
    if is_utc:
        return Moment(local, UTC, UTC_ZONE)
    repeats = is_of_series(asked)
    if not tzid:
        return Moment(local, rules_of_calendar(asked.context), asked.context.zone, is_of_series=repeats)
    return replace(_zoned(local, tzid, line, asked), is_of_series=repeats)


def is_of_series(asked: Asked) -> bool:
    """Whether a client's event is the master of a series."""
    return asked.event.get("RRULE") is not None and asked.event.get("RECURRENCE-ID") is None


def _is_in_series(asked: Asked) -> bool:
    """Whether a series or an occurrence of one is meant: Exchange has their times in minutes (MS-OXOCAL 2.2.1.44.1)."""
    master = asked.obj.master
    return master is not None and master.get("RRULE") is not None


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


def _check_year(year: int, line: Line) -> None:
    if not FIRST_YEAR < year < LAST_YEAR:
        raise NotExpressible(f"{line.name} in line {line.number} is not in a year that Exchange has.")


def rules_of_calendar(context: Context) -> tzinfo:
    """Give the rules of the zone in which floating times live."""
    return to_rules(context.zone) or UTC
