"""What clients are told of changed and removed names."""

from collections.abc import Callable

import pytest

from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import (
    CalendarRef,
    ItemId,
    Name,
    Rendered,
    Uid,
)

from told import told_since

MakeEvent = Callable[..., Rendered]
Pull = Callable[..., Applied]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")
ITEM_A, ITEM_B = ItemId("item of a.ics"), ItemId("item of b.ics")


def test_removed_is_only_what_a_client_can_know(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    pull(event("a.ics"))  # 1
    pull(event("b.ics"))  # 2
    pull(removed=(ITEM_B,))  # 3
    pull(removed=(ITEM_A,))  # 4
    told = [told_since(mirror, ref, since) for since in range(5)]
    known = [one for one in told if one is not None]
    assert [set(removed) for _, removed in known] == [set(), {A}, {A, B}, {A}, set()]
    assert [changed for changed, _ in known] == [()] * 5


def test_a_name_that_lives_again_is_changed_and_not_removed(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics", "one"))  # 1
    pull(removed=(ItemId("one"),))  # 2
    pull(event("a.ics", "two"))  # 3
    assert told_since(mirror, ref, 1) == ((A,), ())
    assert told_since(mirror, ref, 2) == ((A,), ())


def test_a_name_that_lived_twice_is_removed_for_those_who_knew_either_life(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics", "one"))  # 1
    pull(removed=(ItemId("one"),))  # 2
    pull(event("a.ics", "two"))  # 3
    pull(removed=(ItemId("two"),))  # 4
    removed = [told_since(mirror, ref, since) for since in range(1, 5)]
    assert removed == [((), (A,)), ((), ()), ((), (A,)), ((), ())]


def test_a_revision_that_is_still_to_come_is_not_known(mirror: Mirror, ref: CalendarRef, event: MakeEvent) -> None:
    mirror.put(ref, event("a.ics"))
    assert told_since(mirror, ref, 2) is None


def test_a_revision_of_a_mirror_built_anew_meanwhile_is_not_known(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.put(ref, event("a.ics"))
    snapshot = mirror.snapshot(ref)
    mirror.forget(ref.viewer)
    monkeypatch.setattr(mirror, "snapshot", lambda _: snapshot)  # as if it were forgotten right after it was taken
    assert told_since(mirror, ref, 0) is None


def test_the_last_name_of_a_uid_is_remembered_until_something_else_takes_it(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics", "one", uid="u"))
    pull(removed=(ItemId("one"),))
    pull(event("b.ics", "two", uid="u"))
    assert mirror.former_names(ref, [Uid("u")]) == {Uid("u"): A}
    pull(removed=(ItemId("two"),))
    assert mirror.former_names(ref, [Uid("u")]) == {Uid("u"): B}
    pull(event("b.ics", "three", uid="another"))
    assert mirror.former_names(ref, [Uid("u")]) == {Uid("u"): A}
    assert mirror.former_names(ref, [Uid("unknown")]) == {}
