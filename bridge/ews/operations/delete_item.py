"""DeleteItem: an event goes to Deleted Items or to the recoverable items, without mail to anyone (SendToNone)."""

from collections.abc import Mapping
from types import MappingProxyType

from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, type_element
from bridge.exchange import Deletion
from bridge.model import ItemRef

_TYPES: Mapping[Deletion, str] = MappingProxyType(
    {Deletion.TO_DELETED_ITEMS: "MoveToDeletedItems", Deletion.SOFT: "SoftDelete"}
)


def request(ref: ItemRef, how: Deletion) -> Element:
    """Ask for an event to be deleted."""
    return message_element(
        "DeleteItem",
        message_element("ItemIds", type_element("ItemId", Id=ref.id, ChangeKey=ref.change_key)),
        DeleteType=_TYPES[how],
        SendMeetingCancellations="SendToNone",
    )


def read(response: Element) -> None:
    """Raise what the code stands for unless the event was deleted."""
    (message,) = expect(response, 1)
    message.content()
