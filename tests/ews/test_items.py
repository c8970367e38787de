"""The item table: what is written, in which order, and that it reads back as it was."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import RequestRefused
from bridge.ews.editions import Edition, edition_of
from bridge.ews.items import WRITTEN, refuse_inexpressible, rows_for, rows_for_occurrence, to_item
from bridge.ews.meeting_zone import from_meeting_zone, to_meeting_zone
from bridge.ews.operations import update_item
from bridge.ews.reading import from_item, shape_paths
from bridge.ews.recurrence import to_recurrence_of_2007
from bridge.ews.xml import TYPES, Element, type_element
from bridge.item import (
    Attendee,
    AttendeeRole,
    Attribute,
    BusyStatus,
    ChangeKey,
    Content,
    Importance,
    ItemId,
    ItemRef,
    Person,
    Response,
    Sensitivity,
    Uid,
    Zone,
)
from bridge.recurrence import Day, Recurrence, Weekly
from bridge.zone_rules import make_definition
from bridge.zones import load_zone

NEWEST, OLDEST = Edition.EXCHANGE_2013, Edition.EXCHANGE_2007
PEOPLE = ("RequiredAttendees", "OptionalAttendees", "Resources")
REF = ItemRef(ItemId("Id"), ChangeKey("Key"))
_CONTROLS = [chr(number) for number in range(0x20) if chr(number) not in "\t\n"]
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*_CONTROLS, "\ufffe", "\uffff"]), max_size=40
)
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds
    lambda instant: instant.replace(microsecond=0)
)
ZONES = st.sampled_from([Zone("UTC"), Zone("W. Europe Standard Time"), Zone("Line Islands Standard Time")])
ATTENDEES = st.builds(
    Attendee,
    st.builds(Person, st.sampled_from(["a@example.com", "ü@example.com", "/o=Org/ou=Site/cn=Recipients/cn=a"]), TEXT),
    st.sampled_from(AttendeeRole),
)


def _place(attendee: Attendee) -> int:
    return list(AttendeeRole).index(attendee.role)


CONTENTS = st.builds(
    Content,
    uid=TEXT.filter(bool).map(Uid),
    subject=TEXT,
    start=INSTANTS,
    end=INSTANTS,
    start_zone=ZONES,
    end_zone=ZONES,
    is_all_day=st.booleans(),
    location=TEXT,
    body=TEXT,
    importance=st.sampled_from(Importance),
    attendees=st.lists(ATTENDEES, max_size=3).map(lambda people: tuple(sorted(people, key=_place))),
    sensitivity=st.sampled_from(Sensitivity),
    busy_status=st.sampled_from(BusyStatus),
    categories=st.lists(TEXT.filter(bool), max_size=3).map(tuple),
    reminder_minutes=st.none() | st.integers(0, 2629800),
    name_stamp=st.none() | TEXT,
    kept=st.none() | TEXT,
)


def _sent(element: Element) -> Element:
    """Give the element as it arrives: written and parsed again."""
    return etree.fromstring(etree.tostring(element, encoding="utf-8"))


@given(CONTENTS)
def test_what_is_written_reads_back_as_it_was(content: Content) -> None:
    element = to_item(content, NEWEST)
    element.insert(0, type_element("ItemId", Id=REF.id, ChangeKey=REF.change_key))
    item = from_item(_sent(element))
    assert item.content == content
    assert item.ref == REF


def test_every_attribute_of_the_content_is_written() -> None:
    assert {row.attribute for row in WRITTEN} | {"html"} == {field.name for field in fields(Content)}


# --- bodies and people -------------------------------------------------------------------------------


def _body(content: Content) -> tuple[str | None, str | None]:
    (element,) = _sent(to_item(content, NEWEST)).iterchildren(f"{{{TYPES}}}Body")
    return element.get("BodyType"), element.text


def test_a_formatted_body_is_written_in_place_of_the_plain_one(content: Content) -> None:
    assert _body(content) == ("Text", content.body)
    assert _body(replace(content, html="<p>Erste <b>Zeile</b></p>")) == ("HTML", "<p>Erste <b>Zeile</b></p>")


@pytest.mark.parametrize("named", ["body", "html"])
def test_an_update_of_either_body_writes_the_one_body_there_is(named: str, content: Content) -> None:
    assert _updates(content, named) == [("SetItemField", "item:Body")]
    assert _updates(replace(content, body="", html=None), named) == [("DeleteItemField", "item:Body")]
    assert _updates(content, "body", "html") == [("SetItemField", "item:Body")]


def test_people_stand_in_their_lists_without_answers(content: Content) -> None:
    people = (
        Attendee(Person("r@example.com", "R"), AttendeeRole.REQUIRED, Response.ACCEPT),
        Attendee(Person("room@example.com"), AttendeeRole.RESOURCE),
        Attendee(Person("/o=Org/cn=b", "B"), AttendeeRole.REQUIRED),
        Attendee(Person("", "without an address"), AttendeeRole.OPTIONAL),
    )
    item = _sent(to_item(replace(content, attendees=people), NEWEST))
    told = [
        (etree.QName(one).localname, [[part.text for part in mailbox] for mailbox in one.iter(f"{{{TYPES}}}Mailbox")])
        for one in item.iterchildren(*(f"{{{TYPES}}}{name}" for name in PEOPLE))
    ]
    assert told == [
        ("RequiredAttendees", [["R", "r@example.com", "SMTP"], ["B", "/o=Org/cn=b", "EX"]]),
        ("Resources", [["room@example.com", "SMTP"]]),
    ]
    assert list(item.iter(f"{{{TYPES}}}ResponseType")) == []


def test_an_update_of_the_people_writes_all_lists_and_clears_the_empty_ones(content: Content) -> None:
    people = (Attendee(Person("o@example.com"), AttendeeRole.OPTIONAL),)
    assert _updates(replace(content, attendees=people), "attendees") == [
        ("DeleteItemField", "calendar:RequiredAttendees"),
        ("SetItemField", "calendar:OptionalAttendees"),
        ("DeleteItemField", "calendar:Resources"),
    ]


# --- Exchange 2007 -----------------------------------------------------------------------------------


def _of_2007(content: Content) -> Element:
    return _sent(to_item(content, OLDEST))


def test_exchange_2007_has_one_zone_by_its_name(content: Content) -> None:
    item = _of_2007(content)
    assert [one for one in ("StartTimeZone", "EndTimeZone") if item.find(f"{{{TYPES}}}{one}") is not None] == []
    (zone,) = item.iterchildren(f"{{{TYPES}}}MeetingTimeZone")
    assert zone.get("TimeZoneName") == "W. Europe Standard Time"
    item.insert(0, type_element("ItemId", Id="a", ChangeKey="b"))
    assert from_item(item).content == content


def test_a_windows_zone_goes_by_its_name_alone() -> None:
    element = to_meeting_zone(Zone("Pacific Standard Time"), datetime(2026, 6, 1, tzinfo=UTC))
    assert (element.get("TimeZoneName"), len(element)) == ("Pacific Standard Time", 0)


@pytest.mark.parametrize(
    ("zone", "rules"),
    [
        ("Asia/Kolkata", "-PT330M"),
        ("America/Los_Angeles", "PT480M PT0M Sunday First November 02:00:00 -PT60M Sunday Second March 02:00:00"),
        ("Australia/Sydney", "-PT600M PT0M Sunday First April 03:00:00 -PT60M Sunday First October 02:00:00"),
    ],
)
def test_a_zone_with_rules_of_its_own_goes_with_those_of_the_year(zone: str, rules: str) -> None:
    own = Zone("Ours", make_definition(load_zone(zone), 2020, 2030))
    element = to_meeting_zone(own, datetime(2026, 6, 1, tzinfo=UTC))
    assert element.get("TimeZoneName") == "Ours"
    assert " ".join(part.text for part in element.iter() if part.text) == rules


def test_a_zone_without_known_rules_is_refused_for_2007_unless_it_came_from_there(content: Content) -> None:
    with pytest.raises(RequestRefused):
        to_item(replace(content, start_zone=Zone("tzone://Microsoft/Custom")), OLDEST)
    came = etree.fromstring(
        f'<t:MeetingTimeZone xmlns:t="{TYPES}" TimeZoneName="Ours">'
        "<t:BaseOffset>-PT7M</t:BaseOffset></t:MeetingTimeZone>"
    )
    zone = from_meeting_zone(came, "Our town")
    assert zone.id == "Ours"
    again = to_meeting_zone(zone, content.start)
    assert (again.get("TimeZoneName"), again[0].text) == ("Ours", "-PT7M")


@pytest.mark.parametrize(
    ("name", "text", "zone"),
    [
        ("W. Europe Standard Time", "", "W. Europe Standard Time"),
        ("", "(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "W. Europe Standard Time"),
        ("Nobody's", "Eastern Standard Time", "Eastern Standard Time"),
        ("", "Unknown words", "Unknown words"),
        ("", "", "UTC"),
    ],
)
def test_the_zone_of_an_item_of_2007_is_told_by_name_or_by_text(name: str, text: str, zone: str) -> None:
    element = etree.fromstring(f'<t:MeetingTimeZone xmlns:t="{TYPES}" TimeZoneName="{name}"/>') if name else None
    assert from_meeting_zone(element, text) == Zone(zone)


def test_an_update_for_2007_sends_the_one_zone_with_either_end(content: Content) -> None:
    assert [path for _, path in _updates(content, "end", edition=OLDEST)] == [
        "calendar:End",
        "calendar:MeetingTimeZone",
    ]
    assert [path for _, path in _updates(content, "start", "end", edition=OLDEST)] == [
        "calendar:Start",
        "calendar:End",
        "calendar:MeetingTimeZone",
    ]
    occurrence = rows_for_occurrence(frozenset({Attribute("start"), Attribute("end")}), OLDEST)
    assert [row.path for row in occurrence] == ["calendar:Start", "calendar:End"]


def _weekly(interval: int, *days: Day, first: Day) -> Recurrence:
    return Recurrence(Weekly(interval, days, first), date(2026, 3, 2))  # a Monday


def test_weeks_of_2007_begin_on_sunday() -> None:
    fits = [
        _weekly(1, Day.MONDAY, Day.SUNDAY, first=Day.MONDAY),
        _weekly(2, Day.MONDAY, first=Day.MONDAY),
        _weekly(3, Day.MONDAY, Day.SATURDAY, first=Day.MONDAY),
        _weekly(2, Day.SUNDAY, Day.MONDAY, first=Day.SUNDAY),
    ]
    for recurrence in fits:
        assert list(to_recurrence_of_2007(recurrence).iter(f"{{{TYPES}}}FirstDayOfWeek")) == []
    with pytest.raises(RequestRefused):
        to_recurrence_of_2007(_weekly(2, Day.MONDAY, Day.SUNDAY, first=Day.MONDAY))


def test_no_server_is_asked_for_what_it_does_not_know() -> None:
    def asked(edition: Edition) -> set[str]:
        return {path.get("FieldURI") or path.get("PropertyTag") or "" for path in shape_paths(edition)}

    assert asked(OLDEST) - asked(NEWEST) == {"calendar:MeetingTimeZone", "calendar:TimeZone", "0x1000"}
    assert asked(NEWEST) - asked(OLDEST) == {
        *("calendar:StartTimeZone", "calendar:EndTimeZone", "item:TextBody", "calendar:JoinOnlineMeetingUrl"),
    }
    assert asked(Edition.EXCHANGE_2010) - asked(NEWEST) == {"0x1000"}


@pytest.mark.parametrize(
    ("version", "edition"),
    [
        ("Exchange2007_SP1", Edition.EXCHANGE_2007),
        ("Exchange2010_SP2", Edition.EXCHANGE_2010),
        ("Exchange2013_SP1", Edition.EXCHANGE_2013),
        ("Exchange2016", Edition.EXCHANGE_2013),
        ("V2017_07_11", Edition.EXCHANGE_2013),
    ],
)
def test_a_version_belongs_to_an_edition(version: str, edition: Edition) -> None:
    assert edition_of(version) is edition


def test_a_zone_that_only_the_item_knows_goes_back_with_its_rules() -> None:
    periods = (
        '<t:Periods><t:Period Bias="-PT1H" Name="Standard" Id="Std"/></t:Periods>'
        '<t:Transitions><t:Transition><t:To Kind="Period">Std</t:To></t:Transition></t:Transitions>'
    )
    came = etree.fromstring(
        f'<t:CalendarItem xmlns:t="{TYPES}"><t:ItemId Id="a" ChangeKey="b"/><t:Start>2026-01-01T10:00:00Z</t:Start>'
        f'<t:End>2026-01-01T11:00:00Z</t:End><t:StartTimeZone Id="tzone://Microsoft/Custom" Name="Ours">{periods}'
        "</t:StartTimeZone></t:CalendarItem>"
    )
    item = from_item(came)
    assert item.content.start_zone.id == "tzone://Microsoft/Custom"
    assert item.content.end_zone == item.content.start_zone
    (written,) = _sent(to_item(item.content, NEWEST)).iterchildren(f"{{{TYPES}}}StartTimeZone")
    assert (written.get("Id"), written.get("Name")) == ("tzone://Microsoft/Custom", "Ours")
    assert [etree.QName(child).localname for child in written] == ["Periods", "TransitionsGroups", "Transitions"]
    again = _sent(to_item(item.content, NEWEST))
    again.insert(0, type_element("ItemId", Id="a", ChangeKey="b"))
    assert from_item(again).content == item.content


def test_what_xml_cannot_hold_is_refused_before_anything_is_sent(content: Content) -> None:
    with pytest.raises(RequestRefused) as caught:
        to_item(replace(content, subject="Bad\x0bsubject"), NEWEST)
    assert "Bad" not in str(caught.value)


# --- updates -----------------------------------------------------------------------------------------


def _updates(content: Content, *changed: str, edition: Edition = NEWEST) -> list[tuple[str, str]]:
    request = update_item.request(REF, content, frozenset(map(Attribute, changed)), edition)
    return [
        (etree.QName(update).localname, update[0].get("FieldURI") or update[0].get("PropertyName") or "")
        for update in request.iter(f"{{{TYPES}}}SetItemField", f"{{{TYPES}}}DeleteItemField")
    ]


def test_an_update_sets_what_changed_and_nothing_else(content: Content) -> None:
    assert _updates(content, "subject") == [("SetItemField", "item:Subject")]
    assert _updates(content, "kept", "location") == [("SetItemField", "Kept"), ("SetItemField", "calendar:Location")]


def test_what_has_become_empty_is_deleted(content: Content) -> None:
    empty = replace(content, subject="", location="", body="", categories=(), kept=None, name_stamp=None)
    names = ("subject", "location", "body", "categories", "kept", "name_stamp")
    assert {kind for kind, _ in _updates(empty, *names)} == {"DeleteItemField"}
    assert len(_updates(empty, *names)) == len(names)


def test_no_reminder_is_a_flag_not_a_deletion(content: Content) -> None:
    without = replace(content, reminder_minutes=None)
    assert _updates(without, "reminder_minutes") == [("SetItemField", "item:ReminderIsSet")]
    assert _updates(content, "reminder_minutes") == [
        ("SetItemField", "item:ReminderIsSet"),
        ("SetItemField", "item:ReminderMinutesBeforeStart"),
    ]


def test_a_time_goes_with_its_zone(content: Content) -> None:
    assert [path for _, path in _updates(content, "start")] == ["calendar:Start", "calendar:StartTimeZone"]
    assert [path for _, path in _updates(content, "end_zone")] == ["calendar:End", "calendar:EndTimeZone"]
    assert [path for _, path in _updates(content, "is_all_day")] == [
        "calendar:Start",
        "calendar:End",
        "calendar:IsAllDayEvent",
        "calendar:StartTimeZone",
        "calendar:EndTimeZone",
    ]


def test_a_pattern_goes_with_the_times_it_stands_on_and_they_go_without_it(content: Content) -> None:
    weekly = replace(content, recurrence=Recurrence(Weekly(1, (Day.MONDAY,)), date(2026, 3, 2)))
    times = ["calendar:Start", "calendar:End", "calendar:Recurrence", "calendar:StartTimeZone", "calendar:EndTimeZone"]
    assert _updates(weekly, "recurrence") == [("SetItemField", path) for path in times]
    assert "calendar:Recurrence" not in [path for _, path in _updates(weekly, "start", "start_zone", "is_all_day")]


def test_a_series_that_is_one_no_longer_loses_its_pattern(content: Content) -> None:
    assert ("DeleteItemField", "calendar:Recurrence") in _updates(content, "recurrence")


def test_an_occurrence_has_no_pattern_and_no_uid() -> None:
    for name in ("uid", "recurrence"):
        with pytest.raises(RequestRefused):
            rows_for_occurrence(frozenset({Attribute(name), Attribute("subject")}), NEWEST)


def test_the_uid_cannot_be_changed() -> None:
    with pytest.raises(RequestRefused):
        rows_for(frozenset({Attribute("uid")}), NEWEST)


def test_every_write_mails_nobody_and_overwrites_nothing(content: Content) -> None:
    request = update_item.request(REF, content, frozenset({Attribute("subject")}), NEWEST)
    assert request.get("SendMeetingInvitationsOrCancellations") == "SendToNone"
    assert request.get("ConflictResolution") == "NeverOverwrite"
    (reference,) = request.iter(f"{{{TYPES}}}ItemId")
    assert (reference.get("Id"), reference.get("ChangeKey")) == ("Id", "Key")


def test_working_elsewhere_is_refused_where_exchange_would_make_something_else_of_it(content: Content) -> None:
    elsewhere = replace(content, busy_status=BusyStatus.WORKING_ELSEWHERE)
    refuse_inexpressible(elsewhere, NEWEST)
    for older in (Edition.EXCHANGE_2007, Edition.EXCHANGE_2010):
        refuse_inexpressible(content, older)
        with pytest.raises(RequestRefused):
            refuse_inexpressible(elsewhere, older)
