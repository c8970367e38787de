"""The bridge as a WSGI application: what is served at which kind of place, and what is refused there by name."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from radicale import config

from bridge.dav.refusals import Asked, NotServed, answer, unexpected
from bridge.dav.request import Request
from bridge.dav.response import Response
from bridge.errors import BridgeError, NotFound, NotPermitted
from bridge.ids import Path, parse_file_path, parse_path
from bridge.model import Address
from bridge.storage_plugin.attachments import get_file
from bridge.storage_plugin.calendars import delete_calendar, make_calendar
from bridge.storage_plugin.compat import RoutedApplication, make_configuration
from bridge.storage_plugin.needs import Service
from bridge.storage_plugin.places import is_group
from bridge.storage_plugin.plugins import CURRENT, BridgeAuth, BridgeRights, BridgeStorage, BridgeWeb
from bridge.storage_plugin.propfind import propfind
from bridge.storage_plugin.proppatch import proppatch
from bridge.storage_plugin.reports import report
from bridge.storage_plugin.resources import add_member, delete, get, put
from bridge.storage_plugin.transfers import copy, move
from bridge.storage_plugin.visit import Visit
from bridge.sync.asking import one_request

DAV_CLASSES = "1, 3, extended-mkcol, calendar-access, calendar-proxy"
"""What is announced: no locks (2), no access-control (there is no ACL method), and no scheduling, so that clients
invite by themselves (RFC 4791 5.1). The first is 1: Thunderbird drops it."""

Answer = Callable[[Visit], Response]

_PROPERTIES: Mapping[str, Answer] = {"PROPFIND": propfind, "PROPPATCH": proppatch, "REPORT": report}
_CALENDAR: Mapping[str, Answer] = {
    **_PROPERTIES,
    "POST": add_member,
    "DELETE": delete_calendar,
    "MKCALENDAR": make_calendar,
    "MKCOL": make_calendar,
}
_RESOURCE: Mapping[str, Answer] = {
    **_PROPERTIES,
    "GET": get,
    "HEAD": get,
    "PUT": put,
    "DELETE": delete,
    "COPY": copy,
    "MOVE": move,
    "MKCALENDAR": make_calendar,
    "MKCOL": make_calendar,
}
_FILE: Mapping[str, Answer] = {"GET": get_file, "HEAD": get_file}
_OF_OTHERS = frozenset({"PROPFIND", "PROPPATCH", "REPORT"})
"""What is answered of people and groups that are not the viewer."""

_FORBIDDEN = {
    "DELETE": "Homes are not deleted here; calendars and events are.",
    "COPY": "Calendars are not copied here; events are.",
    "MOVE": "A calendar keeps its address here; its name for people can be changed.",
}


class BridgeApplication(RoutedApplication):
    """Answers every request from the service. Radicale gives routing and the order of login."""

    def __init__(self, configuration: config.Configuration, service: Service) -> None:
        """Take Radicale's configuration, made by `make_application`, and the service."""
        super().__init__(configuration)
        self._service = service
        self._realm = service.settings.server.realm

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Serve one request, and forget who asked."""
        CURRENT.set(None)
        try:
            return super().__call__(environ, start_response)
        finally:
            CURRENT.set(None)

    def serve(self, environ: Mapping[str, Any], base_prefix: str, path: str) -> Response | None:
        """Answer a request; None asks for a login."""
        method, prefix = environ["REQUEST_METHOD"].upper(), _encoded(base_prefix)
        request = Request(method, parse_path(path), prefix, environ, parse_file_path(path))
        try:
            return self._answer(request)
        except BridgeError as problem:
            return answer(problem, Asked(self._realm, request.prefix, request.path))
        except Exception as problem:  # noqa: BLE001 - a fault of ours is answered and logged without its values
            return unexpected(problem)

    def fail(self, problem: Exception) -> Response:
        """Answer what a login or the routing raised."""
        return answer(problem, Asked(self._realm)) if isinstance(problem, BridgeError) else unexpected(problem)

    def _answer(self, request: Request) -> Response | None:
        if request.method == "OPTIONS":
            return Response(200, {"DAV": DAV_CLASSES, "Allow": _allow(request)})
        if request.path == Path() and request.method in {"GET", "HEAD"}:
            page = self._service.front_page(request.base_url)
            return Response(
                200, {"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff"}, page
            )
        login = CURRENT.get()
        if login is None:
            return None
        if request.path is None and request.file is None:
            raise _nowhere(request.method)
        if _principal(request) not in {None, login.mailbox.address} and not _is_of_people(request):
            raise NotPermitted("This is not your address. Your calendars are below your own primary address.", "read")
        served = _served(request).get(request.method) or _refused(request)
        with one_request():
            return served(Visit(self._service, request, login))


def make_application(service: Service) -> BridgeApplication:
    """Give the WSGI application of a service."""
    configuration = make_configuration(
        {
            "auth": lambda each: BridgeAuth(each, lambda: service),
            "rights": BridgeRights,
            "storage": lambda each: BridgeStorage(each, lambda: service),
            "web": lambda each: BridgeWeb(each, lambda: service),
        },
        service.settings.server.realm,
    )
    return BridgeApplication(configuration, service)


def _principal(request: Request) -> Address | None:
    place = request.path or request.file
    return None if place is None else place.principal


def _served(request: Request) -> Mapping[str, Answer]:
    path = request.path
    if path is None:
        return {} if request.file is None else _FILE
    if path.name is not None:
        return _RESOURCE
    return _PROPERTIES if path.calendar is None or is_group(path) else _CALENDAR


def _is_of_people(request: Request) -> bool:
    path = request.path
    return path is not None and (path.calendar is None or is_group(path)) and request.method in _OF_OTHERS


def _allow(request: Request) -> str:
    methods = set(_served(request))
    if request.path == Path():
        methods |= {"GET", "HEAD"}
    return ", ".join(["OPTIONS", *sorted(methods)])


def _refused(request: Request) -> Answer:
    """Give what refuses a method that is not served at this kind of place."""
    if request.file is not None:
        raise NotServed(
            405,
            "A file goes with its event: write that with or without its ATTACH.",
            headers={"Allow": _allow(request)},
        )
    sentence = _FORBIDDEN.get(request.method)
    if sentence is not None:
        raise NotServed(403, sentence)
    raise NotServed(
        405,
        f"{request.method} is not served here. Calendars are read with PROPFIND and REPORT, by a calendar program; "
        "the page at the root of this server says how to connect one.",
        headers={"Allow": _allow(request)},
    )


def _nowhere(method: str) -> BridgeError:
    sentence = "There is nothing at this address."
    return NotServed(409, sentence) if method in {"PUT", "MKCOL", "MKCALENDAR"} else NotFound(sentence)


def _encoded(base_prefix: str) -> str:
    return quote(base_prefix.encode("latin-1", "replace"), safe="/@~!$'()*,;:=+-._")
