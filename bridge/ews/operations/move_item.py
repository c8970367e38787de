"""MoveItem: an event goes to another calendar of its mailbox, under a new id; its named properties go with it."""

from bridge.ews.folders import by_id
from bridge.ews.operations.create_item import written_reference
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, type_element
from bridge.item import ItemRef
from bridge.model import FolderId


def request(ref: ItemRef, to: FolderId) -> Element:
    """Ask for an event to be moved. No ReturnNewItemIds: 2010 SP1 learnt it, and the default is to tell."""
    return message_element(
        "MoveItem",
        message_element("ToFolderId", by_id(to)),
        message_element("ItemIds", type_element("ItemId", Id=ref.id, ChangeKey=ref.change_key)),
    )


def read(response: Element) -> ItemRef:
    """Read the item's new id. Raises what an error code stands for, AnswerUnusable when it does not tell."""
    (message,) = expect(response, 1)
    return written_reference(message.content())
