"""GetRooms: the rooms of one list."""

from bridge.ews.operations.get_room_lists import mailboxes
from bridge.ews.response import response_message
from bridge.ews.xml import Element, find_message, message_element, text_element
from bridge.model import Address, Mailbox, MailboxKind

_NO_LIST = "ErrorNameResolutionNoResults"


def request(room_list: Address) -> Element:
    """Ask for the rooms of a list."""
    return message_element("GetRooms", message_element("RoomList", text_element("EmailAddress", room_list)))


def read(response: Element) -> tuple[Mailbox, ...]:
    """Read the rooms: none of a list that is gone by now. Raises what any other error code stands for."""
    message = response_message(response)
    if message.is_error and message.code == _NO_LIST:
        return ()
    return tuple(mailboxes(find_message(message.content(), "Rooms"), MailboxKind.ROOM))
