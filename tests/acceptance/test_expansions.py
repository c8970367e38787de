"""Every drawn series takes place when the simulated Exchange says, whoever expands it.

A client PUTs it. Then Exchange's own CalendarView, asked by other code than the bridge's, recurring-ical-events over
what the client sent and over what it is served, and our own index must tell the same times.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bridge.dav.clock import home_zone
from bridge.errors import NotExpressible, Refused
from bridge.item import Item
from bridge.mapping.context import Context
from bridge.mapping.series import to_ical
from bridge.occurrences import occurrences
from bridge.simulator.zones import named
from bridge.sync.zones import YEARS_AHEAD
from bridge.zones import WINDOWS_TO_IANA, load_zone

from drawn import DAY, Span, judge, series
from place import Place

SERIES = int(os.environ.get("DRAWN_SERIES", "100"))
"""How many series are drawn: thousands in ``make soak``, which also takes every series of the corpus."""
STRIDE = 1 if SERIES > 1000 else 15
HELD_UNTIL = datetime.now(UTC).year + YEARS_AHEAD
"""Until when series are held against the server's rules when they are written."""


@settings(max_examples=SERIES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=series(), after=st.integers(0, 700))
def test_a_drawn_series_takes_place_when_exchange_says(place: Place, items: tuple[Item, ...], after: int) -> None:
    sent = to_ical(items, Context(place.login.mailbox, items[0].content.start_zone))
    try:
        place.put(sent.text)
    except NotExpressible as refused:
        event(f"refused: {str(refused)[:40]}")
        return
    try:
        compare(place, sent.text, [-1, after])
    finally:
        place.delete()


@pytest.mark.corpus
def test_every_series_of_the_corpus_takes_place_when_exchange_says(place: Place) -> None:
    compared = 0
    bodies = (path.read_bytes() for path in sorted(Path(os.environ["ICALENDAR_CORPUS"], "objects").rglob("*.ics")))
    for body in [body for body in bodies if b"\nRRULE" in body][::STRIDE]:
        try:
            place.put(body)
        except Refused:
            continue
        try:
            compared += compare(place, body, [-1, 399, 799, 1199, 1599])
        finally:
            place.delete()
    assert compared > 1000 / STRIDE


def compare(place: Place, sent: bytes, days: Sequence[int]) -> int:
    """Compare the expansions in windows that begin so many days after the start; give in how many."""
    listed, served = place.read()
    zone = home_zone(listed.index)  # whole days are those of the calendar
    compared = 0
    for after in days:
        begin = listed.index.start + after * DAY
        end = begin + 400 * DAY
        years = {listed.index.start.year, *range(begin.year, end.year + 1)}
        if end.year <= HELD_UNTIL or all(agrees(listed.index.zone_id, year) for year in years):
            told = place.view(begin, end, days=300)
            ours = sorted((one.start, one.end) for one in occurrences(listed.index, begin, end))
            assert ours == told
            assert judge(served, begin, end, zone) == told
            assert clocks(judge(sent, begin, end, zone), zone) == clocks(told, zone)
            compared += 1
    return compared


@cache
def agrees(zone_id: str, year: int) -> bool:
    """Say whether the server's table and tzdata have the same offsets, hour by hour."""
    told = named(zone_id)
    if told is None:
        return False  # rules of its own, good for some years
    zone = load_zone(WINDOWS_TO_IANA[zone_id])
    hours = (datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(366 * 24))
    return all(told.offset(hour) == hour.astimezone(zone).utcoffset() for hour in hours)


def clocks(spans: list[Span], zone: tzinfo) -> list[tuple[datetime, datetime]]:
    """Give spans by their zone's clock.

    Of a time that comes twice a client means the first (RFC 5545 3.3.5) and Exchange takes the second, as it is served.
    """
    return sorted((by_clock(start, zone), by_clock(end, zone)) for start, end in spans)


def by_clock(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
