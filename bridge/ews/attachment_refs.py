"""Files at an item as it lists them (ArrayOfAttachmentsType): files, and whole items attached to it."""

from typing import Any

from bridge.ews.xml import TYPES, Element, find_type, from_boolean, type_text
from bridge.item import AttachmentId, AttachmentRef

FILE = f"{{{TYPES}}}FileAttachment"
ITEM = f"{{{TYPES}}}ItemAttachment"
MESSAGE_TYPE = "message/rfc822"
"""What an attached item is given as."""


def read_attachments(found: dict[str, Any], element: Element) -> None:
    """Read the list, without what has no id to be fetched by and without references to files elsewhere."""
    refs = (_ref(one) for one in element.iterchildren(FILE, ITEM))
    found.setdefault("attachments", tuple(ref for ref in refs if ref is not None))


def _ref(element: Element) -> AttachmentRef | None:
    named = find_type(element, "AttachmentId")
    id_ = named.get("Id") if named is not None else None
    if not id_:
        return None
    size = type_text(element, "Size").strip()
    is_item = element.tag == ITEM
    return AttachmentRef(
        id=AttachmentId(id_),
        name=attachment_name(element),
        content_type=MESSAGE_TYPE if is_item else type_text(element, "ContentType").strip(),
        size=int(size) if size.isdecimal() else 0,
        is_inline=from_boolean(type_text(element, "IsInline")),
        content_id=type_text(element, "ContentId").strip(),
    )


def attachment_name(element: Element) -> str:
    """Give the name of an attachment; that of an item ends in ``.eml``."""
    name = type_text(element, "Name")
    if element.tag != ITEM or name.lower().endswith(".eml"):
        return name
    return f"{name or 'message'}.eml"
