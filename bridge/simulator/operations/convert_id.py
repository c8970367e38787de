"""ConvertId. Source: [D] ConvertId. Only EWS ids are known here; other formats are refused by name.

The answer names the primary address of the mailbox that the id belongs to, whatever address the request had.
"""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.identifiers import parse_folder_id, parse_item_id
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import INSTANCE, Element, M, add, children, name_of


def convert_id(call: Call) -> Element:
    """Give the answer: each id in the format asked for."""
    return respond(call, (partial(_one, call, i) for i in children(required(call.request, "SourceIds"))))


def _one(call: Call, element: Element) -> Element:
    text = element.get("Id", "")
    if name_of(element) == "AlternateId" and element.get("Format") == "EwsId":
        try:
            mailbox = parse_item_id(text).mailbox
        except EwsError:
            mailbox = parse_folder_id(text)[0]
    else:
        raise EwsError("ErrorInvalidIdMalformed")
    if call.request.get("DestinationFormat") != "EwsId":
        raise NotSimulated(f"ConvertId to {call.request.get('DestinationFormat')}")
    if mailbox not in call.store.mailboxes:
        raise EwsError("ErrorNonExistentMailbox")
    message = success("ConvertId")
    told = {"Format": "EwsId", "Id": text, "Mailbox": call.store.mailboxes[mailbox].owner.address}
    add(message, M + "AlternateId", None, told | {f"{{{INSTANCE}}}type": "t:AlternateIdType"})
    return message
