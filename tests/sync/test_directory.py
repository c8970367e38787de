"""People and rooms, asked of Exchange's directory once for a while."""

import pytest

from bridge.errors import ExchangeTimedOut, LoginRefused, Unavailable
from bridge.model import MailboxKind
from bridge.sync.directory import Directory

from world import ANN, BEN, World

ATTIC = "attic@example.test"


@pytest.fixture
def world(world: World) -> World:
    world.exchange.room_list.append(world.exchange.add_room(ATTIC, "The Attic"))
    return world


def asked(world: World, verb: str) -> int:
    return world.exchange.calls[verb]


def test_the_same_is_asked_once_for_a_while_and_for_each_viewer(world: World) -> None:
    for _ in range(2):
        assert [one.address for one in world.store.people(world.login(), "Ben")] == [BEN]
        assert [one.address for one in world.store.people(world.login(), " ben ")] == [BEN]
    assert asked(world, "people") == 1
    world.store.people(world.login(BEN), "ben")
    assert asked(world, "people") == 2
    world.clock.move(301)
    world.store.people(world.login(), "ben")
    assert (asked(world, "people"), asked(world, "rooms")) == (3, 2)


def test_answers_in_memory_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sync.directory.MOST", 2)
    directory = Directory(world.exchange, world.clock)
    for text in ("a", "b", "c", "a"):
        directory.people(world.login(), text)
    assert asked(world, "people") == 4


def test_nobody_is_asked_for_nothing(world: World) -> None:
    assert world.store.people(world.login(), "  ") == ()
    assert asked(world, "people") == 0


def test_rooms_are_found_by_any_part_of_their_name(world: World) -> None:
    (room,) = world.store.people(world.login(), "attic")
    assert (room.address, room.kind) == (ATTIC, MailboxKind.ROOM)


def test_who_is_in_a_list_of_rooms_is_a_room(world: World) -> None:
    world.exchange.add_person(ATTIC, "secret")
    (room,) = world.store.people(world.login(), "attic@")
    assert room.kind is MailboxKind.ROOM
    assert [one.kind for one in world.store.people(world.login(), ANN)] == [MailboxKind.PERSON]


def test_people_are_found_while_rooms_cannot_be_asked_for(world: World) -> None:
    world.exchange.fail("rooms", ExchangeTimedOut("late"))
    assert [one.address for one in world.store.people(world.login(), "ben")] == [BEN]
    assert world.store.people(world.login(), "attic") == ()
    assert asked(world, "rooms") == 1
    world.clock.move(61)
    assert len(world.store.people(world.login(), "attic")) == 1


def test_trouble_is_not_nobody(world: World) -> None:
    world.exchange.fail("people", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        world.store.people(world.login(), "ben")
    assert len(world.store.people(world.login(), "ben")) == 1


def test_a_password_gone_bad_is_heard_of(world: World) -> None:
    login = world.login()
    world.exchange.passwords.clear()
    with pytest.raises(LoginRefused):
        world.store.people(login, "ben")
    assert world.refused == [login.caller]
