"""Series: what a master and its occurrences tell of each other, and how occurrences are written."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from bridge.errors import AnswerUnusable, ExchangeBusy, ExchangeFailed, ItemChanged, ItemMissing, RequestRefused
from bridge.ews.editions import Edition
from bridge.ews.operations import delete_item, get_item, update_item
from bridge.ews.reading import from_item
from bridge.ews.xml import TYPES, Element
from bridge.exchange import Deletion, OccurrenceWrite
from bridge.ids import make_goid
from bridge.item import (
    Attribute,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    Missing,
    OccurrenceRef,
    Uid,
    Unreadable,
)

NEWEST = Edition.EXCHANGE_2013
MASTER = ItemRef(ItemId("Master"), ChangeKey("K1"))
RECURRENCE = (
    "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
    "<t:NoEndRecurrence><t:StartDate>2026-01-05</t:StartDate></t:NoEndRecurrence></t:Recurrence>"
)
START = datetime(2026, 1, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)
SUBJECT = frozenset({Attribute("subject")})


def _xml(kind: str, inside: str = "") -> str:
    return (
        '<t:CalendarItem><t:ItemId Id="Master" ChangeKey="K1"/><t:UID>u</t:UID><t:Start>2026-01-05T10:00:00Z</t:Start>'
        "<t:End>2026-01-05T11:00:00Z</t:End>"
        f"<t:CalendarItemType>{kind}</t:CalendarItemType>{inside}</t:CalendarItem>"
    )


def _item(kind: str, inside: str = "") -> Item:
    return from_item(
        etree.fromstring(_xml(kind, inside).replace("CalendarItem>", f'CalendarItem xmlns:t="{TYPES}">', 1))
    )


def _occurrence(original: str = "2026-01-06T10:00:00Z", key: str = ' ChangeKey="K2"') -> str:
    told = f"<t:OriginalStart>{original}</t:OriginalStart>" if original else ""
    return (
        f'<t:Occurrence><t:ItemId Id="X"{key}/><t:Start>2026-01-06T12:00:00Z</t:Start>'
        f"<t:End>2026-01-06T13:00:00Z</t:End>{told}</t:Occurrence>"
    )


# --- reading -----------------------------------------------------------------------------------------


def test_a_master_lists_its_changed_and_deleted_occurrences() -> None:
    item = _item(
        "RecurringMaster",
        f"{RECURRENCE}<t:ModifiedOccurrences>{_occurrence()}</t:ModifiedOccurrences><t:DeletedOccurrences>"
        "<t:DeletedOccurrence><t:Start>2026-01-07T10:00:00Z</t:Start></t:DeletedOccurrence>"
        "<t:DeletedOccurrence><t:Start>2026-01-09T11:00:00+01:00</t:Start></t:DeletedOccurrence></t:DeletedOccurrences>",
    )
    noon = START + DAY + timedelta(hours=2)
    ref = ItemRef(ItemId("X"), ChangeKey("K2"))
    assert item.exceptions == (OccurrenceRef(ref, START + DAY, noon, noon + timedelta(hours=1)),)
    assert item.deleted == (START + 2 * DAY, START + 4 * DAY)
    assert (item.kind, item.original_start) == (ItemKind.MASTER, None)


def test_what_a_server_leaves_out_of_a_changed_occurrence_is_as_at_its_master() -> None:
    inside = f"{RECURRENCE}<t:ModifiedOccurrences>{_occurrence('', '')}</t:ModifiedOccurrences><t:DeletedOccurrences/>"
    (one,) = _item("RecurringMaster", inside).exceptions
    assert one.ref.change_key == "K1"
    assert one.original_start == one.start
    assert _item("RecurringMaster", RECURRENCE).exceptions == ()


def test_an_item_with_a_recurrence_is_a_master_where_no_kind_is_told() -> None:
    assert _item("", RECURRENCE).kind is ItemKind.MASTER


def test_an_occurrence_has_no_recurrence_though_a_server_repeats_its_master_s() -> None:
    for kind in ("Occurrence", "Exception"):
        assert _item(kind, RECURRENCE).content.recurrence is None


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("", "RecurrenceNotUnderstood"),
        ("<t:Recurrence><t:HourlyRecurrence/></t:Recurrence>", "RecurrenceNotUnderstood"),
        (
            f"{RECURRENCE}<t:ModifiedOccurrences><t:Occurrence/></t:ModifiedOccurrences>",
            "OccurrencesNotUnderstood",
        ),
        (
            f"{RECURRENCE}<t:DeletedOccurrences><t:DeletedOccurrence/></t:DeletedOccurrences>",
            "OccurrencesNotUnderstood",
        ),
    ],
)
def test_a_series_of_which_it_is_not_known_when_it_takes_place_is_unreadable(
    inside: str, reason: str, answers: Any
) -> None:
    response = answers.response("GetItem", f"<m:Items>{_xml('RecurringMaster', inside)}</m:Items>")
    (got,) = get_item.read(answers.element(response), [MASTER.id])
    assert got == Unreadable(MASTER.id, reason)


@pytest.mark.parametrize(
    ("kind", "told", "original"),
    [
        ("Exception", "<t:RecurrenceId>2026-01-04T09:00:00Z</t:RecurrenceId>", START - DAY - timedelta(hours=1)),
        ("Exception", "<t:OriginalStart>2026-01-04T09:00:00Z</t:OriginalStart>", START - DAY - timedelta(hours=1)),
        ("Single", "<t:RecurrenceId>2026-01-04T09:00:00Z</t:RecurrenceId>", START - DAY - timedelta(hours=1)),
        ("Single", "<t:OriginalStart>2026-01-05T10:00:00Z</t:OriginalStart>", None),
        ("RecurringMaster", f"{RECURRENCE}<t:RecurrenceId>2026-01-05T10:00:00Z</t:RecurrenceId>", None),
        ("Occurrence", "", START),
        ("Exception", "", None),
        ("Single", "", None),
    ],
)
def test_an_instance_tells_where_its_pattern_has_it(kind: str, told: str, original: datetime | None) -> None:
    assert _item(kind, told).original_start == original


def _with_goid(instance: bytes, kind: str = "Single", zone: str = "") -> Item:
    goid = make_goid(Uid("u"))
    value = base64.b64encode(goid[:16] + instance + goid[20:]).decode()
    uri = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="3" PropertyType="Binary"/>'
    return _item(kind, f"<t:ExtendedProperty>{uri}<t:Value>{value}</t:Value></t:ExtendedProperty>{zone}")


def test_an_instance_without_its_master_is_known_by_the_date_in_its_object_id() -> None:
    assert _with_goid(bytes([0x07, 0xEA, 7, 20])).original_start == datetime(2026, 7, 20, 10, tzinfo=UTC)
    berlin = '<t:StartTimeZone Id="W. Europe Standard Time"/>'
    summer = _with_goid(bytes([0x07, 0xEA, 7, 20]), zone=berlin)
    assert summer.original_start == datetime(2026, 7, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize("instance", [bytes(4), bytes([0x07, 0xEA, 13, 1]), b""])
def test_an_object_id_without_a_date_is_of_no_instance(instance: bytes) -> None:
    assert _with_goid(instance).original_start is None


def test_an_occurrence_that_was_deleted_or_is_beyond_its_series_is_missing(answers: Any) -> None:
    codes = ("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    ids = [ItemId("a"), ItemId("b")]
    got = get_item.read(answers.element(answers.response("GetItem", *codes)), ids)
    assert got == (Missing(ids[0]), Missing(ids[1]))


# --- writing -----------------------------------------------------------------------------------------


def _named(request: Element) -> list[tuple[str, dict[str, str]]]:
    kinds = (f"{{{TYPES}}}ItemId", f"{{{TYPES}}}OccurrenceItemId")
    return [
        (etree.QName(one).localname, {str(name): str(value) for name, value in one.attrib.items()})
        for one in request.iter(*kinds)
    ]


def test_occurrences_are_named_by_index_and_those_changed_before_by_their_items(content: Content) -> None:
    known = ItemRef(ItemId("X"), ChangeKey("outdated"))
    writes = [OccurrenceWrite(2, content, SUBJECT), OccurrenceWrite(5, content, SUBJECT, known)]
    assert _named(update_item.occurrences_request(MASTER, writes, NEWEST)) == [
        ("OccurrenceItemId", {"RecurringMasterId": "Master", "InstanceIndex": "2", "ChangeKey": "K1"}),
        ("ItemId", {"Id": "X", "ChangeKey": "K1"}),
    ]


def test_one_occurrence_is_refused_when_stale_and_several_cannot_be(content: Content) -> None:
    def conflicts(count: int) -> str | None:
        writes = [OccurrenceWrite(number, content, SUBJECT) for number in range(1, count + 1)]
        return update_item.occurrences_request(MASTER, writes, NEWEST).get("ConflictResolution")

    assert (conflicts(1), conflicts(2)) == ("NeverOverwrite", "AlwaysOverwrite")


def test_what_only_a_series_has_is_refused_before_anything_is_sent(content: Content) -> None:
    with pytest.raises(RequestRefused):
        update_item.occurrences_request(
            MASTER, [OccurrenceWrite(1, content, frozenset({Attribute("recurrence")}))], NEWEST
        )


WRITTEN = '<m:Items><t:CalendarItem><t:ItemId Id="New" ChangeKey="K3"/></t:CalendarItem></m:Items>'


def test_each_occurrence_has_its_own_fate_in_order(answers: Any) -> None:
    codes = (
        "ErrorIrresolvableConflict",
        "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
        "ErrorOccurrenceCrossingBoundary",
        "ErrorOccurrenceTimeSpanTooBig",
        "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
    )
    response = answers.element(answers.response("UpdateItem", WRITTEN, *codes))
    first, *others = update_item.read_occurrences(response, 6)
    assert first == ItemRef(ItemId("New"), ChangeKey("K3"))
    kinds = [ItemChanged, ItemMissing, RequestRefused, RequestRefused, RequestRefused]
    assert [type(one) for one in others] == kinds


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ((WRITTEN, "ErrorInternalServerError"), ExchangeFailed),
        ((WRITTEN, "ErrorBatchProcessingStopped"), ExchangeFailed),
        ((WRITTEN, "ErrorServerBusy"), ExchangeBusy),
        ((WRITTEN,), AnswerUnusable),
        ((WRITTEN, "<m:Items/>"), AnswerUnusable),
    ],
)
def test_an_answer_that_leaves_a_fate_open_is_no_outcome(
    messages: tuple[str, ...], error: type[Exception], answers: Any
) -> None:
    with pytest.raises(error):
        update_item.read_occurrences(answers.element(answers.response("UpdateItem", *messages)), 2)


def test_occurrences_are_deleted_from_the_last_on_and_without_a_key() -> None:
    request = delete_item.occurrences_request(MASTER, [3, 9, 7, 3], Deletion.TO_DELETED_ITEMS)
    assert [attributes["InstanceIndex"] for _, attributes in _named(request)] == ["9", "7", "3"]
    assert all("ChangeKey" not in attributes for _, attributes in _named(request))
    assert request.get("DeleteType") == "MoveToDeletedItems"


def test_what_became_of_deletions_is_told_in_the_order_asked(answers: Any) -> None:
    codes = ("ErrorRecurrenceHasNoOccurrence", "ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorItemNotFound")
    told = answers.element(answers.response("DeleteItem", "", *codes))
    four, nine, one, seven = delete_item.read_occurrences(told, [4, 9, 1, 7])
    assert (nine, four) == (None, None)
    assert isinstance(seven, RequestRefused)
    assert isinstance(one, ItemMissing)


def test_all_that_tells_a_series_is_asked_for() -> None:
    asked = etree.tostring(get_item.request([ItemId("a")], NEWEST)).decode()
    for path in ("Recurrence", "ModifiedOccurrences", "DeletedOccurrences", "RecurrenceId", "OriginalStart"):
        assert f'"calendar:{path}"' in asked
    assert 'DistinguishedPropertySetId="Meeting" PropertyId="3"' in asked
