"""DeleteFolder. Sources: [V] recordings, [D] DeleteFolder."""

from dataclasses import replace
from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.places import folder_at
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, children


def delete_folder(call: Call) -> Element:
    """Give the answer: done or not, for each folder."""
    return respond(call, (partial(_one, call, i) for i in children(required(call.request, "FolderIds"))))


def _one(call: Call, element: Element) -> Element:
    folder = folder_at(call, element, "owner")
    if folder.distinguished:
        raise EwsError("ErrorDeleteDistinguishedFolder")
    bin_folder = call.store.distinguished(folder.mailbox, "deleteditems")
    below_bin = {f.number for f in call.store.below(bin_folder, deep=True)}
    if call.request.get("DeleteType") == "MoveToDeletedItems" and folder.number not in below_bin:
        call.store.put_folder(replace(folder, parent=bin_folder.number))
    else:
        call.store.remove_folder(folder)
    return success("DeleteFolder")
