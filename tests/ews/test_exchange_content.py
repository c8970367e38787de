"""People, online meetings and files of items, against a simulated Exchange of each kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import RequestRefused
from bridge.ews.exchange import EwsExchange
from bridge.exchange import Deadline
from bridge.item import (
    AttachedFile,
    Attendee,
    AttendeeRole,
    Attribute,
    Content,
    Item,
    ItemId,
    ItemRef,
    Person,
    Response,
)
from bridge.model import Address, BasicCredential, CalendarRef, Caller, FolderId, OrganisationId, Viewer
from bridge.simulator.model import Attendee as SimulatedAttendee
from bridge.simulator.simulator import Simulator

ANNA, BOB, EVE = (Address(f"{name}@example.com") for name in ("anna", "bob", "eve"))


@pytest.fixture
def anna() -> Caller:
    """Give Anna as a caller."""
    return Caller(Viewer(OrganisationId("o"), ANNA), BasicCredential(ANNA, "secret of anna"))


@pytest.fixture
def calendar(simulator: Simulator, anna: Caller) -> CalendarRef:
    """Give Anna's default calendar."""
    return CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))


def _one(exchange: EwsExchange, anna: Caller, calendar: CalendarRef, ref: ItemRef) -> Item:
    (item,) = exchange.get(anna, calendar, [ref.id], Deadline.after(20))
    assert isinstance(item, Item)
    return item


def test_people_named_by_the_directory_are_told_by_address_and_who_is_nobody_stays(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    item = simulator.add_event(ANNA, subject="E", start=start, end=start)
    gone = "/o=Example/ou=Gone/cn=Recipients/cn=nobody"
    simulator.change_event(
        item,
        Organizer=SimulatedAttendee("Bob Cole", simulator.person(BOB).legacy_name),
        RequiredAttendees=(SimulatedAttendee("Anna Berg", ANNA), SimulatedAttendee("Nobody", gone)),
    )
    for _time in range(2):
        (found,) = exchange.get(anna, calendar, [ItemId(item.id)], Deadline.after(20))
        assert isinstance(found, Item)
        assert found.organizer == Person(BOB, "Bob Cole")
        assert [one.person for one in found.content.attendees] == [Person(ANNA, "Anna Berg"), Person(gone, "Nobody")]
    assert exchange.tallied().calls[("ResolveNames", "ok")] == 2


def test_an_online_meeting_tells_where_it_is_joined_from_2013_on(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    exchange.calendars(anna, ANNA, Deadline.after(20))  # tells the version, as every login does
    start, url = datetime(2026, 1, 5, 9, tzinfo=UTC), "https://meet.example.com/1"
    item = simulator.add_event(ANNA, subject="E", start=start, end=start, join_url=url)
    (found,) = exchange.get(anna, calendar, [ItemId(item.id)], Deadline.after(20))
    assert isinstance(found, Item)
    assert found.is_online_meeting
    assert found.join_url == ("" if simulator.service.personality.name in {"2007", "2010"} else url)


def test_an_attached_message_is_fetched_as_one(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    start, mime = datetime(2026, 1, 5, 9, tzinfo=UTC), b"Subject: Plan\r\n\r\nText\r\n"
    item = simulator.add_event(ANNA, subject="E", start=start, end=start)
    simulator.add_attachment(item, "Plan", mime, is_message=True)
    (found,) = exchange.get(anna, calendar, [ItemId(item.id)], Deadline.after(20))
    assert isinstance(found, Item)
    (ref,) = found.attachments
    assert (ref.name, ref.content_type) == ("Plan.eml", "message/rfc822")
    assert exchange.attachment(anna, calendar, ref.id, Deadline.after(20)) == AttachedFile(
        ref.name, ref.content_type, mime
    )


def test_answers_stay_where_people_are_written_anew(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    bob, eve = (Attendee(Person(address, name), AttendeeRole.REQUIRED) for address, name in ((BOB, "B"), (EVE, "E")))
    ref = exchange.create(anna, calendar, replace(content, attendees=(bob,)), Deadline.after(20))
    simulator.respond(simulator.store.item_by_id(ref.id), BOB, "Accept")
    ref = _one(exchange, anna, calendar, ref).ref
    changed = frozenset({Attribute("attendees")})
    ref = exchange.update(anna, calendar, ref, replace(content, attendees=(eve, bob)), changed, Deadline.after(20))
    answers = {one.person.address: one.response for one in _one(exchange, anna, calendar, ref).content.attendees}
    assert answers[BOB] is Response.ACCEPT
    assert answers[EVE] in {Response.UNKNOWN, Response.NOT_RECEIVED}
    assert simulator.outbox == []


def test_a_file_that_is_too_large_is_refused_by_name(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    if simulator.service.personality.rules.attachment_limit_bytes > 10 * 1024 * 1024:
        pytest.skip("this server takes larger ones than a test likes to send")
    ref = exchange.create(anna, calendar, content, Deadline.after(20))
    files = (AttachedFile("small", "", b"x"), AttachedFile("large", "", bytes(10 * 1024 * 1024 + 1)))
    with pytest.raises(RequestRefused) as caught:
        exchange.attach(anna, calendar, ref, files, Deadline.after(60))
    assert caught.value.code == "ErrorAttachmentSizeLimitExceeded"
    assert [one.name for one in _one(exchange, anna, calendar, ref).attachments] == ["small"]
