"""GetServerTimeZones. Source: [V] recordings of 2010 (full) and 15.2 (names only); [D] unknown ids are left out."""

from bridge.simulator.answers import respond, success
from bridge.simulator.call import Call
from bridge.simulator.xml import Element, M, T, add, children
from bridge.simulator.zone_xml import zone_element
from bridge.simulator.zones import known, named


def get_server_time_zones(call: Call) -> Element:
    """Give the answer: the zones asked for, or all."""
    return respond(call, [lambda: _one(call)])


def _one(call: Call) -> Element:
    young = call.personality.young_zones
    ids = call.request.find(M + "Ids")
    wanted = known(young=young) if ids is None else tuple(element.text or "" for element in children(ids))
    full = call.request.get("ReturnFullTimeZoneData", "true") in {"true", "1"}
    message = success("GetServerTimeZones")
    holder = add(message, M + "TimeZoneDefinitions")
    for zone in (named(zone_id, young=young) for zone_id in wanted):
        if zone is not None:
            holder.append(zone_element(T + "TimeZoneDefinition", zone, full=full))
    return message
