"""From the ids in a request to folders and items, as far as the viewer may know of them."""

from dataclasses import replace

from bridge.simulator.call import Call
from bridge.simulator.identifiers import check_change_key, parse_item_id
from bridge.simulator.mailboxes import STANDARD
from bridge.simulator.model import Folder, Item
from bridge.simulator.rights import need_folder, need_item
from bridge.simulator.series import series_of
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
    """Give the item an id names, by its own, by its series or by one of its series; a key that is none is refused."""
    if name_of(element) == "RecurringMasterItemIdRanges":
        raise NotSimulated("occurrences of a series by ranges")
    if name_of(element) not in {"ItemId", "OccurrenceItemId", "RecurringMasterItemId"}:
        raise invalid(f"The element '{element.tag}' is not expected.")
    if element.get("ChangeKey"):
        check_change_key(element.get("ChangeKey", ""))
    if name_of(element) == "RecurringMasterItemId":
        item = _master_of(call, element.get("OccurrenceId", ""))
        return need_item(call.store, call.viewer, item, call.personality, wanted)
    item = item_by_id(call, element.get("Id", element.get("RecurringMasterId", "")), wanted)
    return _numbered(call, item, element) if name_of(element) == "OccurrenceItemId" else item


def item_by_id(call: Call, text: str, wanted: str = "read", key: str = "") -> Item:
    """Give the item of an ItemId, as far as the viewer has the level `wanted`; a `key` that is none is refused."""
    if key:
        check_change_key(key)
    item = call.store.item_by_id(text)
    return need_item(call.store, call.viewer, item, call.personality, wanted)


def _master_of(call: Call, text: str) -> Item:
    """Give the master of an occurrence's id, of a deleted one's too (assumed)."""
    name = parse_item_id(text)
    if name.day is None:
        raise EwsError("ErrorCalendarCannotUseIdForOccurrenceId")
    return call.store.item_by_name(replace(name, day=None))


def _numbered(call: Call, master: Item, element: Element) -> Item:
    """Give the occurrence of an InstanceIndex. Source: [D] OccurrenceItemId, responsecode."""
    if master.kind != "RecurringMaster":
        raise EwsError("ErrorCalendarCannotUseIdForRecurringMasterId")
    try:
        index = int(element.get("InstanceIndex", ""))
    except ValueError as cause:
        raise invalid("The 'InstanceIndex' attribute is not a number.") from cause
    series = series_of(master)
    day = series.numbered(index, skip_deleted=call.rules.indexes_skip_deleted)
    if day is None:
        raise EwsError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    if day in master.deleted:
        raise EwsError("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
    return series.item(day)
