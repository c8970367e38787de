"""Written VTIMEZONEs say what the zone's rules say, as another library reads them."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Timezone

from bridge.mapping.component import read_components
from bridge.mapping.vtimezone import read_vtimezone, write_vtimezone
from bridge.zones import IANA_TO_WINDOWS, load_zone

JULY = datetime(2026, 7, 1, tzinfo=UTC)
ODD = ("Africa/Casablanca", "Europe/Dublin", "Asia/Gaza", "America/Santiago", "Australia/Lord_Howe", "Asia/Tehran")


def check(name: str, year: int, *, since: int | None = None, until: int | None = None) -> None:
    text = "\r\n".join(
        write_vtimezone(name, load_zone(name), datetime(since or year, 1, 1, tzinfo=UTC), until if since else year)
    )
    read = cast("Timezone", Timezone.from_ical(text)).to_tz(lookup_tzid=False)
    rules = load_zone(name)
    moment = datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        local = moment.astimezone(rules).replace(tzinfo=None)
        again = local.replace(tzinfo=rules).utcoffset()
        assert local.replace(tzinfo=read).utcoffset() == again, (name, local)
        moment += timedelta(hours=31)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("year", [1995, 2011, 2026, 2045])
def test_zones_with_odd_rules_are_written_right(name: str, year: int) -> None:
    check(name, year)


@settings(deadline=None)
@given(st.sampled_from(sorted(IANA_TO_WINDOWS)), st.integers(1950, 2060))
def test_every_zone_is_written_right_for_the_year(name: str, year: int) -> None:
    check(name, year)


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(IANA_TO_WINDOWS)),
    since=st.integers(1995, 2030),
    later=st.integers(0, 60),
    is_endless=st.booleans(),
)
def test_every_zone_is_written_right_from_the_first_year_to_the_last(
    name: str, since: int, later: int, *, is_endless: bool
) -> None:
    check(name, since + later, since=since, until=None if is_endless else since + later)


@pytest.mark.parametrize(
    ("rule", "is_read"),
    [
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", True),
        ("FREQ=YEARLY;BYMINUTE=0;BYHOUR=2;BYDAY=-1SU;BYMONTH=3", True),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=SU", True),
        ("FREQ=DAILY", False),
        ("FREQ=YEARLY;BYDAY=MO,TU", False),
        ("FREQ=YEARLY;BYMONTHDAY=1,2,3", False),
        ("FREQ=YEARLY;BYSECOND=1,2,3", False),
        ("FREQ=YEARLY;BYMONTH=March", False),
        ("", False),
    ],
)
def test_rules_of_zones_are_read_and_endless_ones_are_not(rule: str, *, is_read: bool) -> None:
    lines = ["BEGIN:VTIMEZONE", "TZID:Own", "BEGIN:STANDARD", "DTSTART:16010101T020000", "TZOFFSETFROM:+0000"]
    lines += ["TZOFFSETTO:+0100", f"RRULE:{rule}", "END:STANDARD", "END:VTIMEZONE"]
    component = read_components("\r\n".join(lines).encode())[0]
    if is_read:
        assert read_vtimezone(component).utcoffset(datetime(2026, 7, 1)) == timedelta(hours=1)  # noqa: DTZ001 - local
    else:
        with pytest.raises(ValueError):  # noqa: PT011 - its one reason is the VTIMEZONE
            read_vtimezone(component)


def test_a_regular_zone_is_two_rules_and_begins_with_the_change_before_the_event() -> None:
    assert write_vtimezone("Europe/Berlin", load_zone("Europe/Berlin"), JULY, 2026) == (
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260329T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "END:STANDARD",
        "END:VTIMEZONE",
    )


def test_a_zone_whose_rules_changed_is_told_date_by_date_until_they_are_what_they_are() -> None:
    lines = write_vtimezone("New York", load_zone("America/New_York"), JULY.replace(year=2006), None)
    assert [line for line in lines if line.startswith(("RDATE", "RRULE"))] == [
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
    ]


def test_a_zone_without_changes_is_one_offset() -> None:
    assert write_vtimezone("Japan", load_zone("Asia/Tokyo"), JULY, 2026) == (
        "BEGIN:VTIMEZONE",
        "TZID:Japan",
        "BEGIN:STANDARD",
        "DTSTART:20260101T090000",
        "TZOFFSETFROM:+0900",
        "TZOFFSETTO:+0900",
        "TZNAME:JST",
        "END:STANDARD",
        "END:VTIMEZONE",
    )


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(IANA_TO_WINDOWS)),
    first=st.datetimes(datetime(1970, 1, 2), datetime(2040, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    years=st.one_of(st.none(), st.integers(0, 30)),
)
def test_nothing_is_told_from_before_the_last_change_before_the_event(
    name: str, first: datetime, years: int | None
) -> None:
    rules, last = load_zone(name), None if years is None else first.year + years
    lines = write_vtimezone(name, rules, first, last)
    local = first.astimezone(rules).replace(tzinfo=None, fold=0)
    begins = sorted(datetime.strptime(line[8:], "%Y%m%dT%H%M%S") for line in lines if line.startswith("DTSTART"))  # noqa: DTZ007 - local
    assert len([begin for begin in begins if begin <= local - timedelta(days=1)]) <= 1
    assert begins[0] <= local + timedelta(hours=3)
    read = cast("Timezone", Timezone.from_ical("\r\n".join(lines))).to_tz(lookup_tzid=False)
    for days in (1, 40, 80, 120, 160, 200, 240, 280, 320, 360):
        moment = (first + timedelta(days=days)).astimezone(rules)
        if last is None or moment.year <= last:
            assert moment.replace(tzinfo=read).utcoffset() == moment.utcoffset(), moment
