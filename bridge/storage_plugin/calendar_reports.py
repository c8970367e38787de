"""calendar-query and calendar-multiget, on one calendar or on all of a home. Each whole, or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from bridge.dav.calendar_properties import REPORTED
from bridge.dav.expand import repeats
from bridge.dav.kept import zone_of
from bridge.dav.multistatus import Kind, ResponseWriter, status_response
from bridge.dav.properties import CALENDAR_DATA
from bridge.dav.query import find
from bridge.dav.refusals import NotServed
from bridge.dav.report_bodies import CalendarMultiget, CalendarQuery, SyncCollection
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView, ResourceView
from bridge.dav.xml import text
from bridge.ids import Path, make_etag
from bridge.model import ETag, Name
from bridge.occurrences import Occurrence
from bridge.resource import Listed
from bridge.storage_plugin.places import Hrefs, read_href
from bridge.storage_plugin.visit import Visit

MOST_INSTANCES = 20_000
"""Instances that one expanded answer may hold: a daily series over a century is twice as many."""

_ForEvents = CalendarQuery | CalendarMultiget | SyncCollection


def query(visit: Visit, calendars: Sequence[CalendarView], wanted: CalendarQuery) -> Response:
    """Answer a calendar-query (RFC 4791 7.8) over these calendars."""
    forms = Forms(visit, wanted)
    responses: list[str] = []
    for span in wanted.filter.ranges[:1]:  # what is found is in each of them
        visit.within(span)
    for calendar in calendars:
        resources = visit.snapshot(calendar.served).resources
        timeline = visit.timeline(calendar.served, wanted.zone or zone_of(calendar.kept()))
        found = find(wanted.filter, resources, timeline, partial(visit.texts, calendar.served))
        responses += [written for _, written in forms.respond(calendar, found)]
    return multistatus(responses, headers=forms.headers())


def multiget(visit: Visit, calendars: Sequence[CalendarView], wanted: CalendarMultiget) -> Response:
    """Answer a calendar-multiget (RFC 4791 7.9): 404 only for what a whole calendar is known not to have.

    What is in none of these calendars is not called gone: it is 403.
    """
    forms = Forms(visit, wanted)
    places = {href: read_href(visit, href) for href in wanted.hrefs}
    responses: list[str] = []
    told: set[str] = set()
    for calendar in calendars:
        inside = {href: path.name for href, path in places.items() if path is not None and _is_in(path, calendar)}
        told.update(inside)
        responses += _members(visit, forms, calendar, [name for name in inside.values() if name is not None])
    responses += [status_response(text(href), 403) for href in places if href not in told]
    return multistatus(responses, headers=forms.headers())


def _is_in(path: Path, calendar: CalendarView) -> bool:
    return path.name is not None and Path(path.principal, path.calendar) == calendar.path


def _members(visit: Visit, forms: "Forms", calendar: CalendarView, names: Sequence[Name]) -> Iterator[str]:
    if not names:
        return
    visit.only(names)
    resources = visit.snapshot(calendar.served).resources
    present = dict.fromkeys(name for name in names if name in resources)
    written = dict(forms.respond(calendar, [resources[name] for name in present]))
    yield from written.values()
    href = Hrefs(visit, calendar)
    yield from (status_response(href(name), 404) for name in dict.fromkeys(names) if name not in written)


class Forms:
    """Writes the resources of one answer in the form that is asked for, within the limit on instances."""

    def __init__(self, visit: Visit, wanted: _ForEvents) -> None:
        """Take what is asked for."""
        self._visit = visit
        self._selection = wanted.selection
        self._data = wanted.data
        self._zone = wanted.zone if isinstance(wanted, CalendarQuery) else None
        self._left = MOST_INSTANCES

    def headers(self) -> dict[str, str]:
        """Give the headers of the answer, once everything is written: they tell how old it is."""
        return {**self._visit.age(), **self._visit.request.preferences.applied(minimal=True)}

    def respond(self, calendar: CalendarView, resources: Iterable[Listed]) -> Iterator[tuple[Name, str]]:
        """Write the responses of these resources, by name; one that is deleted meanwhile is left out."""
        minimal = self._visit.request.preferences.minimal
        write = ResponseWriter(REPORTED, self._selection, minimal=minimal)
        href = Hrefs(self._visit, calendar)
        if CALENDAR_DATA not in self._selection.names or self._selection.kind is Kind.NAMES:
            for each in resources:
                yield each.name, write(href(each.name), ResourceView(calendar, each, each.etag))
            return
        resources = list(resources)
        texts = self._visit.texts(calendar.served, [each.name for each in resources])
        for each in resources:
            body = texts.get(each.name)
            if body is not None:
                # The text may be newer than the listing: its ETag is made of what is served.
                etag = make_etag(body)
                data = self._form(calendar, each, etag, body)
                yield each.name, write(href(each.name), ResourceView(calendar, each, etag, body, data))

    def _form(self, calendar: CalendarView, listed: Listed, etag: ETag, body: bytes) -> bytes:
        if self._data.needs_times and listed.etag != etag:
            listed = self._visit.version(calendar.served, listed.name, etag)
        return self._data.make(body, listed.index, self._instances(calendar, listed))

    def _instances(self, calendar: CalendarView, listed: Listed) -> list[Occurrence]:
        if self._data.expanded is None or not repeats(listed.index):
            return []
        timeline = self._visit.timeline(calendar.served, self._zone or zone_of(calendar.kept()))
        found = list(islice(timeline.occurrences(listed, self._data.expanded), self._left + 1))
        self._left -= len(found)
        if self._left < 0:
            raise NotServed(
                403,
                f"Expanded, this is more than {MOST_INSTANCES} events; ask for a shorter time.",
                "<D:number-of-matches-within-limits/>",
            )
        return found
