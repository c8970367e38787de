"""PROPFIND on every place (RFC 4918 9.1)."""

from collections.abc import Iterator

from bridge.dav.bodies import MAX_XML, parse_propfind
from bridge.dav.multistatus import Selection
from bridge.dav.refusals import NotServed
from bridge.dav.request import Depth
from bridge.dav.response import Response, multistatus
from bridge.storage_plugin.places import members, place_at
from bridge.storage_plugin.visit import Visit


def propfind(visit: Visit) -> Response:
    """Answer a PROPFIND, Depth 0 or 1; infinity is refused on collections."""
    depth = visit.request.depth
    selection = parse_propfind(visit.request.body(MAX_XML))
    if depth is Depth.INFINITY and visit.path.name is None:
        raise NotServed(403, "PROPFIND is answered with Depth 0 or 1.", "<D:propfind-finite-depth/>")
    # Everything is read before the headers are made: they tell how old it is.
    responses = list(_responses(visit, selection, with_members=depth is Depth.ONE))
    applied = visit.request.preferences.applied(minimal=True, no_root=depth is Depth.ONE)
    return multistatus(responses, headers={**visit.age(), **applied})


def _responses(visit: Visit, selection: Selection, *, with_members: bool) -> Iterator[str]:
    wanted = visit.request.preferences
    place = place_at(visit, visit.path)
    if not (with_members and wanted.no_root):
        yield place.respond(selection, minimal=wanted.minimal)
    if with_members:
        yield from members(visit, visit.path, selection, minimal=wanted.minimal)
