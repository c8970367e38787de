"""GetAttachment: one file with its bytes, or one attached item with its MIME form."""

import base64
import binascii

from bridge.errors import AnswerUnusable
from bridge.ews.attachment_refs import FILE, ITEM, MESSAGE_TYPE, attachment_name
from bridge.ews.response import expect
from bridge.ews.xml import TYPES, Element, find_message, message_element, text_element, type_element, type_text
from bridge.item import AttachedFile, AttachmentId

_CALENDAR = b"BEGIN:VCALENDAR"
_CALENDAR_HEAD = b"MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n"


def request(attachment: AttachmentId) -> Element:
    """Ask for an attachment; what is an item with all that it holds as MIME."""
    shape = message_element("AttachmentShape", text_element("IncludeMimeContent", "true"))
    ids = message_element("AttachmentIds", type_element("AttachmentId", Id=attachment))
    return message_element("GetAttachment", shape, ids)


def read(response: Element) -> AttachedFile:
    """Read the one attachment. Raises what an error code stands for, AnswerUnusable where it holds none."""
    (message,) = expect(response, 1)
    listed = find_message(message.content(), "Attachments")
    element = None if listed is None else next(listed.iterchildren(FILE, ITEM), None)
    if element is None:
        raise AnswerUnusable("Exchange answered without the file asked for.")
    if element.tag == FILE:
        content_type = type_text(element, "ContentType").strip()
        return AttachedFile(attachment_name(element), content_type, _bytes(type_text(element, "Content")))
    mime = next(element.iterfind(f"*/{{{TYPES}}}MimeContent"), None)
    if mime is None:
        raise AnswerUnusable("Exchange answered without the attached item's MIME form.")
    return AttachedFile(attachment_name(element), MESSAGE_TYPE, _as_message(_bytes(mime.text or "")))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise AnswerUnusable("Exchange answered with a file that is no base64.") from error


def _as_message(mime: bytes) -> bytes:
    """Give a message: of an attached event Exchange gives its iCalendar form alone, without a head."""
    return _CALENDAR_HEAD + mime if mime.lstrip().startswith(_CALENDAR) else mime
