"""Series in zones for which Exchange has other rules than the tz database, written by a client and by Outlook.

The simulated Exchange has what a real one said. Exchange's own CalendarView, our index, and recurring-ical-events over
what is served must tell the same moments.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge.occurrences import occurrences
from bridge.simulator.zones import named
from bridge.zones import IANA_TO_WINDOWS, load_zone

from bridged import ANN
from drawn import judge
from place import Place, place_of_series

FIRST, LAST = 2008, 2024
"""The judge has rules of its own for known names, the machine's, which need not know of later changes."""
NAMES = (
    *("Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Mexico_City", "America/Santiago"),
    *("America/Sao_Paulo", "Asia/Amman", "Asia/Damascus", "Asia/Tehran"),
)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_of_series(tmp_path_factory.mktemp("foreign")) as found:
        yield found


def differing_day(name: str) -> datetime | None:
    """Give the last day (UTC, noon) at which the server's clock shows another time than the tz database's."""
    told, zone = named(IANA_TO_WINDOWS[name]), load_zone(name)
    assert told is not None
    noon, first = datetime(LAST, 12, 1, 12, tzinfo=UTC), datetime(FIRST, 1, 1, tzinfo=UTC)
    while noon > first:
        if told.offset(noon) != noon.astimezone(zone).utcoffset():
            return noon
        noon -= DAY
    return None


def test_there_are_zones_for_which_the_server_has_other_rules() -> None:
    assert len([name for name in NAMES if differing_day(name)]) > 3


@pytest.mark.parametrize("name", NAMES)
def test_a_clients_series_is_where_the_client_means_it(place: Place, name: str) -> None:
    day = differing_day(name)
    if day is None:
        pytest.skip("the server has our rules in these years")
    first = (day - 3 * DAY).astimezone(load_zone(name)).replace(hour=12, tzinfo=None)
    place.put(document(name, first))
    try:
        window = day - 4 * DAY, day + 20 * DAY
        meant = [(first + number * DAY).replace(tzinfo=load_zone(name), fold=1).astimezone(UTC) for number in range(20)]
        assert [start for start, _ in check(place, *window)] == meant
    finally:
        place.delete()


@pytest.mark.parametrize("name", NAMES)
def test_a_series_made_in_outlook_is_shown_where_exchange_has_it(place: Place, name: str) -> None:
    day = differing_day(name) or datetime(2020, 6, 1, 12, tzinfo=UTC)
    first = (day - 3 * DAY).replace(hour=12, tzinfo=None)
    item = place.exchange.add_event(
        ANN,
        subject="Daily",
        start=first,
        end=first + 30 * MINUTE,
        zone=IANA_TO_WINDOWS[name],
        recurrence={"every": "day", "count": 20},
    )
    try:
        assert len(check(place, day - 4 * DAY, day + 20 * DAY)) == 20
    finally:
        place.exchange.remove_event(item)


def check(place: Place, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Give when the one series takes place, if all agree."""
    listed, served = place.only()
    told = place.view(start, end, days=24)
    assert sorted((one.start, one.end) for one in occurrences(listed.index, start, end)) == told
    assert judge(served, start, end, UTC) == told
    return told


def document(name: str, first: datetime) -> bytes:
    lines = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:drawn"),
        *("DTSTAMP:20260101T000000Z", f"DTSTART;TZID={name}:{first:%Y%m%dT%H%M%S}", "DURATION:PT30M"),
        *("RRULE:FREQ=DAILY;COUNT=20", "END:VEVENT", "END:VCALENDAR", ""),
    )
    return "\r\n".join(lines).encode()
