"""A viewer's own calendars, made, renamed and deleted by his client."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eventually import eventually
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import (
    AccessDenied,
    BridgeError,
    ExchangeTimedOut,
    NameTaken,
    NotFound,
    NotPermitted,
    RequestRefused,
    Unavailable,
    WriteUnderWay,
)
from bridge.exchange import Deadline
from bridge.ids import make_look, parse_look
from bridge.model import Address, CalendarLook, CalendarName, FolderId, Name, Rights
from bridge.resource import Conditions

from events import event
from world import ANN, BEN, World

CHOIR = CalendarName("choir")


def calendars(world: World, address: str = ANN) -> dict[str, str]:
    """Give the home as a client sees it now: names and display names."""
    return {one.name: one.calendar.display_name for one in world.store.calendars(world.login(address))}


def folders(world: World) -> list[str]:
    """Give what Exchange has of Ann's calendars."""
    return sorted(one.display_name for one in world.exchange.folders.values() if one.mailbox == ANN)


def test_a_new_calendar_has_the_clients_name_and_is_a_folder_at_exchange(world: World) -> None:
    made = world.store.create_calendar(world.login(), CHOIR, "Choir & more")
    assert (made.name, made.calendar.display_name) == ("choir", "Choir & more")
    assert calendars(world) == {"calendar": "Calendar", "choir": "Choir & more"}
    assert folders(world) == ["Calendar", "Choir & more"]
    stored = world.store.put(world.login(), made, Name("a.ics"), event("u1"), Conditions())
    assert stored.created


def test_its_name_is_the_same_in_a_new_bridge(world: World) -> None:
    world.store.create_calendar(world.login(), CHOIR, "Something else")
    world.close()
    for path in [*world.folder.glob("state.db*"), *world.folder.glob("mirror.db*")]:
        path.unlink()
    world._open()
    assert calendars(world) == {"calendar": "Calendar", "choir": "Something else"}


def test_without_a_display_name_it_is_called_as_it_is_named(world: World) -> None:
    world.store.create_calendar(world.login(), CHOIR)
    assert calendars(world)["choir"] == "choir"


def test_a_display_name_that_is_taken_gets_a_number(world: World) -> None:
    world.store.create_calendar(world.login(), CHOIR, "Choir")
    world.store.create_calendar(world.login(), CalendarName("second"), "Choir")
    assert calendars(world) == {"calendar": "Calendar", "choir": "Choir", "second": "Choir 2"}


@pytest.mark.parametrize("name", ["calendar", "inbox", ".hidden", "ben@example.test~calendar"])
def test_names_of_the_bridges_own_and_taken_ones_are_refused(world: World, name: str) -> None:
    with pytest.raises((NotPermitted, NameTaken)):
        world.store.create_calendar(world.login(), CalendarName(name))
    assert folders(world) == ["Calendar"]


@pytest.mark.parametrize("done", [True, False])
def test_a_calendar_whose_answer_was_lost_is_made_once(world: World, done: bool) -> None:
    world.exchange.fail("create_calendar", ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.store.create_calendar(world.login(), CHOIR)
    assert world.store.create_calendar(world.login(), CHOIR).name == CHOIR
    with pytest.raises(NameTaken):
        world.store.create_calendar(world.login(), CHOIR)
    assert calendars(world) == {"calendar": "Calendar", "choir": "choir"}
    assert folders(world) == ["Calendar", "choir"]


def test_of_two_who_make_a_calendar_of_one_name_at_once_one_does(world: World) -> None:
    inside, answered = threading.Event(), threading.Event()
    create = world.exchange.create_calendar

    def slow(*args: Any) -> FolderId:
        inside.set()
        assert answered.wait(20)
        return create(*args)

    world.exchange.create_calendar = slow  # type: ignore[method-assign, assignment]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.store.create_calendar, world.login(), CHOIR)
        assert inside.wait(20)
        with pytest.raises(WriteUnderWay):
            world.store.create_calendar(world.login(), CHOIR)
        answered.set()
        assert first.result(20).name == CHOIR
    assert folders(world) == ["Calendar", "choir"]


def test_what_was_listed_before_a_calendar_was_made_does_not_hide_it(world: World) -> None:
    login = world.login()
    before = world.exchange.calendars(login.caller, Address(ANN), Deadline.after(20))
    asked_at = world.clock()
    world.clock.move(1)
    world.store.create_calendar(login, CHOIR)
    world.mirror.put_calendars(login.caller.viewer, Address(ANN), before, asked_at)
    assert "choir" in calendars(world)


def test_a_calendar_made_renamed_and_deleted_in_outlook_is_seen_with_the_next_listing(world: World) -> None:
    assert list(calendars(world)) == ["calendar"]
    folder = world.exchange.add_folder(Address(ANN), "Choir")
    world.clock.move(61)
    assert calendars(world) == {"calendar": "Calendar", "choir": "Choir"}
    folder.display_name = "Singing"
    world.clock.move(61)
    assert calendars(world) == {"calendar": "Calendar", "choir": "Singing"}
    epoch = world.store.snapshot(world.login(), world.calendar(CHOIR)).epoch
    ref = world.calendar(CHOIR).calendar.ref
    del world.exchange.folders[folder.id]
    world.clock.move(61)
    assert calendars(world) == {"calendar": "Calendar"}
    assert world.mirror.snapshot(ref).epoch != epoch


def test_one_own_calendar_is_taken_from_a_listing_of_an_hour(world: World) -> None:
    folder = world.exchange.add_folder(Address(ANN), "Choir")
    world.calendar(CHOIR)
    listings = world.exchange.calls["calendars"]
    world.clock.move(59 * 60)
    world.calendar(CHOIR)
    assert world.exchange.calls["calendars"] == listings
    world.clock.move(2 * 60)
    folder.display_name = "Singing"
    assert world.calendar(CHOIR).calendar.display_name == "Choir", "it is listed anew behind the request"
    eventually(lambda: world.calendar(CHOIR).calendar.display_name == "Singing")


def test_a_calendar_that_is_not_listed_is_asked_for_anew_after_a_minute(world: World) -> None:
    world.calendar()
    folder = world.exchange.add_folder(Address(ANN), "Choir")
    world.clock.move(61)
    served = world.calendar(CHOIR)
    assert served.calendar.display_name == "Choir"
    del world.exchange.folders[folder.id]
    with pytest.raises(NotFound):
        world.store.snapshot(world.login(), served)
    with pytest.raises(NotFound):
        world.calendar(CHOIR)


def test_a_listing_that_fails_forgets_no_calendar(world: World) -> None:
    world.store.create_calendar(world.login(), CHOIR)
    epoch = world.store.snapshot(world.login(), world.calendar(CHOIR)).epoch
    world.clock.move(61)
    world.exchange.fail("calendars", ExchangeTimedOut("late"))
    assert "choir" in calendars(world)
    assert world.store.snapshot(world.login(), world.calendar(CHOIR)).epoch == epoch


def test_a_calendar_is_renamed_and_keeps_its_name_and_events(world: World) -> None:
    made = world.store.create_calendar(world.login(), CHOIR)
    world.store.rename_calendar(world.login(), made, "Singing")
    assert calendars(world) == {"calendar": "Calendar", "choir": "Singing"}
    assert folders(world) == ["Calendar", "Singing"]


LOOK = CalendarLook("#FF2968FF", 3, "Proben & Konzerte")


def look(world: World, name: CalendarName = CHOIR) -> CalendarLook:
    """Give how a calendar looks, as Exchange tells it."""
    world.lose_mirror()
    return parse_look(world.calendar(name).calendar.look)


def test_a_calendars_look_is_at_exchange_and_comes_back_in_a_new_bridge(world: World) -> None:
    made = world.store.create_calendar(world.login(), CHOIR, "Choir", LOOK)
    assert look(world) == LOOK
    assert world.store.set_look(world.login(), made, CalendarLook(order=1))
    assert look(world) == CalendarLook(order=1)
    assert world.store.set_look(world.login(), world.calendar(CHOIR), CalendarLook())
    assert look(world) == CalendarLook()
    assert world.store.set_look(world.login(), world.calendar(), LOOK)
    assert look(world, CalendarName("calendar")) == LOOK


def test_a_look_that_is_there_already_costs_nothing(world: World) -> None:
    made = world.store.create_calendar(world.login(), CHOIR, "Choir", LOOK)
    before = len(world.exchange.calls)
    assert world.store.set_look(world.login(), made, LOOK)
    assert len(world.exchange.calls) == before


def test_a_description_too_long_for_a_folder_is_said_not_to_be_there(world: World) -> None:
    long = CalendarLook("#123", None, "x" * 3000)
    assert not world.store.set_look(world.login(), world.calendar(), long)
    assert look(world, CalendarName("calendar")) == CalendarLook("#123")


@pytest.mark.parametrize("problem", [AccessDenied("no"), RequestRefused("no", "ErrorFolderSave")])
def test_where_a_look_cannot_be_written_it_is_said(world: World, problem: BridgeError) -> None:
    rights = Rights(read=True, create=True, modify=True, delete=True)
    world.exchange.calendar_of(ANN).readers[Address(BEN)] = rights
    theirs = world.calendar(CalendarName("ann@example.test~calendar"), BEN)
    assert not world.store.set_look(world.login(BEN), theirs, LOOK)
    world.exchange.fail("set_look", problem)
    assert not world.store.set_look(world.login(), world.calendar(), LOOK)
    assert look(world, CalendarName("calendar")) == CalendarLook()


@settings(deadline=None)
@given(text=st.text(), value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_stands_in_a_look_is_read_as_one(text: str, value: object) -> None:
    parse_look(text)
    parse_look(json.dumps(value))
    parse_look(json.dumps({"colour": value, "order": value, "description": value}))


@settings(deadline=None)
@given(
    order=st.none() | st.integers(-(2**31) + 1, 2**31 - 1),
    colour=st.none() | st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True),
    description=st.none() | st.text(min_size=1, max_size=2000),
)
def test_a_look_comes_back_as_it_was(order: int | None, colour: str | None, description: str | None) -> None:
    drawn = CalendarLook(colour, order, description)
    assert parse_look(make_look(drawn)) == drawn


def test_a_deleted_calendar_is_gone_with_what_was_told_of_it_and_its_name_is_free(world: World) -> None:
    made = world.store.create_calendar(world.login(), CHOIR)
    world.store.snapshot(world.login(), made)
    world.store.delete_calendar(world.login(), made)
    assert calendars(world) == {"calendar": "Calendar"}
    with pytest.raises(NotFound):
        world.calendar(CHOIR)
    again = world.store.create_calendar(world.login(), CHOIR)
    assert world.store.snapshot(world.login(), again).resources == {}


def test_the_default_calendar_and_anothers_stay(world: World) -> None:
    rights = Rights(read=True, create=True, modify=True, delete=True)
    world.exchange.calendar_of(ANN).readers[Address(BEN)] = rights
    for address, name in ((ANN, "calendar"), (BEN, "ann@example.test~calendar")):
        served = world.calendar(CalendarName(name), address)
        with pytest.raises(NotPermitted):
            world.store.delete_calendar(world.login(address), served)
        with pytest.raises(NotPermitted):
            world.store.rename_calendar(world.login(address), served, "Mine")
    assert folders(world) == ["Calendar"]


def test_the_directory_is_asked_for_people(world: World) -> None:
    assert [one.address for one in world.store.people(world.login(), "ben")] == [BEN]
    assert world.store.people(world.login(), "nobody") == ()
