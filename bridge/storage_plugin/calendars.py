"""MKCALENDAR (RFC 4791 5.3.1), extended MKCOL (RFC 5689) and DELETE of a calendar."""

from bridge.dav.bodies import MAX_XML, Making, parse_mkcalendar, parse_mkcol
from bridge.dav.kept import keep_name
from bridge.dav.look import beside, to_look
from bridge.dav.multistatus import PropertyRefusal, changed_properties
from bridge.dav.patch import Patch, patch_calendar
from bridge.dav.refusals import NotServed
from bridge.dav.request import Depth
from bridge.dav.response import XML, Response
from bridge.dav.xml import DECLARATION, NAMESPACES
from bridge.errors import NameTaken, NotExpressible
from bridge.ids import Path, parse_look
from bridge.model import CalendarName
from bridge.storage_plugin.visit import Visit


def make_calendar(visit: Visit) -> Response:
    """Make a calendar at a place in the viewer's home, with its properties, or do nothing at all."""
    name = _new_name(visit.path)
    is_collection = visit.request.method == "MKCOL"
    body = visit.request.body(MAX_XML)
    making = parse_mkcol(body) if is_collection else parse_mkcalendar(body)
    patch = patch_calendar(making.instructions, is_new=True)
    if patch.refusals:
        return _refused(making, patch)
    kept = {each: value for each, value in patch.kept.items() if value is not None}
    look = to_look(kept)
    try:
        served = visit.store.create_calendar(visit.login, name, patch.display_name or "", look)
    except NameTaken as problem:
        if is_collection:  # RFC 4918 9.3.1
            raise NotServed(
                405, str(problem), headers={"Allow": "DELETE, OPTIONS, PROPFIND, PROPPATCH, REPORT"}
            ) from None
        raise NotServed(403, str(problem), "<D:resource-must-be-null/>") from None
    if parse_look(served.calendar.look) == look:
        kept = {each: value for each, value in beside(kept).items() if value is not None}
    try:
        visit.store.set_properties(visit.login, served, {**kept, **keep_name(patch.display_name)})
    except NotExpressible as problem:
        visit.store.delete_calendar(visit.login, served)
        return _refused(making, patch.refused(kept, PropertyRefusal(str(problem), status=507)))
    headers = {"Location": visit.request.href(visit.path), "Cache-Control": "no-cache"}
    return Response(201, headers)


def delete_calendar(visit: Visit) -> Response:
    """Delete a calendar with all that is in it. Exchange keeps it in Deleted Items for a while."""
    if visit.request.depth is not Depth.INFINITY:
        raise NotServed(400, "A calendar is deleted with all that is in it: Depth is infinity (RFC 4918 9.6.1).")
    visit.store.delete_calendar(visit.login, visit.calendar().served)
    return Response(204)


def _new_name(path: Path) -> CalendarName:
    if path.calendar is None or path.name is not None:
        raise NotServed(403, "Calendars are made inside a home only.", "<C:calendar-collection-location-ok/>")
    return path.calendar


def _refused(making: Making, patch: Patch) -> Response:
    """Say why nothing was made: each property with its status, those that could have been set with 424."""
    status = max(refusal.status for refusal in patch.refusals.values())
    told = changed_properties(patch.names, patch.refusals)
    body = f"{DECLARATION}<{making.answered_in}{NAMESPACES}>{told}</{making.answered_in}>"
    return Response(status, {"Content-Type": XML, "Cache-Control": "no-cache"}, body.encode(errors="replace"))
