"""What the bodies of PROPFIND, PROPPATCH and REPORT ask for."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from lxml import etree

from bridge.dav.calendar_data import WHOLE, CalendarData, parse_calendar_data
from bridge.dav.clock import timezones_of
from bridge.dav.filter_grammar import parse_filter
from bridge.dav.filters import Filter
from bridge.dav.multistatus import Kind, Selection
from bridge.dav.properties import CALENDAR_DATA
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.time_range import parse_window
from bridge.dav.xml import CALDAV, DAV, Malformed, children, parse
from bridge.errors import InvalidCalendarData
from bridge.mapping.component import read_components
from bridge.mapping.times import is_place
from bridge.mapping.vtimezone import read_vtimezone
from bridge.zones import load_zone, resolve_tzid

MAX_XML = 8 * 1024 * 1024
"""Bytes of a request body that is XML: enough to name fifty thousand resources in a multiget."""


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """RFC 4791 7.8. ``zone`` is where whole days and floating times are to be; None leaves that to each event."""

    selection: Selection
    filter: Filter
    data: CalendarData = WHOLE
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class CalendarMultiget:
    """RFC 4791 7.9; the hrefs as the client wrote them."""

    selection: Selection
    hrefs: tuple[str, ...]
    data: CalendarData = WHOLE


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """RFC 6578 3.2. ``token`` is empty at the first time; ``limit`` is how many responses the client takes."""

    selection: Selection
    token: str
    limit: int | None
    data: CalendarData = WHOLE


@dataclass(frozen=True, slots=True)
class FreeBusyQuery:
    """RFC 4791 7.10: from ``start`` until before ``end``, UTC."""

    start: datetime
    end: datetime


Report = CalendarQuery | CalendarMultiget | SyncCollection | FreeBusyQuery


def parse_propfind(body: bytes) -> Selection:
    """Read a PROPFIND body; an empty one means allprop (RFC 4918 9.1). Raises NotServed (400)."""
    if not body.strip():
        return Selection(Kind.ALL)
    root = _parse(body)
    if root.tag != f"{DAV}propfind":
        raise bad_request("The body of a PROPFIND is a DAV:propfind element.")
    selection = _selection(root)
    if selection is None:
        raise bad_request("A DAV:propfind holds one of prop, allprop and propname.")
    return selection


def parse_proppatch(body: bytes) -> tuple[str, ...]:
    """Give the names of the properties that a PROPPATCH sets or removes. Raises NotServed (400)."""
    root = _parse(body)
    if root.tag != f"{DAV}propertyupdate":
        raise bad_request("The body of a PROPPATCH is a DAV:propertyupdate element.")
    names = [
        str(each.tag)
        for instruction in children(root)
        if instruction.tag in {f"{DAV}set", f"{DAV}remove"}
        for prop in instruction.findall(f"{DAV}prop")
        for each in children(prop)
    ]
    if not names:
        raise bad_request("A DAV:propertyupdate sets or removes at least one property.")
    return tuple(dict.fromkeys(names))


def parse_report(body: bytes) -> Report:
    """Read a REPORT body. Raises NotServed: 400 where it is malformed, 403 where it asks for what is not done."""
    root = _parse(body)
    match root.tag:
        case "{urn:ietf:params:xml:ns:caldav}calendar-query":
            wanted = parse_filter(root.find(f"{CALDAV}filter"))
            return CalendarQuery(_reported(root), wanted, _data(root), _zone(root))
        case "{urn:ietf:params:xml:ns:caldav}calendar-multiget":
            hrefs = tuple((each.text or "").strip() for each in root.findall(f"{DAV}href"))
            if not hrefs:
                raise bad_request("A calendar-multiget names at least one href.")
            return CalendarMultiget(_reported(root), hrefs, _data(root))
        case "{urn:ietf:params:xml:ns:caldav}free-busy-query":
            ranges = children(root)
            if len(ranges) != 1 or ranges[0].tag != f"{CALDAV}time-range":
                raise bad_request("A free-busy-query holds one time-range.")
            return FreeBusyQuery(*parse_window(ranges[0]))
        case "{DAV:}sync-collection":
            return _sync_collection(root)
    raise unsupported_report("Reports are calendar-query, calendar-multiget, free-busy-query and sync-collection.")


def unsupported_report(sentence: str) -> NotServed:
    """Give the refusal of a report that is not done here (RFC 3253 3.6)."""
    return NotServed(403, sentence, "<D:supported-report/>")


def _sync_collection(root: etree._Element) -> SyncCollection:
    level = (root.findtext(f"{DAV}sync-level") or "1").strip()
    if level not in {"1", "infinite"}:
        raise bad_request("DAV:sync-level is 1 or infinite.")
    limit = root.findtext(f"{DAV}limit/{DAV}nresults")
    if limit is not None and not (limit.strip().isascii() and limit.strip().isdigit() and len(limit) < 10):
        raise bad_request("DAV:nresults is a number.")
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    return SyncCollection(_reported(root), token, None if limit is None else int(limit), _data(root))


def _parse(body: bytes) -> etree._Element:
    if not body.strip():
        raise bad_request("The request has no body.")
    try:
        return parse(body)
    except Malformed as problem:
        raise bad_request(str(problem)) from problem


def _selection(root: etree._Element) -> Selection | None:
    """Read prop, allprop with include, or propname; None when there is none or more than one of them."""
    prop, include = root.find(f"{DAV}prop"), root.find(f"{DAV}include")
    has_all, has_names = root.find(f"{DAV}allprop") is not None, root.find(f"{DAV}propname") is not None
    if [prop is not None, has_all, has_names].count(True) != 1 or (include is not None and not has_all):
        return None
    if prop is not None:
        return Selection(Kind.NAMED, _names(prop))
    if has_all:
        return Selection(Kind.ALL, () if include is None else _names(include))
    return Selection(Kind.NAMES)


def _names(prop: etree._Element) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(child.tag) for child in children(prop)))


def _reported(root: etree._Element) -> Selection:
    """Read what a report wants of each resource; nothing said means no property, and still a response for each."""
    if all(root.find(f"{DAV}{name}") is None for name in ("prop", "allprop", "propname")):
        return Selection(Kind.NAMED)
    selection = _selection(root)
    if selection is None:
        raise bad_request("A report asks for one of prop, allprop and propname.")
    return selection


def _data(root: etree._Element) -> CalendarData:
    return parse_calendar_data(root.find(f"{DAV}prop/{CALENDAR_DATA}"))


def _zone(root: etree._Element) -> tzinfo | None:
    """Read C:timezone (RFC 4791 9.8) or C:timezone-id (RFC 7809 6.1), None where there is neither."""
    named = root.findtext(f"{CALDAV}timezone-id")
    if named is not None:
        name = resolve_tzid(named)
        if name is None:
            raise NotServed(403, "This time zone is not known.", "<C:valid-timezone/>")
        return load_zone(name)
    text = root.findtext(f"{CALDAV}timezone")
    if text is None:
        return None
    try:
        return _read_zone(text)
    except (ValueError, InvalidCalendarData):
        raise NotServed(
            403, "C:timezone is not a calendar with one time zone that can be read.", "<C:valid-calendar-data/>"
        ) from None


def _read_zone(text: str) -> tzinfo:
    """Give the rules of a calendar's only VTIMEZONE; a known place's are our own. Raises ValueError."""
    zones = [zone for calendar in read_components(text.encode()) for zone in timezones_of(calendar).items()]
    if len(zones) != 1:
        raise ValueError
    tzid, component = zones[0]
    name = resolve_tzid(tzid)
    return load_zone(name) if name and is_place(name) else read_vtimezone(component)
