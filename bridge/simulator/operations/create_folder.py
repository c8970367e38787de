"""CreateFolder. Sources: [V] recordings, [D] CreateFolder."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.extended import read_property
from bridge.simulator.model import ExtendedPath, Folder
from bridge.simulator.places import target
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, M, T, add, children, name_of, text_of

_CLASSES = {
    "Folder": "IPF.Note",
    "CalendarFolder": "IPF.Appointment",
    "ContactsFolder": "IPF.Contact",
    "TasksFolder": "IPF.Task",
}


def create_folder(call: Call) -> Element:
    """Give the answer: the id of each new folder."""
    parent = required(call.request, "ParentFolderId")
    folders = children(required(call.request, "Folders"))
    return respond(call, (partial(_one, call, parent, element) for element in folders))


def _one(call: Call, holder: Element, element: Element) -> Element:
    kind = name_of(element)
    if kind not in _CLASSES:
        raise NotSimulated(f"creating a {kind}")
    parent = target(call, holder, "owner")
    extended: dict[ExtendedPath, tuple[str, ...]] = {}
    name, folder_class = "", _CLASSES[kind]
    for child in children(element):
        if name_of(child) == "DisplayName":
            name = text_of(child)
        elif name_of(child) == "FolderClass":
            folder_class = text_of(child)
        elif name_of(child) == "ExtendedProperty":
            path, values = read_property(call, child)
            extended[path] = values
        elif name_of(child) == "PermissionSet":
            raise NotSimulated("permissions in CreateFolder")
        else:
            raise invalid(f"The element '{child.tag}' is not expected.")
    if not name:
        raise EwsError("ErrorFolderSave", "A folder needs a name.")
    check_name(call, parent, name)
    folder = call.store.add_folder(parent.mailbox, parent.number, name, folder_class, extended=extended)
    return told_folder("CreateFolder", kind, folder)


def check_name(call: Call, parent: Folder, name: str, beside: int = 0) -> None:
    """Refuse a name that another folder of the same parent has. Source: [D] responsecode, ErrorFolderExists."""
    for folder in call.store.below(parent, deep=False):
        if folder.name.casefold() == name.casefold() and folder.number != beside:
            raise EwsError("ErrorFolderExists")


def told_folder(operation: str, kind: str, folder: Folder) -> Element:
    """Give the message that tells id and change key of a written folder, and no more."""
    message = success(operation)
    holder = add(add(message, M + "Folders"), T + kind)
    add(holder, T + "FolderId", None, {"Id": folder.id, "ChangeKey": folder.key})
    return message
