"""The mails Exchange would send for a meeting: they go to the outbox of the simulator and to nobody.

Sources: [D] the attributes' tables of CreateItem, UpdateItem and DeleteItem (their elements' pages): SendToNone sends
nothing in any of them, and `SendOnlyToChanged` is for whom the change affects; [R] exchangelib 746, php-ews 311,
ews-managed-api 20: that is everybody, even if only others come and go. That a change of what is the organizer's own
affects nobody is assumed, and that only an organizer's item mails.
"""

from collections.abc import Iterable

from bridge.simulator.call import Call
from bridge.simulator.model import Attendee, Item, Mail

_NONE = "SendToNone"
_CHANGED = {"SendOnlyToChanged", "SendToChangedAndSaveCopy"}
# What is the mailbox's own in an item, and nothing to tell others
_OWN = {"ReminderIsSet", "ReminderMinutesBeforeStart", "Categories", "LegacyFreeBusyStatus", "MeetingRequestWasSent"}


def mail_request(call: Call, item: Item, mode: str) -> bool:
    """Tell whether everybody invited to a new item is mailed; `mode` as the client asked."""
    return mode != _NONE and _send(call, item, "request", item.attendees)


def mail_cancellation(call: Call, item: Item, mode: str) -> None:
    """Mail everybody that an item is no more."""
    if mode != _NONE:
        _send(call, item, "cancellation", item.attendees)


def mail_update(call: Call, before: Item, after: Item, mode: str) -> bool:
    """Tell whether somebody still invited is mailed: the new ones a request, others an update if it is for them."""
    if mode == _NONE:
        return False
    old, new = _by_address(before.attendees), _by_address(after.attendees)
    added = [who for address, who in new.items() if address not in old]
    stayed = [who for address, who in new.items() if address in old]
    _send(call, after, "cancellation", (who for address, who in old.items() if address not in new))
    requested = _send(call, after, "request", added)
    told = mode not in _CHANGED or _substance(before) != _substance(after)
    return (told and _send(call, after, "update", stayed)) or requested


def _send(call: Call, item: Item, kind: str, people: Iterable[Attendee]) -> bool:
    owner = call.store.mailboxes[item.mailbox].owner
    organizer = item.values.get("Organizer")
    recipients = tuple(who.address for who in people)
    own = not isinstance(organizer, Attendee) or organizer.address.casefold() in owner.addresses
    if not recipients or not own:
        return False
    call.store.outbox.append(Mail(owner.address, kind, str(item.values.get("Subject", "")), recipients))
    return True


def _by_address(people: Iterable[Attendee]) -> dict[str, Attendee]:
    return {who.address.casefold(): who for who in people}


def _substance(item: Item) -> dict[str, object]:
    return {name: value for name, value in item.values.items() if name not in _OWN}
