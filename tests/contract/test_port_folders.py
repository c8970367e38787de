"""Calendars and events that move: what every back end of the port does."""

from datetime import timedelta

import pytest

from bridge.errors import AccessDenied, ItemMissing, RequestRefused
from bridge.exchange import Deadline
from bridge.item import Content, Item, Missing, Uid
from bridge.model import Calendar, CalendarRef, MailboxKind
from bridge.recurrence import Daily, Recurrence

from events import START
from port_subject import Subject

HOUR = timedelta(hours=1)


def soon() -> Deadline:
    return Deadline.after(20)


def listed(subject: Subject) -> dict[str, Calendar]:
    """Give the owner's calendars by display name."""
    found = subject.exchange.calendars(subject.owner, subject.owner.viewer.address, soon())
    return {one.display_name: one for one in found}


def make(subject: Subject, display_name: str) -> CalendarRef:
    folder = subject.exchange.create_calendar(subject.owner, display_name, "stamp", soon())
    made = listed(subject)[display_name].ref
    assert made.folder == folder
    return made


def content(uid: str, recurrence: Recurrence | None = None) -> Content:
    return Content(Uid(uid), "Planning", START, START + HOUR, name_stamp="x", kept="y", recurrence=recurrence)


def test_a_new_calendar_is_listed_with_its_stamp_and_empty(subject: Subject) -> None:
    ref = make(subject, "Choir & <more>")
    found = listed(subject)["Choir & <more>"]
    assert (found.stamp, found.is_default, found.rights.write) == ("stamp", False, True)
    page = subject.exchange.feed(subject.owner, ref, None, soon())
    assert (page.entries, page.is_last) == ((), True)


def test_a_stamp_of_any_length_comes_back_whole(subject: Subject) -> None:
    long = "x" * 400
    subject.exchange.create_calendar(subject.owner, "Choir", long, soon())
    make(subject, "Choir 2")
    assert (listed(subject)["Choir"].stamp, listed(subject)["Choir 2"].stamp) == (long, "stamp")


def test_an_event_of_a_long_uid_is_found_by_it(subject: Subject) -> None:
    uid = Uid("u" * 250 + "-" + "v" * 50)
    ref = subject.exchange.create(subject.owner, subject.calendar, content(uid), soon())
    assert [one.id for one in subject.exchange.find(subject.owner, subject.calendar, uid, soon())] == [ref.id]


def test_a_display_name_that_is_taken_is_refused(subject: Subject) -> None:
    make(subject, "Choir")
    with pytest.raises(RequestRefused) as refused:
        subject.exchange.create_calendar(subject.owner, "Choir", "other", soon())
    assert refused.value.code == "ErrorFolderExists"


def test_a_calendar_is_renamed(subject: Subject) -> None:
    ref = make(subject, "Choir")
    subject.exchange.rename_calendar(subject.owner, ref, "Singing", soon())
    assert listed(subject)["Singing"].ref == ref
    assert "Choir" not in listed(subject)


@pytest.mark.parametrize("look", ["look", "Farbe & <größer>" * 40])
def test_a_look_is_made_with_a_calendar_changed_and_taken_away(subject: Subject, look: str) -> None:
    subject.exchange.create_calendar(subject.owner, "Choir", "stamp", soon(), look)
    subject.exchange.set_look(subject.owner, subject.calendar, look, soon())
    found = listed(subject)
    default = next(one for one in found.values() if one.is_default)
    assert (found["Choir"].look, found["Choir"].stamp, default.look) == (look, "stamp", look)
    for value in ("other", None):
        subject.exchange.set_look(subject.owner, found["Choir"].ref, value, soon())
        assert (listed(subject)["Choir"].look, listed(subject)["Choir"].stamp) == (value, "stamp")


def test_anothers_calendar_is_not_given_a_look_a_name_or_an_end(subject: Subject) -> None:
    (shared,) = subject.exchange.calendars(subject.reader, subject.owner.viewer.address, soon())
    with pytest.raises((AccessDenied, RequestRefused)):
        subject.exchange.set_look(subject.reader, shared.ref, "look", soon())
    with pytest.raises((AccessDenied, RequestRefused)):
        subject.exchange.rename_calendar(subject.reader, shared.ref, "Mine", soon())
    with pytest.raises((AccessDenied, RequestRefused)):
        subject.exchange.delete_calendar(subject.reader, shared.ref, soon())
    default = next(one for one in listed(subject).values() if one.is_default)
    assert (default.display_name, default.look) == ("Calendar", None)


def test_a_deleted_calendar_is_not_listed(subject: Subject) -> None:
    ref = make(subject, "Choir")
    subject.exchange.delete_calendar(subject.owner, ref, soon())
    assert "Choir" not in listed(subject)


def test_the_default_calendar_is_not_deleted(subject: Subject) -> None:
    with pytest.raises((RequestRefused, AccessDenied)):
        subject.exchange.delete_calendar(subject.owner, subject.calendar, soon())
    assert subject.calendar in [one.ref for one in listed(subject).values()]


@pytest.mark.parametrize("recurrence", [None, Recurrence(Daily(1), START.date(), count=3)])
def test_an_event_that_moves_has_a_new_id_and_all_else_as_it_was(
    subject: Subject, recurrence: Recurrence | None
) -> None:
    target = make(subject, "Choir")
    ref = subject.exchange.create(subject.owner, subject.calendar, content("move-1", recurrence), soon())
    (before,) = subject.exchange.get(subject.owner, subject.calendar, [ref.id], soon())
    moved = subject.exchange.move(subject.owner, subject.calendar, ref, target, soon())
    (after,) = subject.exchange.get(subject.owner, target, [moved.id], soon())
    assert isinstance(before, Item)
    assert isinstance(after, Item)
    assert after.content == before.content
    assert isinstance(subject.exchange.get(subject.owner, subject.calendar, [ref.id], soon())[0], Missing)
    assert subject.exchange.find(subject.owner, target, Uid("move-1"), soon()) == (after.ref,)
    with pytest.raises(ItemMissing):
        subject.exchange.move(subject.owner, subject.calendar, ref, target, soon())


def test_rooms_are_listed_as_such_where_the_server_lists_them(subject: Subject) -> None:
    found = subject.exchange.rooms(subject.owner, soon())
    told = [(room.address, room.display_name, room.kind) for room in found]
    assert told == ([("attic@example.test", "Attic", MailboxKind.ROOM)] if subject.lists_rooms else [])


def test_the_directory_knows_the_owner_by_name_and_by_address(subject: Subject) -> None:
    address = subject.owner.viewer.address
    (found,) = subject.exchange.people(subject.owner, address, soon())
    assert found.address == address
    assert address in [one.address for one in subject.exchange.people(subject.owner, found.display_name, soon())]
    assert subject.exchange.people(subject.owner, "nobody-of-this-name", soon()) == ()


def test_a_calendar_tells_how_many_items_it_has(subject: Subject) -> None:
    for number in range(3):
        subject.exchange.create(subject.owner, subject.calendar, content(f"total-{number}"), soon())
    found = listed(subject)
    assert {name: one.total for name, one in found.items()} == {"Calendar": 3, "Second": 0}
