"""UpdateItem: some attributes of an event, against its change key, without mail to anyone (SendToNone)."""

from bridge.ews.items import Row, rows_for
from bridge.ews.operations.create_item import written_reference
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, type_element
from bridge.model import Attribute, Content, ItemRef


def request(ref: ItemRef, content: Content, changed: frozenset[Attribute]) -> Element:
    """Ask for the named attributes to be as in the content: each set by itself, or deleted where it has nothing.

    NeverOverwrite refuses the write when the change key is stale (ConflictResolution). Raises RequestRefused for what
    cannot be written.
    """
    updates = [update for update in (_update(row, content) for row in rows_for(changed)) if update is not None]
    change = type_element(
        "ItemChange",
        type_element("ItemId", Id=ref.id, ChangeKey=ref.change_key),
        type_element("Updates", *updates),
    )
    return message_element(
        "UpdateItem",
        message_element("ItemChanges", change),
        ConflictResolution="NeverOverwrite",
        MessageDisposition="SaveOnly",
        SendMeetingInvitationsOrCancellations="SendToNone",
    )


def read(response: Element) -> ItemRef:
    """Read the new version of the item. Raises ItemChanged, ItemMissing, what another error code stands for."""
    (message,) = expect(response, 1)
    return written_reference(message.content())


def _update(row: Row, content: Content) -> Element | None:
    element = row.to_item(content)
    if element is not None:
        return type_element("SetItemField", row.field_uri(), type_element("CalendarItem", element))
    return type_element("DeleteItemField", row.field_uri()) if row.is_clearable else None
