"""COPY and MOVE of one event to another place (RFC 4918 9.8, 9.9)."""

from bridge.dav.conditions import matches
from bridge.dav.refusals import NotServed, answer, need_privileges
from bridge.dav.response import Response
from bridge.dav.views import CalendarView
from bridge.errors import NotFound, NotPermitted, PreconditionFailed, UidTaken
from bridge.ids import Path, make_etag
from bridge.model import Name
from bridge.resource import ANY_ETAG, Conditions
from bridge.storage_plugin.places import find, read_href
from bridge.storage_plugin.visit import Visit


def copy(visit: Visit) -> Response:
    """Write the event a second time; within its own calendar its UID forbids it (RFC 4791 5.3.2.1)."""
    calendar, name = visit.calendar(), visit.path.name
    if name is None:
        raise NotFound("There is no event at this address.")
    find(visit, calendar, name)
    body = visit.texts(calendar.served, [name]).get(name)
    if body is None:
        raise NotFound("There is no such event in this calendar.")
    wanted = visit.request.conditions.if_match
    if wanted is not None and not matches(wanted, make_etag(body)):
        raise PreconditionFailed("The event is not the version that was asked for.")
    path, target, new_name = destination(visit)
    try:
        stored = visit.store.put(visit.login, target.served, new_name, body, overwriting(visit))
    except (UidTaken, NotPermitted) as problem:
        return answer(problem, visit.asked(path))
    return Response(201 if stored.created else 204, {"Location": visit.request.href(path)} if stored.created else {})


def move(visit: Visit) -> Response:
    """Give the event another place in the viewer's own calendars (RFC 4918 9.9)."""
    calendar, name = visit.calendar(), visit.path.name
    if name is None:
        raise NotFound("There is no event at this address.")
    path, target, new_name = destination(visit)
    conditions, overwrites = visit.request.conditions, visit.request.overwrites
    try:
        is_new = visit.store.move(
            visit.login, calendar.served, name, target.served, new_name, conditions, overwrites=overwrites
        )
    except UidTaken as problem:
        return answer(problem, visit.asked(path))
    except NotPermitted as problem:
        return answer(problem, visit.asked(visit.path if problem.privilege == "unbind" else path))
    return Response(201, {"Location": visit.request.href(path)}) if is_new else Response(204)


def destination(visit: Visit) -> tuple[Path, CalendarView, Name]:
    """Give the place that the Destination header names, its calendar and its name there.

    Raises NotServed: 403 where no event can be or where it is already, 409 where there is no such calendar, 502 for
    another server.
    """
    path = read_href(visit, visit.request.destination)
    if path is None or path.principal != visit.home.address:
        raise NotServed(403, "The Destination is not in one of your calendars.")
    if path.name is None:
        raise NotServed(403, "The Destination is not the place of an event in a calendar.")
    if path == visit.path:
        raise NotServed(403, "The Destination is where the event is already.")
    try:
        return path, visit.calendar(path), path.name
    except NotFound as error:
        raise NotServed(409, "There is no calendar at the Destination.") from error
    except NotPermitted as error:
        raise NotServed(403, str(error), need_privileges("bind", visit.asked(path))) from error


def overwriting(visit: Visit) -> Conditions:
    """Give the condition on what is at the Destination that the Overwrite header makes."""
    return Conditions() if visit.request.overwrites else Conditions(if_none_match=frozenset({ANY_ETAG}))
