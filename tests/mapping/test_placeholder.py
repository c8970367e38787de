"""The stand-in for an item that cannot be read."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.item import BusyStatus, ItemKind, Outline, Uid
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.placeholder import to_placeholder

from single_event import to_item

NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize("status", list(BusyStatus))
def test_it_blocks_the_items_time_as_the_item_did(status: BusyStatus, context: Context) -> None:
    outline = Outline(Uid("other"), NINE, NINE + timedelta(hours=1), status, ItemKind.SINGLE)
    shown = to_placeholder(Uid("uid-1"), outline)
    content = to_item(parse(shown.text), context, None).content
    assert (content.uid, content.start, content.end) == ("uid-1", NINE, NINE + timedelta(hours=1))
    assert (shown.index.start, shown.index.end, shown.index.busy_status) == (NINE, NINE + timedelta(hours=1), status)
    is_free = status in {BusyStatus.FREE, BusyStatus.WORKING_ELSEWHERE}
    assert (content.busy_status is BusyStatus.FREE) == is_free
    assert "could not be read" in content.subject


@pytest.mark.parametrize("outline", [None, Outline(None, None, None, BusyStatus.BUSY, ItemKind.SINGLE)])
def test_an_item_of_unknown_time_takes_none(outline: Outline | None, context: Context) -> None:
    shown = to_placeholder(Uid("uid-1"), outline)
    content = to_item(parse(shown.text), context, None).content
    assert content.start.year == 1970
    assert content.busy_status is shown.index.busy_status is BusyStatus.FREE
    assert shown == to_placeholder(Uid("uid-1"), outline)


def test_an_outline_without_an_end_has_no_length() -> None:
    shown = to_placeholder(Uid("uid-1"), Outline(None, NINE, None, BusyStatus.BUSY, ItemKind.SINGLE))
    assert (shown.index.start, shown.index.end) == (NINE, NINE)
    assert b"DTEND" not in shown.text
