"""PROPFIND and PROPPATCH on every place."""

from collections.abc import Iterator
from functools import lru_cache

from bridge.dav.bodies import MAX_XML, parse_propfind, parse_proppatch
from bridge.dav.multistatus import ResponseWriter, Selection, refused_properties
from bridge.dav.properties import CALENDARS, HOME, PROTECTED, RESOURCES, ROOT
from bridge.dav.refusals import NotServed
from bridge.dav.request import Depth
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView, ResourceView
from bridge.errors import NotFound
from bridge.ids import Path, make_href
from bridge.model import Listed, Name
from bridge.storage_plugin.visit import Visit


def propfind(visit: Visit) -> Response:
    """Answer a PROPFIND (RFC 4918 9.1), Depth 0 or 1; infinity is refused on collections."""
    depth = visit.request.depth
    selection = parse_propfind(visit.request.body(MAX_XML))
    if depth is Depth.INFINITY and visit.path.name is None:
        raise NotServed(403, "PROPFIND is answered with Depth 0 or 1.", "<D:propfind-finite-depth/>")
    with_members = depth is Depth.ONE
    # Everything is read before the headers are made: they tell how old it is.
    return multistatus(list(_responses(visit, selection, with_members=with_members)), headers=visit.age())


def _responses(visit: Visit, selection: Selection, *, with_members: bool) -> Iterator[str]:
    path = visit.path
    if path.name is not None:
        yield _resource(visit, selection, path.name)
    elif path.calendar is not None:
        yield from _calendar(visit, selection, with_members=with_members)
    elif path.principal is not None:
        yield ResponseWriter(HOME, selection)(visit.request.href(path), visit.home)
        if with_members:
            write = ResponseWriter(CALENDARS, selection, keeps_going=True)
            yield from (write(visit.request.href(each.path), each) for each in visit.calendars())
    else:
        yield ResponseWriter(ROOT, selection)(visit.request.href(path), visit.home)
        if with_members:
            yield ResponseWriter(HOME, selection)(visit.request.href(visit.home.path), visit.home)


def _calendar(visit: Visit, selection: Selection, *, with_members: bool) -> Iterator[str]:
    calendar = visit.calendar()
    yield ResponseWriter(CALENDARS, selection)(visit.request.href(calendar.path), calendar)
    if with_members:
        write = ResponseWriter(RESOURCES, selection)
        href = Hrefs(visit, calendar)
        for listed in visit.snapshot(calendar.served).resources.values():
            yield write(href(listed.name), ResourceView(calendar, listed, listed.etag))


def _resource(visit: Visit, selection: Selection, name: Name) -> str:
    calendar = visit.calendar()
    listed = find(visit, calendar, name)
    return ResponseWriter(RESOURCES, selection)(
        visit.request.href(visit.path), ResourceView(calendar, listed, listed.etag)
    )


class Hrefs:
    """Gives the hrefs of a calendar's resources, ten thousand at once: what repeats is encoded once."""

    def __init__(self, visit: Visit, calendar: CalendarView) -> None:
        """Take the calendar."""
        self._calendar = visit.request.href(calendar.path).removesuffix("/")

    def __call__(self, name: Name) -> str:
        """Give the href of the resource of this name."""
        return self._calendar + _encoded(name)


@lru_cache(maxsize=32768)
def _encoded(name: Name) -> str:
    return make_href(Path(name=name))


def find(visit: Visit, calendar: CalendarView, name: Name) -> Listed:
    """Give a resource of the calendar. Raises NotFound only when the whole calendar is known not to have it."""
    listed = visit.snapshot(calendar.served).resources.get(name)
    if listed is None:
        raise NotFound("There is no such event in this calendar.")
    return listed


def proppatch(visit: Visit) -> Response:
    """Refuse each property by itself (RFC 4918 9.2); nothing changes."""
    names = parse_proppatch(visit.request.body(MAX_XML))
    if visit.path.calendar is not None:
        calendar = visit.calendar()
        if visit.path.name is not None:
            find(visit, calendar, visit.path.name)
    refusals = {
        name: ("<D:cannot-modify-protected-property/>", "This property cannot be set.")
        if name in PROTECTED
        else ("", "This bridge stores no properties yet.")
        for name in names
    }
    return multistatus([refused_properties(visit.request.href(visit.path), refusals)])
