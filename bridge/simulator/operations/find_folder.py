"""FindFolder. Source: [V] recordings, [D] FindFolder."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.paging import paged
from bridge.simulator.places import folder_at
from bridge.simulator.restrictions import Test, read_restriction
from bridge.simulator.rights import reaches
from bridge.simulator.shapes import FolderShape, cut_texts, folder_element, read_folder_shape
from bridge.simulator.trouble import NotSimulated
from bridge.simulator.xml import Element, M, T, add, children


def find_folder(call: Call) -> Element:
    """Give the answer: the folders below each parent that the viewer may see."""
    shape = read_folder_shape(call, call.request.find(M + "FolderShape"))
    if call.request.get("Traversal") not in {"Shallow", "Deep"}:
        raise NotSimulated(f"FindFolder with Traversal {call.request.get('Traversal')}")
    if call.request.find(M + "FractionalPageFolderView") is not None:
        raise NotSimulated("FractionalPageFolderView")
    test = read_restriction(call, call.request.find(M + "Restriction"))
    parents = children(required(call.request, "ParentFolderIds"))
    return respond(call, (partial(_one, call, shape, test, parent) for parent in parents))


def _one(call: Call, shape: FolderShape, test: Test, element: Element) -> Element:
    parent = folder_at(call, element)
    found = call.store.below(parent, deep=call.request.get("Traversal") == "Deep")
    seen = [folder for folder in found if reaches(call.viewer, folder, "freebusy") and test(folder)]
    message = success("FindFolder")
    if call.rules.empty_left_out and not seen:
        return message
    page, attributes = paged(call, call.request.find(M + "IndexedPageFolderView"), sorted(seen, key=_name))
    root = add(message, M + "RootFolder", None, attributes)
    folders = add(root, T + "Folders")
    folders.extend(cut_texts(folder_element(call, shape, folder)) for folder in page)
    return message


def _name(folder: object) -> str:
    return str(getattr(folder, "name", "")).casefold()
