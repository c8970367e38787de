"""The whole text of a resource: its events, and around them the calendar and the time zones they need."""

from collections.abc import Iterable, Mapping, Sequence

from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.kept import Kept
from bridge.mapping.lines import fold
from bridge.mapping.table import tzids
from bridge.mapping.times import is_place
from bridge.mapping.vtimezone import write_vtimezone
from bridge.model import IndexRecord
from bridge.occurrences import last_end
from bridge.zones import resolve_tzid

PRODID = "-//exchange-caldav-bridge//EN"

Years = tuple[int, int | None]
"""The first and the last year in which something takes place, None for an open end."""


def write_document(kept: Kept, events: Iterable[Sequence[str]], years: Years) -> bytes:
    """Give the bytes that a client is served; ``events`` are unfolded lines from BEGIN to END."""
    lines = [line for event in events for line in event]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", *kept.calendar]
    for tzid in tzids(lines):
        head += kept.timezones.get(tzid) or _written_timezone(tzid, years)
    return fold([*head, *lines, "END:VCALENDAR"])


def own_timezones(obj: CalendarObject, lines: Sequence[str], years: Years) -> Mapping[str, tuple[str, ...]]:
    """Give the client's VTIMEZONEs that these lines need and that we would not write ourselves."""
    needed = {}
    for tzid in tzids(lines):
        component = obj.timezones.get(tzid)
        if component is None or (resolve_tzid(tzid) == tzid and is_place(tzid)):
            continue
        raw = tuple(component.raw())
        if raw != _written_timezone(tzid, years):
            needed[tzid] = raw
    return needed


def years_of(index: IndexRecord) -> Years:
    """Give the years in which a resource takes place."""
    first = min(index.start, *(one.start for one in index.exceptions)) if index.exceptions else index.start
    last = last_end(index)
    return first.year, last.year if last else None


def _written_timezone(tzid: str, years: Years) -> tuple[str, ...]:
    name = resolve_tzid(tzid)
    return write_vtimezone(tzid, name, *years) if name else ()
