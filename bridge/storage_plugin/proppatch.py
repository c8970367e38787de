"""PROPPATCH: each property by itself, all of them or none (RFC 4918 9.2)."""

from bridge.dav.bodies import MAX_XML, parse_proppatch
from bridge.dav.kept import keep_name
from bridge.dav.look import LOOKS, beside, to_look
from bridge.dav.multistatus import PropertyRefusal, change_response
from bridge.dav.patch import DISPLAY_NAME, Patch, patch_calendar, patch_home, refuse_all
from bridge.dav.refusals import need_privileges
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView, HomeView
from bridge.errors import NotExpressible, NotPermitted
from bridge.storage_plugin.places import AnyPlace, place_at
from bridge.storage_plugin.visit import Visit


def proppatch(visit: Visit) -> Response:
    """Set and remove properties: the elements are the viewer's own, also at others' calendars."""
    instructions = parse_proppatch(visit.request.body(MAX_XML))
    place = place_at(visit, visit.path)
    match place.view:
        case CalendarView():
            patch = patch_calendar(instructions)
        case HomeView() if visit.path.principal is not None:
            patch = patch_home(instructions)
        case _:
            patch = refuse_all(instructions)
    if not patch.refusals:
        patch = _apply(visit, place, patch)
    applied = visit.request.preferences.applied(minimal=not patch.refusals)
    if applied:
        return Response(200, applied)  # RFC 8144 2.2
    return multistatus([change_response(place.href, patch.names, patch.refusals)])


def _apply(visit: Visit, place: AnyPlace, patch: Patch) -> Patch:
    """Do what a patch says; gives it with what Exchange or the bounds refused."""
    calendar = place.view if isinstance(place.view, CalendarView) else None
    renames = calendar is not None and patch.display_name not in {None, calendar.display_name}
    if calendar is not None and renames:
        try:
            visit.store.rename_calendar(visit.login, calendar.served, patch.display_name or "")
        except NotPermitted as problem:
            missing = need_privileges(problem.privilege, visit.asked(visit.path))
            return patch.refused([DISPLAY_NAME], PropertyRefusal(str(problem), missing))
        except NotExpressible as problem:
            return patch.refused([DISPLAY_NAME], PropertyRefusal(str(problem)))
    kept = {**patch.kept, **(keep_name(patch.display_name) if renames else {})}
    if calendar is not None and calendar.is_own and LOOKS & kept.keys():
        shown = {**calendar.kept(), **kept}
        look = to_look({name: element for name, element in shown.items() if element is not None})
        if visit.store.set_look(visit.login, calendar.served, look):
            kept = beside(kept)
    try:
        visit.store.set_properties(visit.login, None if calendar is None else calendar.served, kept)
    except NotExpressible as problem:
        if calendar is not None and renames:
            visit.store.rename_calendar(visit.login, calendar.served, calendar.served.calendar.display_name)
        return patch.refused(kept, PropertyRefusal(str(problem), status=507))
    return patch
