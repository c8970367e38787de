"""How pages of the change feed are taken in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from bridge.item import Cursor, ItemId
from bridge.mirror.batch import Applied, Batch, CursorMoved
from bridge.mirror.mirror import Mirror
from bridge.mirror.overview import FirstPulls
from bridge.model import CalendarRef, FolderId, Name, Revision
from bridge.resource import Rendered

from told import told_since

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
Owners = Callable[[], dict[ItemId, Name]]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")
ITEM_A, ITEM_B = ItemId("item of a.ics"), ItemId("item of b.ics")


# --- pulling -------------------------------------------------------------------------------------------


def test_the_last_page_says_when_the_calendar_was_pulled(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), is_last=False, cursor="one")
    assert mirror.status(ref).pulled_at is None
    assert mirror.status(ref).is_listing
    pull(cursor="two")
    status = mirror.status(ref)
    assert (status.pulled_at, status.cursor, status.is_listing) == (now, "two", False)
    assert mirror.snapshot(ref).is_complete


def test_a_page_asked_with_another_cursor_is_not_taken(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), cursor="one")
    before = mirror.snapshot(ref)
    for asked_from in (None, Cursor("older")):
        batch = Batch(asked_from, Cursor("two"), is_last=True, read_from=before.revision, now=now, removed=(ITEM_A,))
        with pytest.raises(CursorMoved):
            mirror.apply(ref, batch)
    assert mirror.snapshot(ref) == before
    assert mirror.status(ref).cursor == "one"


def test_what_is_the_same_changes_no_revision(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    pull(event("a.ics"))
    assert pull(event("a.ics")).revision == 1
    assert mirror.snapshot(ref).resources[A].revision == 1


def test_what_is_the_same_is_not_written(
    ref: CalendarRef, event: MakeEvent, pull: Pull, mirror: Mirror, engines: list[Engine]
) -> None:
    def stored() -> list[tuple[object, ...]]:
        with engines[0].connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM resources")]

    pull(event("a.ics"))
    before, held = stored(), mirror.snapshot(ref).resources
    pull(event("a.ics"))
    assert stored() == before
    assert mirror.snapshot(ref).resources is held


def test_new_facts_of_the_same_items_are_stored_without_a_revision(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    renewed = replace(event("a.ics"), facts=(replace(event("a.ics").facts[0], sequence=7),))
    assert pull(renewed).revision == 1
    assert mirror.read(ref, A) == renewed


def test_new_change_keys_and_facts_are_stored_without_a_revision(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    mirror.snapshot(ref)
    renewed = event("a.ics", key=2)
    assert pull(renewed).revision == 1
    assert mirror.read(ref, A) == renewed
    listed = mirror.snapshot(ref).resources[A]
    assert (listed.items, listed.revision) == (renewed.items, Revision(1))
    assert told_since(mirror, ref, 1) == ((), ())


def test_all_that_one_page_changes_gets_one_revision(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), event("b.ics"))
    assert pull(event("a.ics", text=2), event("c.ics"), removed=(ITEM_B,)).revision == 2
    assert {name: one.revision for name, one in mirror.snapshot(ref).resources.items()} == {A: 2, C: 2}
    assert told_since(mirror, ref, 1) == ((A, C), (B,))


def test_a_resource_goes_with_its_last_item(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    pull(event("a.ics", "one", "two"))
    applied = pull(removed=(ItemId("one"),))
    assert applied.stale == (A,)
    assert [one.id for one in mirror.snapshot(ref).resources[A].items] == ["two"]
    pull(removed=(ItemId("two"),))
    assert mirror.snapshot(ref).resources == {}


def test_what_lost_one_of_its_items_is_read_again_from_the_others(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics", "one", "two"))
    pull(removed=(ItemId("one"),))
    assert mirror.due(ref, now) == (ItemId("two"),)


def test_deleted_and_created_in_one_page_is_one_resource_that_stays(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, owners: Owners
) -> None:
    pull(event("a.ics", "old"))
    pull(event("a.ics", "new"), removed=(ItemId("old"),))
    assert owners() == {ItemId("new"): A}
    assert told_since(mirror, ref, 1) == ((), ())


def test_an_item_that_moves_to_another_resource_leaves_the_first(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics", "one"), event("b.ics", "two", "three"))
    pull(event("c.ics", "one", "two"))
    snapshot = mirror.snapshot(ref)
    assert snapshot.resources.keys() == {B, C}
    assert [one.id for one in snapshot.resources[B].items] == ["three"]


def test_a_page_may_give_an_item_to_another_resource_and_its_own_a_new_one(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, owners: Owners
) -> None:
    pull(event("b.ics", "one"))
    pull(event("a.ics", "one"), event("b.ics", "two"))
    assert owners() == {ItemId("one"): A, ItemId("two"): B}
    assert mirror.snapshot(ref).resources.keys() == {A, B}


def test_a_resource_without_an_item_is_no_resource(event: MakeEvent, pull: Pull) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        pull(replace(event("a.ics"), items=()))


# --- full listings -------------------------------------------------------------------------------------


def test_the_last_page_of_a_full_listing_sweeps_what_it_has_not_named(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), event("b.ics"), event("c.ics"))
    mirror.begin_listing(ref)
    assert mirror.status(ref).cursor is None
    pull(event("a.ics"), is_last=False, cursor="one")
    assert mirror.snapshot(ref).resources.keys() == {A, B, C}
    pull(seen=(ITEM_B,), cursor="two")
    assert mirror.snapshot(ref).resources.keys() == {A, B}
    assert told_since(mirror, ref, 1) == ((), (C,))


def test_an_increment_sweeps_nothing(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    pull(event("a.ics"), cursor="one")
    pull(event("b.ics"), cursor="two")
    assert mirror.snapshot(ref).resources.keys() == {A, B}


def test_an_interrupted_listing_goes_on_with_its_cursor_and_sweeps_at_its_end(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), event("b.ics"), event("c.ics"))
    mirror.begin_listing(ref)
    pull(seen=(ITEM_A,), is_last=False, cursor="one")

    later = open_mirror()
    status = later.status(ref)
    assert (status.is_listing, status.cursor) == (True, "one")
    batch = Batch(status.cursor, Cursor("two"), is_last=True, read_from=status.revision, now=now, seen=(ITEM_B,))
    later.apply(ref, batch)

    assert mirror.snapshot(ref).resources.keys() == {A, B}


def test_a_listing_that_begins_anew_forgets_what_the_first_has_seen(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), event("b.ics"))
    mirror.begin_listing(ref)
    pull(seen=(ITEM_A,), is_last=False, cursor="one")
    mirror.begin_listing(ref)
    pull(seen=(ITEM_B,))
    assert mirror.snapshot(ref).resources.keys() == {B}


def test_what_is_pushed_during_a_listing_is_not_swept(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    mirror.begin_listing(ref)
    pull(is_last=False, cursor="one")
    mirror.put(ref, event("a.ics"))
    pull(cursor="two")
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_what_cannot_be_read_during_a_listing_is_not_swept(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"))
    mirror.begin_listing(ref)
    pull(pending=((ITEM_A, now),))
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_what_is_swept_is_not_read_again(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), pending=((ITEM_A, now),))
    mirror.begin_listing(ref)
    pull()
    assert mirror.due(ref, now) == ()


# --- items to be read again ----------------------------------------------------------------------------


def test_pending_items_are_due_at_their_time_and_until_they_are_settled(
    mirror: Mirror, ref: CalendarRef, pull: Pull, now: datetime
) -> None:
    later = now + timedelta(minutes=5)
    pull(pending=((ItemId("two"), later), (ItemId("one"), now)))
    assert mirror.due(ref, now) == (ItemId("one"),)
    assert mirror.due(ref, later) == (ItemId("one"), ItemId("two"))
    pull(pending=((ItemId("one"), later + timedelta(minutes=5)),), settled=(ItemId("one"), ItemId("two")))
    assert mirror.due(ref, later) == ()
    assert mirror.due(ref, later + timedelta(minutes=5)) == (ItemId("one"),)


def test_an_item_that_is_gone_is_not_read_again(mirror: Mirror, ref: CalendarRef, pull: Pull, now: datetime) -> None:
    pull(pending=((ItemId("one"), now),))
    pull(removed=(ItemId("one"),))
    assert mirror.due(ref, now) == ()


def test_how_far_first_pulls_are_is_told_of_all_together(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    assert mirror.first_pulls() == FirstPulls(0, 0, None)
    mirror.note_total(ref, 10)
    mirror.begin_listing(ref)
    pull(event("a.ics"), event("b.ics"), is_last=False)
    assert mirror.first_pulls() == FirstPulls(1, 2, 10)
    mirror.begin_listing(replace(ref, folder=FolderId("other")))
    assert mirror.first_pulls() == FirstPulls(2, 2, None)
