"""The occurrence index against expanding everything, through changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.freebusy.occurrence_index import MONTHS_HELD, OccurrenceIndex
from bridge.item import BusyStatus
from bridge.model import FolderId
from bridge.occurrences import occurrences
from bridge.recurrence import Daily, Day, Pattern, Recurrence, Weekly
from bridge.resource import ExceptionRecord, IndexRecord

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def records(draw: st.DrawFn) -> IndexRecord:
    """Draw an event, a series with exceptions and deletions, or instances without a master."""
    start = JANUARY + HOUR * draw(st.integers(0, 24 * 200))
    end = start + draw(st.sampled_from([timedelta(), HOUR, 3 * DAY, 70 * DAY]))
    status = draw(st.sampled_from(BusyStatus))
    kind = draw(st.sampled_from(["single", "series", "instances"]))
    moved = ExceptionRecord(start + 7 * DAY, start + 8 * DAY, start + 8 * DAY + HOUR, status)
    if kind == "single":
        return IndexRecord(start, end, busy_status=status)
    if kind == "instances":
        return IndexRecord(start, end, exceptions=(moved,), has_master=False)
    week = [Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY]
    patterns: list[Pattern] = [Daily(1), Weekly(1, (week[start.weekday()],))]
    pattern = draw(st.sampled_from(patterns))
    recurrence = Recurrence(pattern, start.date(), count=draw(st.none() | st.integers(1, 30)))
    exceptions = (moved,) if draw(st.booleans()) and (recurrence.count or 99) > 10 else ()
    deleted = (start,) if draw(st.booleans()) else ()
    return IndexRecord(
        start, start + HOUR, busy_status=status, recurrence=recurrence, exceptions=exceptions, deleted=deleted
    )


CALENDARS = st.dictionaries(st.sampled_from("abcdef"), records(), max_size=5)


@SHARED
@given(
    st.lists(
        st.tuples(
            CALENDARS,
            st.lists(st.tuples(st.integers(0, 24 * 250), st.integers(1, 24 * 120)), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_index_names_what_takes_place_after_any_change(snapshot: Any, calendars: Any) -> None:
    index, former = OccurrenceIndex(), None
    for revision, (held, windows) in enumerate(calendars):
        former = snapshot(held, former, revision)
        at = index.at(former)
        for after, width in windows:
            start = JANUARY + HOUR * after
            end = start + HOUR * width
            expected = {key for key, each in former.resources.items() if any(occurrences(each.index, start, end))}
            assert set(at.names(start, end)) == expected
            for listed in former.resources.values():
                direct = list(occurrences(listed.index, start, end))
                assert list(at.occurrences(listed, start, end)) == direct


@SHARED
@given(CALENDARS, st.integers(0, 24 * 250))
def test_spans_with_an_open_end_are_answered_too(snapshot: Any, held: Any, after: int) -> None:
    at, edge = OccurrenceIndex().at(snapshot(held)), JANUARY + HOUR * after
    far = datetime(2100, 1, 1, tzinfo=UTC)
    later = {f"{key}.ics" for key, each in held.items() if any(occurrences(each, edge, far))}
    earlier = {f"{key}.ics" for key, each in held.items() if any(occurrences(each, JANUARY - DAY, edge))}
    assert set(at.names(edge, None)) == later
    assert set(at.names(None, edge)) == earlier


def test_a_span_over_more_months_than_are_held_is_answered(snapshot: Any) -> None:
    endless = IndexRecord(JANUARY, JANUARY + HOUR, recurrence=Recurrence(Daily(30), date(2026, 1, 1)))
    over = IndexRecord(JANUARY, JANUARY + HOUR)
    at = OccurrenceIndex().at(snapshot({"a": endless, "b": over}))
    assert at.names(JANUARY + DAY, JANUARY + 40 * DAY * MONTHS_HELD) == ["a.ics"]


def test_an_item_that_cannot_be_read_is_known_until_it_can(snapshot: Any) -> None:
    index, whole = OccurrenceIndex(), snapshot({"a": IndexRecord(JANUARY, JANUARY + HOUR)})
    changed = {name: replace(each, is_readable=False) for name, each in whole.resources.items()}
    unread = replace(whole, load=lambda: changed)
    assert [index.at(each).all_are_readable() for each in (whole, unread, whole)] == [True, False, True]


def test_an_event_over_the_turn_of_a_month_is_told_once(snapshot: Any) -> None:
    end_of_january = datetime(2026, 1, 31, 23, tzinfo=UTC)
    calendar = snapshot({"a": IndexRecord(end_of_january, end_of_january + 2 * HOUR)})
    at = OccurrenceIndex().at(calendar)
    window = (JANUARY, JANUARY + 59 * DAY)
    assert at.names(*window) == ["a.ics"]
    assert len(list(at.occurrences(calendar.resources["a.ics"], *window))) == 1


@pytest.mark.parametrize("room", [0, 1, 100])
def test_an_index_with_little_room_answers_the_same(snapshot: Any, room: int) -> None:
    calendar = snapshot({"a": IndexRecord(JANUARY, JANUARY + HOUR), "b": IndexRecord(JANUARY + DAY, JANUARY + 2 * DAY)})
    index = OccurrenceIndex(room)
    assert index.at(calendar).names(JANUARY, JANUARY + DAY) == ["a.ics"]
    assert index.at(calendar).names(JANUARY, JANUARY + 2 * DAY) == ["a.ics", "b.ics"]


def test_an_index_holds_no_more_resources_than_it_is_told(snapshot: Any) -> None:
    index = OccurrenceIndex(3)
    for number in range(5):
        one = snapshot({"a": IndexRecord(JANUARY, JANUARY + HOUR)})
        ref = replace(one.ref, folder=FolderId(f"folder {number}"))
        assert index.at(replace(one, ref=ref)).names(JANUARY, JANUARY + DAY) == ["a.ics"]
    assert index._calendars.currsize == 3
