"""REPORT on a calendar: calendar-query, calendar-multiget, sync-collection. Each whole, or not at all."""

from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from bridge.dav.bodies import (
    MAX_XML,
    CalendarMultiget,
    CalendarQuery,
    SyncCollection,
    parse_report,
    unsupported_report,
)
from bridge.dav.multistatus import Kind, ResponseWriter, Selection, status_response
from bridge.dav.properties import CALENDAR_DATA, REPORTED
from bridge.dav.refusals import NotServed
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView, ResourceView
from bridge.dav.xml import text
from bridge.ids import Path, make_etag, parse_path
from bridge.model import Listed, Name
from bridge.storage_plugin.propfind import Hrefs
from bridge.storage_plugin.visit import Visit


def report(visit: Visit) -> Response:
    """Answer a report. The Depth header is not looked at: every report here is about a calendar's members.

    Strictly, Depth 0 or none would make a calendar-query of a collection find nothing; no client means that.
    """
    wanted = parse_report(visit.request.body(MAX_XML))
    calendar = visit.calendar()
    match wanted:
        case CalendarQuery():
            found = [each for each in visit.snapshot(calendar.served).resources.values() if wanted.filter.holds(each)]
            responses = [written for _, written in _members(visit, calendar, wanted.selection, found)]
            return multistatus(responses, headers=visit.age())
        case CalendarMultiget():
            return multistatus(list(_multiget(visit, calendar, wanted)), headers=visit.age())
        case SyncCollection():
            return _sync(visit, calendar, wanted)


def refuse_report(visit: Visit) -> Response:
    """Refuse a report outside calendars, by its precondition and not by the method: other reports will come."""
    parse_report(visit.request.body(MAX_XML))
    raise unsupported_report("Reports are answered on calendars.")


def _members(
    visit: Visit, calendar: CalendarView, selection: Selection, resources: Iterable[Listed]
) -> Iterator[tuple[Name, str]]:
    """Write the responses of these resources, by name; one that is deleted meanwhile is left out."""
    write = ResponseWriter(REPORTED, selection)
    href = Hrefs(visit, calendar)
    if CALENDAR_DATA not in selection.names or selection.kind is Kind.NAMES:
        for each in resources:
            yield each.name, write(href(each.name), ResourceView(calendar, each, each.etag))
        return
    resources = list(resources)
    texts = visit.texts(calendar.served, [each.name for each in resources])
    for each in resources:
        body = texts.get(each.name)
        if body is not None:
            # The text may be newer than the listing: its ETag is made of what is served.
            yield each.name, write(href(each.name), ResourceView(calendar, each, make_etag(body), body))


def _multiget(visit: Visit, calendar: CalendarView, wanted: CalendarMultiget) -> Iterator[str]:
    """Write one response for each href: 404 only for what the whole calendar is known not to have."""
    resources = visit.snapshot(calendar.served).resources
    names = {href: _member_name(visit, calendar, href) for href in wanted.hrefs}
    present = dict.fromkeys(name for name in names.values() if name is not None and name in resources)
    written = dict(_members(visit, calendar, wanted.selection, [resources[name] for name in present]))
    yield from written.values()
    href_of = Hrefs(visit, calendar)
    yield from (status_response(text(href), 403) for href, name in names.items() if name is None)
    absent = dict.fromkeys(name for name in names.values() if name is not None and name not in written)
    yield from (status_response(href_of(name), 404) for name in absent)


def _member_name(visit: Visit, calendar: CalendarView, href: str) -> Name | None:
    """Give the name that an href means in this calendar; None when it means something else."""
    try:
        decoded = unquote(urlsplit(href).path, errors="strict")
    except ValueError:
        return None
    prefix = unquote(visit.request.prefix)
    if not decoded.startswith(prefix + "/"):
        return None
    path = parse_path(decoded.removeprefix(prefix))
    if path is None or path.name is None:
        return None
    return path.name if Path(path.principal, path.calendar) == calendar.path else None


def _sync(visit: Visit, calendar: CalendarView, wanted: SyncCollection) -> Response:
    """Answer what changed since the token (RFC 6578 3.4); the first time nothing is told of what is gone."""
    visit.snapshot(calendar.served)
    changes = visit.store.changes(visit.login, calendar.served, wanted.token or None)
    removed = changes.removed if wanted.token else ()
    if wanted.limit is not None and len(changes.changed) + len(removed) > wanted.limit:
        raise NotServed(
            403,
            "More has changed than the limit allows, and the answer cannot be cut.",
            "<D:number-of-matches-within-limits/>",
        )
    href = Hrefs(visit, calendar)
    responses = [written for _, written in _members(visit, calendar, wanted.selection, changes.changed)]
    responses += [status_response(href(name), 404) for name in removed]
    return multistatus(responses, f"<D:sync-token>{text(changes.token)}</D:sync-token>", visit.age())
