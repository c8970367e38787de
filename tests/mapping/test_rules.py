"""Rules and patterns, both ways: what Exchange holds exactly, and what it does not, by name."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.item import Item
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.pattern import to_rule
from bridge.mapping.series import WantedSeries, to_ical, to_items
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Pattern,
    Position,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)

Body = Callable[..., bytes]
Hold = Callable[[WantedSeries], tuple[Item, ...]]
MONDAY_TO_FRIDAY = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY)
TUESDAY = "20260310"
LAST = Position.LAST


def read(rule: str, make_body: Body, context: Context, start: str = TUESDAY) -> WantedSeries:
    body = make_body(f"DTSTART;TZID=Europe/Berlin:{start}T090000", f"RRULE:{rule}")
    return to_items(parse(body), context, ())


def weekly(*days: Day, interval: int = 1, first: Day = Day.MONDAY) -> Weekly:
    return Weekly(interval, days, first)


@pytest.mark.parametrize(
    ("rule", "start", "pattern"),
    [
        ("FREQ=DAILY", TUESDAY, Daily(1)),
        ("freq=daily;interval=3;", TUESDAY, Daily(3)),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", TUESDAY, weekly(*MONDAY_TO_FRIDAY)),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR,SA,SU", TUESDAY, Daily(2)),
        ("FREQ=DAILY;BYMONTHDAY=10", TUESDAY, AbsoluteMonthly(1, 10)),
        ("FREQ=DAILY;BYMONTH=3;BYMONTHDAY=10", TUESDAY, AbsoluteYearly(3, 10)),
        ("FREQ=WEEKLY", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=WEEKLY;BYDAY=TH,TU;INTERVAL=2", TUESDAY, weekly(Day.TUESDAY, Day.THURSDAY, interval=2)),
        (
            "FREQ=WEEKLY;BYDAY=SU,TU;INTERVAL=2;WKST=SU",
            TUESDAY,
            weekly(Day.SUNDAY, Day.TUESDAY, interval=2, first=Day.SUNDAY),
        ),
        ("FREQ=WEEKLY;BYDAY=TU;BYSETPOS=-1", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=WEEKLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=MONTHLY", TUESDAY, AbsoluteMonthly(1, 10)),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=10", TUESDAY, AbsoluteMonthly(2, 10)),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "20260331", AbsoluteMonthly(1, 31)),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "20260228", AbsoluteMonthly(1, 30)),
        ("FREQ=MONTHLY;BYMONTHDAY=10,20;BYSETPOS=1", TUESDAY, AbsoluteMonthly(1, 10)),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD", "20260228", AbsoluteMonthly(1, 31)),
        ("FREQ=MONTHLY;BYDAY=2TU", TUESDAY, RelativeMonthly(1, Day.TUESDAY, Position.SECOND)),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", TUESDAY, RelativeMonthly(1, Day.TUESDAY, Position.SECOND)),
        (
            "FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=8,9,10,11,12,13,14",
            TUESDAY,
            RelativeMonthly(1, Day.TUESDAY, Position.SECOND),
        ),
        ("FREQ=MONTHLY;BYDAY=-1TU;INTERVAL=3", "20260331", RelativeMonthly(3, Day.TUESDAY, LAST)),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "20260331", RelativeMonthly(1, Day.WEEKDAY, LAST)),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", "20260301", RelativeMonthly(1, Day.WEEKEND_DAY, Position.FIRST)),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=2",
            "20260302",
            RelativeMonthly(1, Day.DAY, Position.SECOND),
        ),
        ("FREQ=MONTHLY;BYDAY=TU", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=MONTHLY;BYMONTH=3,6,9,12", TUESDAY, AbsoluteMonthly(3, 10)),
        ("FREQ=MONTHLY;BYMONTH=3;BYDAY=2TU", TUESDAY, RelativeYearly(3, Day.TUESDAY, Position.SECOND)),
        ("FREQ=YEARLY", TUESDAY, AbsoluteYearly(3, 10)),
        ("FREQ=YEARLY", "20260131", AbsoluteYearly(1, 31)),
        ("FREQ=YEARLY;BYMONTH=3", TUESDAY, AbsoluteYearly(3, 10)),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=10", TUESDAY, AbsoluteYearly(3, 10)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "20260228", AbsoluteYearly(2, 29)),
        ("FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=10", TUESDAY, AbsoluteMonthly(6, 10)),
        ("FREQ=YEARLY;BYMONTHDAY=10", TUESDAY, AbsoluteMonthly(1, 10)),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=2TU", TUESDAY, RelativeYearly(3, Day.TUESDAY, Position.SECOND)),
        ("FREQ=YEARLY;BYDAY=1TU", "20260106", RelativeYearly(1, Day.TUESDAY, Position.FIRST)),
        ("FREQ=YEARLY;BYDAY=-1TU", "20261229", RelativeYearly(12, Day.TUESDAY, LAST)),
        ("FREQ=YEARLY;BYDAY=TU", TUESDAY, weekly(Day.TUESDAY)),
        ("FREQ=YEARLY;INTERVAL=2", TUESDAY, AbsoluteMonthly(24, 10)),
        ("FREQ=YEARLY;INTERVAL=8;BYMONTH=3;BYDAY=2TU", TUESDAY, RelativeMonthly(96, Day.TUESDAY, Position.SECOND)),
    ],
)
def test_a_rule_becomes_a_pattern_and_comes_back_as_it_was(
    rule: str, start: str, pattern: Pattern, make_body: Body, context: Context, hold: Hold
) -> None:
    wanted = read(rule, make_body, context, start)
    assert wanted.master is not None
    assert wanted.master.recurrence is not None
    assert wanted.master.recurrence.pattern == pattern
    assert wanted.deleted == frozenset()
    assert f"RRULE:{rule}\r\n".encode() in to_ical(hold(wanted), context).text
    again = read(to_rule(pattern), make_body, context, start).master
    assert again is not None
    assert again.recurrence == wanted.master.recurrence


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("FREQ=SECONDLY", "FREQ=SECONDLY"),
        ("FREQ=HOURLY", "FREQ=HOURLY"),
        ("FREQ=DAILY;INTERVAL=1000", "INTERVAL beyond 999"),
        ("FREQ=DAILY;BYMONTH=3", "FREQ=DAILY with BYMONTH"),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=TU", "FREQ=DAILY with BYDAY and INTERVAL"),
        ("FREQ=DAILY;BYHOUR=9,15", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=30", "BYMINUTE"),
        ("FREQ=WEEKLY;INTERVAL=100", "INTERVAL beyond 99"),
        ("FREQ=WEEKLY;BYMONTH=3", "FREQ=WEEKLY with BYMONTH"),
        ("FREQ=WEEKLY;BYDAY=1TU", "a position in BYDAY"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", "FREQ=WEEKLY with BYSETPOS"),
        ("FREQ=MONTHLY;INTERVAL=100", "INTERVAL beyond 99"),
        ("FREQ=MONTHLY;BYMONTHDAY=10,20", "several days in BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "BYMONTHDAY before the month's last day"),
        ("FREQ=MONTHLY;BYSETPOS=2", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=5TU", "a position other than"),
        ("FREQ=MONTHLY;BYDAY=2TU,4TU", "several positions in BYDAY"),
        ("FREQ=MONTHLY;BYDAY=TU,WE;BYSETPOS=2", "BYSETPOS among these days"),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,2", "BYDAY without one position"),
        ("FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=10", "these BYDAY and BYMONTHDAY together"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "BYDAY without a position, but with INTERVAL"),
        ("FREQ=MONTHLY;BYMONTH=1,3,4", "several months in BYMONTH"),
        ("FREQ=MONTHLY;BYMONTH=4", "a DTSTART in a month that BYMONTH does not name"),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTH=3", "BYMONTH with INTERVAL or BYSETPOS"),
        ("FREQ=YEARLY;BYWEEKNO=11", "BYWEEKNO"),
        ("FREQ=YEARLY;BYYEARDAY=69", "BYYEARDAY"),
        ("FREQ=YEARLY;BYDAY=20TU", "a position other than"),
        ("FREQ=YEARLY;BYDAY=1TU", "this BYDAY of FREQ=YEARLY without BYMONTH"),
        ("FREQ=YEARLY;INTERVAL=9", "INTERVAL beyond 99"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTHDAY=10", "FREQ=YEARLY with BYMONTHDAY in every month"),
        ("FREQ=DAILY;COUNT=1000", "COUNT beyond 999"),
    ],
)
def test_what_no_pattern_holds_is_refused_by_the_part_it_is(
    rule: str, part: str, make_body: Body, context: Context
) -> None:
    with pytest.raises(NotExpressible, match="RRULE in line 8: Exchange has no pattern for ") as refused:
        read(rule, make_body, context)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "does not give DTSTART"),
        ("FREQ=MONTHLY;BYMONTHDAY=11", "does not give DTSTART"),
        ("FREQ=MONTHLY;BYDAY=1TU", "does not give DTSTART"),
        ("FREQ=DAILY;UNTIL=20260309", "ends before DTSTART"),
        ("FREQ=DAILY;UNTIL=20260310T075959Z", "ends before DTSTART"),
        ("RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L", "RSCALE"),
    ],
)
def test_what_a_series_at_exchange_cannot_be_is_refused(
    rule: str, sentence: str, make_body: Body, context: Context
) -> None:
    with pytest.raises(NotExpressible, match=sentence):
        read(rule, make_body, context)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "DAILY",
        "INTERVAL=1",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=x",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;UNTIL=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=0MO",
        "FREQ=WEEKLY;WKST=1",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=-1",
        "FREQ=YEARLY;X-OWN=1",
        "FREQ=MONTHLY;SKIP=BACKWARD",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=SIDEWAYS",
    ],
)
def test_what_is_no_rule_is_refused_by_line(rule: str, make_body: Body, context: Context) -> None:
    with pytest.raises(InvalidCalendarData, match=r"RRULE in line 8\b"):
        read(rule, make_body, context)


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("20260320", date(2026, 3, 20)),
        ("20260320T090000", date(2026, 3, 20)),
        ("20260320T085959", date(2026, 3, 19)),
        ("20260320T080000Z", date(2026, 3, 20)),
        ("20260320T075959Z", date(2026, 3, 19)),
        ("20260330T070000Z", date(2026, 3, 30)),
        ("20260330T065959Z", date(2026, 3, 29)),
        ("20260319T230000Z", date(2026, 3, 19)),
        ("99991231T235959Z", None),
        ("45000901", None),
    ],
)
def test_until_ends_with_the_last_occurrence_that_begins_by_then(
    until: str, end: date | None, make_body: Body, context: Context
) -> None:
    wanted = read(f"FREQ=DAILY;UNTIL={until}", make_body, context).master
    assert wanted is not None
    assert wanted.recurrence is not None
    assert (wanted.recurrence.end, wanted.recurrence.count) == (end, None)


def test_until_is_the_last_day_of_the_pattern_not_the_day_it_names(make_body: Body, context: Context) -> None:
    wanted = read("FREQ=WEEKLY;UNTIL=20260330", make_body, context).master
    assert wanted is not None
    assert wanted.recurrence is not None
    assert wanted.recurrence.end == date(2026, 3, 24)


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("20260320", date(2026, 3, 20)),
        ("20260320T000000Z", date(2026, 3, 20)),
        ("20260320T000000", date(2026, 3, 20)),
        ("20260320T225959Z", date(2026, 3, 20)),
        ("20260320T230000Z", date(2026, 3, 21)),
    ],
)
def test_until_of_whole_days_is_a_day(until: str, end: date, make_body: Body, context: Context) -> None:
    body = make_body("DTSTART;VALUE=DATE:20260310", f"RRULE:FREQ=DAILY;UNTIL={until}")
    master = to_items(parse(body), context, ()).master
    assert master is not None
    assert master.recurrence is not None
    assert master.recurrence.end == end


@pytest.mark.parametrize(
    ("rule", "start", "ends", "deleted"),
    [
        ("FREQ=MONTHLY;COUNT=4", "20260131", 7, ["2026-02-28", "2026-04-30", "2026-06-30"]),
        ("FREQ=MONTHLY;UNTIL=20260601", "20260131", date(2026, 5, 31), ["2026-02-28", "2026-04-30"]),
        ("FREQ=MONTHLY;UNTIL=20260515", "20260131", date(2026, 3, 31), ["2026-02-28"]),
        ("FREQ=MONTHLY;COUNT=3", "20260129", 4, ["2026-02-28"]),
        ("FREQ=YEARLY;COUNT=2", "20240229", 5, ["2025-02-28", "2026-02-28", "2027-02-28"]),
        ("FREQ=MONTHLY;INTERVAL=12;COUNT=3", "20260131", 3, []),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=30;COUNT=3", "20260430", 3, []),
    ],
)
def test_days_that_a_month_lacks_are_deleted_at_exchange(
    rule: str, start: str, ends: int | date, deleted: list[str], make_body: Body, context: Context
) -> None:
    wanted = read(rule, make_body, context, start)
    assert wanted.master is not None
    assert wanted.master.recurrence is not None
    assert ends in (wanted.master.recurrence.count, wanted.master.recurrence.end)
    assert sorted(moment.date().isoformat() for moment in wanted.deleted) == deleted


@pytest.mark.parametrize(
    ("rule", "start", "part"),
    [
        ("FREQ=MONTHLY", "20260131", "day 31 of months that have none"),
        ("FREQ=MONTHLY;COUNT=400", "20260131", "day 31 of months that have none"),
        ("FREQ=YEARLY", "20240229", "day 29 of months that have none"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=3", "20260131", "SKIP=FORWARD"),
    ],
)
def test_too_many_days_that_months_lack_are_refused(
    rule: str, start: str, part: str, make_body: Body, context: Context
) -> None:
    with pytest.raises(NotExpressible, match=part):
        read(rule, make_body, context, start)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        (Weekly(1, (Day.MONDAY,), Day.SUNDAY), "FREQ=WEEKLY;BYDAY=MO"),
        (Weekly(2, (Day.MONDAY,), Day.SUNDAY), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        (Weekly(2, (Day.MONDAY, Day.SUNDAY), Day.SUNDAY), "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU"),
        (Weekly(1, (Day.WEEKDAY,), Day.SUNDAY), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        (AbsoluteMonthly(1, 29), "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
        (AbsoluteMonthly(12, 10), "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=10"),
        (AbsoluteYearly(4, 31), "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=30"),
        (AbsoluteYearly(2, 30), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        (AbsoluteYearly(2, 28), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28"),
        (RelativeMonthly(1, Day.WEEKEND_DAY, LAST), "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1"),
        (RelativeYearly(11, Day.THURSDAY, Position.FOURTH), "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
    ],
)
def test_a_pattern_is_written_so_that_the_rule_says_exactly_that(pattern: Pattern, rule: str) -> None:
    assert to_rule(pattern) == rule


def test_the_clock_of_a_time_in_utc_is_utc(make_body: Body, context: Context) -> None:
    """A series in UTC late in the evening repeats on UTC's days, whatever day it is at the mailbox."""
    body = make_body("DTSTART:20260310T233000Z", "RRULE:FREQ=WEEKLY;UNTIL=20260317T233000Z")
    master = to_items(parse(body), context, ()).master
    assert master is not None
    assert master.recurrence is not None
    assert master.recurrence.pattern == weekly(Day.TUESDAY)
    assert (master.recurrence.start, master.recurrence.end) == (date(2026, 3, 10), date(2026, 3, 17))
    assert master.start == datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
