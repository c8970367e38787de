"""What the bodies of REPORTs ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from lxml import etree

from bridge.dav.bodies import parse_body, parse_selection
from bridge.dav.calendar_data import WHOLE, CalendarData, parse_calendar_data
from bridge.dav.expand_property import Expansion, parse_expansion
from bridge.dav.filter_grammar import parse_filter
from bridge.dav.filters import Filter
from bridge.dav.multistatus import Kind, Selection
from bridge.dav.people_search import PeopleSearch, SearchProperties, parse_people_search
from bridge.dav.properties import CALENDAR_DATA
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.time_range import parse_window
from bridge.dav.timezone import find_timezone, read_timezone
from bridge.dav.xml import CALDAV, DAV, children


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


Report = CalendarQuery | CalendarMultiget | SyncCollection | FreeBusyQuery | Expansion | PeopleSearch | SearchProperties


def parse_report(body: bytes) -> Report:
    """Read a REPORT body. Raises NotServed: 400 where it is malformed, 403 where it asks for what is not done."""
    root = parse_body(body)
    parse = _REPORTS.get(str(root.tag))
    if parse is None:
        raise unsupported_report("This report is not known here.")
    return parse(root)


def unsupported_report(sentence: str) -> NotServed:
    """Give the refusal of a report that is not done here (RFC 3253 3.6)."""
    return NotServed(403, sentence, "<D:supported-report/>")


def _calendar_query(root: etree._Element) -> CalendarQuery:
    wanted = parse_filter(root.find(f"{CALDAV}filter"))
    return CalendarQuery(_reported(root), wanted, _data(root), _zone(root))


def _calendar_multiget(root: etree._Element) -> CalendarMultiget:
    hrefs = tuple((each.text or "").strip() for each in root.findall(f"{DAV}href"))
    if not hrefs:
        raise bad_request("A calendar-multiget names at least one href.")
    return CalendarMultiget(_reported(root), hrefs, _data(root))


def _free_busy_query(root: etree._Element) -> FreeBusyQuery:
    ranges = children(root)
    if len(ranges) != 1 or ranges[0].tag != f"{CALDAV}time-range":
        raise bad_request("A free-busy-query holds one time-range.")
    return FreeBusyQuery(*parse_window(ranges[0]))


def _sync_collection(root: etree._Element) -> SyncCollection:
    level = (root.findtext(f"{DAV}sync-level") or "1").strip()
    if level not in {"1", "infinite"}:
        raise bad_request("DAV:sync-level is 1 or infinite.")
    limit = root.findtext(f"{DAV}limit/{DAV}nresults")
    if limit is not None and not (limit.strip().isascii() and limit.strip().isdigit() and len(limit) < 10):
        raise bad_request("DAV:nresults is a number.")
    if limit is not None and int(limit) == 0:
        raise NotServed(403, "There is no answer of no results.", "<D:number-of-matches-within-limits/>")
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    return SyncCollection(_reported(root), token, None if limit is None else int(limit), _data(root))


def _reported(root: etree._Element) -> Selection:
    """Read what a report wants of each resource; nothing said means no property, and still a response for each."""
    if all(root.find(f"{DAV}{name}") is None for name in ("prop", "allprop", "propname")):
        return Selection(Kind.NAMED)
    selection = parse_selection(root)
    if selection is None:
        raise bad_request("A report asks for one of prop, allprop and propname.")
    return selection


def _data(root: etree._Element) -> CalendarData:
    return parse_calendar_data(root.find(f"{DAV}prop/{CALENDAR_DATA}"))


def _zone(root: etree._Element) -> tzinfo | None:
    """Read C:timezone (RFC 4791 9.8) or C:timezone-id (RFC 7809 6.1), None where there is neither."""
    named, calendar = root.findtext(f"{CALDAV}timezone-id"), root.findtext(f"{CALDAV}timezone")
    if named is not None:
        return find_timezone(named)
    return None if calendar is None else read_timezone(calendar)


_REPORTS: Mapping[str, Callable[[etree._Element], Report]] = {
    f"{CALDAV}calendar-query": _calendar_query,
    f"{CALDAV}calendar-multiget": _calendar_multiget,
    f"{CALDAV}free-busy-query": _free_busy_query,
    f"{DAV}sync-collection": _sync_collection,
    f"{DAV}expand-property": parse_expansion,
    f"{DAV}principal-property-search": parse_people_search,
    f"{DAV}principal-search-property-set": lambda _: SearchProperties(),
}
