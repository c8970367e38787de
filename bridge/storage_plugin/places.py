"""The places that have properties, and what is in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar
from urllib.parse import unquote, urlsplit

from bridge.dav.calendar_properties import CALENDARS, RESOURCES
from bridge.dav.expand_property import Expansion, Respond, expanding
from bridge.dav.kept import NAME
from bridge.dav.multistatus import Kept, Property, ResponseWriter, Selection
from bridge.dav.principal_properties import GROUP, HOME, PERSON, ROOT
from bridge.dav.views import CalendarView, GroupView, HomeView, PersonView, ResourceView
from bridge.errors import NotFound, NotPermitted
from bridge.ids import PROXIES, Path, Proxy, make_href, parse_path
from bridge.model import CalendarName, Name
from bridge.resource import Listed
from bridge.storage_plugin.visit import Visit

View = TypeVar("View")

_PROXY_KINDS: Mapping[CalendarName, Proxy] = {name: kind for kind, name in PROXIES.items()}


@dataclass(frozen=True, slots=True)
class Place(Generic[View]):
    """A place: its href, the properties of its kind, what they are asked of, and what clients have stored there."""

    href: str
    table: Mapping[str, Property[View]]
    view: View
    kept: Kept[View] | None = None

    def respond(self, selection: Selection, *, minimal: bool = False) -> str:
        """Give the DAV:response of the place. Raises what its properties raise."""
        return ResponseWriter(self.table, selection, kept=self.kept, minimal=minimal)(self.href, self.view)

    def expanded(self, wanted: Expansion, respond: Respond) -> "Place[View]":
        """Give the place with the hrefs in its properties followed."""
        return Place(self.href, expanding(self.table, wanted, respond), self.view, self.kept)


AnyPlace = Place[HomeView] | Place[PersonView] | Place[GroupView] | Place[CalendarView] | Place[ResourceView]


def place_at(visit: Visit, path: Path) -> AnyPlace:
    """Give what is at a path. Raises NotFound, NotPermitted, Unavailable."""
    href = visit.request.href(path)
    if path.principal is None:
        return Place(href, ROOT, visit.home)
    if path.calendar is None:
        if path.principal == visit.home.address:
            return home(visit)
        return Place(href, PERSON, visit.person(path.principal))
    if path.name is None and path.calendar in _PROXY_KINDS:
        return Place(href, GROUP, _group(visit, path))
    if path.principal != visit.home.address:
        raise NotPermitted("This is not your address. Your calendars are below your own primary address.", "read")
    calendar = visit.calendar(path)
    if path.name is None:
        return Place(href, CALENDARS, calendar, _kept)
    listed = find(visit, calendar, path.name)
    return Place(href, RESOURCES, ResourceView(calendar, listed, listed.etag))


def home(visit: Visit) -> Place[HomeView]:
    """Give the viewer's home."""
    return Place(visit.request.href(visit.home.path), HOME, visit.home, _kept)


def _kept(view: HomeView | CalendarView) -> Mapping[str, str]:
    return {name: element for name, element in view.kept().items() if name != NAME}  # the folder's comes first


def members(visit: Visit, path: Path, selection: Selection, *, minimal: bool = False) -> Iterator[str]:
    """Give the responses of what is directly in a place. Raises Unavailable; one calendar of many does not."""
    if path.principal is None:
        yield home(visit).respond(selection, minimal=minimal)
    elif path.calendar is None and path.principal == visit.home.address:
        write = ResponseWriter(CALENDARS, selection, kept=_kept, keeps_going=True, minimal=minimal)
        yield from (write(visit.request.href(each.path), each) for each in visit.calendars())
    elif path.calendar is not None and path.calendar not in _PROXY_KINDS and path.name is None:
        calendar = visit.calendar(path)
        write_one, href = ResponseWriter(RESOURCES, selection, minimal=minimal), Hrefs(visit, calendar)
        for listed in visit.snapshot(calendar.served).resources.values():
            yield write_one(href(listed.name), ResourceView(calendar, listed, listed.etag))


def _group(visit: Visit, path: Path) -> GroupView:
    """Give the proxies of somebody: of others only where the viewer sees a calendar of theirs."""
    owner, kind = path.principal, path.calendar
    if owner is None or kind is None:
        raise NotFound("There is no group at this address.")
    if owner != visit.home.address and owner not in {each.principal for each in visit.home.memberships()}:
        raise NotPermitted("This is not your address. Your calendars are below your own primary address.", "read")
    return GroupView(visit.home, owner, _PROXY_KINDS[kind])


def is_group(path: Path) -> bool:
    """Say whether a group would be at this path."""
    return path.calendar in _PROXY_KINDS and path.name is None


def find(visit: Visit, calendar: CalendarView, name: Name) -> Listed:
    """Give a resource of the calendar. Raises NotFound only when the whole calendar is known not to have it."""
    visit.only([name])
    listed = visit.snapshot(calendar.served).resources.get(name)
    if listed is None:
        raise NotFound("There is no such event in this calendar.")
    return listed


def read_href(visit: Visit, href: str) -> Path | None:
    """Give the place that an href of a request means; None when it means none of this server."""
    try:
        decoded = unquote(urlsplit(href.strip()).path, errors="strict")
    except ValueError:
        return None
    prefix = unquote(visit.request.prefix)
    return parse_path(decoded.removeprefix(prefix)) if decoded.startswith(prefix + "/") else None


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
