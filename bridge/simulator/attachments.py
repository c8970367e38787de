"""Attachments of items: what a client sends, what is told of them, where they are kept.

They are among an item's values, so an occurrence that is given one becomes an exception, and a copy has them too.
Sources: [D] CreateAttachment, GetAttachment, DeleteAttachment and their samples, AttachmentId; the EWS Managed API for
what came with 2010 (Attachment.cs; MS-OXWSATT's test suite has IsInline, IsContactPhoto) and 2010 SP2; else `rules`.
"""

import base64
import binascii
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

from bridge.simulator.call import Call
from bridge.simulator.identifiers import attachment_id, attachment_root
from bridge.simulator.model import Attachment, Item
from bridge.simulator.places import item_by_id
from bridge.simulator.rights import hidden
from bridge.simulator.rules import rank
from bridge.simulator.series_changes import put_change
from bridge.simulator.telling import Told
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, M, T, add, bool_text, children, flag, make, name_of, text_of

VALUE = "Attachments"
_SINCE_2010 = {"Size", "LastModifiedTime", "IsInline", "IsContactPhoto"}
_KNOWN = {"Name", "ContentType", "ContentId", "ContentLocation", "Content", *_SINCE_2010}
_OVERHEAD = 150  # bytes; with the name's, what the documentation's file of 26 bytes has more than those


def held(item: Item) -> tuple[Attachment, ...]:
    """Give an item's attachments."""
    found = item.values.get(VALUE, ())
    return found if isinstance(found, tuple) else ()


def size_of(attachment: Attachment) -> int:
    """Give the size that is told, in bytes: more than the content's. Source: [D] how to get attachments."""
    return len(attachment.content) + 2 * len(attachment.name) + _OVERHEAD


# What a client sends


def read_attachment(call: Call, element: Element) -> Attachment:
    """Give the file of a t:FileAttachment. Raises the errors of one that cannot be kept."""
    if name_of(element) != "FileAttachment":
        raise NotSimulated(f"attaching a {name_of(element)}")
    for child in children(element):
        late = name_of(child) in _SINCE_2010 and call.personality.level < rank("Exchange2010")
        if name_of(child) not in _KNOWN or late:
            raise invalid(f"The element '{child.tag}' is not expected.")
    name = text_of(element, T + "Name")
    if not name:
        raise EwsError("ErrorRequiredPropertyMissing", path="attachment:Name")
    try:
        content = base64.b64decode("".join(text_of(element, T + "Content").split()), validate=True)
    except binascii.Error as cause:
        raise invalid(f"The element '{T}Content' is not base64.") from cause
    if len(content) > call.rules.attachment_limit_bytes:
        raise EwsError("ErrorAttachmentSizeLimitExceeded")
    return Attachment(
        unique=call.store.random.randbytes(16),
        name=name,
        content=content,
        modified=call.store.clock(),
        content_type=text_of(element, T + "ContentType"),
        content_id=text_of(element, T + "ContentId"),
        content_location=text_of(element, T + "ContentLocation"),
        inline=flag(text_of(element, T + "IsInline")),
    )


def take_attachments(call: Call, element: Element) -> tuple[Attachment, ...]:
    """Give the files of a new item. Raises ErrorInvalidPropertySet before 2010 SP2 (the code is assumed).

    Sources: [D] the sample of how to add attachments, which creates both at once; that older servers do not: [C] the
    EWS Managed API (AttachmentsPropertyDefinition), MS-OXWSCORE's test suite, R2281.
    """
    found = tuple(read_attachment(call, child) for child in children(element))
    if call.personality.level < rank("Exchange2010_SP2"):
        raise EwsError("ErrorInvalidPropertySet", "The property item:Attachments cannot be set.")
    return found


# Where they are kept


def attachment_at(call: Call, element: Element, wanted: str = "read") -> tuple[Item, Attachment]:
    """Give the item and the attachment that a t:AttachmentId names; `wanted` is the level the viewer needs.

    Raises ErrorInvalidIdMalformed, ErrorItemNotFound, ErrorAccessDenied, ErrorInvalidAttachmentId.
    """
    text = element.get("Id", "")
    item = item_by_id(call, attachment_root(text), wanted)
    if hidden(call.viewer, item, call.personality):
        raise EwsError(call.rules.write_right_code)  # rule private_attachments
    for attachment in held(item):
        if attachment_id(item.name, attachment.unique) == text:
            return item, attachment
    raise EwsError("ErrorInvalidAttachmentId")


def put_attachments(call: Call, item: Item, attachments: tuple[Attachment, ...]) -> Item:
    """Give the item stored with other attachments, under a new change key."""
    values = {name: value for name, value in item.values.items() if name != VALUE}
    if attachments:
        values[VALUE] = attachments
    changed = replace(item, values=values, modified_by=call.viewer.name)
    return put_change(call.store, call.rules, item, changed, written=False)


def tell_root_keys(response: Element) -> Element:
    """Give the answer with the last change key of each root item at all of its attachments.

    Source: [D] the sample of how to delete attachments: five deletions, one key.
    """
    last = {e.get("RootItemId", ""): e.get("RootItemChangeKey", "") for e in response.iter() if e.get("RootItemId")}
    for element in response.iter():
        if element.get("RootItemId"):
            element.set("RootItemChangeKey", last[element.get("RootItemId", "")])
    return response


# What is told


def created_element(item: Item, attachment: Attachment) -> Element:
    """Give what CreateAttachment tells: ids alone."""
    holder = make(M + "Attachments")
    named = {"Id": attachment_id(item.name, attachment.unique), "RootItemId": item.id, "RootItemChangeKey": item.key}
    add(add(holder, T + "FileAttachment"), T + "AttachmentId", None, named)
    return holder


def attachments_element(told: Told, item: Item) -> Element | None:
    """Give item:Attachments, None when there are none."""
    if not held(item):
        return None
    element = make(T + VALUE)
    young = told.call.level >= rank("Exchange2010")
    for attachment in held(item):
        entry = _described(element, item, attachment)
        if young:
            add(entry, T + "Size", str(size_of(attachment)))
            # [D] the same sample, of 15.0: without an offset
            add(entry, T + "LastModifiedTime", attachment.modified.strftime("%Y-%m-%dT%H:%M:%S"))
            add(entry, T + "IsInline", bool_text(attachment.inline))
            if not attachment.is_message:
                add(entry, T + "IsContactPhoto", "false")
    return element


def has_attachments(_told: Told, item: Item) -> str:
    """Give whether there are any to be seen: those within the body do not count. Source: [D] HasAttachments."""
    return bool_text(any(not attachment.inline for attachment in held(item)))


def content_element(item: Item, attachment: Attachment, *, mime: bool) -> Element:
    """Give an attachment with what is in it; `mime`: of a message, the whole of it too."""
    entry = _described(make(M + VALUE), item, attachment)
    content = base64.b64encode(attachment.content).decode()
    if not attachment.is_message:
        add(entry, T + "Content", content)
        return entry
    message = message_from_bytes(attachment.content, policy=policy.default)
    inside = add(entry, T + "Message")
    if mime:
        add(inside, T + "MimeContent", content, {"CharacterSet": "UTF-8"})
    add(inside, T + "ItemClass", "IPM.Note")
    if message["Subject"]:
        add(inside, T + "Subject", str(message["Subject"]))
    add(inside, T + "Body", _words(message) or None, {"BodyType": "Text"})
    add(inside, T + "Size", str(size_of(attachment)))
    return entry


def _words(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return str(part.get_content()) if part else ""


def _described(holder: Element, item: Item, attachment: Attachment) -> Element:
    entry = add(holder, T + ("ItemAttachment" if attachment.is_message else "FileAttachment"))
    add(entry, T + "AttachmentId", None, {"Id": attachment_id(item.name, attachment.unique)})
    add(entry, T + "Name", attachment.name)
    for name, value in (
        ("ContentType", attachment.content_type),
        ("ContentId", attachment.content_id),
        ("ContentLocation", attachment.content_location),
    ):
        if value:
            add(entry, T + name, value)
    return entry
