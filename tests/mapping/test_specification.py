"""The specification: nothing stands in it twice or is missing, and each row is true."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields

import pytest

from bridge.errors import Refused
from bridge.item import Item
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.specification import (
    ALARM_PROPERTIES,
    AROUND,
    COMPONENTS,
    ITEM_NOT_SHOWN,
    NOTES,
    PARAMETERS,
    PROPERTIES,
    Fate,
    Row,
)
from bridge.mapping.table import FIELDS

from single_event import to_ical, to_item

Body = Callable[..., bytes]
MakeItem = Callable[..., Item]
ORGANIZER = "ORGANIZER:mailto:anna@example.test"


def rows(table: tuple[Row, ...], fate: Fate) -> list[object]:
    return [pytest.param(row, id=row.name) for row in table if row.fate is fate]


def kept(body: bytes, context: Context, make_item: MakeItem) -> bytes:
    return to_ical(make_item(to_item(parse(body), context, None).content), context).text.replace(b"\r\n ", b"")


def around(body: bytes, *lines: str) -> bytes:
    return body.replace(b"BEGIN:VEVENT", "".join(f"{line}\r\n" for line in lines).encode() + b"BEGIN:VEVENT", 1)


def test_every_field_has_its_note() -> None:
    assert {one.name for one in FIELDS} == NOTES.keys()


def test_every_attribute_of_an_item_is_shown_or_listed_with_a_reason() -> None:
    shown = {name for note in NOTES.values() for name in note.reads}
    assert shown | ITEM_NOT_SHOWN.keys() == {one.name for one in fields(Item)}
    assert not shown & ITEM_NOT_SHOWN.keys()


def test_no_property_stands_twice() -> None:
    owned = [name for one in FIELDS for name in one.ical - {"VALARM"}]
    assert [name for name, number in Counter([*owned, *(row.name for row in PROPERTIES)]).items() if number > 1] == []


@pytest.mark.parametrize("row", rows(PROPERTIES, Fate.KEPT))
def test_a_kept_property_comes_back(row: Row, context: Context, make_body: Body, make_item: MakeItem) -> None:
    assert f"\r\n{row.sample}\r\n".encode() in kept(make_body(row.sample), context, make_item)


@pytest.mark.parametrize("row", rows(PROPERTIES, Fate.REFUSED) + rows(PARAMETERS, Fate.REFUSED))
def test_what_is_refused_is_named(row: Row, context: Context, make_body: Body) -> None:
    with pytest.raises(Refused, match=row.name):
        to_item(parse(make_body(row.sample)), context, None)


@pytest.mark.parametrize("row", rows(PARAMETERS, Fate.KEPT))
def test_a_kept_parameter_comes_back(row: Row, context: Context, make_body: Body, make_item: MakeItem) -> None:
    lines = [row.sample]
    if row.sample.startswith("TRIGGER"):
        lines = ["BEGIN:VALARM", "ACTION:DISPLAY", *lines, "END:VALARM"]
    if row.sample.startswith("ATTENDEE"):
        lines.append(ORGANIZER)
    assert f"\r\n{row.sample}\r\n".encode() in kept(make_body(*lines), context, make_item)


@pytest.mark.parametrize("row", rows(AROUND, Fate.KEPT))
def test_what_stands_around_the_event_comes_back(
    row: Row, context: Context, make_body: Body, make_item: MakeItem
) -> None:
    body = around(make_body(), row.sample)
    assert row.sample.encode() in kept(body, context, make_item).split(b"BEGIN:VEVENT")[0]


@pytest.mark.parametrize("row", rows(AROUND, Fate.REFUSED))
def test_what_may_not_stand_around_the_event_is_named(row: Row, context: Context, make_body: Body) -> None:
    with pytest.raises(Refused, match=row.name):
        to_item(parse(around(make_body(), row.sample)), context, None)


@pytest.mark.parametrize("row", rows(ALARM_PROPERTIES, Fate.KEPT))
@pytest.mark.parametrize("trigger", ["TRIGGER:-PT15M", "TRIGGER;RELATED=END:PT0S"])
def test_what_stands_in_an_alarm_comes_back(
    row: Row, trigger: str, context: Context, make_body: Body, make_item: MakeItem
) -> None:
    alarm = ["UID:uid-1", "BEGIN:VALARM", "ACTION:DISPLAY", trigger, "DESCRIPTION:Go", row.sample, "END:VALARM"]
    assert f"\r\n{row.sample}\r\n".encode() in kept(make_body(*alarm), context, make_item)


@pytest.mark.parametrize("row", rows(COMPONENTS, Fate.KEPT))
def test_a_kept_component_comes_back(row: Row, context: Context, make_body: Body, make_item: MakeItem) -> None:
    if row.name == "VTIMEZONE":
        zone = ["BEGIN:VTIMEZONE", row.sample, "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100"]
        zone += ["TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE"]
        body = around(make_body("DTSTART;TZID=Home:20260310T090000"), *zone)
    else:
        name = row.name if row.name.isalpha() else "X-UNKNOWN"
        body = make_body(f"BEGIN:{name}", row.sample, f"END:{name}")
    assert f"\r\n{row.sample}\r\n".encode() in kept(body, context, make_item)


@pytest.mark.parametrize("row", rows(COMPONENTS, Fate.REFUSED))
def test_a_refused_component_is_named(row: Row, context: Context, make_body: Body) -> None:
    body = around(make_body(), f"BEGIN:{row.name}", row.sample, f"END:{row.name}")
    with pytest.raises(Refused, match=row.name):
        to_item(parse(body), context, None)
    alone = body.split(b"BEGIN:VEVENT")[0] + b"END:VCALENDAR\r\n"
    with pytest.raises(Refused, match=row.name):
        parse(alone)
