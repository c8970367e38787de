"""ConvertId. Source: [D] ConvertId. Only EWS ids are known here; other formats are refused by name."""

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
            parse_item_id(text)
        except EwsError:
            parse_folder_id(text)
    else:
        raise EwsError("ErrorInvalidIdMalformed")
    if call.request.get("DestinationFormat") != "EwsId":
        raise NotSimulated(f"ConvertId to {call.request.get('DestinationFormat')}")
    message = success("ConvertId")
    told = {"Format": "EwsId", "Id": text, "Mailbox": element.get("Mailbox", "")}
    add(message, M + "AlternateId", None, told | {f"{{{INSTANCE}}}type": "t:AlternateIdType"})
    return message
