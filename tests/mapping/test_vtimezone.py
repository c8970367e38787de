"""Written VTIMEZONEs say what the zone's rules say, as another library reads them."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Timezone

from bridge.mapping.component import read_components
from bridge.mapping.vtimezone import read_vtimezone, write_vtimezone
from bridge.zones import IANA_TO_WINDOWS, load_zone

ODD = ("Africa/Casablanca", "Europe/Dublin", "Asia/Gaza", "America/Santiago", "Australia/Lord_Howe", "Asia/Tehran")


def check(name: str, year: int, *, since: int | None = None, until: int | None = None) -> None:
    text = "\r\n".join(write_vtimezone(name, load_zone(name), since or year, until if since else year))
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


@given(st.sampled_from(sorted(IANA_TO_WINDOWS)), st.integers(1950, 2060))
def test_every_zone_is_written_right_for_the_year(name: str, year: int) -> None:
    check(name, year)


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


def test_a_regular_zone_is_two_rules_that_begin_in_the_year_before() -> None:
    assert write_vtimezone("Europe/Berlin", load_zone("Europe/Berlin"), 2026, 2026) == (
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20250330T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20251026T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "END:STANDARD",
        "END:VTIMEZONE",
    )


def test_a_zone_whose_rules_changed_is_told_date_by_date_until_they_are_what_they_are() -> None:
    lines = write_vtimezone("New York", load_zone("America/New_York"), 2006, None)
    assert [line for line in lines if line.startswith(("RDATE", "RRULE"))] == [
        "RDATE:20060402T020000",
        "RDATE:20061029T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
    ]


def test_a_zone_without_changes_is_one_offset() -> None:
    assert write_vtimezone("Japan", load_zone("Asia/Tokyo"), 2026, 2026) == (
        "BEGIN:VTIMEZONE",
        "TZID:Japan",
        "BEGIN:STANDARD",
        "DTSTART:20250101T090000",
        "TZOFFSETFROM:+0900",
        "TZOFFSETTO:+0900",
        "TZNAME:JST",
        "END:STANDARD",
        "END:VTIMEZONE",
    )
