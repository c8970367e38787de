"""SyncFolderItems and SyncFolderHierarchy: nothing is missed, nothing told as what it is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from bridge.simulator import CalendarPlan, PersonPlan, Simulator

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
ANNA = "anna@example.com"
START, END = datetime(2026, 3, 3, 10, tzinfo=UTC), datetime(2026, 3, 3, 11, tzinfo=UTC)
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'


def sync_text(state: str = "", most: int = 512, folder: str = CALENDAR) -> str:
    told = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    return (
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
        f"<m:SyncFolderId>{folder}</m:SyncFolderId>{told}<m:MaxChangesReturned>{most}</m:MaxChangesReturned>"
        "</m:SyncFolderItems>"
    )


def page(message: Any) -> tuple[list[tuple[str, str]], str, bool]:
    """Give (kind, id) of the changes, the state, whether it was the last page."""
    changes = [
        (etree.QName(change).localname, next(change.iter(f"{T}ItemId")).get("Id"))
        for change in message.find(f"{M}Changes")
    ]
    return changes, message.findtext(f"{M}SyncState"), message.findtext(f"{M}IncludesLastItemInRange") == "true"


def add(sim: Simulator, subject: str = "x") -> Any:
    return sim.add_event(ANNA, subject=subject, start=START, end=END)


def test_the_first_listing_goes_from_new_to_old(ask: Any, sim: Simulator) -> None:
    items = [add(sim) for _ in range(3)]
    changes, state, last = page(*ask(sync_text()))
    assert changes == [("Create", item.id) for item in reversed(items)]
    assert last
    assert page(*ask(sync_text(state))) == ([], state, True)


def test_create_update_delete(ask: Any, sim: Simulator) -> None:
    kept, changed, gone = (add(sim) for _ in range(3))
    _, state, _ = page(*ask(sync_text()))
    sim.change_event(changed, Subject="y")
    sim.remove_event(gone)
    fresh, fleeting = add(sim), add(sim)
    sim.remove_event(fleeting)
    changes, state, _ = page(*ask(sync_text(state)))
    assert changes == [("Update", changed.id), ("Create", fresh.id), ("Delete", gone.id)]
    assert kept.id not in {item for _, item in changes}
    assert page(*ask(sync_text(state)))[0] == []


def test_pages_tell_everything_once_whatever_happens_between_them(ask: Any, sim: Simulator) -> None:
    items = [add(sim) for _ in range(7)]
    first, state, last = page(*ask(sync_text(most=3)))
    assert not last
    sim.change_event(items[0], Subject="not told yet")
    sim.change_event(items[6], Subject="told already")
    sim.remove_event(items[1])
    late = add(sim)
    told = list(first)
    while not last:
        changes, state, last = page(*ask(sync_text(state, most=3)))
        told += changes
    after, state, _ = page(*ask(sync_text(state)))
    told += after
    created = [item for kind, item in told if kind == "Create"]
    assert sorted(created) == sorted(item.id for item in [*items, late] if item is not items[1])
    assert ("Update", items[6].id) in told
    assert page(*ask(sync_text(state)))[0] == []


def test_a_change_between_pages_of_changes_is_not_lost(ask: Any, sim: Simulator) -> None:
    items = [add(sim) for _ in range(4)]
    _, state, _ = page(*ask(sync_text()))
    for item in items:
        sim.change_event(item, Subject="a")
    fresh = add(sim)
    first, state, last = page(*ask(sync_text(state, most=2)))
    assert (first, last) == ([("Update", items[0].id), ("Update", items[1].id)], False)
    sim.change_event(items[0], Subject="b")
    sim.change_event(fresh, Subject="c")
    rest, state, _ = page(*ask(sync_text(state)))
    assert rest == [("Update", items[2].id), ("Update", items[3].id), ("Update", items[0].id), ("Create", fresh.id)]


def test_a_deletion_before_the_last_change_is_told_though_pages_are_short(ask: Any, sim: Simulator) -> None:
    gone = add(sim)
    _, state, _ = page(*ask(sync_text()))
    sim.remove_event(gone)
    add(sim, "y")
    told, last = [], False
    while not last:
        changes, state, last = page(*ask(sync_text(state, most=1)))
        told += changes
    assert ("Delete", gone.id) in told
    assert len(told) == 2


def test_a_move_is_a_deletion_here_and_a_creation_there(ask: Any, sim: Simulator) -> None:
    item = add(sim)
    other = f'<t:FolderId Id="{sim.folder(ANNA, "Projects").id}"/>'
    _, state, _ = page(*ask(sync_text()))
    _, other_state, _ = page(*ask(sync_text(folder=other)))
    (message,) = ask(
        f"<m:MoveItem><m:ToFolderId>{other}</m:ToFolderId><m:ItemIds>"
        f'<t:ItemId Id="{item.id}"/></m:ItemIds></m:MoveItem>'
    )
    moved = next(message.iter(f"{T}ItemId")).get("Id")
    assert page(*ask(sync_text(state)))[0] == [("Delete", item.id)]
    assert page(*ask(sync_text(other_state, folder=other)))[0] == [("Create", moved)]


@pytest.mark.parametrize("state", ["garbage", "H4sIAAAAAAAEAGNgYGcAAotqE0s="])
def test_a_bad_state_is_refused_with_an_empty_one(ask: Any, state: str) -> None:
    (message,) = ask(sync_text(state))
    assert message.get("ResponseClass") == "Error"
    assert message.findtext(f"{M}ResponseCode") == "ErrorInvalidSyncStateData"
    assert page(message) == ([], "", True)


def test_an_expired_state_and_one_of_another_folder_are_bad(ask: Any, sim: Simulator) -> None:
    _, state, _ = page(*ask(sync_text()))
    other = f'<t:FolderId Id="{sim.folder(ANNA, "Projects").id}"/>'
    assert ask.code(sync_text(state, folder=other)) == "ErrorInvalidSyncStateData"
    sim.expire_sync_states()
    assert ask.code(sync_text(state)) == "ErrorInvalidSyncStateData"


def test_a_lenient_server_lists_all_for_a_bad_state(make_sim: Callable[..., Simulator], make_ask: Any) -> None:
    sim = make_sim("lenient")
    item = add(sim)
    assert page(*make_ask(sim)(sync_text("garbage")))[0] == [("Create", item.id)]


@pytest.mark.parametrize("most", [0, 513])
def test_a_page_has_512_changes_at_most(ask: Any, monkeypatch: pytest.MonkeyPatch, sim: Simulator, most: int) -> None:
    assert ask.code(sync_text(most=most)) == "ErrorSchemaValidation"
    monkeypatch.setattr(sim.service, "schemas", None)
    assert ask.code(sync_text(most=most)) == "ErrorSchemaValidation"


def test_ten_thousand_events_are_listed_in_twenty_pages(make_sim: Callable[..., Simulator], make_ask: Any) -> None:
    events = [{"Subject": "x", "Start": START, "End": END}] * 10_000
    plan = PersonPlan("Anna", ANNA, "anna-password", calendars=(CalendarPlan("Calendar", {}, events),))
    ask = make_ask(make_sim(people=(plan,)))
    told: set[str] = set()
    state, last, pages = "", False, 0
    while not last:
        changes, state, last = page(*ask(sync_text(state)))
        told |= {item for _, item in changes}
        pages += 1
    assert (len(told), pages) == (10_000, 20)
    assert len(state) < 1000


def test_the_hierarchy_is_synchronised(ask: Any, sim: Simulator) -> None:
    def changes(state: str) -> tuple[list[tuple[str, str | None]], str]:
        told = f"<m:SyncState>{state}</m:SyncState>" if state else ""
        (message,) = ask(
            "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
            f"{told}</m:SyncFolderHierarchy>"
        )
        found = message.find(f"{M}Changes")
        listed = [(etree.QName(c).localname, c.findtext(f".//{T}DisplayName")) for c in found]
        return listed, message.findtext(f"{M}SyncState")

    first, state = changes("")
    assert ("Create", "Calendar") in first
    assert ("Create", "Projects") in first
    folder = sim.add_calendar(ANNA, "New")
    assert changes(state)[0] == [("Create", "New")]
    _, state = changes(state)
    sim.permit(ANNA, "bob@example.com", "read", "New")
    assert changes(state)[0] == [("Update", "New")]
    sim.store.remove_folder(folder)
    assert changes(state)[0] == [("Delete", None)]
