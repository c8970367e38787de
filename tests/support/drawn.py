"""Series drawn by hypothesis as Exchange holds them, and two judges of when they take place."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, cast

import recurring_ical_events
from hypothesis import assume
from hypothesis import strategies as st
from icalendar import Calendar

from bridge.item import ChangeKey, Content, Item, ItemId, ItemKind, ItemRef, Uid, Zone
from bridge.occurrences import Series, occurrences
from bridge.pattern_days import steps
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
from bridge.resource import IndexRecord
from bridge.zones import WINDOWS_TO_IANA, load_zone

Span = tuple[datetime, datetime]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WEEK = list(Day)[:7]
ZONES = st.sampled_from(
    [
        "W. Europe Standard Time",
        "Eastern Standard Time",
        "AUS Eastern Standard Time",
        "Pacific SA Standard Time",
        "Lord Howe Standard Time",
        "Tokyo Standard Time",
        "UTC",
    ]
)
PATTERNS = st.one_of(
    st.builds(Daily, st.integers(1, 9)),
    st.builds(
        Weekly,
        st.integers(1, 4),
        st.lists(st.sampled_from(WEEK), min_size=1, unique=True).map(tuple),
        st.sampled_from(WEEK),
    ),
    st.builds(AbsoluteMonthly, st.integers(1, 14), st.integers(1, 31)),
    st.builds(RelativeMonthly, st.integers(1, 14), st.sampled_from(Day), st.sampled_from(Position)),
    st.builds(AbsoluteYearly, st.integers(1, 12), st.integers(1, 31)),
    st.builds(RelativeYearly, st.integers(1, 12), st.sampled_from(Day), st.sampled_from(Position)),
)
DATES = st.dates(date(2008, 1, 1), date(2030, 12, 31))
CLOCKS = st.sampled_from(["00:00", "00:30", "01:30", "02:00", "02:30", "09:00", "23:30"]).map(time.fromisoformat)


def judge(text: bytes, start: datetime, end: datetime, zone: tzinfo) -> list[Span]:
    """Give what recurring-ical-events makes of a text: spans of UTC, whole days as days of the zone."""
    events = recurring_ical_events.of(cast("Any", Calendar.from_ical(text))).between(start - 3 * DAY, end + 3 * DAY)
    spans = [(instant(event.start, zone), instant(event.end, zone)) for event in events]
    return sorted(span for span in spans if overlaps(span, start, end))


def instant(moment: date, zone: tzinfo) -> datetime:
    """Give the instant of an event's start or end; days and floating times are in the zone."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def ours(index: IndexRecord, start: datetime, end: datetime) -> list[Span]:
    """Give what our own index makes of a resource: spans of UTC."""
    return sorted((one.start, one.end) for one in occurrences(index, start, end))


def overlaps(span: Span, start: datetime, end: datetime) -> bool:
    """Say whether a span is in the window; one without length is where it begins."""
    return span[0] < end and (span[1] > start or span[0] == span[1] == start)


@st.composite
def masters(draw: st.DrawFn) -> Item:
    """Draw a series as Exchange holds one, whoever made it."""
    pattern, zone = draw(PATTERNS), draw(ZONES)
    first = steps(Recurrence(pattern, draw(DATES))).day(1)
    rules = load_zone(WINDOWS_TO_IANA[zone])
    is_all_day = draw(st.booleans())
    start = datetime.combine(first, time() if is_all_day else draw(CLOCKS), rules).astimezone(UTC)
    local = start.astimezone(rules)
    assume(local.astimezone(UTC) == local.replace(fold=0).astimezone(UTC))  # no rule says "the second 02:30"
    length = DAY * draw(st.integers(1, 3)) if is_all_day else MINUTE * draw(st.sampled_from([0, 90, 300, 1800]))
    end = (local.replace(tzinfo=None) + length).replace(tzinfo=rules).astimezone(UTC)
    number = draw(st.none() | st.integers(1, 20))
    last = draw(st.booleans()) if number else False
    recurrence = Recurrence(pattern, first, count=None if last else number)
    if last and number:
        recurrence = replace(recurrence, end=steps(recurrence).day(number) + DAY * draw(st.integers(0, 1)))
    content = Content(
        Uid("uid-1"), "Series", start, end, Zone(zone), Zone(zone), is_all_day=is_all_day, recurrence=recurrence
    )
    return Item(ItemRef(ItemId("master"), ChangeKey("key")), content, ItemKind.MASTER)


@st.composite
def series(draw: st.DrawFn) -> tuple[Item, ...]:
    """Draw a series, some of its first occurrences moved or deleted."""
    master = draw(masters())
    whole = master.content
    assert whole.recurrence is not None
    pattern = Series(whole.recurrence, whole.start, load_zone(WINDOWS_TO_IANA[whole.start_zone.id]), whole.is_all_day)
    size = min(pattern.size or 9, 9)
    deleted = draw(st.sets(st.integers(1, size), max_size=3)) if size else set()
    moved = draw(st.sets(st.integers(1, size), max_size=3)) - deleted if size else set()
    exceptions = []
    for number in sorted(moved):
        original = pattern.at(number)
        shift = DAY * draw(st.integers(-2, 2)) if whole.is_all_day else MINUTE * draw(st.integers(-3000, 3000))
        start = original + shift
        if whole.is_all_day:
            start = datetime.combine((start.astimezone(pattern.zone) + DAY / 2).date(), time(), pattern.zone)
        end = pattern.end(start.astimezone(UTC), whole.end) if whole.is_all_day else start + MINUTE * 30
        content = replace(whole, subject="Moved", start=start.astimezone(UTC), end=end, recurrence=None)
        ref = ItemRef(ItemId(f"exception-{number}"), ChangeKey("key"))
        exceptions.append(Item(ref, content, ItemKind.EXCEPTION, original_start=original))
    return (replace(master, deleted=tuple(pattern.at(number) for number in sorted(deleted))), *exceptions)
