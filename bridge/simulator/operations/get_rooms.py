"""GetRoomLists and GetRooms, since 2010. Source: [D] both, with their samples: the response is the one message."""

from bridge.simulator.answers import required
from bridge.simulator.call import Call
from bridge.simulator.trouble import TEXTS
from bridge.simulator.xml import Element, M, T, add, make, text_of

_NONE = "ErrorNameResolutionNoResults"


def get_room_lists(call: Call) -> Element:
    """Give the answer: every list that somebody is in."""
    if call.limits.instead:
        raise call.limits.instead
    response = make(f"{M}GetRoomListsResponse", None, {"ResponseClass": "Success"})
    add(response, M + "ResponseCode", "NoError")
    listed = add(response, M + "RoomLists")
    for room_list in sorted({person.room_list for person in call.store.people if person.room_list}):
        _tell(add(listed, T + "Address"), room_list.partition("@")[0], room_list, "PublicDL")
    return response


def get_rooms(call: Call) -> Element:
    """Give the answer: the rooms of the list that is named."""
    if call.limits.instead:
        raise call.limits.instead
    wanted = text_of(required(call.request, "RoomList"), T + "EmailAddress").strip().casefold()
    rooms = [person for person in call.store.people if wanted and person.room_list.casefold() == wanted]
    response = make(f"{M}GetRoomsResponse", None, {"ResponseClass": "Success" if rooms else "Error"})
    if not rooms:
        add(response, M + "MessageText", TEXTS[_NONE])
        add(response, M + "ResponseCode", _NONE)
        add(response, M + "DescriptiveLinkKey", "0")
        return response
    add(response, M + "ResponseCode", "NoError")
    listed = add(response, M + "Rooms")
    for room in rooms:
        _tell(add(add(listed, T + "Room"), T + "Id"), room.name, room.address, "Mailbox")
    return response


def _tell(holder: Element, name: str, address: str, kind: str) -> None:
    add(holder, T + "Name", name)
    add(holder, T + "EmailAddress", address)
    add(holder, T + "RoutingType", "SMTP")
    add(holder, T + "MailboxType", kind)
