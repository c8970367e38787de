"""UpdateFolder: name and extended properties. Source: [D] UpdateFolder."""

from dataclasses import replace
from functools import partial

from bridge.simulator.answers import required, respond
from bridge.simulator.call import Call
from bridge.simulator.extended import read_path, read_property
from bridge.simulator.model import Folder
from bridge.simulator.operations.create_folder import check_name, told_folder
from bridge.simulator.places import folder_at
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, T, children, name_of, text_of


def update_folder(call: Call) -> Element:
    """Give the answer: the new change key of each changed folder."""
    return respond(call, (partial(_one, call, c) for c in children(required(call.request, "FolderChanges"))))


def _one(call: Call, change: Element) -> Element:
    folder = folder_at(call, next(children(change)), "owner")
    for update in children(change.find(T + "Updates")):
        folder = _applied(call, folder, update)
    kind = "CalendarFolder" if folder.is_calendar else "Folder"
    return told_folder("UpdateFolder", kind, call.store.put_folder(folder))


def _applied(call: Call, folder: Folder, update: Element) -> Folder:
    path, *rest = children(update)
    given = next(children(rest[0])) if rest else None
    if name_of(path) == "ExtendedFieldURI":
        extended = dict(folder.extended)
        if name_of(update) == "DeleteFolderField":
            extended.pop(read_path(path), None)
        elif given is not None:
            found, values = read_property(call, given)
            extended[found] = values
        return replace(folder, extended=extended)
    if path.get("FieldURI") == "folder:DisplayName" and name_of(update) == "SetFolderField" and given is not None:
        if not text_of(given):
            raise EwsError("ErrorFolderSavePropertyError", "A folder needs a name.")
        if folder.distinguished:
            raise EwsError("ErrorAccessDenied", "A distinguished folder cannot be renamed.")
        parent = call.store.mailboxes[folder.mailbox].folders[folder.parent]
        check_name(call, parent, text_of(given), folder.number)
        return replace(folder, name=text_of(given))
    raise NotSimulated(f"{name_of(update)} of {path.get('FieldURI')}")
