"""Occurrences at a time that comes twice: which are shown for it, and what becomes of them when their rule goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bridge.item import Item
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, to_ical, to_items
from bridge.occurrences import occurrences

Body = Callable[..., bytes]
Hold = Callable[[WantedSeries], tuple[Item, ...]]
NIGHTLY = ("DTSTART;TZID=Europe/Berlin:20261001T023000", "RRULE:FREQ=DAILY")


@pytest.fixture
def serve(context: Context, make_body: Body, hold: Hold) -> Callable[..., tuple[tuple[Item, ...], bytes]]:
    """Give what Exchange holds and what is served when a client has PUT an event of these lines."""

    def served(*lines: str) -> tuple[tuple[Item, ...], bytes]:
        items = hold(to_items(parse(make_body(*lines)), context, ()))
        return items, to_ical(items, context).text

    return served


Serve = Callable[..., tuple[tuple[Item, ...], bytes]]


def test_a_series_without_end_tells_the_hour_of_each_year_until_2037(serve: Serve) -> None:
    _, text = serve(*NIGHTLY)
    assert text.count(b"\r\nRECURRENCE-ID;TZID=Europe/Berlin:") == 12
    assert b"\r\nRECURRENCE-ID;TZID=Europe/Berlin:20371025T023000\r\nDTSTART:20371025T013000Z\r\n" in text


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;TZID=Europe/Berlin:20261001T033000", "RRULE:FREQ=DAILY"),
        ("DTSTART;TZID=Europe/Berlin:20261001T013000", "DURATION:PT30M", "RRULE:FREQ=WEEKLY"),
        ("DTSTART;TZID=Asia/Tokyo:20261001T023000", "RRULE:FREQ=DAILY"),
        ("DTSTART:20261001T003000Z", "RRULE:FREQ=DAILY"),
        ("DTSTART:20261001T023000", "RRULE:FREQ=DAILY"),
        ("DTSTART;VALUE=DATE:20261001", "RRULE:FREQ=DAILY"),
        (NIGHTLY[0], "RRULE:FREQ=DAILY;UNTIL=20261024T003000Z"),
        (*NIGHTLY[:1], "RRULE:FREQ=DAILY;COUNT=30", "EXDATE;TZID=Europe/Berlin:20261025T023000"),
    ],
    ids=["another hour", "another day", "no such hour", "UTC", "floating", "whole days", "ended before", "cancelled"],
)
def test_no_other_series_has_any(serve: Serve, lines: tuple[str, ...]) -> None:
    assert b"RECURRENCE-ID" not in serve(*lines)[1]


def test_one_that_would_end_before_it_begins_is_shown_without_length(serve: Serve) -> None:
    _, text = serve("DTSTART;TZID=Europe/Berlin:20270321T023000", "DURATION:PT30M", "RRULE:FREQ=WEEKLY;COUNT=2")
    start = b"DTSTART;TZID=Europe/Berlin:20270328T033000\r\n"
    assert b"RECURRENCE-ID;TZID=Europe/Berlin:20270328T023000\r\n" + start + b"DTSTAMP" in text


def test_exchange_has_all_of_them_and_nothing_is_an_exception_there(serve: Serve, context: Context) -> None:
    items, _ = serve(*NIGHTLY)
    assert len(items) == 1
    index = to_ical(items, context).index
    assert index.exceptions == ()
    window = datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC)
    starts = [one.start for one in occurrences(index, *window)]
    hours = [later - earlier for earlier, later in pairwise(starts)]
    assert hours == [timedelta(hours=number) for number in (24, 25, 24, 24)]


@pytest.mark.parametrize(
    "change",
    [(b"RRULE:FREQ=DAILY", b"RRULE:FREQ=DAILY;COUNT=3"), (b"Berlin:20261001T023000", b"Berlin:20261001T090000")],
    ids=["another rule", "another time"],
)
def test_one_that_a_client_leaves_beside_another_rule_goes(
    serve: Serve, context: Context, change: tuple[bytes, bytes]
) -> None:
    items, text = serve(*NIGHTLY)
    wanted = to_items(parse(text.replace(*change)), context, items)
    assert wanted.exceptions == {}
    assert wanted.deleted == frozenset()


def test_one_that_a_client_takes_away_stays_as_the_rule_has_it(serve: Serve, context: Context, make_body: Body) -> None:
    items, _ = serve(*NIGHTLY)
    wanted = to_items(parse(make_body(*NIGHTLY)), context, items)
    assert (wanted.master, wanted.exceptions) == (items[0].content, {})


def test_one_that_a_client_renames_is_an_exception(serve: Serve, context: Context) -> None:
    items, text = serve(*NIGHTLY, "SUMMARY:Backup")
    head, _, rest = text.partition(b"20281029T023000")
    renamed = head + b"20281029T023000" + rest.replace(b"SUMMARY:Backup", b"SUMMARY:Long", 1)
    wanted = to_items(parse(renamed), context, items)
    start = datetime(2028, 10, 29, 1, 30, tzinfo=UTC)
    assert {one: (content.subject, content.start) for one, content in wanted.exceptions.items()} == {
        start: ("Long", start)
    }
