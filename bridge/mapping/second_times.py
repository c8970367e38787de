"""Occurrences at a time that the clock shows twice, where Exchange and a client that expands the rule differ.

Exchange has them at the second (`bridge.zones.to_instant`), a client takes the first (RFC 5545 3.3.5). Each is served
as an event of its own, in UTC, though it is no exception at Exchange. So is one that begins at a time the clock skips
and would end before it begins; every client has its own idea of that.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from bridge.mapping.field import Shown
from bridge.occurrences import Series
from bridge.zone_rules import LAST_TOLD_YEAR, onsets_of

_DAY = timedelta(days=1)


def second_starts(shown: Shown) -> frozenset[datetime]:
    """Give the starts (UTC) of a series' occurrences that begin or end at the second of two such times, or never end.

    None of whole days, of floating times, and of what is in no known zone.
    """
    series = shown.series
    if series is None or series.is_all_day or not isinstance(series.zone, ZoneInfo) or _is_floating(shown):
        return frozenset()
    first_end = shown.item.content.end
    last = series.at(series.size).year + 1 if series.size else LAST_TOLD_YEAR
    found = set()
    for day in _days(series, first_end, series.zone, last):
        number = series.number_on(day)
        start = series.at(number) if number else None
        end = series.end(start, first_end) if start else None
        if start and end and (_is_second(series, start, end) or (start == end and first_end > series.start)):
            found.add(start)
    return frozenset(found)


def _days(series: Series, first_end: datetime, zone: tzinfo, last: int) -> Iterator[date]:
    """Give the days (local) on which an occurrence would begin or end in an hour that comes twice or never."""
    first = series.start.astimezone(series.zone).date()
    midnight = datetime.combine(first, time())
    begins = datetime.combine(first, series.time) - midnight
    ends = first_end.astimezone(series.zone).replace(tzinfo=None) - midnight
    for year in range(series.start.year, last + 1):
        for low, high in _changed_hours(zone, year):
            for clock in {begins, ends}:
                day = (low - clock - timedelta(microseconds=1)).date() + _DAY
                if datetime.combine(day, time()) + clock < high:
                    yield day


@lru_cache(maxsize=16384)
def _changed_hours(zone: tzinfo, year: int) -> tuple[tuple[datetime, datetime], ...]:
    """Give from which time of the clock to which it comes twice or never, in a year."""
    changes = ((one.local, one.after - one.before) for one in onsets_of(zone, year))
    return tuple((min(local, local + forward), max(local, local + forward)) for local, forward in changes)


def _is_second(series: Series, *moments: datetime) -> bool:
    return any(moment.astimezone(series.zone).fold for moment in moments)


def _is_floating(shown: Shown) -> bool:
    line = shown.start_line
    return line is not None and not line.parameter("TZID") and not line.value.strip().upper().endswith("Z")
