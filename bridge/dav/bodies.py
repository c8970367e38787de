"""What the bodies of PROPFIND, PROPPATCH and REPORT ask for."""

from dataclasses import dataclass

from lxml import etree

from bridge.dav.filters import Filter, parse_filter
from bridge.dav.multistatus import Kind, Selection
from bridge.dav.properties import CALENDAR_DATA
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.xml import CALDAV, DAV, Malformed, children, parse

MAX_XML = 8 * 1024 * 1024
"""Bytes of a request body that is XML: enough to name fifty thousand resources in a multiget."""


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """RFC 4791 7.8."""

    selection: Selection
    filter: Filter


@dataclass(frozen=True, slots=True)
class CalendarMultiget:
    """RFC 4791 7.9; the hrefs as the client wrote them."""

    selection: Selection
    hrefs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """RFC 6578 3.2. ``token`` is empty at the first time; ``limit`` is how many responses the client takes."""

    selection: Selection
    token: str
    limit: int | None


Report = CalendarQuery | CalendarMultiget | SyncCollection


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
            return CalendarQuery(_reported(root), parse_filter(root.find(f"{CALDAV}filter")))
        case "{urn:ietf:params:xml:ns:caldav}calendar-multiget":
            hrefs = tuple((each.text or "").strip() for each in root.findall(f"{DAV}href"))
            if not hrefs:
                raise bad_request("A calendar-multiget names at least one href.")
            return CalendarMultiget(_reported(root), hrefs)
        case "{DAV:}sync-collection":
            return _sync_collection(root)
    raise unsupported_report("Only calendar-query, calendar-multiget and sync-collection are supported.")


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
    return SyncCollection(_reported(root), token, None if limit is None else int(limit))


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
    for data in root.iterfind(f"{DAV}prop/{CALENDAR_DATA}"):
        _check_calendar_data(data)
    if all(root.find(f"{DAV}{name}") is None for name in ("prop", "allprop", "propname")):
        return Selection(Kind.NAMED)
    selection = _selection(root)
    if selection is None:
        raise bad_request("A report asks for one of prop, allprop and propname.")
    return selection


def _check_calendar_data(data: etree._Element) -> None:
    """Refuse forms of calendar data that are not done. A choice of properties (C:comp) is answered with all of them."""
    if data.get("content-type", "text/calendar").lower() != "text/calendar" or data.get("version", "2.0") != "2.0":
        raise NotServed(403, "Calendar data are served as text/calendar 2.0.", "<C:supported-calendar-data/>")
    for child in children(data):
        if child.tag in {f"{CALDAV}expand", f"{CALDAV}limit-recurrence-set"}:
            name = etree.QName(child).localname
            raise NotServed(403, f"{name} is not supported yet.", "<C:supported-filter/>")
