"""ConvertId: used for what it tells beside the id, the primary address of the mailbox that an id belongs to.

DavMail finds out the address of a login this way on every version from 2007 SP1 on (its ConvertIdMethod).
"""

from bridge.ews.response import expect
from bridge.ews.xml import Element, find_message, message_element, type_element
from bridge.ids import make_address
from bridge.model import Address, FolderId

NOBODY = "nobody@mailbox.invalid"
"""Sent where the schema wants an address. Nobody has it (RFC 2606), so a server that only repeats it is noticed."""


def request(folder: FolderId) -> Element:
    """Ask for the id of a folder in the format it has."""
    alternate = type_element("AlternateId", Format="EwsId", Id=folder, Mailbox=NOBODY)
    return message_element("ConvertId", message_element("SourceIds", alternate), DestinationFormat="EwsId")


def read(response: Element) -> Address | None:
    """Read the primary address of the mailbox; None where the server does not tell it. Raises as the code says."""
    (message,) = expect(response, 1)
    alternate = find_message(message.content(), "AlternateId")
    told = make_address(alternate.get("Mailbox") or "") if alternate is not None else make_address("")
    return told if "@" in told and told != NOBODY else None
