"""The dates and times that stand in a resource's text, as UTC instants, and whole days as dates."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bridge.mapping.component import Component
from bridge.mapping.lines import Line
from bridge.mapping.moment import is_place
from bridge.mapping.values import parse_date, parse_date_time
from bridge.mapping.vtimezone import read_vtimezone
from bridge.occurrences import Occurrence, series_of
from bridge.resource import IndexRecord
from bridge.zones import load_zone, resolve_tzid, to_rules

_DAY = timedelta(days=1)
_HALF_DAY = _DAY / 2

TimeZones = Callable[[], Mapping[str, Component]]
"""Gives the VTIMEZONEs of a resource by TZID; called only where a TZID is not the name of a known place."""


def home_zone(record: IndexRecord) -> tzinfo:
    """Give the zone in which an event's whole days begin; UTC where it is not known."""
    series = series_of(record)
    return series.zone if series is not None else to_rules(record.zone) or UTC


def day_of(instant: datetime, zone: tzinfo) -> date:
    """Give the day that begins nearest to an instant: not every day has a midnight, and not every zone is known."""
    return (instant.astimezone(zone).replace(tzinfo=None) + _HALF_DAY).date()


def has_whole_days(record: IndexRecord, occurrence: Occurrence | None = None) -> bool:
    """Say whether an occurrence stands for whole days; without one, whether any may."""
    if occurrence is None:
        return record.is_all_day or any(each.is_all_day for each in record.exceptions)
    if not occurrence.is_exception:
        return record.is_all_day
    return any(each.is_all_day for each in record.exceptions if each.original_start == occurrence.original_start)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Give the UTC instant at which a day begins in a zone."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def read_instant(line: Line, zone: tzinfo, timezones: TimeZones) -> datetime | None:
    """Read the DATE or DATE-TIME of a property; None where it is neither, or in a zone that cannot be told.

    ``zone`` is where days begin and floating times live.
    """
    try:
        if (line.parameter("VALUE") or "").upper() == "DATE" or "T" not in line.value.upper():
            return midnight(parse_date(line.value), zone)
        local, is_utc = parse_date_time(line.value)
        rules = UTC if is_utc else _rules(line.parameter("TZID"), zone, timezones)
        return local.replace(tzinfo=rules).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _rules(tzid: str | None, zone: tzinfo, timezones: TimeZones) -> tzinfo:
    """Give the rules a TZID means, as `bridge.mapping.times` takes it. Raises ValueError where it means none."""
    if not tzid:
        return zone
    name = resolve_tzid(tzid)
    if name and is_place(name):
        return load_zone(name)
    component = timezones().get(tzid)
    if component is not None:
        return read_vtimezone(component)
    if name:
        return load_zone(name)
    raise ValueError


def timezones_of(calendar: Component) -> Mapping[str, Component]:
    """Give the VTIMEZONEs of a VCALENDAR by TZID."""
    found = [(child.get("TZID"), child) for child in calendar.children if child.name == "VTIMEZONE"]
    return {line.value: child for line, child in found if line is not None}


def nearest_original(instant: datetime, record: IndexRecord) -> datetime:
    """Give the original start of the exception that a RECURRENCE-ID means; the instant itself where there is none.

    Less than a day between them is the zone of a whole day that was read differently, never another occurrence: the
    nearest is taken.
    """
    originals = (each.original_start for each in record.exceptions)
    nearest = min(originals, key=lambda original: abs(original - instant), default=instant)
    return nearest if abs(nearest - instant) < _DAY else instant
