"""GetAttachment. Source: [D] GetAttachment, and the samples of how to get attachments."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.attachments import attachment_at, content_element
from bridge.simulator.call import Call
from bridge.simulator.xml import Element, M, T, add, children, flag, text_of


def get_attachment(call: Call) -> Element:
    """Give the answer: an attachment with its content for each id."""
    mime = flag(text_of(call.request.find(M + "AttachmentShape"), T + "IncludeMimeContent"))
    ids = children(required(call.request, "AttachmentIds"))
    return respond(call, (partial(_one, call, element, mime=mime) for element in ids))


def _one(call: Call, element: Element, *, mime: bool) -> Element:
    item, attachment = attachment_at(call, element)
    message = success("GetAttachment")
    add(message, M + "Attachments").append(content_element(item, attachment, mime=mime))
    return message
