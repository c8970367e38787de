"""The rooms of an organisation: those of every list of rooms in its directory."""

from collections.abc import Callable

from bridge.errors import ExchangeFailed, RequestRefused
from bridge.ews.operations import get_room_lists, get_rooms
from bridge.ews.xml import Element
from bridge.model import Address, Mailbox

MOST_LISTS = 50
"""Lists that are asked, a call each."""


def ask_rooms(ask: Callable[[Element], Element]) -> tuple[Mailbox, ...]:
    """Give the rooms, each once. Raises Unavailable.

    A server that does not know the question has none: Exchange 2007, and those that are not Exchange.
    """
    try:
        lists = get_room_lists.read(ask(get_room_lists.request()))
    except (RequestRefused, ExchangeFailed) as error:
        if error.code.startswith(("ErrorInternalServer", "HTTP ")):
            raise
        return ()
    found: dict[Address, Mailbox] = {}
    for room_list in lists[:MOST_LISTS]:
        found |= {room.address: room for room in get_rooms.read(ask(get_rooms.request(room_list)))}
    return tuple(found.values())
