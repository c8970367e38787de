"""A time zone that a client sends along (RFC 4791 5.2.2, 9.8; RFC 7809 6.1)."""

from datetime import tzinfo

from bridge.dav.clock import timezones_of
from bridge.dav.refusals import NotServed
from bridge.errors import InvalidCalendarData
from bridge.mapping.component import read_components
from bridge.mapping.moment import is_place
from bridge.mapping.vtimezone import read_vtimezone
from bridge.zones import load_zone, resolve_tzid


def read_timezone(calendar: str) -> tzinfo:
    """Give the rules of the only VTIMEZONE of a calendar; a known place's are our own.

    Raises NotServed (403, valid-calendar-data) for anything else.
    """
    try:
        zones = [zone for each in read_components(calendar.encode()) for zone in timezones_of(each).items()]
        if len(zones) == 1:
            tzid, component = zones[0]
            name = resolve_tzid(tzid)
            return load_zone(name) if name and is_place(name) else read_vtimezone(component)
    except (ValueError, InvalidCalendarData):
        pass
    raise NotServed(403, "This is not a calendar with one time zone that can be read.", "<C:valid-calendar-data/>")


def find_timezone(named: str) -> tzinfo:
    """Give the rules of a zone by name. Raises NotServed (403, valid-timezone)."""
    name = resolve_tzid(named)
    if name is None:
        raise NotServed(403, "This time zone is not known.", "<C:valid-timezone/>")
    return load_zone(name)
