"""The arithmetic of recurrence against a slow judge that asks of every single day whether it is one."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator.recurrence import (
    EVERY_DAY,
    LAST,
    LAST_DAY,
    WEEKEND,
    WORK_DAYS,
    Daily,
    DayByPosition,
    DayOfMonth,
    Monthly,
    Pattern,
    Recurrence,
    Weekly,
    Yearly,
)

SPAN = 1500  # days that are looked at one by one


def sunday_based(day: date) -> int:
    return day.isoweekday() % 7


def beginning(day: date, first_day: int) -> date:
    """Walk back to the day that its week begins on."""
    while sunday_based(day) != first_day:
        day -= timedelta(days=1)
    return day


def is_day_of_month(rule: DayOfMonth | DayByPosition, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    if isinstance(rule, DayOfMonth):
        return day.day == rule.day or (rule.day > length and day.day == length)
    if sunday_based(day) not in rule.days:
        return False
    if rule.position == LAST:
        return not any(sunday_based(day.replace(day=n)) in rule.days for n in range(day.day + 1, length + 1))
    return sum(sunday_based(day.replace(day=n)) in rule.days for n in range(1, day.day + 1)) == rule.position


def is_member(pattern: Pattern, start: date, day: date) -> bool:
    """Judge one day by the words of the documentation."""
    if day < start:
        return False
    if isinstance(pattern, Daily):
        return (day - start).days % pattern.interval == 0
    if isinstance(pattern, Weekly):
        weeks = (beginning(day, pattern.first_day) - beginning(start, pattern.first_day)).days // 7
        return sunday_based(day) in pattern.days and weeks % pattern.interval == 0
    if isinstance(pattern, Monthly):
        months = (day.year - start.year) * 12 + day.month - start.month
        return months % pattern.interval == 0 and is_day_of_month(pattern.day, day)
    assert isinstance(pattern, Yearly)
    return day.month == pattern.month and is_day_of_month(pattern.day, day)


def brute(recurrence: Recurrence) -> list[date]:
    days = (recurrence.start + timedelta(days=n) for n in range(SPAN))
    found = [day for day in days if is_member(recurrence.pattern, recurrence.start, day)]
    if recurrence.end is not None:
        found = [day for day in found if day <= recurrence.end]
    return found[: recurrence.count]


week_days = st.integers(0, 6)
some_days = st.one_of(week_days.map(lambda day: frozenset({day})), st.sampled_from([EVERY_DAY, WORK_DAYS, WEEKEND]))
days_of_month = st.one_of(
    st.integers(1, 31).map(DayOfMonth),
    st.builds(DayByPosition, some_days, st.sampled_from([1, 2, 3, 4, LAST])),
)
patterns: st.SearchStrategy[Pattern] = st.one_of(
    st.builds(Daily, st.integers(1, 40)),
    st.builds(Weekly, st.integers(1, 9), st.frozensets(week_days, min_size=1), week_days),
    st.builds(Monthly, st.integers(1, 14), days_of_month),
    st.builds(Yearly, st.integers(1, 12), days_of_month),
)
starts = st.dates(date(1995, 1, 1), date(2030, 12, 31))


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    start = draw(starts)
    kind = draw(st.sampled_from(["end", "count", "none"]))
    end = start + timedelta(days=draw(st.integers(0, SPAN - 1))) if kind == "end" else None
    return Recurrence(draw(patterns), start, end, draw(st.integers(1, 999)) if kind == "count" else None)


@given(recurrences())
def test_the_occurrences_are_those_of_a_day_by_day_search(recurrence: Recurrence) -> None:
    last = recurrence.start + timedelta(days=SPAN - 1)
    assert list(recurrence.between(date(1990, 1, 1), last)) == brute(recurrence)


@given(recurrences(), st.integers(0, SPAN - 1), st.integers(0, 400))
def test_a_window_is_cut_out_of_them_without_walking(recurrence: Recurrence, offset: int, length: int) -> None:
    first = recurrence.start + timedelta(days=offset)
    last = min(first + timedelta(days=length), recurrence.start + timedelta(days=SPAN - 1))
    expected = [day for day in brute(recurrence) if first <= day <= last]
    assert list(recurrence.between(first, last)) == expected


@given(recurrences(), st.integers(0, SPAN - 1))
def test_indexes_count_from_one_and_lead_back(recurrence: Recurrence, offset: int) -> None:
    expected = brute(recurrence)
    for index, day in enumerate(expected[:50], 1):
        assert (recurrence.day(index), recurrence.index_of(day)) == (day, index)
    other = recurrence.start + timedelta(days=offset)
    assert (recurrence.index_of(other) is None) == (other not in expected)
    assert recurrence.day(0) is None
    if recurrence.end is not None:
        assert recurrence.total == len(expected)
        assert recurrence.day(len(expected) + 1) is None


def test_a_day_that_a_month_has_not_is_its_last() -> None:
    monthly = Recurrence(Monthly(1, DayOfMonth(31)), date(2026, 1, 31), count=4)
    assert [day.isoformat() for day in monthly.between(date.min, date.max)] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]
    leap = Recurrence(Yearly(2, DayOfMonth(29)), date(2024, 2, 29))
    assert [leap.day(index) for index in (1, 2, 5)] == [date(2024, 2, 29), date(2025, 2, 28), date(2028, 2, 29)]


def test_what_weeks_begin_on_matters_when_some_are_left_out() -> None:
    days = frozenset({0, 6})  # reported of a real server: 19 and 27 January, 2 and 10 and 16 February 2013
    found = Recurrence(Weekly(2, days), date(2013, 1, 19), count=5).between(date.min, date.max)
    assert [(day.month, day.day) for day in found] == [(1, 19), (1, 27), (2, 2), (2, 10), (2, 16)]
    monday = Recurrence(Weekly(2, days, 1), date(2013, 1, 19), count=5).between(date.min, date.max)
    assert [(day.month, day.day) for day in monday] == [(1, 19), (1, 20), (2, 2), (2, 3), (2, 16)]


@pytest.mark.parametrize(
    "pattern", [Daily(1), Weekly(1, EVERY_DAY), Monthly(1, DayOfMonth(31)), Yearly(2, DayOfMonth(29))]
)
def test_a_series_without_end_has_no_last_occurrence_and_stops_with_time(pattern: Pattern) -> None:
    endless = Recurrence(pattern, date(1601, 1, 1))
    assert endless.total is None
    assert endless.day(10) is not None
    assert endless.day(2_000_000) is None  # past what Exchange has: 4500
    assert endless.index_of(LAST_DAY + timedelta(days=40)) is None
