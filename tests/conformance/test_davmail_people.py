"""What DavMail does wrong with people (sections 1 and 3 of its defects), over HTTP: right here, without a mail."""

from typing import Any

from bridge.simulator.model import Attendee, Item

from conforming import ANN, CALENDAR, Bridge
from events import event, series

ONE = CALENDAR + "one.ics"
PEOPLE = (
    "ORGANIZER;CN=Ann Example:mailto:a.example@example.test",
    "ATTENDEE;CN=Ben Example;ROLE=REQ-PARTICIPANT:mailto:ben@example.test",
    "ATTENDEE;CN=Cleo;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:cleo@example.test",
    "ATTENDEE;CN=Room 1;CUTYPE=ROOM;ROLE=NON-PARTICIPANT:mailto:room1@example.test",
)
LISTS = ("RequiredAttendees", "OptionalAttendees", "Resources")


def held(bridge: Bridge) -> Item:
    """Give the one item that Exchange holds."""
    (item,) = bridge.exchange.events(ANN)
    return item


def invited(values: Any) -> list[list[tuple[str, str]]]:
    """Give names and addresses of the three lists."""
    lists: list[tuple[Attendee, ...]] = [values.get(name, ()) for name in LISTS]
    return [[(one.name, one.address) for one in each] for each in lists]


EXPECTED = [[("Ben Example", "ben@example.test")], [("Cleo", "cleo@example.test")], [("Room 1", "room1@example.test")]]


def test_attendees_are_in_the_list_of_their_role_under_their_name(bridge: Bridge) -> None:
    """It makes CHAIR and rooms optional, has no names and never any Resources."""
    assert bridge.put(ONE, event("one", "Review", *PEOPLE)).status == 201
    assert invited(held(bridge).values) == EXPECTED
    assert set(PEOPLE) <= set(bridge.ask("GET", ONE).body.decode().replace("\r\n ", "").split("\r\n"))
    assert bridge.exchange.outbox == []


def test_attendees_survive_a_change_of_something_else(bridge: Bridge) -> None:
    """It deletes the required list."""
    bridge.put(ONE, event("one", "Review", *PEOPLE))
    served = bridge.ask("GET", ONE).body
    assert bridge.put(ONE, served.replace(b"SUMMARY:Review", b"SUMMARY:Retro")).status == 204
    assert (held(bridge).values["Subject"], invited(held(bridge).values)) == ("Retro", EXPECTED)
    assert bridge.exchange.outbox == []


def test_an_attendee_who_is_taken_off_is_off(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Review", *PEOPLE))
    assert bridge.put(ONE, event("one", "Review", *PEOPLE[:2])).status == 204
    assert invited(held(bridge).values) == [EXPECTED[0], [], []]
    assert bridge.put(ONE, event("one", "Review")).status == 204
    assert invited(held(bridge).values) == [[], [], []]
    assert bridge.exchange.outbox == []


def test_an_attendee_of_one_occurrence_is_one_of_that_alone(bridge: Bridge) -> None:
    changed = (
        "RECURRENCE-ID;TZID=Europe/Berlin:20270308T090000",
        "DTSTART;TZID=Europe/Berlin:20270308T090000",
        "DTEND;TZID=Europe/Berlin:20270308T100000",
        "SUMMARY:Weekly",
        *PEOPLE,
    )
    assert bridge.put(ONE, series("one", "Weekly", *PEOPLE[:2], overrides=[changed])).status == 201
    item = held(bridge)
    assert invited(item.values) == [EXPECTED[0], [], []]
    (exception,) = item.exceptions.values()
    assert invited({**item.values, **exception.values}) == EXPECTED
    assert bridge.exchange.outbox == []
