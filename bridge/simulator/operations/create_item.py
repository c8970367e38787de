"""CreateItem, for appointments. Sources: [V] recordings: the ItemId is all that comes back; [D] CreateItem."""

from dataclasses import replace
from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.appointments import Extended, Values, take_new
from bridge.simulator.call import Call
from bridge.simulator.mails import mail_request
from bridge.simulator.model import Item
from bridge.simulator.places import target
from bridge.simulator.rights import need_folder
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, M, T, add, children, name_of


def create_item(call: Call) -> Element:
    """Give the answer: a new id for each item."""
    items = list(children(required(call.request, "Items")))
    for item in items:
        if name_of(item) != "CalendarItem":
            raise NotSimulated(f"creating a {name_of(item)}")
    return respond(call, [partial(_one, call, read) for read in [_read(call, item) for item in items]])


def _read(call: Call, element: Element) -> tuple[Values, Extended] | EwsError:
    """Give what is to be written, or the item's error; a fault comes before anything is written."""
    try:
        return take_new(call, element)
    except EwsError as error:
        return error


def _one(call: Call, read: tuple[Values, Extended] | EwsError) -> Element:
    mode = call.request.get("SendMeetingInvitations")
    if mode is None:
        raise EwsError("ErrorSendMeetingInvitationsRequired")
    saved = call.request.find(M + "SavedItemFolderId")
    if saved is not None:
        folder = target(call, saved, "write")
    else:
        own = call.store.distinguished(call.viewer.mailbox, "calendar")
        folder = need_folder(call.viewer, own, call.personality, "write")
    if not folder.is_calendar:
        raise EwsError("ErrorCannotCreateCalendarItemInNonCalendarFolder")
    if isinstance(read, EwsError):
        raise read
    values, extended = read
    item = call.store.add_item(folder, values, extended, by=call.viewer.name)
    if mail_request(call, item, mode):
        item = call.store.put_item(
            replace(item, values={**item.values, "MeetingRequestWasSent": True}), call.viewer.name
        )
    return written("CreateItem", item)


def written(operation: str, item: Item) -> Element:
    """Give the message that tells id and change key of what was written, and no more."""
    message = success(operation)
    holder = add(add(message, M + "Items"), T + "CalendarItem")
    add(holder, T + "ItemId", None, {"Id": item.id, "ChangeKey": item.key})
    return message
