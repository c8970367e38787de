"""DeleteAttachment: files are taken from an item, without mail to anyone; there is nothing in it that could send."""

from collections.abc import Sequence

from bridge.errors import AnswerUnusable
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.response_codes import ATTACHMENT_GONE
from bridge.ews.xml import Element, find_message, message_element, type_element
from bridge.item import AttachmentId, ChangeKey, ItemRef


def request(attachments: Sequence[AttachmentId]) -> Element:
    """Ask for attachments to be deleted."""
    ids = (type_element("AttachmentId", Id=attachment) for attachment in attachments)
    return message_element("DeleteAttachment", message_element("AttachmentIds", *ids))


def read(response: Element, ref: ItemRef, count: int) -> ItemRef:
    """Read the item's new version, the same where all were gone before. Raises what the first error code stands for.

    Raises AnswerUnusable where no version is told.
    """
    keys = [key for key in map(_root_key, expect(response, count)) if key is not None]
    if keys and not keys[-1]:
        raise AnswerUnusable("Exchange took files away without telling the item's new version.")
    return ItemRef(ref.id, ChangeKey(keys[-1])) if keys else ref


def _root_key(message: ResponseMessage) -> str | None:
    """Give the version a deletion led to, None for a file that was gone before."""
    if message.code == ATTACHMENT_GONE:
        return None
    root = find_message(message.content(), "RootItemId")
    return "" if root is None else root.get("RootItemChangeKey") or ""
