"""A client that is not ours: exchangelib creates, reads, updates, deletes and synchronises."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import exchangelib
import exchangelib.fields
import exchangelib.recurrence
import pytest
from exchangelib.errors import (
    ErrorCalendarOccurrenceIsDeletedFromRecurrence,
    ErrorDeleteDistinguishedFolder,
    ErrorFolderExists,
    ErrorFolderNotFound,
    ErrorItemNotFound,
    UnauthorizedError,
)
from exchangelib.items import SEND_TO_NONE
from exchangelib.protocol import CachingProtocol

from bridge.simulator import PERSONALITIES, PersonPlan, Simulator
from bridge.simulator.people import settle_people

ews: Any = exchangelib  # it has no types of its own
recurrences: Any = exchangelib.recurrence
protocols: Any = CachingProtocol
BERLIN = ews.EWSTimeZone("Europe/Berlin")


@pytest.fixture(params=["2010", "2019"])
def anna(request: pytest.FixtureRequest, make_sim: Callable[..., Simulator]) -> Iterator[Any]:
    sim = make_sim(request.param)
    yield account(sim)
    protocols.clear_cache()


def account(sim: Simulator, who: str = "anna", password: str = "", mailbox: str = "") -> Any:
    major, minor, *_ = PERSONALITIES[sim.service.personality.name].build
    configuration = ews.Configuration(
        service_endpoint=sim.url,
        credentials=ews.Credentials(f"{who}@example.com", password or f"{who}-password"),
        auth_type=ews.BASIC,
        version=ews.Version(ews.Build(major, minor, 1, 1)),
    )
    address = f"{mailbox or who}@example.com"
    return ews.Account(
        address, config=configuration, autodiscover=False, access_type=ews.DELEGATE, default_timezone=ews.UTC
    )


def new_item(anna: Any, **more: Any) -> Any:
    fields = {
        "subject": "Größe",
        "start": ews.EWSDateTime(2026, 3, 3, 10, tzinfo=BERLIN),
        "end": ews.EWSDateTime(2026, 3, 3, 11, tzinfo=BERLIN),
    } | more
    item = ews.CalendarItem(account=anna, folder=anna.calendar, **fields)
    item.save(send_meeting_invitations=SEND_TO_NONE)
    return item


def test_a_life_of_an_item(anna: Any) -> None:
    item = new_item(anna, body=ews.HTMLBody("<p>Hello</p>"), categories=["A"], location="Room", uid="my-uid")
    item.refresh()
    text = item.text_body if anna.version.build.major_version > 14 else "Hello\r\n"
    assert (item.uid, text) == ("my-uid", "Hello\r\n")
    assert item.start == ews.EWSDateTime(2026, 3, 3, 9, tzinfo=ews.UTC)
    assert item._start_timezone == BERLIN
    assert item.organizer.email_address == "anna@example.com"
    key = item.changekey
    item.subject = "Changed"
    item.save(send_meeting_invitations=SEND_TO_NONE)
    assert item.changekey != key
    (found,) = anna.calendar.all()
    assert (found.id, found.subject, found.categories) == (item.id, "Changed", ["A"])
    (viewed,) = anna.calendar.view(
        start=ews.EWSDateTime(2026, 3, 1, tzinfo=ews.UTC), end=ews.EWSDateTime(2026, 4, 1, tzinfo=ews.UTC)
    )
    assert viewed.id == item.id
    item.delete(send_meeting_cancellations=SEND_TO_NONE)
    (gone,) = anna.fetch(ids=[viewed])
    assert isinstance(gone, ErrorItemNotFound)


def test_a_whole_day(anna: Any) -> None:
    item = new_item(anna, start=ews.EWSDate(2026, 7, 3), end=ews.EWSDate(2026, 7, 4), is_all_day=True)
    item.refresh()
    assert (item.start, item.end) == (ews.EWSDate(2026, 7, 3), ews.EWSDate(2026, 7, 4))


def test_synchronising(anna: Any) -> None:
    items = [new_item(anna, subject=f"n{number}") for number in range(3)]
    changes = list(anna.calendar.sync_items(only_fields=["subject"]))
    assert [(kind, item.subject) for kind, item in changes] == [("create", "n2"), ("create", "n1"), ("create", "n0")]
    state = anna.calendar.item_sync_state
    gone = items[0].id
    items[0].delete(send_meeting_cancellations=SEND_TO_NONE)
    items[1].subject = "changed"
    items[1].save(update_fields=["subject"], send_meeting_invitations=SEND_TO_NONE)
    changes = list(anna.calendar.sync_items(sync_state=state, only_fields=["subject"]))
    assert [(kind, item.id) for kind, item in changes] == [("update", items[1].id), ("delete", gone)]


@pytest.mark.parametrize("personality", ["2010", "2019"])
def test_rooms_and_folders(make_sim: Callable[..., Simulator], personality: str) -> None:
    sim = make_sim(personality)
    settle_people(sim.store, [PersonPlan("Attic", "attic@example.com", "x", room_list="rooms@example.com")])
    anna = account(sim)
    (room_list,) = anna.protocol.get_roomlists()
    assert room_list.email_address == "rooms@example.com"
    assert [room.email_address for room in anna.protocol.get_rooms("rooms@example.com")] == ["attic@example.com"]
    choir = ews.folders.Calendar(parent=anna.calendar, name="Choir")
    choir.save()
    with pytest.raises(ErrorFolderExists):
        ews.folders.Calendar(parent=anna.calendar, name="choir").save()
    choir.name = "Singing"
    choir.save(update_fields=["name"])
    item = new_item(anna, subject="moves", uid="moves-1")
    before = item.id
    item.move(choir)
    assert item.id != before
    assert [(one.subject, one.uid) for one in choir.all()] == [("moves", "moves-1")]
    assert anna.calendar.all().count() == 0
    choir.delete(delete_type="MoveToDeletedItems")
    with pytest.raises(ErrorDeleteDistinguishedFolder):
        anna.calendar.delete()
    deleted = sim.store.distinguished(sim.person("anna@example.com").mailbox, "deleteditems")
    assert sim.folder("anna@example.com", "Singing").parent == deleted.number
    protocols.clear_cache()


def test_folders_names_and_searches(anna: Any) -> None:
    assert [folder.name for folder in anna.calendar.children] == ["Projects"]
    assert anna.protocol.resolve_names(["bob"])[0].email_address == "bob@example.com"
    new_item(anna, subject="one")
    new_item(anna, subject="two")
    assert [item.subject for item in anna.calendar.filter(subject="two")] == ["two"]
    assert anna.calendar.filter(subject__contains="o").count() == 2
    assert len(list(anna.protocol.get_timezones(return_full_timezone_data=True))) >= 98


def test_a_delegate_finds_no_root(make_sim: Callable[..., Simulator]) -> None:
    reader = account(make_sim(), "bob", mailbox="anna")  # may read the calendar, and exchangelib wants the root first
    with pytest.raises(ErrorFolderNotFound):
        assert reader.root
    protocols.clear_cache()


def test_a_wrong_password(make_sim: Callable[..., Simulator]) -> None:
    wrong = account(make_sim(), password="wrong")
    with pytest.raises(UnauthorizedError):
        list(wrong.calendar.all())
    protocols.clear_cache()


def new_series(anna: Any, **more: Any) -> Any:
    pattern = recurrences.WeeklyPattern(interval=1, weekdays=[exchangelib.fields.TUESDAY])
    rule = recurrences.Recurrence(pattern=pattern, start=ews.EWSDate(2026, 3, 3), number=6)
    return new_item(anna, recurrence=rule, **more)


def test_a_series_is_created_and_read(anna: Any) -> None:
    master = new_series(anna)
    master.refresh()
    assert master.type == "RecurringMaster"
    assert master.recurrence.boundary.number == 6
    assert master.first_occurrence.start == ews.EWSDateTime(2026, 3, 3, 9, tzinfo=ews.UTC)
    assert master.last_occurrence.start == ews.EWSDateTime(2026, 4, 7, 8, tzinfo=ews.UTC)
    window = {"start": ews.EWSDateTime(2026, 3, 1, tzinfo=ews.UTC), "end": ews.EWSDateTime(2026, 5, 1, tzinfo=ews.UTC)}
    occurrences = list(anna.calendar.view(**window))
    assert [item.type for item in occurrences] == ["Occurrence"] * 6
    found, third = occurrences[2].recurring_master(), master.occurrence(3)
    found.refresh()
    third.refresh()
    assert (found.id, third.id) == (master.id, occurrences[2].id)
    assert [item.type for item in anna.calendar.all()] == ["RecurringMaster"]


def test_occurrences_are_changed_and_deleted(anna: Any) -> None:
    master = new_series(anna)
    second = master.occurrence(2)
    second.refresh()
    second.subject = "Moved"
    second.start += timedelta(hours=3)
    second.end += timedelta(hours=3)
    second.save(update_fields=["subject", "start", "end"], send_meeting_invitations=SEND_TO_NONE)
    master.occurrence(4).delete(send_meeting_cancellations=SEND_TO_NONE)
    master.refresh()
    (changed,) = master.modified_occurrences
    assert (changed.start - changed.original_start, changed.original_start.day) == (timedelta(hours=3), 10)
    (gone,) = master.deleted_occurrences
    assert gone.start == ews.EWSDateTime(2026, 3, 24, 9, tzinfo=ews.UTC)
    with pytest.raises(ErrorCalendarOccurrenceIsDeletedFromRecurrence):
        master.occurrence(4).refresh()
    master.recurrence.boundary.number = 8
    master.save(update_fields=["recurrence"], send_meeting_invitations=SEND_TO_NONE)
    master.refresh()
    assert (master.modified_occurrences, master.deleted_occurrences) == (None, None)
    assert master.last_occurrence.start == ews.EWSDateTime(2026, 4, 21, 8, tzinfo=ews.UTC)
