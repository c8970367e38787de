"""The one expansion, against a walk from day to day."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.item import BusyStatus, Zone
from bridge.occurrences import Series, last_end, occurrences, zone_of
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Pattern,
    Position,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)
from bridge.resource import ExceptionRecord, IndexRecord
from bridge.zones import WINDOWS_TO_IANA, load_zone

BERLIN = "W. Europe Standard Time"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST_DAYS = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def series(pattern: Pattern, start: str, hours: float = 1, zone: str = BERLIN, **more: object) -> IndexRecord:
    """Build the index of a series that begins at a local time."""
    rules = load_zone(WINDOWS_TO_IANA[zone])
    begins = datetime.fromisoformat(start)
    moment = begins.replace(tzinfo=rules).astimezone(UTC)
    ends = {name: more.pop(name) for name in ("end", "count") if name in more}
    recurrence = Recurrence(pattern, begins.date(), **ends)  # type: ignore[arg-type] # from the test's own words
    return IndexRecord(moment, moment + timedelta(hours=hours), zone_id=zone, recurrence=recurrence, **more)  # type: ignore[arg-type] # the same


def starts(index: IndexRecord, start: str, end: str) -> list[str]:
    """Give the local starts of the occurrences in a window."""
    rules = load_zone(WINDOWS_TO_IANA[index.zone_id])
    found = occurrences(index, utc(start), utc(end))
    return [one.start.astimezone(rules).isoformat()[:16] for one in found]


@pytest.mark.parametrize(
    ("pattern", "start", "found"),
    [
        (Daily(3), "2026-03-27T09:00", ["2026-03-27T09:00", "2026-03-30T09:00", "2026-04-02T09:00"]),
        (
            Weekly(2, (Day.MONDAY, Day.SUNDAY), Day.MONDAY),
            "2026-03-02T09:00",
            ["2026-03-02T09:00", "2026-03-08T09:00", "2026-03-16T09:00"],
        ),
        (
            Weekly(2, (Day.SUNDAY, Day.MONDAY), Day.SUNDAY),
            "2026-03-02T09:00",
            ["2026-03-02T09:00", "2026-03-15T09:00", "2026-03-16T09:00"],
        ),
        (AbsoluteMonthly(1, 31), "2026-01-31T09:00", ["2026-01-31T09:00", "2026-02-28T09:00", "2026-03-31T09:00"]),
        (
            RelativeMonthly(1, Day.WEEKDAY, Position.LAST),
            "2026-01-30T09:00",
            ["2026-01-30T09:00", "2026-02-27T09:00", "2026-03-31T09:00"],
        ),
        (
            RelativeMonthly(2, Day.TUESDAY, Position.SECOND),
            "2026-01-13T09:00",
            ["2026-01-13T09:00", "2026-03-10T09:00", "2026-05-12T09:00"],
        ),
        (AbsoluteYearly(2, 29), "2024-02-29T09:00", ["2024-02-29T09:00", "2025-02-28T09:00", "2026-02-28T09:00"]),
        (
            RelativeYearly(3, Day.SUNDAY, Position.LAST),
            "2026-03-29T09:00",
            ["2026-03-29T09:00", "2027-03-28T09:00", "2028-03-26T09:00"],
        ),
    ],
)
def test_a_pattern_gives_its_days(pattern: Pattern, start: str, found: list[str]) -> None:
    index = series(pattern, start)
    assert starts(index, "2020-01-01", "2060-01-01")[:3] == found


def test_an_occurrence_keeps_the_clocks_time_when_the_clock_changes() -> None:
    index = series(Daily(1), "2026-03-27T09:00")
    found = [one.start for one in occurrences(index, utc("2026-03-28"), utc("2026-03-31"))]
    assert found == [utc("2026-03-28T08:00"), utc("2026-03-29T07:00"), utc("2026-03-30T07:00")]


def test_a_time_that_the_clock_skips_is_shown_an_hour_later_and_is_itself_the_day_after() -> None:
    index = series(Daily(1), "2026-03-27T02:30")
    assert starts(index, "2026-03-28", "2026-03-31") == ["2026-03-28T02:30", "2026-03-29T03:30", "2026-03-30T02:30"]


def test_a_time_that_comes_twice_is_the_second() -> None:
    index = series(Daily(1), "2026-10-24T02:30")
    found = [one.start for one in occurrences(index, utc("2026-10-25"), utc("2026-10-26"))]
    assert found == [utc("2026-10-25T01:30")]


def test_a_series_that_begins_at_the_second_of_two_times_begins_there() -> None:
    recurrence = Recurrence(Daily(1), date(2026, 10, 25))
    index = IndexRecord(utc("2026-10-25T01:30"), utc("2026-10-25T02:00"), zone_id=BERLIN, recurrence=recurrence)
    found = [one.start for one in occurrences(index, utc("2026-10-25"), utc("2026-10-27"))]
    assert found == [utc("2026-10-25T01:30"), utc("2026-10-26T01:30")]


def test_what_lasts_through_a_change_of_the_clock_ends_by_the_clock() -> None:
    index = series(Daily(1), "2026-03-27T22:00", hours=8)
    found = [one.end - one.start for one in occurrences(index, utc("2026-03-28T20:00"), utc("2026-03-29T22:00"))]
    assert found == [timedelta(hours=7), timedelta(hours=8)]


def test_nothing_ends_before_it_begins_where_the_clock_skips_its_beginning() -> None:
    index = series(Daily(1), "2026-03-27T02:30", hours=0.5)
    found = [one.end - one.start for one in occurrences(index, utc("2026-03-29"), utc("2026-03-31"))]
    assert found == [timedelta(0), HOUR / 2]


def test_whole_days_are_days_of_their_zone() -> None:
    recurrence = Recurrence(Daily(2), date(2026, 3, 27))
    index = IndexRecord(
        utc("2026-03-26T23:00"), utc("2026-03-28T23:00"), is_all_day=True, zone_id=BERLIN, recurrence=recurrence
    )
    found = [(one.start, one.end) for one in occurrences(index, utc("2026-03-28T23:00"), utc("2026-03-31"))]
    assert found == [
        (utc("2026-03-28T23:00"), utc("2026-03-30T22:00")),
        (utc("2026-03-30T22:00"), utc("2026-04-01T22:00")),
    ]


def test_a_whole_day_that_begins_an_hour_late_is_there() -> None:
    """In Chile the clock is put forward at midnight."""
    zone = "Pacific SA Standard Time"
    recurrence = Recurrence(Daily(1), date(2026, 9, 6))
    start = datetime(2026, 9, 6, tzinfo=load_zone("America/Santiago")).astimezone(UTC)
    index = IndexRecord(start, start + 23 * HOUR, is_all_day=True, zone_id=zone, recurrence=recurrence)
    assert starts(index, "2026-09-01", "2026-09-08T12:00") == [
        "2026-09-06T01:00",
        "2026-09-07T00:00",
        "2026-09-08T00:00",
    ]


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        ("2026-03-10T09:00", "2026-03-10T10:00", True),
        ("2026-03-10T08:00", "2026-03-10T09:00", False),
        ("2026-03-10T10:00", "2026-03-10T11:00", False),
        ("2026-03-10T09:59", "2026-03-10T11:00", True),
        ("2026-03-10T08:00", "2026-03-10T09:01", True),
    ],
)
def test_a_single_event_is_in_a_window_that_it_overlaps(start: str, end: str, *, is_in: bool) -> None:
    index = IndexRecord(utc("2026-03-10T09:00"), utc("2026-03-10T10:00"), busy_status=BusyStatus.TENTATIVE)
    found = list(occurrences(index, utc(start), utc(end)))
    assert bool(found) == is_in
    assert all(
        (one.original_start, one.busy_status, one.is_exception) == (index.start, BusyStatus.TENTATIVE, False)
        for one in found
    )


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        ("2026-03-10T09:00", "2026-03-10T10:00", True),
        ("2026-03-10T08:00", "2026-03-10T09:00", False),
        ("2026-03-10T09:01", "2026-03-10T10:00", False),
    ],
)
def test_what_takes_no_time_is_where_it_begins(start: str, end: str, *, is_in: bool) -> None:
    index = IndexRecord(utc("2026-03-10T09:00"), utc("2026-03-10T09:00"))
    assert bool(list(occurrences(index, utc(start), utc(end)))) == is_in


def test_an_occurrence_that_began_before_the_window_is_in_it() -> None:
    index = series(Weekly(1, (Day.MONDAY,)), "2026-03-02T09:00", hours=50)
    assert starts(index, "2026-03-11T10:59", "2026-03-12") == []
    assert starts(index, "2026-03-11T09:59", "2026-03-12") == ["2026-03-09T09:00"]


def test_an_occurrence_that_lasts_longer_than_the_first_is_in_the_window_of_its_end() -> None:
    index = series(Daily(1), "2026-03-29T01:30", hours=0.5)  # until 03:00 by the clock, which skips an hour then
    assert starts(index, "2026-03-31T00:30", "2026-03-31T01:00") == ["2026-03-31T01:30"]


def test_deleted_occurrences_are_not_there_and_moved_ones_are_where_they_are() -> None:
    moved = ExceptionRecord(utc("2026-03-04T08:00"), utc("2026-03-04T20:00"), utc("2026-03-04T21:00"), BusyStatus.FREE)
    index = series(Daily(1), "2026-03-02T09:00", count=4, exceptions=(moved,), deleted=(utc("2026-03-03T08:00"),))
    found = list(occurrences(index, utc("2026-01-01"), utc("2027-01-01")))
    assert [one.start for one in found] == [utc("2026-03-02T08:00"), utc("2026-03-04T20:00"), utc("2026-03-05T08:00")]
    assert [one.is_exception for one in found] == [False, True, False]
    assert found[1].original_start == moved.original_start
    assert found[1].busy_status is BusyStatus.FREE


def test_an_occurrence_moved_out_of_the_window_is_not_in_it_and_one_moved_in_is() -> None:
    moved = ExceptionRecord(utc("2026-03-09T08:00"), utc("2026-03-10T08:00"), utc("2026-03-10T09:00"))
    index = series(Weekly(1, (Day.MONDAY,)), "2026-03-02T09:00", exceptions=(moved,))
    assert starts(index, "2026-03-09", "2026-03-10") == []
    assert starts(index, "2026-03-10", "2026-03-11") == ["2026-03-10T09:00"]


def test_instances_without_a_master_are_there_alone() -> None:
    records = tuple(
        ExceptionRecord(utc(f"2026-03-{day}T08:00"), utc(f"2026-03-{day}T09:00"), utc(f"2026-03-{day}T10:00"))
        for day in (17, 10)
    )
    index = IndexRecord(records[1].start, records[0].end, exceptions=records, has_master=False)
    found = list(occurrences(index, utc("2026-03-01"), utc("2026-04-01")))
    assert [one.start for one in found] == [records[1].start, records[0].start]
    assert last_end(index) == records[0].end


def test_a_series_of_any_age_is_entered_at_the_window() -> None:
    index = series(Daily(1), "1701-01-01T09:00")
    assert index.recurrence is not None
    zone = load_zone("Europe/Berlin")
    number, start = next(Series(index.recurrence, index.start, zone).starts(utc("4400-01-01")))
    assert (number, start) == ((date(4400, 1, 1) - date(1701, 1, 1)).days + 1, utc("4400-01-01T08:00"))


@pytest.mark.parametrize("moment", [datetime.min, datetime(1, 1, 3), datetime(9999, 12, 29), datetime.max])  # noqa: DTZ001, DTZ901 - they become UTC below
def test_a_window_may_begin_or_end_at_the_ends_of_time(moment: datetime) -> None:
    edge = moment.replace(tzinfo=UTC)
    index = series(Daily(1), "2026-03-02T09:00", count=2, zone="Hawaiian Standard Time")
    assert len(list(occurrences(index, edge, datetime.max.replace(tzinfo=UTC)))) == (2 if moment.year == 1 else 0)
    endless = series(AbsoluteYearly(3, 2), "2026-03-02T09:00")
    assert len(list(islice(occurrences(endless, edge, datetime.max.replace(tzinfo=UTC)), 3))) == (
        3 if moment.year == 1 else 0
    )


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({}, None),
        ({"count": 3}, "2026-03-04T09:00"),
        ({"end": date(2026, 3, 5)}, "2026-03-05T09:00"),
        ({"count": 3, "deleted": (utc("2026-03-04T08:00"),)}, "2026-03-03T09:00"),
        (
            {
                "count": 3,
                "exceptions": (
                    ExceptionRecord(utc("2026-03-04T08:00"), utc("2026-03-04T18:00"), utc("2026-03-04T19:00")),
                ),
            },
            "2026-03-04T19:00",
        ),
        ({"count": 1, "deleted": (utc("2026-03-02T08:00"),)}, "2026-03-02T08:00"),
    ],
)
def test_the_last_end_is_that_of_the_last_that_is_left(more: dict[str, object], end: str | None) -> None:
    assert last_end(series(Daily(1), "2026-03-02T09:00", **more)) == (utc(end) if end else None)  # type: ignore[arg-type] # words of `series`


def test_the_last_end_of_a_single_event_is_its_end() -> None:
    assert last_end(IndexRecord(utc("2026-03-10T09:00"), utc("2026-03-10T10:00"))) == utc("2026-03-10T10:00")


@pytest.mark.parametrize(
    ("zone_id", "start", "first", "is_all_day", "key"),
    [
        (BERLIN, "2026-03-02T08:00", date(2026, 3, 2), False, "Europe/Berlin"),
        ("tzone://Microsoft/Custom", "2026-03-02T08:00", date(2026, 3, 2), False, "Etc/UTC"),
        ("tzone://Microsoft/Custom", "2026-03-01T22:30", date(2026, 3, 2), False, "Etc/GMT-2"),
        ("tzone://Microsoft/Custom", "2026-03-03T01:00", date(2026, 3, 2), False, "Etc/GMT+2"),
        ("tzone://Microsoft/Custom", "2026-03-02T05:00", date(2026, 3, 2), True, "Etc/GMT+5"),
        ("tzone://Microsoft/Custom", "2026-03-02T05:00", date(2020, 3, 2), False, "Etc/UTC"),
    ],
)
def test_a_zone_that_is_not_known_is_an_offset_that_has_the_series_begin_on_its_day(
    zone_id: str, start: str, first: date, key: str, *, is_all_day: bool
) -> None:
    assert zone_of(Zone(zone_id), utc(start), Recurrence(Daily(1), first), is_all_day=is_all_day).key == key


def test_an_original_start_that_another_server_tells_an_hour_off_is_still_found() -> None:
    recurrence, zone = Recurrence(Daily(1), date(2026, 3, 2), count=3), load_zone("Europe/Berlin")
    start = utc("2026-03-02T08:00")
    assert Series(recurrence, start, zone).find(utc("2026-03-04T09:00")) == 3
    assert Series(recurrence, start, zone).find(utc("2026-03-05T08:00")) is None
    assert Series(recurrence, start, zone).find(utc("2026-03-01T08:00")) is None
    assert Series(recurrence, start, zone).find(datetime.min.replace(tzinfo=UTC)) is None


# --- against a walk from day to day ------------------------------------------------------------------

DAYS = st.dates(date(1990, 1, 1), date(2040, 12, 31))
WEEKDAYS = st.sampled_from(FIRST_DAYS)
KINDS = st.sampled_from(Day)
ZONES = st.sampled_from(
    [BERLIN, "Eastern Standard Time", "Pacific SA Standard Time", "Lord Howe Standard Time", "Morocco Standard Time"]
)
PATTERNS = st.one_of(
    st.builds(Daily, st.integers(1, 9) | st.integers(1, 999)),
    st.builds(Weekly, st.integers(1, 4), st.lists(WEEKDAYS, min_size=1, unique=True).map(tuple), WEEKDAYS),
    st.builds(AbsoluteMonthly, st.integers(1, 14), st.integers(1, 31)),
    st.builds(RelativeMonthly, st.integers(1, 14), KINDS, st.sampled_from(Position)),
    st.builds(AbsoluteYearly, st.integers(1, 12), st.integers(1, 31)),
    st.builds(RelativeYearly, st.integers(1, 12), KINDS, st.sampled_from(Position)),
)


def is_day(pattern: Pattern, day: date, start: date) -> bool:
    """Say by the words of the pattern whether a day is one of its, where the series begins on ``start``."""
    months = (day.year - start.year) * 12 + day.month - start.month
    if isinstance(pattern, Daily):
        return (day - start).days % pattern.interval == 0
    if isinstance(pattern, Weekly):
        begins = FIRST_DAYS.index(pattern.first_day)
        weeks = (week_of(day, begins) - week_of(start, begins)).days // 7
        return FIRST_DAYS[day.weekday()] in pattern.days and weeks % pattern.interval == 0
    if isinstance(pattern, AbsoluteYearly | RelativeYearly) and day.month != pattern.month:
        return False
    if isinstance(pattern, AbsoluteMonthly | RelativeMonthly) and months % pattern.interval:
        return False
    if isinstance(pattern, AbsoluteMonthly | AbsoluteYearly):
        return day.day == pattern.day or (day.day < pattern.day and (day + DAY).month != day.month)
    month = [day.replace(day=1) + DAY * number for number in range(31)]
    fitting = [one for one in month if one.month == day.month and is_kind(one, pattern.day)]
    places = {Position.FIRST: 0, Position.SECOND: 1, Position.THIRD: 2, Position.FOURTH: 3, Position.LAST: -1}
    return fitting[places[pattern.position]] == day


def week_of(day: date, begins: int) -> date:
    while day.weekday() != begins:
        day -= DAY
    return day


def is_kind(day: date, kind: Day) -> bool:
    kinds: dict[Day, Callable[[date], bool]] = {
        Day.DAY: lambda _: True,
        Day.WEEKDAY: lambda one: one.weekday() < 5,
        Day.WEEKEND_DAY: lambda one: one.weekday() >= 5,
    }
    return kinds[kind](day) if kind in kinds else FIRST_DAYS[day.weekday()] is kind


def walk(pattern: Pattern, start: date) -> Iterator[date]:
    """Give the days of a pattern from the first on or after ``start``, where Exchange begins the series."""
    day = start
    while not is_day(pattern, day, start):
        day += DAY
    first = day
    while True:
        if is_day(pattern, day, first):
            yield day
        day += DAY


@st.composite
def recurrences(draw: st.DrawFn) -> tuple[Recurrence, list[date]]:
    """Draw a recurrence that begins on a day of its pattern, and its first days by the walk."""
    pattern = draw(PATTERNS)
    start = next(walk(pattern, draw(DAYS)))
    found = list(islice(walk(pattern, start), draw(st.integers(1, 12))))
    ending = draw(st.sampled_from(["never", "count", "end"]))
    if ending == "count":
        return Recurrence(pattern, start, count=len(found)), found
    if ending == "end":
        return Recurrence(pattern, start, end=found[-1] + DAY * draw(st.integers(0, 3))), found
    return Recurrence(pattern, start), found


@given(recurrences(), ZONES, st.times().map(lambda moment: moment.replace(microsecond=0)))
def test_every_pattern_gives_what_a_walk_finds(drawn: tuple[Recurrence, list[date]], zone: str, clock: time) -> None:
    recurrence, days = drawn
    rules = load_zone(WINDOWS_TO_IANA[zone])
    start = datetime.combine(recurrence.start, clock, rules).astimezone(UTC)
    clock = start.astimezone(rules).time()  # an hour later where the clock skips it on the first day
    whole = Series(recurrence, start, rules)
    found = list(islice(whole.starts(start), len(days)))
    assert found == [(number, at(day, clock, rules)) for number, day in enumerate(days, start=1)]
    if recurrence.count is not None:
        assert len(list(whole.starts(start))) == len(days)
    for number, moment in found:
        assert next(Series(recurrence, start, rules).starts(moment)) == (number, moment)
        assert Series(recurrence, start, rules).find(moment) == number
    if len(found) > 1:
        assert next(Series(recurrence, start, rules).starts(found[0][1] + timedelta(seconds=1)))[0] == 2


def at(day: date, clock: time, rules: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, rules).astimezone(UTC)


@given(recurrences(), ZONES, st.data())
def test_a_window_holds_what_the_whole_series_has_in_it(
    drawn: tuple[Recurrence, list[date]], zone: str, data: st.DataObject
) -> None:
    recurrence, _ = drawn
    rules = load_zone(WINDOWS_TO_IANA[zone])
    start = datetime.combine(recurrence.start, time(9), rules).astimezone(UTC)
    known = [moment for _, moment in islice(Series(recurrence, start, rules).starts(start), 60)]
    deleted = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=5))
    changed = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=5))
    exceptions = tuple(
        ExceptionRecord(one, one + HOUR * shift, one + HOUR * (shift + data.draw(st.integers(0, 2))))
        for one in changed
        for shift in [data.draw(st.integers(-9, 9))]
    )
    index = IndexRecord(
        start, start + HOUR, zone_id=zone, recurrence=recurrence, exceptions=exceptions, deleted=tuple(deleted)
    )
    begin = data.draw(st.sampled_from(known)) + HOUR * data.draw(st.integers(-30, 30))
    end = min(begin + HOUR * data.draw(st.integers(1, 5000)), known[-1])
    assume(begin < end)
    spans = [(one, one + HOUR) for one in known if one not in {*deleted, *changed}]
    spans += [(one.start, one.end) for one in exceptions]
    expected = [span for span in spans if span[0] < end and (span[1] > begin or span[0] == span[1] == begin)]
    found = list(occurrences(index, begin, end))
    assert sorted((one.start, one.end) for one in found) == sorted(expected)
    assert [one.start for one in found] == sorted(one.start for one in found)
