"""CreateAttachment: files are put to an item, without mail to anyone; there is nothing in it that could send."""

import base64
from collections.abc import Sequence

from bridge.errors import AnswerUnusable
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.xml import TYPES, Element, find_message, message_element, text_element, type_element
from bridge.item import AttachedFile, ChangeKey, ItemRef


def request(ref: ItemRef, files: Sequence[AttachedFile]) -> Element:
    """Ask for files to be attached. Raises RequestRefused for a name that XML cannot hold."""
    parent = message_element("ParentItemId", Id=ref.id, ChangeKey=ref.change_key)
    return message_element("CreateAttachment", parent, message_element("Attachments", *map(_file, files)))


def read(response: Element, ref: ItemRef, count: int) -> ItemRef:
    """Read the item's new version, the last that is told. Raises what the first error code stands for.

    Files before and after one that was refused may have been attached. Raises AnswerUnusable where no version is told.
    """
    keys = [_root_key(message) for message in expect(response, count)]
    if not keys or not keys[-1]:
        raise AnswerUnusable("Exchange attached files without telling the item's new version.")
    return ItemRef(ref.id, ChangeKey(keys[-1]))


def _file(file: AttachedFile) -> Element:
    parts = [text_element("Name", file.name)]
    if file.content_type:
        parts.append(text_element("ContentType", file.content_type))
    parts.append(text_element("Content", base64.b64encode(file.data).decode()))
    return type_element("FileAttachment", *parts)


def _root_key(message: ResponseMessage) -> str:
    listed = find_message(message.content(), "Attachments")
    named = None if listed is None else next(listed.iter(f"{{{TYPES}}}AttachmentId"), None)
    return "" if named is None else named.get("RootItemChangeKey") or ""
