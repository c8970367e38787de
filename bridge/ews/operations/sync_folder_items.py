"""SyncFolderItems: which items of a folder are new, changed or gone since a state. Singles and masters only.

At most 512 changes a page (MaxSyncChangesReturnedType). Bodies and people never come with it, so it is asked for the
ids and an outline; the items themselves are got by GetItem.
"""

from bridge.errors import AnswerUnusable
from bridge.ews.folders import by_id
from bridge.ews.reading import CALENDAR_ITEM, OUTLINE_PATHS, from_outline, from_reference
from bridge.ews.response import expect
from bridge.ews.xml import (
    TYPES,
    Element,
    find_message,
    find_type,
    from_boolean,
    message_element,
    message_text,
    text_element,
    type_element,
)
from bridge.item import Cursor, Entry, ItemId, Page
from bridge.model import FolderId

PAGE = 512


def request(folder: FolderId, cursor: Cursor | None) -> Element:
    """Ask for the page of changes after the cursor, None for everything."""
    shape = message_element(
        "ItemShape",
        text_element("BaseShape", "IdOnly"),
        type_element("AdditionalProperties", *(type_element("FieldURI", FieldURI=path) for path in OUTLINE_PATHS)),
    )
    asked = message_element("SyncFolderItems", shape, message_element("SyncFolderId", by_id(folder)))
    if cursor is not None:
        state = message_element("SyncState")
        state.text = cursor
        asked.append(state)
    most = message_element("MaxChangesReturned")
    most.text = str(PAGE)
    asked.append(most)
    return asked


def read(response: Element, cursor: Cursor | None) -> Page:
    """Read the page that was asked for with the cursor.

    What is not a calendar item is left out. Raises CursorExpired, AnswerUnusable (no state to go on from, or none that
    leads further), and what any other error code stands for.
    """
    (message,) = expect(response, 1)
    content = message.content()
    state = Cursor(message_text(content, "SyncState").strip())
    listed = find_message(content, "Changes")
    changes = [] if listed is None else list(listed)
    told = message_text(content, "IncludesLastItemInRange")
    is_last = from_boolean(told) if told else not changes
    if not state:
        raise AnswerUnusable("Exchange listed changes without a state to go on from.")
    if not is_last and state == cursor:
        raise AnswerUnusable("Exchange promised further changes and stays where it was.")
    entries = [entry for entry in map(_entry, changes) if entry is not None]
    removed = [_removed(change) for change in changes if change.tag == f"{{{TYPES}}}Delete"]
    return Page(tuple(entries), tuple(removed), state, is_last)


def _entry(change: Element) -> Entry | None:
    if change.tag not in {f"{{{TYPES}}}Create", f"{{{TYPES}}}Update"}:
        return None
    item = change.find(CALENDAR_ITEM)
    if item is None:
        return None
    try:
        return Entry(from_reference(item), from_outline(item), is_new=change.tag == f"{{{TYPES}}}Create")
    except ValueError as error:
        raise AnswerUnusable("Exchange listed an item without an id.") from error


def _removed(change: Element) -> ItemId:
    reference = find_type(change, "ItemId")
    if reference is None or not reference.get("Id"):
        raise AnswerUnusable("Exchange listed a removed item without an id.")
    return ItemId(reference.get("Id") or "")
