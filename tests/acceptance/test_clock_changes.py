"""Where a zone's clock changes, series take place at the very instants that Exchange says, whoever expands them.

A client PUTs a series that meets a change of the clock. Exchange's own CalendarView, asked by other code than the
bridge's, recurring-ical-events over what is served, and our own index must tell the same instants. What the client sent
must show the same on the clock: of a time that comes twice it means the first, and Exchange has the second.
"""

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import Any, cast

import pytest
import recurring_ical_events
from hypothesis import HealthCheck, event, given, settings
from icalendar import Calendar

from bridge.dav.clock import home_zone
from bridge.errors import NotExpressible
from bridge.occurrences import occurrences

from clock_changes import AROUND, DAY, ZONES, Drawn, changes, drawn
from place import Place

SERIES = int(os.environ.get("DRAWN_SERIES", "150"))
"""How many series are drawn: thousands in ``make soak``."""
Span = tuple[date, date]


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_has_changes(zone: str) -> None:
    assert len(changes(zone)) > 3


@settings(max_examples=SERIES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series=drawn())
def test_a_series_that_meets_a_change_of_the_clock_is_when_exchange_says(place: Place, series: Drawn) -> None:
    try:
        place.put(series.text)
    except NotExpressible as refused:
        event(f"refused: {str(refused)[:40]}")
        return
    try:
        compare(place, series)
    finally:
        place.delete()


def compare(place: Place, series: Drawn) -> None:
    window = series.change - AROUND, series.change + AROUND
    listed, served = place.read()
    zone = home_zone(listed.index) if series.is_all_day else series.zone  # dates are days of the calendar's zone
    told = place.view(*window, days=18)
    ours = [(one.start, one.end) for one in occurrences(listed.index, *window)]
    if series.is_all_day:
        expected = days(told, zone, series)
        assert days(ours, zone, series) == expected
        assert days(judge(served, series), zone, series) == expected
        assert days(judge(series.text, series), zone, series) == expected
        return
    assert sorted(ours) == told
    assert judge(served, series) == told
    assert clocks(judge(series.text, series), zone) == clocks(told, zone)


def judge(text: bytes, series: Drawn) -> list[Span]:
    """Give what recurring-ical-events makes of a text: in the window, of whole days also beside it."""
    start, end = series.change - AROUND, series.change + AROUND
    found = recurring_ical_events.of(cast("Any", Calendar.from_ical(text))).between(start - 3 * DAY, end + 3 * DAY)
    spans = [(instant(one.start), instant(one.end)) for one in found]
    if series.is_all_day:
        return spans
    return sorted(span for span in spans if span[0] < end and (span[1] > start or span[0] == span[1] == start))


def instant(moment: date) -> date:
    """Give a time in UTC: times of one zone are compared by the clock, and none in a change of it equals another."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def days(spans: Iterable[Span], zone: tzinfo, series: Drawn) -> list[Span]:
    """Give the first days and the ones after the last, for what begins well inside of the window."""
    found = ((day(start, zone), day(end, zone)) for start, end in spans)
    return sorted(span for span in found if abs(span[0] - series.change.date()) < AROUND - 2 * DAY)


def day(moment: date, zone: tzinfo) -> date:
    """Give the day that begins nearest: not every day begins at a midnight."""
    if not isinstance(moment, datetime):
        return moment
    return (moment.astimezone(zone).replace(tzinfo=None) + DAY / 2).date()


def clocks(spans: Iterable[Span], zone: tzinfo) -> list[Span]:
    """Give spans by the zone's clock, of a time that comes twice not saying which.

    One whose start is skipped may be made to end before it.
    """
    return sorted((clock(start, zone), clock(max(start, end), zone)) for start, end in spans)


def clock(moment: date, zone: tzinfo) -> date:
    assert isinstance(moment, datetime)
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
