"""What is kept: its text, its bounds, and texts that are none."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import NotExpressible
from bridge.item import ChangeKey, Content, Item, ItemId, ItemRef, Uid
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.kept import LIMIT, Guarded, Inherited, Kept, KeptException, make_guard, parse_kept, write_kept
from bridge.mapping.series import changed

from single_event import to_ical, to_item

KEPT = Kept(
    {"SUMMARY": Guarded("0123456789ab", ("SUMMARY;LANGUAGE=de:Büro",)), "CLASS": Guarded("0123456789ab", ())},
    ("X-A:1", "BEGIN:VALARM", "ACTION:EMAIL", "END:VALARM"),
    ("X-WR-CALNAME:Mine",),
    {"Ship": ("BEGIN:VTIMEZONE", "TZID:Ship", "END:VTIMEZONE")},
    "client",
    {"20260310T090000Z": KeptException({"CLASS": Guarded("0123456789ab", ())}, ("X-B:2",)), "x": KeptException()},
    "20260310T090000Z",
)


def test_what_is_kept_is_read_as_it_was_written() -> None:
    assert parse_kept(write_kept(KEPT)) == KEPT


def test_nothing_kept_is_no_text() -> None:
    assert write_kept(Kept()) is None
    assert parse_kept(None) == Kept()


def test_lines_are_good_under_their_guard_only() -> None:
    assert KEPT.lines_for("SUMMARY", "0123456789ab") == ("SUMMARY;LANGUAGE=de:Büro",)
    assert KEPT.lines_for("CLASS", "0123456789ab") == ()
    assert KEPT.lines_for("SUMMARY", "ba9876543210") is None
    assert KEPT.lines_for("LOCATION", "0123456789ab") is None


def test_an_exception_says_first_what_is_its_own_and_then_what_is_the_masters() -> None:
    own = Inherited(KEPT, KEPT.exceptions["20260310T090000Z"])
    assert own.lines_for("SUMMARY", "0123456789ab") == KEPT.lines_for("SUMMARY", "0123456789ab")
    assert own.lines_for("CLASS", "ba9876543210") is None
    assert own.more == ("X-B:2",)
    assert Inherited(KEPT).more == KEPT.more
    assert not own.holds("LOCATION")


def test_a_guard_tells_facts_apart() -> None:
    assert make_guard(("a", 1)) == make_guard(("a", 1))
    assert make_guard(("a", 1)) != make_guard(("a", 2))


def test_the_bound_is_on_the_bytes_of_the_text() -> None:
    room = LIMIT - len(write_kept(Kept(more=("X:",))) or "")
    fits = write_kept(Kept(more=("X:" + "ü" * (room // 2),)))
    assert fits is not None
    assert len(fits.encode()) in (LIMIT, LIMIT - 1)
    with pytest.raises(NotExpressible, match=f"^X .* at most {LIMIT} "):
        write_kept(Kept(more=("X:" + "ü" * (room // 2 + 1),)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "null",
        '{"v":2,"more":["X:1"]}',
        '{"more":["X:1"]}',
        json.dumps({"v": 1, "more": ["X:1\r\nATTENDEE:mailto:x"]}),
        json.dumps({"v": 1, "more": ["END:VEVENT", "BEGIN:VEVENT"]}),
        json.dumps({"v": 1, "more": ["BEGIN:VALARM"]}),
        json.dumps({"v": 1, "more": "X:1"}),
        json.dumps({"v": 1, "more": [1]}),
        json.dumps({"v": 1, "more": ["no property"]}),
        json.dumps({"v": 1, "fields": {"SUMMARY": []}}),
        json.dumps({"v": 1, "fields": {"SUMMARY": ["guard", "no property"]}}),
        json.dumps({"v": 1, "fields": []}),
        json.dumps({"v": 1, "exceptions": []}),
        json.dumps({"v": 1, "exceptions": {"x": {"more": ["END:VEVENT"]}}}),
        json.dumps({"v": 1, "exceptions": {"x": {"fields": {"SUMMARY": ["guard", "no property"]}}}}),
        json.dumps({"v": 1, "original": "tomorrow"}),
        json.dumps({"v": 1, "original": 5}),
        "[" * 100_000,
    ],
)
def test_a_text_that_is_none_of_ours_is_ignored_and_left(text: str, context: Context) -> None:
    start = datetime(2026, 3, 10, 9, tzinfo=UTC)
    plain = Item(ItemRef(ItemId("i"), ChangeKey("k")), Content(Uid("u"), "Lunch", start, start))
    item = replace(plain, content=replace(plain.content, kept=text))
    served = to_ical(item, context)
    assert served == to_ical(plain, context)
    assert changed(item.content, to_item(parse(served.text), context, item).content) == frozenset()


def test_kept_lines_of_a_property_that_a_field_owns_by_now_are_not_shown_twice(context: Context) -> None:
    start = datetime(2026, 3, 10, 9, tzinfo=UTC)
    kept = json.dumps({"v": 1, "more": ["SUMMARY:Other", "BEGIN:VALARM", "DESCRIPTION:Kept", "END:VALARM", "X-A:1"]})
    item = Item(ItemRef(ItemId("i"), ChangeKey("k")), Content(Uid("u"), "Lunch", start, start, kept=kept))
    text = to_ical(item, context).text
    assert text.count(b"SUMMARY") == 1
    assert b"DESCRIPTION:Kept" in text
    assert b"X-A:1" in text
