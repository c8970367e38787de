"""Recurrences: all six patterns and three ranges there and back, what real servers sent, what others send instead."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.ews.reading import CALENDAR_ITEM, from_item
from bridge.ews.recurrence import WEEK, RecurrenceNotUnderstood, from_recurrence, to_recurrence
from bridge.ews.xml import TYPES, Element
from bridge.item import Zone
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Position,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)

BERLIN = Zone("W. Europe Standard Time")
MAY_19 = date(2013, 5, 19)
NO_END = "<t:NoEndRecurrence><t:StartDate>2013-05-19</t:StartDate></t:NoEndRecurrence>"
DAILY = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"


@st.composite
def _weekly(draw: st.DrawFn) -> Weekly:
    first = draw(st.integers(0, 6))
    days = draw(st.sets(st.sampled_from(WEEK), min_size=1))
    in_order = tuple(day for day in WEEK[first:] + WEEK[:first] if day in days)
    return Weekly(draw(st.integers(1, 99)), in_order, WEEK[first])


INTERVALS, MONTHS, DAYS_OF_MONTH = st.integers(1, 99), st.integers(1, 12), st.integers(1, 31)
PATTERNS = st.one_of(
    st.builds(Daily, st.integers(1, 999)),
    _weekly(),
    st.builds(AbsoluteMonthly, INTERVALS, DAYS_OF_MONTH),
    st.builds(RelativeMonthly, INTERVALS, st.sampled_from(Day), st.sampled_from(Position)),
    st.builds(AbsoluteYearly, MONTHS, DAYS_OF_MONTH),
    st.builds(RelativeYearly, MONTHS, st.sampled_from(Day), st.sampled_from(Position)),
)
RECURRENCES = st.one_of(
    st.builds(Recurrence, PATTERNS, st.dates()),
    st.builds(Recurrence, PATTERNS, st.dates(), end=st.dates()),
    st.builds(Recurrence, PATTERNS, st.dates(), count=st.integers(1, 999)),
)


def _read(inside: str, zone: Zone = BERLIN) -> Recurrence:
    return from_recurrence(etree.fromstring(f'<t:Recurrence xmlns:t="{TYPES}">{inside}</t:Recurrence>'), zone)


@given(RECURRENCES)
def test_what_is_written_reads_back_as_it_was(recurrence: Recurrence) -> None:
    sent = etree.fromstring(etree.tostring(to_recurrence(recurrence)))
    assert from_recurrence(sent, BERLIN) == recurrence


# --- recordings --------------------------------------------------------------------------------------


def _recorded(root: Path, *parts: str) -> Element:
    (element,) = etree.parse(root.joinpath("recordings", *parts)).iter(CALENDAR_ITEM)
    return element


@pytest.mark.recordings
def test_the_pattern_of_exchange_2019_is_read(schemas_root: Path) -> None:
    item = from_item(_recorded(schemas_root, "GetItemResponse", "CalendarTest.testRecurringEventSupport-4.xml"))
    assert item.content.recurrence == Recurrence(Weekly(1, (Day.WEDNESDAY,)), date(2025, 7, 2), count=4)
    assert (item.exceptions, item.deleted, item.original_start) == ((), (), None)


@pytest.mark.recordings
def test_the_pattern_of_exchange_2010_is_read_its_date_as_told(schemas_root: Path) -> None:
    item = from_item(_recorded(schemas_root, "Exchange2010", "GetItem-RecurringMaster-14.3.123-full-timezone.xml"))
    assert item.content.recurrence == Recurrence(Daily(1), MAY_19, count=3)


# --- read liberally ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2013-05-19",
        "2013-05-19Z",
        "2013-05-19+02:00",
        "2013-05-19-07:00",
        " 2013-05-19 ",
        "2013-05-19T00:00:00",
        "2013-05-19T00:00:00Z",
        "2013-05-19T00:00:00.000+02:00",
        "2013-05-19T18:00:00",
        "2013-05-18T22:00:00Z",
        "2013-05-19T05:00:00.123456789+0200",
    ],
)
def test_a_date_is_read_in_every_form(text: str) -> None:
    inside = f"{DAILY}<t:NoEndRecurrence><t:StartDate>{text}</t:StartDate></t:NoEndRecurrence>"
    assert _read(inside).start == MAY_19


def test_an_instant_in_a_zone_that_is_not_known_has_the_date_it_was_told_with() -> None:
    inside = f"{DAILY}<t:NoEndRecurrence><t:StartDate>2013-05-19T22:00:00Z</t:StartDate></t:NoEndRecurrence>"
    assert _read(inside, Zone("tzone://Microsoft/Custom")).start == MAY_19


def test_a_week_begins_on_sunday_where_nothing_is_told_and_its_days_are_in_order() -> None:
    weekly = "<t:WeeklyRecurrence><t:DaysOfWeek>Friday Sunday Monday</t:DaysOfWeek>{}</t:WeeklyRecurrence>" + NO_END
    assert _read(weekly.format("")).pattern == Weekly(1, (Day.SUNDAY, Day.MONDAY, Day.FRIDAY), Day.SUNDAY)
    monday = weekly.format("<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek>")
    assert _read(monday).pattern == Weekly(1, (Day.MONDAY, Day.FRIDAY, Day.SUNDAY), Day.MONDAY)


def test_a_kind_of_day_is_the_same_told_as_its_days() -> None:
    weekly = "<t:WeeklyRecurrence><t:DaysOfWeek>WeekendDay</t:DaysOfWeek></t:WeeklyRecurrence>" + NO_END
    assert _read(weekly).pattern == Weekly(1, (Day.SUNDAY, Day.SATURDAY))
    relative = (
        "<t:RelativeMonthlyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>{}</t:DaysOfWeek>"
        "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>" + NO_END
    )
    for told in ("Weekday", "Monday Tuesday Wednesday Thursday Friday"):
        assert _read(relative.format(told)).pattern == RelativeMonthly(2, Day.WEEKDAY, Position.LAST)


def test_of_what_is_there_twice_the_first_counts() -> None:
    again = "<t:DailyRecurrence><t:Interval>9</t:Interval></t:DailyRecurrence>"
    ends = (
        "<t:EndDateRecurrence><t:StartDate>2013-05-19</t:StartDate><t:EndDate>2013-06-01</t:EndDate>"
        "</t:EndDateRecurrence>"
    )
    assert _read(DAILY + again + NO_END + ends) == Recurrence(Daily(1), MAY_19)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        DAILY,
        NO_END,
        "<t:DailyRegeneration><t:Interval>1</t:Interval></t:DailyRegeneration>" + NO_END,
        "<t:WeeklyRecurrence><t:Interval>1</t:Interval></t:WeeklyRecurrence>" + NO_END,
        "<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>" + NO_END,
        "<t:DailyRecurrence><t:Interval>often</t:Interval></t:DailyRecurrence>" + NO_END,
        "<t:AbsoluteMonthlyRecurrence><t:DayOfMonth>32</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>" + NO_END,
        "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>1</t:DayOfMonth></t:AbsoluteYearlyRecurrence>" + NO_END,
        "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Monday Friday</t:DaysOfWeek><t:DayOfWeekIndex>First"
        "</t:DayOfWeekIndex><t:Month>May</t:Month></t:RelativeYearlyRecurrence>" + NO_END,
        DAILY + "<t:NoEndRecurrence/>",
        DAILY + "<t:NoEndRecurrence><t:StartDate>soon</t:StartDate></t:NoEndRecurrence>",
        DAILY + "<t:NoEndRecurrence><t:StartDate>2013-05-19Tnoon</t:StartDate></t:NoEndRecurrence>",
        DAILY + "<t:NumberedRecurrence><t:StartDate>2013-05-19</t:StartDate></t:NumberedRecurrence>",
        DAILY + "<t:EndDateRecurrence><t:StartDate>2013-05-19</t:StartDate></t:EndDateRecurrence>",
    ],
)
def test_a_recurrence_that_makes_no_sense_is_said_to_make_none(inside: str) -> None:
    with pytest.raises(RecurrenceNotUnderstood):
        _read(inside)
