"""Which index a server gives an occurrence: found out where deleted ones may not count."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import AnswerUnusable, ExchangeFailed, ItemMissing, RequestRefused
from bridge.ews.indexes import server_indexes
from bridge.ews.xml import MESSAGES, TYPES, Element
from bridge.item import ChangeKey, Content, Item, ItemId, ItemKind, ItemRef, Uid
from bridge.recurrence import Daily, Recurrence

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DELETED = "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
BEYOND = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"


def _start(index: int) -> datetime:
    return START + (index - 1) * DAY


class Server:
    """A daily series of ``count`` occurrences at a server that counts deleted ones, or skips them."""

    def __init__(self, count: int, deleted: set[int], *, skips: bool) -> None:
        self.deleted, self.skips, self.calls = deleted, skips, 0
        self.listed = [index for index in range(1, count + 1) if not skips or index not in deleted]
        content = Content(Uid("u"), "", START, START + DAY, recurrence=Recurrence(Daily(1), date(2026, 3, 2)))
        gone = tuple(_start(index) for index in sorted(deleted))
        self.master = Item(ItemRef(ItemId("M"), ChangeKey("K")), content, ItemKind.MASTER, deleted=gone)

    def ask(self, request: Element) -> Element:
        self.calls += 1
        asked = [int(one.get("InstanceIndex") or 0) for one in request.iter(f"{{{TYPES}}}OccurrenceItemId")]
        return _response(*map(self._told, asked))

    def _told(self, index: int) -> str:
        if index > len(self.listed):
            return BEYOND
        place = self.listed[index - 1]
        return DELETED if place in self.deleted else _occurrence(_start(place))


def _occurrence(start: datetime) -> str:
    return f'<t:CalendarItem><t:ItemId Id="O" ChangeKey="K"/><t:Start>{start.isoformat()}</t:Start></t:CalendarItem>'


def _response(*told: str) -> Element:
    messages = "".join(
        f'<m:GetItemResponseMessage ResponseClass="Error"><m:ResponseCode>{one}</m:ResponseCode>'
        "</m:GetItemResponseMessage>"
        if one.startswith("Error")
        else '<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
        f"<m:Items>{one}</m:Items></m:GetItemResponseMessage>"
        for one in told
    )
    return etree.fromstring(
        f'<m:GetItemResponse xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><m:ResponseMessages>{messages}'
        "</m:ResponseMessages></m:GetItemResponse>"
    )


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n), min_size=1))))
def test_on_a_server_that_skips_deleted_ones_each_index_names_the_occurrence_meant(drawn: tuple[int, set[int]]) -> None:
    count, deleted = drawn
    server = Server(count, deleted, skips=True)
    for index, own in server_indexes(server.ask, server.master, range(1, count + 3)).items():
        if isinstance(own, int):
            assert server.listed[own - 1] == index
        else:
            assert isinstance(own, ItemMissing if index in deleted else RequestRefused)
            assert index in deleted or index > count


@given(st.sets(st.integers(1, 12), min_size=1), st.integers(1, 14))
def test_on_a_server_that_counts_deleted_ones_the_index_is_the_pattern_s(deleted: set[int], index: int) -> None:
    server = Server(12, deleted, skips=False)
    own = server_indexes(server.ask, server.master, [index])[index]
    if index <= 12 and index not in deleted:
        assert own == index
    else:
        # Left to the server, or known here already; never another occurrence
        assert own == index or isinstance(own, ItemMissing | RequestRefused)


def test_a_series_without_deleted_occurrences_is_not_asked_about() -> None:
    server = Server(5, set(), skips=True)
    assert server_indexes(server.ask, server.master, [2, 9]) == {2: 2, 9: 9}
    assert server.calls == 0


def test_a_long_series_is_asked_about_some_hundred_at_a_time_and_no_further_than_needed() -> None:
    server = Server(900, {1}, skips=True)
    assert server_indexes(server.ask, server.master, [450]) == {450: 449}
    assert server.calls == 3


@pytest.mark.parametrize(
    ("told", "error"),
    [("ErrorInternalServerError", ExchangeFailed), ("<t:CalendarItem/>", AnswerUnusable), ("", AnswerUnusable)],
)
def test_an_answer_that_tells_no_place_is_not_guessed_at(told: str, error: type[Exception]) -> None:
    def ask(_request: Any) -> Element:
        return _response(told)

    with pytest.raises(error):
        server_indexes(ask, Server(5, {1}, skips=True).master, [1])
