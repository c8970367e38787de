"""CreateAttachment: files for one item, each with its answer. Source: [D] CreateAttachment and its samples."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.attachments import created_element, held, put_attachments, read_attachment, tell_root_keys
from bridge.simulator.call import Call
from bridge.simulator.model import Attachment
from bridge.simulator.places import item_by_id
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, children


def create_attachment(call: Call) -> Element:
    """Give the answer: an id for each attachment."""
    parent = required(call.request, "ParentItemId")
    files = [_read(call, element) for element in children(required(call.request, "Attachments"))]
    return tell_root_keys(respond(call, [partial(_one, call, parent, file) for file in files]))


def _read(call: Call, element: Element) -> Attachment | EwsError:
    """Give what is to be attached, or its error; a fault comes before anything is written."""
    try:
        return read_attachment(call, element)
    except EwsError as error:
        return error


def _one(call: Call, parent: Element, file: Attachment | EwsError) -> Element:
    item = item_by_id(call, parent.get("Id", ""), "write", parent.get("ChangeKey", ""))
    if isinstance(file, EwsError):
        raise file
    stored = put_attachments(call, item, (*held(item), file))
    message = success("CreateAttachment")
    message.append(created_element(stored, file))
    return message
