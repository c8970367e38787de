"""Which mailbox a request is about, for the knobs and the records."""

from bridge.simulator.identifiers import attachment_root, parse_folder_id, parse_item_id
from bridge.simulator.model import Person
from bridge.simulator.store import Store
from bridge.simulator.subscriptions import Subscriptions
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, M, T, name_of

# By element, the attribute with the id
_ITEM_IDS = {
    "ItemId": "Id",
    "ParentItemId": "Id",
    "OccurrenceItemId": "RecurringMasterId",
    "RecurringMasterItemId": "OccurrenceId",
}


def asked_mailbox(store: Store, subscriptions: Subscriptions, request: Element, viewer: Person) -> str:
    """Give the address of the mailbox a request is about: the first it names, else the viewer's."""
    asked = request.findtext(f".//{T}MailboxData/{T}Email/{T}Address")
    if asked is not None:
        person = store.person(asked)
        return person.address if person else asked
    names = [T + name for name in ("FolderId", "DistinguishedFolderId", "AttachmentId", "SubscriptionId", *_ITEM_IDS)]
    for named in request.iter(*names, M + "ParentItemId", M + "SubscriptionId"):
        if name_of(named) == "DistinguishedFolderId":
            address = named.findtext(f"{T}Mailbox/{T}EmailAddress")
            person = store.person(address) if address else viewer
            return person.address if person else (address or "")
        box = store.mailboxes.get(_guid(subscriptions, named))
        if box:
            return box.owner.address
    return viewer.address


def _guid(subscriptions: Subscriptions, named: Element) -> str:
    """Give the GUID of the mailbox that an id is of, nothing where it says none."""
    if name_of(named) == "SubscriptionId":
        return subscriptions.mailbox_of(named.text or "")
    text = named.get(_ITEM_IDS.get(name_of(named), "Id"), "")
    try:
        if name_of(named) == "AttachmentId":
            return parse_item_id(attachment_root(text)).mailbox
        return parse_item_id(text).mailbox if name_of(named) in _ITEM_IDS else parse_folder_id(text)[0]
    except EwsError:
        return ""
