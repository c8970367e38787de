"""GetFolder. Source: [V] recordings, [D] GetFolder."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.places import folder_at
from bridge.simulator.shapes import FolderShape, folder_element, read_folder_shape
from bridge.simulator.xml import Element, M, add, children


def get_folder(call: Call) -> Element:
    """Give the answer: a folder for each id."""
    shape = read_folder_shape(call, call.request.find(M + "FolderShape"))
    return respond(call, (partial(_one, call, shape, i) for i in children(required(call.request, "FolderIds"))))


def _one(call: Call, shape: FolderShape, element: Element) -> Element:
    folder = folder_at(call, element)
    message = success("GetFolder")
    add(message, M + "Folders").append(folder_element(call, shape, folder))
    return message
