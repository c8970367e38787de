"""GetRoomLists: the lists in the directory that hold an organisation's rooms. Since 2010; many have made none."""

from collections.abc import Iterator

from bridge.ews.response import response_message
from bridge.ews.xml import Element, find_message, find_type, message_element, type_text
from bridge.ids import make_address
from bridge.model import Address, Mailbox, MailboxKind


def request() -> Element:
    """Ask for every list of rooms."""
    return message_element("GetRoomLists")


def read(response: Element) -> tuple[Address, ...]:
    """Read the addresses of the lists. Raises what an error code stands for."""
    listed = find_message(response_message(response).content(), "RoomLists")
    return tuple(one.address for one in mailboxes(listed, MailboxKind.GROUP))


def mailboxes(listed: Element | None, kind: MailboxKind) -> Iterator[Mailbox]:
    """Read elements that tell a name and an address, passing over those without one that is SMTP."""
    for element in [] if listed is None else listed:
        inside = find_type(element, "Id")
        told = element if inside is None else inside
        address = make_address(type_text(told, "EmailAddress"))
        if "@" in address:
            yield Mailbox(address, type_text(told, "Name"), kind=kind)
