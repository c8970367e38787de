"""An event that a client moves: it is in one place, whole, whatever happens on the way."""

from datetime import UTC, datetime

import pytest

from bridge.errors import ExchangeTimedOut, NotFound, NotPermitted, PreconditionFailed, UidTaken, Unavailable
from bridge.model import CalendarName, ETag, Name
from bridge.resource import Conditions

from events import event, instances, override, series
from world import ANN, World

CHOIR = CalendarName("choir")
MOVED = override("20270308", "Moved", "20270308T140000")
SECOND = datetime(2027, 3, 8, 8, 0, tzinfo=UTC)


@pytest.fixture
def world(world: World) -> World:
    world.store.create_calendar(world.login(), CHOIR)
    return world


def move(
    world: World,
    name: str,
    new_name: str | None = None,
    *,
    to: CalendarName = CHOIR,
    match: str | None = None,
    overwrites: bool = False,
) -> bool:
    conditions = Conditions(if_match=frozenset({ETag(match)}) if match else None)
    here, there = world.calendar(), world.calendar(to)
    return world.store.move(
        world.login(), here, Name(name), there, Name(new_name or name), conditions, overwrites=overwrites
    )


def names(world: World, calendar: str = "choir") -> list[str]:
    world.later()
    served = world.calendar(CalendarName(calendar))
    return sorted(world.store.snapshot(world.login(), served).resources)


def text(world: World, name: str) -> str:
    served = world.calendar(CHOIR)
    return world.store.texts(served, [Name(name)])[Name(name)].decode()


BODIES = [
    event("m1"),
    series("m1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED]),
    instances("m1", override("20270301", "First", "20270301T090000"), MOVED),
]


@pytest.mark.parametrize("body", BODIES, ids=["event", "series", "instances"])
@pytest.mark.parametrize("new_name", ["a.ics", "other.ics"])
def test_what_is_moved_is_there_whole_and_here_no_more(world: World, body: bytes, new_name: str) -> None:
    world.put("a.ics", body, new=True)
    before = world.text("a.ics")
    assert move(world, "a.ics", new_name)
    assert names(world, "calendar") == []
    assert names(world) == [new_name]
    assert text(world, new_name) == before
    world.lose_mirror()
    assert names(world) == [new_name]


@pytest.mark.parametrize("body", BODIES, ids=["event", "series", "instances"])
def test_another_name_in_the_same_calendar_costs_no_move(world: World, body: bytes) -> None:
    world.put("a.ics", body, new=True)
    before = world.text("a.ics")
    assert move(world, "a.ics", "b.ics", to=CalendarName("calendar"))
    assert "move" not in world.exchange.calls
    assert names(world, "calendar") == ["b.ics"]
    assert world.text("b.ics") == before
    world.lose_mirror()
    assert names(world, "calendar") == ["b.ics"]


def test_a_uid_stands_once_in_the_target(world: World) -> None:
    world.put("a.ics", event("m1"), new=True)
    there = world.calendar(CHOIR)
    world.store.put(world.login(), there, Name("b.ics"), event("m1"), Conditions())
    world.store.put(world.login(), there, Name("c.ics"), event("m2"), Conditions())
    with pytest.raises(UidTaken):
        move(world, "a.ics", overwrites=True)
    with pytest.raises(UidTaken):
        move(world, "a.ics", "c.ics", overwrites=True)
    with pytest.raises(PreconditionFailed):
        move(world, "a.ics", "b.ics")
    assert names(world) == ["b.ics", "c.ics"]
    assert not move(world, "a.ics", "b.ics", overwrites=True)
    assert names(world) == ["b.ics", "c.ics"]
    assert names(world, "calendar") == []


def test_conditions_and_missing_events_are_refused(world: World) -> None:
    world.put("a.ics", event("m1"), new=True)
    with pytest.raises(PreconditionFailed):
        move(world, "a.ics", match='"old"')
    with pytest.raises(NotFound):
        move(world, "none.ics")
    (item,) = world.items()
    world.outlook_deletes(item)
    with pytest.raises((PreconditionFailed, NotFound)):
        move(world, "a.ics")
    assert names(world) == []


@pytest.mark.parametrize("verb", ["update", "move", "get"])
@pytest.mark.parametrize("done", [True, False])
def test_a_move_whose_answer_was_lost_is_done_once_after_the_retry(world: World, verb: str, done: bool) -> None:
    world.put("a.ics", event("m1"), new=True)
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        move(world, "a.ics", "b.ics")
    assert move(world, "a.ics", "b.ics")
    assert names(world, "calendar") == []
    assert names(world) == ["b.ics"]
    assert len(world.exchange.calendar_of(ANN).items) == 0


def test_events_of_others_are_not_moved(world: World) -> None:
    world.put("a.ics", event("m1"), new=True)
    with pytest.raises(NotPermitted) as caught:
        world.store.move(
            world.login("ben@example.test"),
            world.calendar(),
            Name("a.ics"),
            world.calendar(CHOIR),
            Name("a.ics"),
            Conditions(),
            overwrites=False,
        )
    assert caught.value.privilege == "unbind"
