"""GetItem. Source: [V] recordings, [D] GetItem."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.places import item_at
from bridge.simulator.shapes import Shape, item_element, read_shape
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, M, add, children


def get_item(call: Call) -> Element:
    """Give the answer: an item for each id."""
    shape = read_shape(call, call.request.find(M + "ItemShape"))
    return respond(call, (partial(_one, call, shape, i) for i in children(required(call.request, "ItemIds"))))


def _one(call: Call, shape: Shape, element: Element) -> Element:
    item = item_at(call, element)
    for key in (item.id, item.uid):
        if key in call.limits.unreadable:
            raise EwsError(call.limits.unreadable[key])
    message = success("GetItem")
    add(message, M + "Items").append(item_element(call, shape, item, rich=True))
    return message
