"""DeleteItem. Sources: [V] recordings; [D] DeleteItem, responsecode (ErrorCannotDeleteObject for delegates)."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.mails import mail_cancellation
from bridge.simulator.model import Item
from bridge.simulator.places import item_at
from bridge.simulator.series import series_of
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, children


def delete_item(call: Call) -> Element:
    """Give the answer: done or not, for each id."""
    return respond(call, (partial(_one, call, i) for i in children(required(call.request, "ItemIds"))))


def _one(call: Call, element: Element) -> Element:
    item = item_at(call, element, "write")
    if item.occurrence and series_of(call.store.master_of(item)).remaining() == 1:
        item = call.store.master_of(item)  # rule last_occurrence
    mode = call.request.get("SendMeetingCancellations")
    if mode is None:
        raise EwsError("ErrorSendMeetingCancellationsRequired")
    foreign = call.viewer.mailbox != item.mailbox
    kind = call.request.get("DeleteType")
    if kind == "MoveToDeletedItems":
        if foreign and call.rules.delegate_soft_delete_only:
            raise EwsError("ErrorCannotDeleteObject")
        target = call.store.distinguished(item.mailbox, "deleteditems")
        if target.number == item.folder or item.occurrence:  # rule occurrence_for_good
            _remove(call, item)
        else:
            call.store.move_item(item, target, call.viewer.name)
    else:
        _remove(call, item)
    mail_cancellation(call, item, mode)
    return success("DeleteItem")


def _remove(call: Call, item: Item) -> None:
    if item.occurrence:
        call.store.remove_occurrence(item, call.viewer.name, touch=call.rules.occurrence_touches_series)
    else:
        call.store.remove_item(item)
