"""DeleteItem. Sources: [V] recordings; [D] DeleteItem, responsecode (ErrorCannotDeleteObject for delegates)."""

from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.appointments import mail
from bridge.simulator.call import Call
from bridge.simulator.places import item_at
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, children


def delete_item(call: Call) -> Element:
    """Give the answer: done or not, for each id."""
    return respond(call, (partial(_one, call, i) for i in children(required(call.request, "ItemIds"))))


def _one(call: Call, element: Element) -> Element:
    item = item_at(call, element, "write")
    mode = call.request.get("SendMeetingCancellations")
    if mode is None:
        raise EwsError("ErrorSendMeetingCancellationsRequired")
    foreign = call.viewer.mailbox != item.mailbox
    kind = call.request.get("DeleteType")
    if kind == "MoveToDeletedItems":
        if foreign and call.rules.delegate_soft_delete_only:
            raise EwsError("ErrorCannotDeleteObject")
        target = call.store.distinguished(item.mailbox, "deleteditems")
        if target.number == item.folder:
            call.store.remove_item(item)
        else:
            call.store.move_item(item, target, call.viewer.name)
    else:
        call.store.remove_item(item)
    mail(call, item, "cancellation", mode)
    return success("DeleteItem")
