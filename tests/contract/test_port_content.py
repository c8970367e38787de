"""What every back end of the port does with formatted bodies, importance and people."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bridge.exchange import Deadline, OccurrenceWrite
from bridge.item import (
    Attendee,
    AttendeeRole,
    Attribute,
    Content,
    Importance,
    Item,
    ItemId,
    ItemRef,
    Person,
    Response,
    Uid,
)
from bridge.recurrence import Daily, Recurrence

from port_subject import Subject

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
READER = Attendee(Person("reader@example.test", "Reader"), AttendeeRole.REQUIRED)
STRANGER = Attendee(Person("stranger@example.test", "Stranger"), AttendeeRole.OPTIONAL)
GUEST = Attendee(Person("guest@elsewhere.test", "A. Guest"), AttendeeRole.REQUIRED)
ATTIC = Attendee(Person("attic@example.test", "Attic"), AttendeeRole.RESOURCE)


def soon() -> Deadline:
    return Deadline.after(20)


def event(uid: str, **changes: Any) -> Content:
    return replace(Content(Uid(uid), "Planning", START, START + HOUR), **changes)


def create(subject: Subject, content: Content) -> Item:
    return read(subject, subject.exchange.create(subject.owner, subject.calendar, content, soon()).id)


def read(subject: Subject, id_: ItemId) -> Item:
    (found,) = subject.exchange.get(subject.owner, subject.calendar, [id_], soon())
    assert isinstance(found, Item)
    return found


def update(subject: Subject, item: Item, content: Content, *changed: str) -> Item:
    named = frozenset(map(Attribute, changed))
    ref = subject.exchange.update(subject.owner, subject.calendar, item.ref, content, named, soon())
    return read(subject, ref.id)


def invited(item: Item) -> set[tuple[str, str, AttendeeRole]]:
    return {(one.person.address, one.person.display_name, one.role) for one in item.content.attendees}


def named(*attendees: Attendee) -> set[tuple[str, str, AttendeeRole]]:
    return {(one.person.address, one.person.display_name, one.role) for one in attendees}


def test_importance_is_written_and_changed(subject: Subject) -> None:
    item = create(subject, event("contract-importance", importance=Importance.HIGH))
    assert item.content.importance is Importance.HIGH
    plain = update(subject, item, event("contract-importance", subject="Other"), "importance")
    assert (plain.content.importance, plain.content.subject) == (Importance.NORMAL, "Planning")


def test_a_formatted_body_comes_back_formatted_and_as_its_words(subject: Subject) -> None:
    item = create(subject, event("contract-html", body="not this", html="<p>First <b>line</b></p><p>second</p>"))
    assert item.content.html is not None
    assert "second" in item.content.html
    assert "<b>" in item.content.html.lower()
    assert [line.strip() for line in item.content.body.split("\n") if line.strip()] == ["First line", "second"]


def test_a_plain_body_has_no_formatted_one(subject: Subject) -> None:
    item = create(subject, event("contract-text", body="a < b\n  & c"))
    assert (item.content.body, item.content.html) == ("a < b\n  & c", None)


def test_plain_takes_the_place_of_formatted_and_the_reverse_whichever_is_named(subject: Subject) -> None:
    html = "<p>All <i>new</i></p>"
    item = create(subject, event("contract-bodies", body="plain"))
    item = update(subject, item, event("contract-bodies", body="All new", html=html), "html")
    assert (item.content.body.strip(), item.content.html is not None) == ("All new", True)
    item = update(subject, item, event("contract-bodies", body="plain again"), "body")
    assert (item.content.body, item.content.html) == ("plain again", None)
    item = update(subject, item, event("contract-bodies", html=html), "body")
    assert (item.content.body.strip(), item.content.html is not None) == ("All new", True)
    item = update(subject, item, event("contract-bodies"), "html")
    assert (item.content.body, item.content.html) == ("", None)


def test_people_come_back_in_their_lists_and_make_it_a_meeting(subject: Subject) -> None:
    people = (READER, GUEST, STRANGER, ATTIC)
    item = create(subject, event("contract-people", attendees=people))
    assert item.is_meeting
    expected = (*people[:3], replace(ATTIC, role=AttendeeRole.REQUIRED)) if subject.has_no_resources else people
    assert invited(item) == named(*expected)
    assert item.organizer is not None
    assert item.organizer.address == subject.owner.viewer.address


def test_nobody_s_answer_is_written(subject: Subject) -> None:
    accepted = replace(READER, response=Response.ACCEPT)
    item = create(subject, event("contract-answers", attendees=(accepted, replace(GUEST, response=Response.DECLINE))))
    assert {one.response for one in item.content.attendees} <= {Response.UNKNOWN, Response.NOT_RECEIVED}


def test_an_update_of_people_replaces_all_of_them(subject: Subject) -> None:
    item = create(subject, event("contract-replace", attendees=(READER, STRANGER)))
    moved = replace(STRANGER, role=AttendeeRole.REQUIRED)
    item = update(subject, item, event("contract-replace", attendees=(moved, GUEST)), "attendees")
    assert invited(item) == named(moved, GUEST)
    item = update(subject, item, event("contract-replace"), "attendees")
    assert (item.content.attendees, item.is_meeting) == ((), False)


def test_an_update_of_something_else_leaves_people_and_body(subject: Subject) -> None:
    item = create(subject, event("contract-leave", attendees=(READER,), html="<p>Kept</p>"))
    after = update(subject, item, event("contract-leave", subject="Other"), "subject")
    assert after.content == replace(item.content, subject="Other")


def test_an_occurrence_has_people_importance_and_a_body_of_its_own(subject: Subject) -> None:
    series = event("contract-occurrence", recurrence=Recurrence(Daily(1), date(2027, 3, 1), count=5), body="all")
    master = create(subject, series)
    start = START + timedelta(days=1)
    own = replace(
        series,
        start=start,
        end=start + HOUR,
        recurrence=None,
        attendees=(READER, STRANGER),
        importance=Importance.LOW,
        html="<p>only <b>this</b></p>",
    )
    changed = frozenset(map(Attribute, ("attendees", "importance", "html")))
    (ref,) = subject.exchange.update_occurrences(
        subject.owner, subject.calendar, master.ref, [OccurrenceWrite(2, own, changed)], soon()
    )
    assert isinstance(ref, ItemRef)
    one = read(subject, ref.id)
    assert invited(one) == named(READER, STRANGER)
    assert (one.content.importance, one.content.body.strip()) == (Importance.LOW, "only this")
    assert one.content.html is not None
    master = read(subject, master.ref.id)
    assert (master.content.attendees, master.content.body, master.content.html) == ((), "all", None)
