"""PROPPATCH: each property by itself, all of them or none (RFC 4918 9.2)."""

from collections.abc import Mapping

from bridge.dav.bodies import MAX_XML, parse_proppatch
from bridge.dav.kept import keep_name
from bridge.dav.look import LOOKS, beside, to_look
from bridge.dav.multistatus import PropertyRefusal, change_response
from bridge.dav.patch import DISPLAY_NAME, Patch, patch_calendar, patch_home, refuse_all
from bridge.dav.refusals import need_privileges
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView, HomeView
from bridge.errors import BridgeError, NotExpressible, NotPermitted
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
    """Do what a patch says; gives it with what Exchange or the bounds refused.

    What is kept comes first: it can be taken back without Exchange.
    """
    calendar = place.view if isinstance(place.view, CalendarView) else None
    served = None if calendar is None else calendar.served
    renames = calendar is not None and patch.display_name not in {None, calendar.display_name}
    kept = {**patch.kept, **(keep_name(patch.display_name) if renames else {})}
    former = visit.store.properties(visit.login, served)
    before = {name: former.get(name) for name in kept}
    try:
        visit.store.set_properties(visit.login, served, kept)
    except NotExpressible as problem:
        return patch.refused(kept, PropertyRefusal(str(problem), status=507))
    if calendar is not None and renames:
        try:
            visit.store.rename_calendar(visit.login, calendar.served, patch.display_name or "")
        except BridgeError as problem:
            visit.store.set_properties(visit.login, served, before)
            return patch.refused([DISPLAY_NAME], _refusal(visit, problem))
    if calendar is not None and calendar.is_own and LOOKS & kept.keys():
        _write_look(visit, calendar, kept)
    return patch


def _refusal(visit: Visit, problem: BridgeError) -> PropertyRefusal:
    """Give why a name is refused. Raises what is no refusal."""
    if isinstance(problem, NotPermitted):
        missing = need_privileges(problem.privilege, visit.asked(visit.path))
        return PropertyRefusal(str(problem), missing)
    if isinstance(problem, NotExpressible):
        return PropertyRefusal(str(problem))
    raise problem


def _write_look(visit: Visit, calendar: CalendarView, kept: Mapping[str, str | None]) -> None:
    """Write how a calendar looks, and keep no longer what Exchange has of it then."""
    shown = {**calendar.kept(), **kept}
    look = to_look({name: element for name, element in shown.items() if element is not None})
    if visit.store.set_look(visit.login, calendar.served, look):
        of_look = {name: element for name, element in kept.items() if name in LOOKS}
        visit.store.set_properties(visit.login, calendar.served, beside(of_look))
