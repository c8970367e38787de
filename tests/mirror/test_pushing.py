"""How pushes are taken in, and what older pages may not do to them."""

from collections.abc import Callable
from datetime import datetime

from bridge.item import ItemId
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Name
from bridge.resource import Rendered

from told import told_since

MakeEvent = Callable[..., Rendered]
Pull = Callable[..., Applied]
Owners = Callable[[], dict[ItemId, Name]]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")
ITEM_A, ITEM_B = ItemId("item of a.ics"), ItemId("item of b.ics")


def test_a_page_asked_before_a_push_is_not_taken_for_what_was_pushed(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), event("b.ics"))
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics", text="pushed", key=2))
    applied = pull(event("a.ics", text="older"), event("b.ics", text=2), read_from=asked_at)
    assert applied.stale == (A,)
    assert mirror.texts(ref, [A, B]) == {A: b"a.ics is pushed", B: b"b.ics is 2"}
    assert mirror.due(ref, now) == (ITEM_A,)


def test_a_push_that_changes_nothing_is_told_from_an_older_page_as_well(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics"))
    assert pull(event("a.ics", text="older"), read_from=asked_at).stale == (A,)
    assert mirror.texts(ref, [A]) == {A: b"a.ics is 1"}
    assert mirror.snapshot(ref).resources[A].revision == 1


def test_a_page_asked_after_a_push_is_taken(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    mirror.put(ref, event("a.ics"))
    assert pull(event("a.ics", text=2)).stale == ()
    assert mirror.texts(ref, [A]) == {A: b"a.ics is 2"}


def test_an_older_page_does_not_remove_what_was_pushed(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"))
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics", text=2))
    assert pull(removed=(ITEM_A,), read_from=asked_at).stale == (A,)
    assert mirror.snapshot(ref).resources.keys() == {A}
    assert mirror.due(ref, now) == (ITEM_A,)


def test_an_item_that_a_push_has_replaced_may_go(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, owners: Owners
) -> None:
    pull(event("a.ics", "old"))
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics", "new"))
    assert pull(removed=(ItemId("old"),), read_from=asked_at).stale == ()
    assert owners() == {ItemId("new"): A}


def test_an_older_page_does_not_bring_back_what_a_push_removed(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"))
    asked_at = mirror.status(ref).revision
    mirror.remove(ref, A)
    assert pull(event("a.ics", text="older"), read_from=asked_at).stale == (A,)
    assert mirror.snapshot(ref).resources == {}
    assert mirror.due(ref, now) == (ITEM_A,)


def test_a_page_asked_after_a_removal_may_bring_the_event_back(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    mirror.remove(ref, A)
    assert pull(event("a.ics", "restored")).stale == ()
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_an_older_page_brings_back_what_only_a_pull_removed(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    asked_at = mirror.status(ref).revision
    pull(removed=(ITEM_A,))
    assert pull(event("a.ics", "restored"), read_from=asked_at).stale == ()


def test_an_older_page_that_calls_a_pushed_item_otherwise_is_not_taken(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics", "one", uid="u"))
    applied = pull(event("b.ics", "one", uid="u", text="older"), read_from=asked_at)
    assert set(applied.stale) == {A, B}
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_an_older_page_that_knows_a_pushed_event_by_its_uid_alone_is_not_taken(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics", "one", uid="u"))
    applied = pull(event("b.ics", "two", uid="u", text="older"), read_from=asked_at)
    assert set(applied.stale) == {A, B}
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_a_listing_that_names_what_was_pushed_before_it_began_does_not_sweep_it(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    asked_at = mirror.status(ref).revision
    mirror.put(ref, event("a.ics"))
    mirror.begin_listing(ref)
    assert pull(event("a.ics", text="older"), read_from=asked_at).stale == (A,)
    assert mirror.texts(ref, [A]) == {A: b"a.ics is 1"}


def test_a_push_under_a_new_name_removes_the_old_one(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, owners: Owners
) -> None:
    pull(event("a.ics", "one", uid="u"))
    assert mirror.put(ref, event("b.ics", "one", uid="u"), replaced=A) == 2
    assert told_since(mirror, ref, 1) == ((B,), (A,))
    assert owners() == {ItemId("one"): B}


def test_what_a_push_wrote_is_due_until_a_page_names_it(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), event("b.ics"), pending=((ITEM_A, now), (ITEM_B, now)))
    mirror.put(ref, event("a.ics"))
    mirror.remove(ref, B)
    assert mirror.due(ref, now) == (ITEM_A,)
    pull(seen=(ITEM_A,), settled=(ITEM_A,))
    assert mirror.due(ref, now) == ()


def test_removing_what_is_not_there_changes_nothing(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    assert mirror.remove(ref, B) == mirror.status(ref).revision == 1
