"""CreateItem: a new event in a folder, without mail to anyone (SendToNone)."""

from bridge.errors import AnswerUnusable, FolderMissing, ItemMissing
from bridge.ews.editions import Edition
from bridge.ews.folders import by_id
from bridge.ews.items import to_item
from bridge.ews.reading import CALENDAR_ITEM, from_reference
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.xml import Element, find_message, message_element
from bridge.item import Content, ItemRef
from bridge.model import FolderId


def request(folder: FolderId, content: Content, edition: Edition) -> Element:
    """Ask for a new event; its named properties go with it.

    Raises RequestRefused for what XML or the edition cannot hold.
    """
    return message_element(
        "CreateItem",
        message_element("SavedItemFolderId", by_id(folder)),
        message_element("Items", to_item(content, edition)),
        SendMeetingInvitations="SendToNone",
    )


def read(response: Element) -> ItemRef:
    """Read which item was made. Raises what an error code stands for, AnswerUnusable when it does not tell."""
    (message,) = expect(response, 1)
    return written_reference(_content(message))


def written_reference(content: Element) -> ItemRef:
    """Read the one item a write answers with. Raises AnswerUnusable when it is not told."""
    items = find_message(content, "Items")
    element = items.find(CALENDAR_ITEM) if items is not None else None
    try:
        return from_reference(content if element is None else element)
    except ValueError as error:
        raise AnswerUnusable("Exchange wrote an item without telling its id.") from error


def _content(message: ResponseMessage) -> Element:
    try:
        return message.content()
    except ItemMissing as error:
        # The thing that is not found here is the folder
        raise FolderMissing(str(error)) from error
