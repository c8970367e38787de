"""The loops over the table: what a PUT asks for, what a GET shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import NotExpressible
from bridge.item import Attendee, AttendeeRole, BusyStatus, Content, Item, Person, Response, Uid, Zone
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.kept import parse_kept
from bridge.mapping.people import is_organizer
from bridge.mapping.series import changed
from bridge.resource import IndexRecord

from single_event import to_ical, to_item

Body = Callable[..., bytes]
MakeItem = Callable[..., Item]
NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)
TEN = datetime(2026, 3, 10, 10, tzinfo=UTC)


@pytest.fixture
def meeting(make_item: MakeItem) -> Item:
    """Give a meeting that Bea has invited Anna to."""
    return make_item(
        Content(
            Uid("uid-1"),
            "Review",
            NINE,
            TEN,
            attendees=(Attendee(Person("anna@example.test"), AttendeeRole.REQUIRED),),
        ),
        is_meeting=True,
        my_response=Response.NOT_RECEIVED,
        organizer=Person("bea@example.test", "Bea"),
    )


@pytest.mark.parametrize(
    ("lines", "is_own"),
    [
        ((), True),
        (("ORGANIZER:mailto:anna@example.test",), True),
        (("ORGANIZER:MAILTO:A.Arendt@Example.Test", "ATTENDEE:mailto:bea@example.test"), True),
        (("ORGANIZER:mailto:bea@example.test", "ATTENDEE:mailto:anna@example.test"), False),
        (("ATTENDEE:mailto:bea@example.test",), True),
    ],
)
def test_it_is_told_whose_event_it_is(
    lines: tuple[str, ...], *, is_own: bool, context: Context, make_body: Body
) -> None:
    assert is_organizer(parse(make_body(*lines)).events, context.mailbox) == is_own


def test_instances_are_somebody_elses_whichever_of_them_says_so(context: Context, make_body: Body) -> None:
    lines = ("RECURRENCE-ID:20260310T090000Z", "ORGANIZER:mailto:bea@example.test")
    one, other = parse(make_body(lines[0])).events, parse(make_body(*lines)).events
    assert not is_organizer((*one, *other), context.mailbox)
    assert not is_organizer((*other, *one), context.mailbox)


def test_it_is_noted_that_the_client_mails_its_attendees(context: Context, make_body: Body) -> None:
    lines = ("ORGANIZER:mailto:anna@example.test", "ATTENDEE:mailto:bea@example.test")
    assert parse_kept(to_item(parse(make_body(*lines)), context, None).content.kept).mailed == "client"
    assert parse_kept(to_item(parse(make_body(lines[0])), context, None).content.kept).mailed is None


def test_nothing_is_kept_of_people_that_are_sent_back_as_they_were_shown(context: Context, meeting: Item) -> None:
    text = to_ical(meeting, context).text.replace(b"SUMMARY:Review", b"SUMMARY:Retro")
    content = to_item(parse(text), context, meeting).content
    assert changed(meeting.content, content) == {"subject"}


def test_people_of_a_meeting_that_a_client_changed_come_back_until_exchange_has_others(
    context: Context, meeting: Item
) -> None:
    text = to_ical(meeting, context).text.replace(b"PARTSTAT=NEEDS-ACTION;RSVP=TRUE", b"PARTSTAT=ACCEPTED")
    content = to_item(parse(text), context, meeting).content
    assert changed(meeting.content, content) == {"kept"}
    assert b"PARTSTAT=ACCEPTED" in to_ical(replace(meeting, content=content), context).text
    answered = replace(meeting, content=content, my_response=Response.DECLINE)
    assert b"PARTSTAT=DECLINED" in to_ical(answered, context).text


def test_a_new_item_has_no_name_stamp_and_the_clients_uid(context: Context, make_body: Body) -> None:
    wanted = to_item(parse(make_body("UID:uid\\,2")), context, None)
    assert (wanted.uid, wanted.content.uid, wanted.content.name_stamp) == ("uid,2", "uid,2", None)


def test_a_derived_uid_is_shown_and_never_written(context: Context, meeting: Item) -> None:
    text = to_ical(meeting, context, Uid("uid-1-derived")).text
    assert b"UID:uid-1-derived\r\n" in text
    wanted = to_item(parse(text), context, meeting)
    assert wanted.uid == "uid-1-derived"
    assert changed(meeting.content, wanted.content) == frozenset()


def test_only_what_differs_is_changed() -> None:
    old = Content(Uid("u"), "Lunch", NINE, TEN, kept="a")
    assert changed(old, old) == frozenset()
    assert changed(old, replace(old, subject="Dinner", end=NINE, kept=None)) == {"subject", "end", "kept"}


def test_a_whole_day_stays_in_the_zone_it_was_written_in(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    tokyo = replace(context, zone=Zone("Tokyo Standard Time"))
    stored = make_item(to_item(parse(make_body("DTSTART;VALUE=DATE:20260310")), tokyo, None).content)
    content = to_item(parse(make_body("DTSTART;VALUE=DATE:20260311")), context, stored).content
    assert (content.start_zone.id, content.start) == ("Tokyo Standard Time", datetime(2026, 3, 10, 15, tzinfo=UTC))


def test_a_timed_event_that_becomes_a_whole_day_is_one_of_the_calendars_zone(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    stored = make_item(Content(Uid("uid-1"), "", NINE, TEN, Zone("Tokyo Standard Time")))
    content = to_item(parse(make_body("DTSTART;VALUE=DATE:20260311")), context, stored).content
    assert content.start_zone.id == "W. Europe Standard Time"


def test_the_index_tells_times_days_and_zone(context: Context, make_item: MakeItem) -> None:
    zone = Zone("Eastern Standard Time")
    start, end = datetime(2026, 3, 10, 4, tzinfo=UTC), datetime(2026, 3, 11, 4, tzinfo=UTC)
    days = make_item(Content(Uid("u"), "", start, end, zone, zone, is_all_day=True, busy_status=BusyStatus.FREE))
    assert to_ical(days, context).index == IndexRecord(
        start, end, is_all_day=True, busy_status=BusyStatus.FREE, zone_id="Eastern Standard Time"
    )
    timed = make_item(Content(Uid("u"), "", NINE, TEN))
    assert to_ical(timed, context).index == IndexRecord(NINE, TEN)


@pytest.mark.parametrize("gone", [{"is_cancelled": True}, {"my_response": Response.DECLINE}])
def test_a_meeting_that_is_cancelled_or_declined_is_free_in_the_index(
    gone: dict[str, object], context: Context, meeting: Item
) -> None:
    assert to_ical(meeting, context).index.busy_status is BusyStatus.BUSY
    free = replace(meeting, **gone)  # type: ignore[arg-type] # either of the two has its attribute's type
    assert to_ical(free, context).index.busy_status is BusyStatus.FREE


def test_equal_items_give_equal_bytes_and_a_changed_one_others(context: Context, meeting: Item) -> None:
    first = replace(meeting, modified=NINE)
    assert to_ical(first, context) == to_ical(replace(meeting, modified=NINE), context)
    assert to_ical(first, context).text != to_ical(replace(meeting, modified=TEN), context).text


def test_lines_are_folded_at_75_octets(context: Context, make_body: Body, make_item: MakeItem) -> None:
    body = make_body("SUMMARY:" + "Mittagessen in der Münchner Straße " * 5, "X-LONG:" + "ü" * 200)
    text = to_ical(make_item(to_item(parse(body), context, None).content), context).text
    assert max(map(len, text.split(b"\r\n"))) == 75
    assert text.endswith(b"END:VCALENDAR\r\n")


def test_more_than_is_kept_is_refused_by_name(context: Context, make_body: Body) -> None:
    body = make_body("X-SMALL:1", "IMAGE;VALUE=BINARY;ENCODING=BASE64:" + "A" * 70_000)
    with pytest.raises(NotExpressible, match=r"^IMAGE "):
        to_item(parse(body), context, None)


def test_a_long_description_needs_no_keeping(context: Context, make_body: Body) -> None:
    content = to_item(parse(make_body("DESCRIPTION:" + "word " * 40_000 + "end")), context, None).content
    assert len(content.body) > 200_000
    assert len(content.kept or "") < 500


def test_a_summary_longer_than_exchange_holds_is_cut_there_and_whole_here(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    body = make_body("SUMMARY:" + "😀" * 300)
    content = to_item(parse(body), context, None).content
    assert content.subject == "😀" * 127
    assert ("😀" * 300).encode() in to_ical(make_item(content), context).text.replace(b"\r\n ", b"")


def test_a_zone_that_was_kept_is_served_only_while_it_is_needed(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    zone = (
        b"BEGIN:VTIMEZONE\r\nTZID:Ship\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0017\r\n"
        b"TZOFFSETTO:+0017\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    body = make_body("DTSTART;TZID=Ship:20260310T090000").replace(b"BEGIN:VEVENT", zone + b"BEGIN:VEVENT")
    item = make_item(to_item(parse(body), context, None).content)
    assert zone in to_ical(item, context).text
    moved = replace(item, content=replace(item.content, start=NINE, end=TEN))
    served = to_ical(moved, context).text
    assert b"VTIMEZONE" not in served
    assert changed(moved.content, to_item(parse(served), context, moved).content) == frozenset()


def test_a_zone_whose_rules_a_client_changes_moves_the_event(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    zone = (
        b"BEGIN:VTIMEZONE\r\nTZID:Ship\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0000\r\n"
        b"TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    body = make_body("DTSTART;TZID=Ship:20260310T120000").replace(b"BEGIN:VEVENT", zone)
    stored = make_item(to_item(parse(body), context, None).content)
    content = to_item(parse(body.replace(b"+0300", b"+0200")), context, stored).content
    assert (stored.content.start, content.start) == (NINE, TEN)
    assert b"TZOFFSETTO:+0200" in to_ical(make_item(content), context).text


def test_properties_around_the_event_come_back(context: Context, make_body: Body, make_item: MakeItem) -> None:
    body = make_body().replace(b"BEGIN:VEVENT", b"CALSCALE:GREGORIAN\r\nX-WR-CALNAME:Mine\r\nBEGIN:VEVENT")
    text = to_ical(make_item(to_item(parse(body), context, None).content), context).text
    assert b"\r\nCALSCALE:GREGORIAN\r\nX-WR-CALNAME:Mine\r\nBEGIN:VEVENT\r\n" in text
    assert text.count(b"PRODID") == 1
