"""MoveItem and CopyItem: the id changes, UID and extended properties stay. Source: [D] MoveItem, ReturnNewItemIds."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.model import Folder
from bridge.simulator.places import item_at, target
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, M, T, add, children, name_of


def move_item(call: Call) -> Element:
    """Give the answer: the new id of each moved item."""
    return _all(call, keep=False)


def copy_item(call: Call) -> Element:
    """Give the answer: the id of each copy."""
    return _all(call, keep=True)


def _all(call: Call, *, keep: bool) -> Element:
    holder, ids = required(call.request, "ToFolderId"), required(call.request, "ItemIds")

    def one(element: Element) -> Element:
        return _one(call, target(call, holder, "write"), element, keep=keep)

    return respond(call, (partial(one, element) for element in children(ids)))


def _one(call: Call, folder: Folder, element: Element, *, keep: bool) -> Element:
    item = item_at(call, element, "read" if keep else "write")
    if item.occurrence:
        raise EwsError("ErrorCalendarCannotMoveOrCopyOccurrence")
    fresh = call.store.move_item(item, folder, call.viewer.name, keep=keep)
    message = success(name_of(call.request))
    items = add(message, M + "Items")
    wanted = call.request.find(M + "ReturnNewItemIds")
    told = wanted is None or wanted.text != "false"
    if told and folder.mailbox == item.mailbox:
        holder = add(items, T + "CalendarItem")
        add(holder, T + "ItemId", None, {"Id": fresh.id, "ChangeKey": fresh.key})
    return message
