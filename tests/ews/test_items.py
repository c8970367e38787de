"""The item table: what is written, in which order, and that it reads back as it was."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import RequestRefused
from bridge.ews.items import WRITTEN, refuse_inexpressible, rows_for, rows_for_occurrence, to_item
from bridge.ews.operations import update_item
from bridge.ews.reading import from_item
from bridge.ews.xml import TYPES, Element, type_element
from bridge.item import (
    Attribute,
    BusyStatus,
    ChangeKey,
    Content,
    Day,
    ItemId,
    ItemRef,
    Recurrence,
    Sensitivity,
    Uid,
    Weekly,
    Zone,
)

REF = ItemRef(ItemId("Id"), ChangeKey("Key"))
_CONTROLS = [chr(number) for number in range(0x20) if chr(number) not in "\t\n"]
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*_CONTROLS, "\ufffe", "\uffff"]), max_size=40
)
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds
    lambda instant: instant.replace(microsecond=0)
)
ZONES = st.sampled_from([Zone("UTC"), Zone("W. Europe Standard Time"), Zone("Line Islands Standard Time")])
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
    element = to_item(content)
    element.insert(0, type_element("ItemId", Id=REF.id, ChangeKey=REF.change_key))
    item = from_item(_sent(element))
    assert item.content == content
    assert item.ref == REF


def test_every_attribute_of_the_content_is_written() -> None:
    assert {row.attribute for row in WRITTEN} == {field.name for field in fields(Content)}


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
    (written,) = _sent(to_item(item.content)).iterchildren(f"{{{TYPES}}}StartTimeZone")
    assert (written.get("Id"), written.get("Name")) == ("tzone://Microsoft/Custom", "Ours")
    assert [etree.QName(child).localname for child in written] == ["Periods", "TransitionsGroups", "Transitions"]
    again = _sent(to_item(item.content))
    again.insert(0, type_element("ItemId", Id="a", ChangeKey="b"))
    assert from_item(again).content == item.content


def test_what_xml_cannot_hold_is_refused_before_anything_is_sent(content: Content) -> None:
    with pytest.raises(RequestRefused) as caught:
        to_item(replace(content, subject="Bad\x0bsubject"))
    assert "Bad" not in str(caught.value)


# --- updates -----------------------------------------------------------------------------------------


def _updates(content: Content, *changed: str) -> list[tuple[str, str]]:
    request = update_item.request(REF, content, frozenset(map(Attribute, changed)))
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
            rows_for_occurrence(frozenset({Attribute(name), Attribute("subject")}))


def test_the_uid_cannot_be_changed() -> None:
    with pytest.raises(RequestRefused):
        rows_for(frozenset({Attribute("uid")}))


def test_every_write_mails_nobody_and_overwrites_nothing(content: Content) -> None:
    request = update_item.request(REF, content, frozenset({Attribute("subject")}))
    assert request.get("SendMeetingInvitationsOrCancellations") == "SendToNone"
    assert request.get("ConflictResolution") == "NeverOverwrite"
    (reference,) = request.iter(f"{{{TYPES}}}ItemId")
    assert (reference.get("Id"), reference.get("ChangeKey")) == ("Id", "Key")


def test_working_elsewhere_is_refused_where_exchange_would_make_something_else_of_it(content: Content) -> None:
    elsewhere = replace(content, busy_status=BusyStatus.WORKING_ELSEWHERE)
    refuse_inexpressible(elsewhere, "Exchange2013")
    refuse_inexpressible(content, "Exchange2010_SP2")
    with pytest.raises(RequestRefused):
        refuse_inexpressible(elsewhere, "Exchange2010_SP2")
