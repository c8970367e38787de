"""expand and limit-recurrence-set, judged by recurring-ical-events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.dav.expand import expand, limit_recurrence_set
from bridge.dav.time_range import TimeRange
from bridge.occurrences import occurrences
from bridge.recurrence import AbsoluteMonthly, Daily, Day, Pattern, Position, Recurrence, RelativeMonthly, Weekly
from bridge.resource import ExceptionRecord, IndexRecord

ZONES = {"Europe/Berlin": "W. Europe Standard Time", "America/New_York": "Eastern Standard Time", "Etc/UTC": "UTC"}
CODES = dict(
    zip([Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY], ["MO", "TU", "WE", "TH", "FR"], strict=True)
)
DAY = timedelta(days=1)


def text_of(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR")).encode()


def moment(name: str, local: datetime, zone: str, *, is_date: bool = False) -> str:
    return f"{name};VALUE=DATE:{local:%Y%m%d}" if is_date else f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def rule_of(pattern: Pattern) -> str:
    match pattern:
        case Daily():
            return f"FREQ=DAILY;INTERVAL={pattern.interval}"
        case Weekly():
            return (
                f"FREQ=WEEKLY;INTERVAL={pattern.interval};WKST=SU;BYDAY={','.join(CODES[day] for day in pattern.days)}"
            )
        case AbsoluteMonthly():
            return f"FREQ=MONTHLY;INTERVAL={pattern.interval};BYMONTHDAY={pattern.day}"
        case RelativeMonthly():
            return f"FREQ=MONTHLY;INTERVAL={pattern.interval};BYDAY=2{CODES[pattern.day]}"
    raise AssertionError


@dataclass(frozen=True)
class Plain:
    """A series without exceptions: where its first occurrence is by the clock of its zone, and what repeats it."""

    zone: str
    first: datetime
    length: timedelta
    pattern: Pattern
    count: int | None
    is_all_day: bool

    def utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def line(self, name: str, local: datetime) -> str:
        return moment(name, local, self.zone, is_date=self.is_all_day)

    def times(self, begin: datetime) -> tuple[str, str]:
        return self.line("DTSTART", begin), self.line("DTEND", begin + self.length)

    @property
    def shift(self) -> timedelta:
        """By how much an occurrence is moved."""
        return DAY if self.is_all_day else timedelta(minutes=45)

    def record(self, moved: Sequence[datetime] = (), gone: Sequence[datetime] = ()) -> IndexRecord:
        begins = [(each, self.local(each) + self.shift) for each in moved]
        return IndexRecord(
            self.utc(self.first),
            self.utc(self.first + self.length),
            is_all_day=self.is_all_day,
            zone_id=ZONES[self.zone],
            recurrence=Recurrence(self.pattern, self.first.date(), count=self.count),
            exceptions=tuple(
                ExceptionRecord(each, self.utc(begin), self.utc(begin + self.length)) for each, begin in begins
            ),
            deleted=tuple(gone),
        )

    def text(self, moved: Sequence[datetime], gone: Sequence[datetime]) -> bytes:
        return text_of(
            *("BEGIN:VEVENT", "UID:s", "SUMMARY:Master", "DESCRIPTION:DTSTART:not one", " \\, folded"),
            *self.times(self.first),
            f"RRULE:{rule_of(self.pattern)}{f';COUNT={self.count}' if self.count else ''}",
            *(self.line("EXDATE", self.local(each)) for each in gone),
            *("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DURATION:PT5M", "REPEAT:1", "END:VALARM"),
            "END:VEVENT",
            *(line for number, each in enumerate(moved) for line in self.exception(number, each)),
        )

    def exception(self, number: int, original: datetime) -> tuple[str, ...]:
        was = self.local(original)
        head = ("BEGIN:VEVENT", "UID:s", f"SUMMARY:Moved {number}", self.line("RECURRENCE-ID", was))
        return (*head, *self.times(was + self.shift), "END:VEVENT")


@st.composite
def plain_series(draw: st.DrawFn) -> Plain:
    """Draw a series whose first occurrence is one of its pattern."""
    zone, whole_days = draw(st.sampled_from(sorted(ZONES))), draw(st.booleans())
    monday = draw(st.sampled_from([5, 12, 19]))
    first = datetime(2026, 1, monday) + DAY * draw(st.integers(0, 4))  # noqa: DTZ001 - a local time; Monday to Friday
    first += timedelta(hours=0 if whole_days else draw(st.integers(6, 20)))
    day = list(CODES)[first.weekday()]
    interval = draw(st.integers(1, 3))
    patterns: list[Pattern] = [Daily(interval), Weekly(interval, (day,)), AbsoluteMonthly(interval, first.day)]
    if 8 <= first.day <= 14:
        patterns.append(RelativeMonthly(interval, day, Position.SECOND))
    length = DAY * draw(st.integers(1, 3)) if whole_days else timedelta(minutes=draw(st.integers(15, 300)))
    count = draw(st.none() | st.integers(2, 60))
    return Plain(zone, first, length, draw(st.sampled_from(patterns)), count, whole_days)


@st.composite
def series(draw: st.DrawFn) -> tuple[bytes, IndexRecord]:
    """Draw a series with some occurrences moved and some deleted."""
    plain = draw(plain_series())
    record = plain.record()
    starts = [each.start for each in occurrences(record, record.start, record.start + 200 * DAY)][:60]
    touched = draw(st.lists(st.sampled_from(starts[1:] or starts), unique=True, max_size=4))
    gone, moved = touched[::2], touched[1::2]
    return plain.text(moved, gone), plain.record(moved, gone)


def instant(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def seen(events: Any) -> list[Any]:
    return sorted(
        (str(event["SUMMARY"]), str(instant(event["DTSTART"].dt)), str(instant(event["DTEND"].dt))) for event in events
    )


@settings(deadline=None, max_examples=200)
@given(series(), st.integers(0, 250), st.integers(1, 60))
def test_expand_gives_what_recurring_ical_events_gives(
    drawn: tuple[bytes, IndexRecord], after: int, width: int
) -> None:
    text, record = drawn
    start = datetime(2025, 12, 30, tzinfo=UTC) + after * DAY
    if record.is_all_day:  # whole days have no zone for the judge: the window is one of the event's own zone
        local = start.replace(tzinfo=None)
        rules = next(ZoneInfo(name) for name, zone in ZONES.items() if zone == record.zone_id)
        window = tuple(each.replace(tzinfo=rules).astimezone(UTC) for each in (local, local + width * DAY))
        judged = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(
            local.date(), local.date() + width * DAY
        )
    else:
        window = (start, start + width * DAY)
        judged = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(*window)
    expanded = expand(text, record, list(occurrences(record, window[0], window[1])))
    found = icalendar.Calendar.from_ical(expanded)
    assert seen(found.walk("VEVENT")) == seen(judged)
    assert all(name not in expanded for name in (b"RRULE", b"EXDATE", b"\r\nBEGIN:VTIMEZONE", b"TZID"))
    assert all("RECURRENCE-ID" in event for event in found.walk("VEVENT"))
    assert expanded.count(b"BEGIN:VALARM") == expanded.count(b"SUMMARY:Master")


NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Europe/Berlin",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "END:STANDARD",
    "END:VTIMEZONE",
)
SINGLE = ("BEGIN:VEVENT", "UID:a", "DTSTART;TZID=Europe/Berlin:20260302T100000", "DURATION:PT1H", "END:VEVENT")


def test_what_does_not_repeat_is_given_in_utc_whatever_the_range() -> None:
    found = expand(text_of("X-WR-CALNAME:Kept", *ZONE, *SINGLE), IndexRecord(NINE, NINE + HOUR), [])
    assert found == text_of(
        "X-WR-CALNAME:Kept", "BEGIN:VEVENT", "DTSTART:20260302T090000Z", "DTEND:20260302T100000Z", "UID:a", "END:VEVENT"
    )


def test_times_are_taken_out_wherever_they_stand_and_however_they_are_folded() -> None:
    event = (
        *(
            "BEGIN:VEVENT",
            "dtstart;TZID=Europe/Berlin:20260302T100000",
            "DTEND;TZID=Europe/",
            " Berlin:20260302T110000",
        ),
        *("UID:a", "DESCRIPTION:of the", " DTSTART:kept", "EXDATE:20260303T090000Z,", "\t20260304T090000Z"),
        *("BEGIN:VALARM", "DURATION:PT5M", "END:VALARM", "END:VEVENT"),
    )
    assert expand(text_of(*event), IndexRecord(NINE, NINE + HOUR), []) == text_of(
        *("BEGIN:VEVENT", "DTSTART:20260302T090000Z", "DTEND:20260302T100000Z"),
        *("UID:a", "DESCRIPTION:of the", " DTSTART:kept", "BEGIN:VALARM", "DURATION:PT5M", "END:VALARM", "END:VEVENT"),
    )


def test_an_event_of_nothing_but_times_is_given_too() -> None:
    text = text_of("BEGIN:VEVENT", "DTSTART:20260302T090000Z", "END:VEVENT")
    assert expand(text, IndexRecord(NINE, NINE), []) == text


def test_an_event_of_no_length_has_no_end() -> None:
    assert b"DTEND" not in expand(text_of(*SINGLE), IndexRecord(NINE, NINE), [])


def test_instances_without_a_master_are_given_by_their_own_text() -> None:
    line = "RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000"
    text = text_of(*ZONE, SINGLE[0], line, *SINGLE[1:])
    record = IndexRecord(NINE, NINE + HOUR, exceptions=(ExceptionRecord(NINE, NINE, NINE + HOUR),), has_master=False)
    found = expand(text, record, list(occurrences(record, NINE, NINE + HOUR)))
    assert b"RECURRENCE-ID:20260302T090000Z\r\n" in found
    assert expand(text, record, []) == text_of()


def test_a_zone_that_only_the_text_tells_is_read_from_it() -> None:
    zone = (
        *("BEGIN:VTIMEZONE", "TZID:Mine", "BEGIN:STANDARD", "DTSTART:19700101T000000"),
        *("TZOFFSETFROM:+0130", "TZOFFSETTO:+0130", "END:STANDARD", "END:VTIMEZONE"),
    )
    moved = ("BEGIN:VEVENT", "UID:a", "SUMMARY:Moved", "RECURRENCE-ID;TZID=Mine:20260303T103000", "END:VEVENT")
    record = IndexRecord(
        NINE,
        NINE + HOUR,
        recurrence=Recurrence(Daily(1), date(2026, 3, 2), count=3),
        exceptions=(ExceptionRecord(NINE + DAY, NINE + DAY + HOUR, NINE + DAY + 2 * HOUR),),
    )
    found = expand(text_of(*zone, *SINGLE, *moved), record, list(occurrences(record, NINE + DAY, NINE + 2 * DAY)))
    assert b"DTSTART:20260303T100000Z\r\nDTEND:20260303T110000Z\r\nRECURRENCE-ID:20260303T090000Z" in found
    assert found.count(b"SUMMARY:Moved") == 1


@pytest.mark.parametrize(("day", "kept"), [(3, True), (5, True), (4, False), (7, False)])
def test_a_limited_set_keeps_the_exceptions_that_are_or_were_in_the_range(day: int, *, kept: bool) -> None:
    """Moved from the third to the fifth."""
    moved = ("BEGIN:VEVENT", "UID:a", "RECURRENCE-ID;TZID=Europe/Berlin:20260303T100000", "END:VEVENT")
    record = IndexRecord(
        NINE,
        NINE + HOUR,
        recurrence=Recurrence(Daily(1), date(2026, 3, 2)),
        exceptions=(ExceptionRecord(NINE + DAY, NINE + 3 * DAY, NINE + 3 * DAY + HOUR),),
    )
    start = datetime(2026, 3, day, tzinfo=UTC)
    found = limit_recurrence_set(text_of(*ZONE, *SINGLE, *moved), record, TimeRange(start, start + DAY))
    assert found == (text_of(*ZONE, *SINGLE, *moved) if kept else text_of(*ZONE, *SINGLE))
