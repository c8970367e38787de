"""SyncFolderItems: what changed in a folder since a state. Sources: [V] recordings, [D] SyncFolderItems, `rules`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.identifiers import ItemName, item_id
from bridge.simulator.model import Folder, Item
from bridge.simulator.places import target
from bridge.simulator.rights import need_folder
from bridge.simulator.shapes import Shape, item_element, read_shape
from bridge.simulator.sync_state import SyncState, read_state
from bridge.simulator.trouble import TEXTS, invalid
from bridge.simulator.xml import Element, M, T, add, children, text_of

MOST = 512  # [XSD] MaxSyncChangesReturnedType


@dataclass(frozen=True)
class Round:
    """A page of changes: created or updated items, numbers that are gone, the state after it, whether it is all."""

    changes: Sequence[tuple[str, Item]]
    gone: Sequence[int]
    state: SyncState
    complete: bool


def sync_folder_items(call: Call) -> Element:
    """Give the answer: a page of changes and the state after it."""
    shape = read_shape(call, call.request.find(M + "ItemShape"))
    return respond(call, [lambda: _one(call, shape)])


def _one(call: Call, shape: Shape) -> Element:
    folder = target(call, required(call.request, "SyncFolderId"))
    need_folder(call.viewer, folder, call.personality, "read")
    state = known_state(call, "items", folder)
    if state is None:
        return invalid_state("SyncFolderItems", "Item")
    most = _most(call)
    page = _page(call, folder, state, most)
    ignored = {element.get("Id") for element in children(call.request.find(M + "Ignore"))}
    message = success("SyncFolderItems")
    add(message, M + "SyncState", page.state.text())
    add(message, M + "IncludesLastItemInRange", "true" if page.complete else "false")
    changes = add(message, M + "Changes")
    rich = not call.rules.sync_strips_rich
    for kind, item in page.changes:
        if item.id not in ignored:
            add(changes, T + kind).append(item_element(call, shape, item, rich=rich))
    for number in page.gone:
        gone = item_id(ItemName(folder.mailbox, folder.number, number))
        add(add(changes, T + "Delete"), T + "ItemId", None, {"Id": gone})
    return message


def _most(call: Call) -> int:
    text = text_of(call.request, M + "MaxChangesReturned").strip()
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise invalid(f"MaxChangesReturned '{text}' is not within 1 and {MOST}.")
    return min(int(text), call.limits.page_size or MOST)


def known_state(call: Call, kind: str, folder: Folder) -> SyncState | None:
    """Give the state a request goes on from, a fresh one without; None for one that is not good here."""
    text = text_of(call.request, M + "SyncState").strip()
    fresh = SyncState(kind, folder.id, call.store.sync_epoch)
    if not text:
        return fresh
    state = read_state(text)
    if state and (state.kind, state.place, state.epoch) == (kind, folder.id, call.store.sync_epoch):
        return state
    return fresh if call.rules.bad_sync_state_lists_all else None


def invalid_state(operation: str, what: str) -> Element:
    """Give the error for a bad state, with everything it carries. Source: [D] responsecode, MS-OXWSSYNC."""
    code = "ErrorInvalidSyncStateData"
    message = success(operation, code, "Error", TEXTS[code])
    add(message, M + "SyncState", "")
    add(message, M + f"IncludesLast{what}InRange", "true")
    add(message, M + "Changes")
    return message


def _page(call: Call, folder: Folder, state: SyncState, most: int) -> Round:
    box = call.store.mailboxes[folder.mailbox]
    items = box.items[folder.number]
    if not state.listing and box.touched[folder.number] <= state.seen:
        return Round((), (), state, complete=True)
    if state.listing:
        return _listing(call, folder, state, most)
    gone = sorted(number for number in state.given if number not in items)
    changed = sorted((item for item in items.values() if item.change > state.seen), key=lambda item: item.change)
    gone_page = gone[:most]  # before the changes: a state that has seen the last change is asked for nothing more
    page = changed[: most - len(gone_page)]
    complete = len(page) == len(changed) and len(gone_page) == len(gone)
    seen = box.change if complete else (page[-1].change if page else state.seen)
    given = (state.given | {item.number for item in page}) - set(gone_page)
    changes = [("Update" if item.number in state.given else "Create", item) for item in page]
    return Round(changes, gone_page, replace(state, seen=seen, given=given), complete)


def _listing(call: Call, folder: Folder, state: SyncState, most: int) -> Round:
    """Give a page of the first listing, newest first; changes meanwhile are told after it."""
    box = call.store.mailboxes[folder.mailbox]
    begun = state.seen or box.change
    waiting = [item for item in box.items[folder.number].values() if item.number not in state.given]
    waiting.sort(key=lambda item: item.number, reverse=call.rules.sync_newest_first)
    page = waiting[:most]
    complete = len(page) == len(waiting)
    given = state.given | {item.number for item in page}
    after = replace(state, seen=begun, given=given, listing=not complete)
    return Round([("Create", item) for item in page], (), after, complete)
