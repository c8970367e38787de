"""The filter of a calendar-query."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.dav.filters import TimeRange, parse_filter
from bridge.dav.refusals import NotServed
from bridge.model import ETag, IndexRecord, Listed, Name, Revision, Uid

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def listed(start: datetime = NINE, length: timedelta = HOUR, uid: str = "Lunch@Example.com", **more: Any) -> Listed:
    index = IndexRecord(start, start + length, **more)
    return Listed(Name("a.ics"), Uid(uid), ETag('"a"'), 1, index, Revision(1), ())


def filter_of(inside: str, root: str = '<C:comp-filter name="VCALENDAR">{}</C:comp-filter>') -> Any:
    text = f'<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav">{root.format(inside)}</C:filter>'
    return parse_filter(etree.fromstring(text))


def event(inside: str) -> str:
    return f'<C:comp-filter name="VEVENT">{inside}</C:comp-filter>'


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (NINE - HOUR, NINE, False),
        (NINE - HOUR, NINE + timedelta(seconds=1), True),
        (NINE, NINE + HOUR, True),
        (NINE + timedelta(minutes=20), NINE + timedelta(minutes=40), True),
        (NINE + HOUR, NINE + 2 * HOUR, False),
        (NINE - HOUR, NINE + 2 * HOUR, True),
        (None, NINE, False),
        (None, NINE + timedelta(seconds=1), True),
        (NINE + HOUR, None, False),
        (NINE + timedelta(minutes=59), None, True),
    ],
)
def test_an_event_is_in_a_range_that_it_shares_time_with(
    start: datetime | None, end: datetime | None, *, is_in: bool
) -> None:
    assert TimeRange(start, end).overlaps(listed().index) is is_in


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (NINE, NINE + HOUR, True),
        (NINE - HOUR, NINE + HOUR, True),
        (NINE - HOUR, NINE, False),
        (NINE + timedelta(seconds=1), NINE + HOUR, False),
    ],
)
def test_an_event_of_no_length_is_in_the_range_it_begins_in(start: datetime, end: datetime, *, is_in: bool) -> None:
    assert TimeRange(start, end).overlaps(listed(length=timedelta()).index) is is_in


def test_an_all_day_event_is_taken_at_the_instants_of_its_own_zone() -> None:
    berlin_midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)
    day = listed(berlin_midnight, timedelta(days=1), is_all_day=True).index
    assert TimeRange(berlin_midnight, berlin_midnight + HOUR).overlaps(day)
    assert not TimeRange(berlin_midnight - HOUR, berlin_midnight).overlaps(day)


MINUTES = st.integers(0, 300)


@given(MINUTES, MINUTES, MINUTES, MINUTES)
def test_a_range_finds_what_a_minute_by_minute_search_finds(begin: int, length: int, start: int, width: int) -> None:
    record = IndexRecord(NINE + timedelta(minutes=begin), NINE + timedelta(minutes=begin + length))
    asked = TimeRange(NINE + timedelta(minutes=start), NINE + timedelta(minutes=start + width + 1))
    held = set(range(begin, begin + max(length, 1))) if length else {begin}
    assert asked.overlaps(record) is bool(held & set(range(start, start + width + 1)))


def test_a_component_that_is_not_there_matches_only_its_absence() -> None:
    assert filter_of(event("")).holds(listed())
    assert not filter_of('<C:comp-filter name="VTODO"/>').holds(listed())
    assert filter_of('<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>').holds(listed())
    assert not filter_of(event("<C:is-not-defined/>")).holds(listed())
    assert not filter_of(event("") + '<C:comp-filter name="VTODO"/>').holds(listed())
    assert filter_of("").holds(listed())


def test_a_time_range_is_read() -> None:
    found = filter_of(event('<C:time-range start="20260301T093000Z" end="20260301T100000Z"/>'))
    assert found.holds(listed())
    assert not found.holds(listed(NINE - HOUR))


@pytest.mark.parametrize(
    ("match", "is_in"),
    [
        ("<C:text-match>lunch@EXAMPLE</C:text-match>", True),
        ('<C:text-match collation="i;octet">lunch@Example</C:text-match>', False),
        ('<C:text-match collation="i;octet">Lunch@Example.com</C:text-match>', True),
        ('<C:text-match negate-condition="yes">lunch</C:text-match>', False),
        ("<C:text-match>dinner</C:text-match>", False),
    ],
)
def test_a_uid_is_found_by_a_part_of_it(match: str, *, is_in: bool) -> None:
    found = filter_of(event(f'<C:prop-filter name="UID">{match}</C:prop-filter>'))
    assert found.holds(listed()) is is_in


@pytest.mark.parametrize(
    ("inside", "precondition"),
    [
        (event("<C:time-range/>"), "valid-filter"),
        (event('<C:time-range start="20260301"/>'), "valid-filter"),
        (event('<C:time-range start="20260301T090000"/>'), "valid-filter"),
        (event('<C:time-range start="00000101T000000Z"/>'), "valid-filter"),
        (event('<C:time-range start="20260301T090000Z" end="20260301T090000Z"/>'), "valid-filter"),
        (event('<C:is-not-defined/><C:time-range start="20260301T090000Z"/>'), "valid-filter"),
        ('<C:comp-filter/><C:comp-filter name=""/>', "valid-filter"),
        ('<C:time-range start="20260301T090000Z"/>', "valid-filter"),
        ('<C:comp-filter name="VALARM"/>', "supported-filter"),
        ('<C:comp-filter name="X-THING"/>', "supported-filter"),
        (event('<C:comp-filter name="VALARM"/>'), "supported-filter"),
        (event('<C:prop-filter name="SUMMARY"><C:text-match>x</C:text-match></C:prop-filter>'), "supported-filter"),
        (event('<C:prop-filter name="UID"><C:is-not-defined/></C:prop-filter>'), "supported-filter"),
        (event('<C:prop-filter name="UID"><C:param-filter name="X"/></C:prop-filter>'), "supported-filter"),
        ('<C:comp-filter name="VEVENT" test="anyof"/>', "supported-filter"),
        (
            event('<C:prop-filter name="UID"><C:text-match collation="i;unknown">x</C:text-match></C:prop-filter>'),
            "supported-collation",
        ),
    ],
)
def test_a_filter_that_cannot_be_evaluated_is_refused_by_its_precondition(inside: str, precondition: str) -> None:
    with pytest.raises(NotServed) as refused:
        filter_of(inside)
    assert (refused.value.status, refused.value.precondition) == (403, f"<C:{precondition}/>")


@pytest.mark.parametrize("root", ["", "<C:comp-filter name='VEVENT'/>", "<C:comp-filter name='VCALENDAR'/>" * 2])
def test_a_filter_has_one_root_named_vcalendar(root: str) -> None:
    with pytest.raises(NotServed, match="one comp-filter"):
        filter_of("", root)
