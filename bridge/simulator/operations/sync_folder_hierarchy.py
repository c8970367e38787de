"""SyncFolderHierarchy. Source: [D] SyncFolderHierarchy: without a folder the whole mailbox below its root."""

from bridge.simulator.answers import respond, success
from bridge.simulator.call import Call
from bridge.simulator.identifiers import folder_id
from bridge.simulator.operations.sync_folder_items import invalid_state, known_state
from bridge.simulator.places import target
from bridge.simulator.shapes import FolderShape, folder_element, read_folder_shape
from bridge.simulator.sync_state import SyncState
from bridge.simulator.xml import Element, M, T, add


def sync_folder_hierarchy(call: Call) -> Element:
    """Give the answer: the changes among folders, always all of them in one page."""
    shape = read_folder_shape(call, call.request.find(M + "FolderShape"))
    return respond(call, [lambda: _one(call, shape)])


def _one(call: Call, shape: FolderShape) -> Element:
    holder = call.request.find(M + "SyncFolderId")
    own = call.store.distinguished(call.viewer.mailbox, "msgfolderroot")
    root = own if holder is None else target(call, holder, "owner")
    state = known_state(call, "folders", root)
    if state is None:
        return invalid_state("SyncFolderHierarchy", "Folder")
    box = call.store.mailboxes[root.mailbox]
    folders = {folder.number: folder for folder in call.store.below(root, deep=True)}
    given = frozenset(folders)
    after = SyncState("folders", root.id, state.epoch, box.change, listing=False, given=given)
    message = success("SyncFolderHierarchy")
    add(message, M + "SyncState", after.text())
    add(message, M + "IncludesLastFolderInRange", "true")
    changes = add(message, M + "Changes")
    for folder in folders.values():
        kind = "Create" if folder.number not in state.given else "Update"
        if kind == "Create" or folder.change > state.seen:
            add(changes, T + kind).append(folder_element(call, shape, folder))
    for number in sorted(state.given - given):
        add(add(changes, T + "Delete"), T + "FolderId", None, {"Id": folder_id(root.mailbox, number)})
    return message
