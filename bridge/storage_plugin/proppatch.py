"""PROPPATCH: each property by itself, all of them or none (RFC 4918 9.2)."""

from bridge.dav.bodies import MAX_XML, parse_proppatch
from bridge.dav.multistatus import PropertyRefusal, change_response
from bridge.dav.response import Response, multistatus
from bridge.storage_plugin.places import place_at
from bridge.storage_plugin.visit import Visit


def proppatch(visit: Visit) -> Response:
    """Refuse each property by itself; nothing changes."""
    instructions = parse_proppatch(visit.request.body(MAX_XML))
    place = place_at(visit, visit.path)
    names = list(dict.fromkeys(each.name for each in instructions))
    refusals = {name: _refusal(name, is_live=name in place.table) for name in names}
    return multistatus([change_response(place.href, names, refusals)])


def _refusal(name: str, *, is_live: bool) -> PropertyRefusal:
    if is_live and name != "{DAV:}displayname":
        return PropertyRefusal("This property cannot be set.", "<D:cannot-modify-protected-property/>")
    return PropertyRefusal("This property is not kept here.")
