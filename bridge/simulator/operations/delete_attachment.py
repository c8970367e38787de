"""DeleteAttachment. Source: [D] DeleteAttachment, and the sample of how to delete attachments."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.attachments import attachment_at, held, put_attachments, tell_root_keys
from bridge.simulator.call import Call
from bridge.simulator.xml import Element, M, add, children


def delete_attachment(call: Call) -> Element:
    """Give the answer: the root item with its new change key for each id."""
    ids = children(required(call.request, "AttachmentIds"))
    return tell_root_keys(respond(call, [partial(_one, call, element) for element in ids]))


def _one(call: Call, element: Element) -> Element:
    item, attachment = attachment_at(call, element, "write")
    left = tuple(other for other in held(item) if other.unique != attachment.unique)
    stored = put_attachments(call, item, left)
    message = success("DeleteAttachment")
    add(message, M + "RootItemId", None, {"RootItemId": stored.id, "RootItemChangeKey": stored.key})
    return message
