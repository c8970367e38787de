"""GET, PUT and DELETE of one event, and POST of one that has no name yet."""

from collections.abc import Mapping
from email.message import Message
from uuid import uuid4

from bridge.dav.conditions import matches
from bridge.dav.refusals import NotServed, answer
from bridge.dav.response import CALENDAR, Response
from bridge.dav.views import CalendarView
from bridge.errors import InvalidCalendarData, NotFound, NotPermitted, PreconditionFailed
from bridge.ids import Path, make_etag
from bridge.model import Name
from bridge.resource import Conditions, Stored
from bridge.storage_plugin.places import find
from bridge.storage_plugin.visit import Visit


def get(visit: Visit) -> Response:
    """Give the event's bytes, or 304 where the client has them (RFC 9110 13.1.2)."""
    conditions = visit.request.conditions
    calendar = visit.calendar()
    name = _name(visit)
    find(visit, calendar, name)
    body = visit.texts(calendar.served, [name]).get(name)
    if body is None:
        raise NotFound("There is no such event in this calendar.")
    etag = make_etag(body)
    headers: Mapping[str, str] = {"ETag": etag, **visit.age()}
    if conditions.if_match is not None and not matches(conditions.if_match, etag):
        raise PreconditionFailed("The event is not the version that was asked for.")
    if conditions.if_none_match is not None and matches(conditions.if_none_match, etag):
        return Response(304, headers)
    return Response(200, {"Content-Type": CALENDAR, **headers}, body)


def put(visit: Visit) -> Response:
    """Write an event, byte for byte as it came; 201 or 204, and an ETag only when it is served as it was sent.

    Who prefers the representation gets what became of it, and after a 412 what is there instead (RFC 8144 3).
    """
    conditions = visit.request.conditions
    calendar, name, body = _calendar_for(visit), _name(visit), _event(visit)
    try:
        stored = visit.store.put(visit.login, calendar.served, name, body, conditions)
    except PreconditionFailed:
        current = _representation(visit, calendar, name, 412) if visit.request.preferences.representation else None
        if current is None:
            raise
        return current
    return _written(visit, calendar, name, stored)


def add_member(visit: Visit) -> Response:
    """Write an event under a name of our own, which the Location tells (RFC 5995)."""
    calendar = visit.calendar()
    _charset(visit.request.header("Content-Type"), otherwise=415)
    name, body = Name(f"{uuid4()}.ics"), _event(visit)
    try:
        stored = visit.store.put(visit.login, calendar.served, name, body, Conditions())
    except NotPermitted as problem:
        return answer(problem, visit.asked(_path(calendar, name)))
    return _written(visit, calendar, name, stored)


def delete(visit: Visit) -> Response:
    """Delete an event."""
    conditions = visit.request.conditions
    visit.store.delete(visit.login, visit.calendar().served, _name(visit), conditions)
    return Response(204)


def _written(visit: Visit, calendar: CalendarView, name: Name, stored: Stored) -> Response:
    headers: dict[str, str] = {} if stored.etag is None else {"ETag": stored.etag}
    if stored.created:
        headers["Location"] = _href(visit, calendar, name)
    if visit.request.preferences.representation:
        shown = _representation(visit, calendar, name, 201 if stored.created else 200)
        if shown is not None:
            return Response(shown.status, {**headers, **shown.headers}, shown.body)
    return Response(201 if stored.created else 204, headers)


def _representation(visit: Visit, calendar: CalendarView, name: Name, status: int) -> Response | None:
    """Give the event as it is served now; None where there is none."""
    body = visit.texts(calendar.served, [name]).get(name)
    if body is None:
        return None
    headers = {"Content-Type": CALENDAR, "ETag": make_etag(body), "Content-Location": _href(visit, calendar, name)}
    return Response(status, {**headers, **visit.request.preferences.applied(representation=True)}, body)


def _href(visit: Visit, calendar: CalendarView, name: Name) -> str:
    return visit.request.href(_path(calendar, name))


def _path(calendar: CalendarView, name: Name) -> Path:
    return Path(calendar.path.principal, calendar.path.calendar, name)


def _calendar_for(visit: Visit) -> CalendarView:
    try:
        return visit.calendar()
    except NotFound as error:
        raise NotServed(409, "There is no calendar to put an event into at this address.") from error


def _event(visit: Visit) -> bytes:
    charset = _charset(visit.request.header("Content-Type"))
    return _as_utf8(visit.request.body(visit.home.max_resource_size), charset)


def _name(visit: Visit) -> Name:
    name = visit.path.name
    if name is None:
        raise NotFound("There is no event at this address.")
    return name


def _charset(content_type: str | None, otherwise: int = 403) -> str:
    """Give the charset of the body. Raises NotServed (supported-calendar-data) for what is not text/calendar."""
    if not (content_type or "").strip():
        return "utf-8"
    message = Message()
    message["Content-Type"] = content_type or ""
    if message.get_content_type() != "text/calendar":
        raise NotServed(otherwise, "Events are stored as text/calendar.", "<C:supported-calendar-data/>")
    return str(message.get_content_charset("utf-8"))


def _as_utf8(body: bytes, charset: str) -> bytes:
    """Give the body in UTF-8. What says that it is UTF-8 is left as it is, for the parser to judge."""
    if charset in {"utf-8", "utf8"}:
        return body
    try:
        return body.decode(charset).encode()
    except (LookupError, UnicodeError) as error:
        raise InvalidCalendarData("The body is not text in the charset that its Content-Type names.") from error
