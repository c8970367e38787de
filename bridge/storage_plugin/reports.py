"""REPORT on a calendar: queries by filter, by name, by token and for busy time. Each whole, or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from urllib.parse import unquote, urlsplit

from bridge.dav.bodies import (
    MAX_XML,
    CalendarMultiget,
    CalendarQuery,
    FreeBusyQuery,
    SyncCollection,
    parse_report,
    unsupported_report,
)
from bridge.dav.expand import repeats
from bridge.dav.multistatus import Kind, ResponseWriter, status_response
from bridge.dav.properties import CALENDAR_DATA, REPORTED
from bridge.dav.query import find
from bridge.dav.refusals import NotServed
from bridge.dav.response import FREE_BUSY, Response, multistatus
from bridge.dav.timeline import Timeline
from bridge.dav.views import CalendarView, ResourceView
from bridge.dav.xml import text
from bridge.errors import ExchangeFailed, NotPermitted
from bridge.freebusy.busy_time import LONGEST
from bridge.freebusy.vfreebusy import to_vfreebusy
from bridge.ids import Path, make_etag, parse_path
from bridge.model import Listed, Name, NoAvailability
from bridge.occurrences import Occurrence
from bridge.storage_plugin.propfind import Hrefs
from bridge.storage_plugin.visit import Visit

MOST_INSTANCES = 20_000
"""Instances that one expanded answer may hold: a daily series over a century is twice as many."""

_ForEvents = CalendarQuery | CalendarMultiget | SyncCollection


def report(visit: Visit) -> Response:
    """Answer a report. The Depth header need only be one: every report here is about a calendar's members.

    Strictly, Depth 0 or none would make a calendar-query of a collection find nothing, and a free-busy-query call the
    owner free; no client means that.
    """
    wanted = parse_report(visit.request.body(MAX_XML))
    if isinstance(wanted, FreeBusyQuery):
        return _free_busy(visit, wanted)
    calendar = visit.calendar()
    match wanted:
        case CalendarQuery():
            return multistatus(_query(visit, calendar, wanted), headers=visit.age())
        case CalendarMultiget():
            return multistatus(list(_multiget(visit, calendar, wanted)), headers=visit.age())
        case SyncCollection():
            return _sync(visit, calendar, wanted)


def _query(visit: Visit, calendar: CalendarView, wanted: CalendarQuery) -> list[str]:
    resources = visit.snapshot(calendar.served).resources
    timeline = visit.timeline(calendar.served, wanted.zone)
    found = find(wanted.filter, resources, timeline, lambda names: visit.texts(calendar.served, names))
    return [written for _, written in _members(visit, calendar, wanted, found)]


def _free_busy(visit: Visit, wanted: FreeBusyQuery) -> Response:
    """Answer with one VFREEBUSY (RFC 4791 7.10). Nobody is said to be free of whom Exchange does not tell."""
    _ = visit.request.depth  # refuses what is none
    start, end = wanted.start, wanted.end
    if end - start > LONGEST:
        raise NotServed(
            403, f"At most {LONGEST.days} days are answered at once.", "<D:number-of-matches-within-limits/>"
        )
    busy = visit.busy(start, end)
    if isinstance(busy, NoAvailability):
        if busy.is_unknown:
            raise NotServed(403, "Exchange does not know the mailbox that this calendar belongs to.")
        if not busy.is_refused:
            raise ExchangeFailed("Exchange cannot tell at this moment when the owner of this calendar is busy.")
        raise NotPermitted("Exchange does not tell you when the owner of this calendar is busy.", "read-free-busy")
    headers = {"Content-Type": FREE_BUSY, **({} if busy.asked_at is None else visit.age_of(busy.asked_at))}
    return Response(200, headers, to_vfreebusy(busy.blocks, start, end, datetime.now(UTC)))


def refuse_report(visit: Visit) -> Response:
    """Refuse a report outside calendars, by its precondition and not by the method: other reports will come."""
    parse_report(visit.request.body(MAX_XML))
    raise unsupported_report("Reports are answered on calendars.")


def _members(
    visit: Visit, calendar: CalendarView, wanted: _ForEvents, resources: Iterable[Listed]
) -> Iterator[tuple[Name, str]]:
    """Write the responses of these resources, by name; one that is deleted meanwhile is left out."""
    selection = wanted.selection
    write = ResponseWriter(REPORTED, selection)
    href = Hrefs(visit, calendar)
    if CALENDAR_DATA not in selection.names or selection.kind is Kind.NAMES:
        for each in resources:
            yield each.name, write(href(each.name), ResourceView(calendar, each, each.etag))
        return
    resources = list(resources)
    texts = visit.texts(calendar.served, [each.name for each in resources])
    forms = _Forms(visit, calendar, wanted)
    for each in resources:
        body = texts.get(each.name)
        if body is not None:
            # The text may be newer than the listing: its ETag is made of what is served.
            view = ResourceView(calendar, each, make_etag(body), body)
            yield each.name, write(href(each.name), forms.fill(view, body))


class _Forms:
    """Gives the calendar data of one answer in the form that is asked for, within the limit on instances."""

    def __init__(self, visit: Visit, calendar: CalendarView, wanted: _ForEvents) -> None:
        self._visit = visit
        self._served = calendar.served
        self._data = wanted.data
        self._zone = wanted.zone if isinstance(wanted, CalendarQuery) else None
        self._left = MOST_INSTANCES

    def fill(self, view: ResourceView, body: bytes) -> ResourceView:
        """Give the view with its data."""
        listed = view.listed
        if self._data.needs_times and listed.etag != view.etag:
            listed = self._visit.version(self._served, listed.name, view.etag)
        return replace(view, data=self._data.make(body, listed.index, self._instances(listed)))

    def _instances(self, listed: Listed) -> list[Occurrence]:
        if self._data.expanded is None or not repeats(listed.index):
            return []
        found = list(islice(self._timeline.occurrences(listed, self._data.expanded), self._left + 1))
        self._left -= len(found)
        if self._left < 0:
            raise NotServed(
                403,
                f"Expanded, this is more than {MOST_INSTANCES} events; ask for a shorter time.",
                "<D:number-of-matches-within-limits/>",
            )
        return found

    @cached_property
    def _timeline(self) -> Timeline:
        return self._visit.timeline(self._served, self._zone)


def _multiget(visit: Visit, calendar: CalendarView, wanted: CalendarMultiget) -> Iterator[str]:
    """Write one response for each href: 404 only for what the whole calendar is known not to have."""
    resources = visit.snapshot(calendar.served).resources
    names = {href: _member_name(visit, calendar, href) for href in wanted.hrefs}
    present = dict.fromkeys(name for name in names.values() if name is not None and name in resources)
    written = dict(_members(visit, calendar, wanted, [resources[name] for name in present]))
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
    responses = [written for _, written in _members(visit, calendar, wanted, changes.changed)]
    responses += [status_response(href(name), 404) for name in removed]
    return multistatus(responses, f"<D:sync-token>{text(changes.token)}</D:sync-token>", visit.age())
