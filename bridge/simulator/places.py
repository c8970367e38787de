"""From the ids in a request to folders and items, as far as the viewer may know of them."""

from bridge.simulator.call import Call
from bridge.simulator.identifiers import check_change_key
from bridge.simulator.model import Folder, Item
from bridge.simulator.rights import need_folder, need_item
from bridge.simulator.store import STANDARD
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, T, children, name_of, text_of

_STANDARD = {name for name, *_ in STANDARD}


def folder_at(call: Call, element: Element, wanted: str = "freebusy") -> Folder:
    """Give the folder an id element names; `wanted` is the level the viewer needs."""
    if name_of(element) == "FolderId":
        return need_folder(call.viewer, call.store.folder_by_id(element.get("Id", "")), call.personality, wanted)
    if name_of(element) != "DistinguishedFolderId":
        raise NotSimulated(f"a folder named by {name_of(element)}")
    mailbox = call.viewer.mailbox
    address = text_of(element, f"{T}Mailbox/{T}EmailAddress").strip()
    if address:
        person = call.store.person(address)
        if person is None:
            raise EwsError("ErrorNonExistentMailbox")
        mailbox = person.mailbox
    if element.get("Id") not in _STANDARD:
        raise EwsError("ErrorFolderNotFound")
    folder = call.store.distinguished(mailbox, element.get("Id", ""))
    return need_folder(call.viewer, folder, call.personality, wanted)


def target(call: Call, holder: Element, wanted: str = "freebusy") -> Folder:
    """Give the folder that is the child of a TargetFolderIdType."""
    return folder_at(call, next(children(holder)), wanted)


def item_at(call: Call, element: Element, wanted: str = "read") -> Item:
    """Give the item an ItemId names; a key that is none at all is refused."""
    if name_of(element) in {"OccurrenceItemId", "RecurringMasterItemId", "RecurringMasterItemIdRanges"}:
        raise NotSimulated("occurrences of series")
    if name_of(element) != "ItemId":
        raise invalid(f"The element '{element.tag}' is not expected.")
    if element.get("ChangeKey"):
        check_change_key(element.get("ChangeKey", ""))
    item = call.store.item_by_id(element.get("Id", ""))
    return need_item(call.store, call.viewer, item, call.personality, wanted)
