"""The whole text of a resource: its events, and around them the calendar and the time zones they need."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.item import Content
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.kept import Kept
from bridge.mapping.lines import fold
from bridge.mapping.moment import is_place
from bridge.mapping.table import tzids
from bridge.mapping.vtimezone import write_vtimezone
from bridge.occurrences import last_end
from bridge.resource import IndexRecord
from bridge.zones import load_zone, resolve_tzid, to_rules

PRODID = "-//exchange-caldav-bridge//EN"

Span = tuple[datetime, int | None]
"""When something first takes place (UTC), and the last year in which it does, None for an open end."""
Zones = Mapping[str, ZoneInfo]
"""Rules that items bring along, by TZID."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The bytes a client is served, and the index record that goes with them."""

    text: bytes = field(repr=False)
    index: IndexRecord


def write_document(kept: Kept, events: Iterable[Sequence[str]], span: Span, zones: Zones) -> bytes:
    """Give the bytes that a client is served; ``events`` are unfolded lines from BEGIN to END."""
    lines = [line for event in events for line in event]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", *kept.calendar]
    for tzid in tzids(lines):
        head += kept.timezones.get(tzid) or _written_timezone(tzid, span, zones)
    return fold([*head, *lines, "END:VCALENDAR"])


def own_timezones(obj: CalendarObject, lines: Sequence[str], span: Span, zones: Zones) -> Mapping[str, tuple[str, ...]]:
    """Give the client's VTIMEZONEs that these lines need and that we would not write ourselves."""
    needed = {}
    for tzid in tzids(lines):
        component = obj.timezones.get(tzid)
        if component is None or (resolve_tzid(tzid) == tzid and is_place(tzid)):
            continue
        raw = tuple(component.raw())
        if raw != _written_timezone(tzid, span, zones):
            needed[tzid] = raw
    return needed


def span_of(index: IndexRecord) -> Span:
    """Give when a resource takes place; a moved instance is named by when it was to."""
    moments = (moment for one in index.exceptions for moment in (one.start, one.original_start))
    last = last_end(index)
    return min((index.start, *moments)), last.year if last else None


def zones_of(contents: Iterable[Content]) -> Zones:
    """Give the rules that contents bring along, by the TZID they are shown under."""
    zones = {zone for content in contents for zone in (content.start_zone, content.end_zone) if zone.definition}
    return {rules.key: rules for rules in map(to_rules, zones) if rules is not None}


def _written_timezone(tzid: str, span: Span, zones: Zones) -> tuple[str, ...]:
    name = resolve_tzid(tzid)
    rules = zones.get(tzid) or (load_zone(name) if name else None)
    return write_vtimezone(tzid, rules, *span) if rules else ()
