"""REPORT: which reports are answered where."""

from collections.abc import Sequence

from bridge.dav.bodies import MAX_XML
from bridge.dav.expand_property import Expansion
from bridge.dav.people_search import PeopleSearch, SearchProperties
from bridge.dav.refusals import bad_request
from bridge.dav.report_bodies import (
    CalendarMultiget,
    CalendarQuery,
    FreeBusyQuery,
    SyncCollection,
    parse_report,
    unsupported_report,
)
from bridge.dav.request import Depth
from bridge.dav.response import Response
from bridge.dav.views import CalendarView
from bridge.storage_plugin.calendar_reports import multiget, query
from bridge.storage_plugin.free_busy import free_busy
from bridge.storage_plugin.places import is_group
from bridge.storage_plugin.principal_reports import expand_property, search_people
from bridge.storage_plugin.sync_collection import sync
from bridge.storage_plugin.visit import Visit


def report(visit: Visit) -> Response:
    """Answer a report. Of those about events the Depth header need only be one: all are about a calendar's members.

    Strictly, Depth 0 or none would make a calendar-query of a collection find nothing, and a free-busy-query call the
    owner free; no client means that.
    """
    wanted = parse_report(visit.request.body(MAX_XML))
    match wanted:
        case Expansion():
            _require_depth_zero(visit)
            return expand_property(visit, wanted)
        case PeopleSearch() | SearchProperties():
            _require_depth_zero(visit)
            _require(is_here=visit.path.calendar is None and visit.path.principal in {None, visit.home.address})
            return search_people(visit, wanted) if isinstance(wanted, PeopleSearch) else wanted.response()
        case FreeBusyQuery():
            _require(is_here=visit.path.name is None and visit.path.principal is not None)
            _require(is_here=not is_group(visit.path))
            return free_busy(visit, wanted)
        case _:
            return _of_events(visit, wanted)


def _of_events(visit: Visit, wanted: CalendarQuery | CalendarMultiget | SyncCollection) -> Response:
    match wanted:
        case CalendarQuery():
            return query(visit, _calendars(visit), wanted)
        case CalendarMultiget():
            return multiget(visit, _calendars(visit), wanted)
        case SyncCollection():
            _require(is_here=visit.path.calendar is not None)
            (calendar,) = _calendars(visit)
            return sync(visit, calendar, wanted)


def _calendars(visit: Visit) -> Sequence[CalendarView]:
    """Give the calendar that is asked, or all of the viewer's home."""
    path = visit.path
    _require(is_here=path.name is None and path.principal == visit.home.address and not is_group(path))
    return visit.calendars() if path.calendar is None else [visit.calendar()]


def _require(*, is_here: bool) -> None:
    if not is_here:
        raise unsupported_report("This report is not answered here; DAV:supported-report-set tells which are.")


def _require_depth_zero(visit: Visit) -> None:
    """Refuse another Depth than 0, which is what no header means for a report (RFC 3253 3.6)."""
    if visit.request.header("Depth") is not None and visit.request.depth is not Depth.ZERO:
        raise bad_request("This report is asked with Depth: 0.")
