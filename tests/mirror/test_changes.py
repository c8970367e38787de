"""What clients are told of changed and removed names."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from bridge.item import Cursor, ItemId, Uid
from bridge.mirror.batch import Applied, Batch
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, FolderId, Name
from bridge.resource import Rendered

from told import told_since

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
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


# --- graves are not kept for ever --------------------------------------------------------------------

FEW = 3


@pytest.fixture
def few_graves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.mirror.grave_row.MOST_GRAVES", FEW)


@pytest.mark.usefixtures("few_graves")
def test_who_stands_before_the_oldest_grave_that_is_kept_starts_over(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, engines: list[Engine]
) -> None:
    names = [Name(f"{number}.ics") for number in range(6)]
    pull(*(event(name) for name in names))  # 1
    for name in names[:5]:
        mirror.remove(ref, name)  # 2 to 6
    told = [told_since(mirror, ref, since) for since in range(1, 7)]
    gone = [set(one[1]) for one in told if one is not None]
    assert told[:2] == [None, None]
    assert gone == [set(names[2:5]), set(names[3:5]), set(names[4:5]), set()]
    with engines[0].connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM graves").scalar_one() == FEW


@pytest.mark.usefixtures("few_graves")
def test_a_page_that_removes_more_than_is_remembered_makes_those_before_it_start_over(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    names = [Name(f"{number}.ics") for number in range(5)]
    pull(*(event(name) for name in names))  # 1
    pull(removed=[ItemId(f"item of {name}") for name in names])  # 2
    assert told_since(mirror, ref, 1) is None
    assert told_since(mirror, ref, 2) == ((), ())
    assert mirror.snapshot(ref).resources == {}


@pytest.mark.usefixtures("few_graves")
def test_a_calendar_of_one_is_not_shortened_by_removals_in_another(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent
) -> None:
    other = replace(ref, folder=FolderId("another"))
    for name in (A, B):
        mirror.put(ref, event(name))  # 1, 2
    mirror.remove(ref, A)  # 3
    for number in range(5):
        mirror.put(other, event(f"{number}.ics"))
        mirror.remove(other, Name(f"{number}.ics"))
    assert told_since(mirror, ref, 2) == ((), (A,))


WALKS = itertools.count()
STEPS = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True), max_size=12)


@pytest.mark.usefixtures("few_graves")
@given(steps=STEPS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_told_a_part_of_what_he_misses(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, steps: Any
) -> None:
    """Each step makes the names it has not, and removes those it has; memory meanwhile falls behind and catches up."""
    name = f"walk_{next(WALKS)}"
    mirror, late = open_mirror(name=name), open_mirror(name=name)
    history: list[set[str]] = [set()]
    removals = [0]
    for number, step in enumerate(steps):
        there = history[-1]
        removed = [ItemId(f"item of {name}") for name in step if name in there]
        status = mirror.status(ref)
        puts = tuple(event(name) for name in step if name not in there)
        page = Batch(
            asked_from=status.cursor,
            cursor=Cursor(str(number)),
            is_last=True,
            read_from=status.revision,
            now=NOON,
            puts=puts,
            removed=tuple(removed),
        )
        mirror.apply(ref, page)
        history.append(there ^ set(step))
        removals.append(len(removed))
        if number % 3 == 0:
            assert late.snapshot(ref).resources.keys() == history[-1]
    assert late.snapshot(ref).resources == mirror.snapshot(ref).resources
    for since, then in enumerate(history):
        told = told_since(mirror, ref, since)
        if told is None:
            assert sum(removals[1:]) > FEW
            assert sum(removals[since + 1 :]) > 0
        else:
            assert set(told[1]) == then - history[-1]
    assert told_since(mirror, ref, len(history) - 1) == ((), ())
