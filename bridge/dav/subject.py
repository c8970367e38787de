"""A resource as filters see it: its components, and when each of them takes place and rings."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from bridge.dav.clock import home_zone, nearest_original, read_instant, timezones_of
from bridge.dav.time_range import TimeRange
from bridge.dav.timeline import Timeline
from bridge.errors import InvalidCalendarData
from bridge.mapping.component import Component, build_components
from bridge.mapping.lines import Line
from bridge.mapping.values import parse_duration
from bridge.resource import Listed

_DAY = timedelta(days=1)
_FIRST, _LAST = datetime(1601, 1, 1, tzinfo=UTC), datetime(4501, 1, 1, tzinfo=UTC)
"""The years that Exchange has (MS-DTYP FILETIME begins in 1601; ErrorRecurrenceEndDateTooBig names 4500-09-01)."""
_EMPTY = Component("VCALENDAR", (), (), 0)
_ALWAYS = ("BEGIN", "END", "RECURRENCE-ID", "TRIGGER", "REPEAT", "DURATION")
_BEGIN_ZONE, _END_ZONE = b"\r\nBEGIN:VTIMEZONE\r\n", b"\r\nEND:VTIMEZONE\r\n"


def lines_of(names: Iterable[str]) -> re.Pattern[bytes]:
    """Give what finds the lines of these properties, and those that times are told by, in unfolded text.

    A line has an LF before it: what begins with a character is searched for fast.
    """
    sought = "|".join(re.escape(name) for name in sorted({*_ALWAYS, *names}))
    return re.compile(rf"\n((?:{sought})[;:][^\r\n]*)(?=\r\n)".encode(), re.IGNORECASE)


class Subject:
    """One resource under a filter. Raises InvalidCalendarData where its text cannot be read."""

    def __init__(self, listed: Listed, text: bytes, timeline: Timeline, lines: re.Pattern[bytes]) -> None:
        """Take the resource as it is listed, the bytes served, unfolded, and when the calendar's resources take place.

        ``lines`` finds the properties that are asked for; no others are read.
        """
        self._listed = listed
        self._text = text
        self._timeline = timeline
        self.calendar = _read(lines.findall(b"\n" + _without_zones(text)))

    @cached_property
    def time_zones(self) -> Component:
        """The whole VCALENDAR, with the VTIMEZONEs, which `calendar` lacks: half of a text, and seldom asked for."""
        return _read(self._text.removesuffix(b"\r\n").split(b"\r\n"))

    @cached_property
    def _timezones(self) -> Mapping[str, Component]:
        return timezones_of(self.time_zones)

    def instant(self, line: Line) -> datetime | None:
        """Read the date or time of a property; days and floating times are the query's zone's, else the event's."""
        zone = self._timeline.zone or home_zone(self._listed.index)
        return read_instant(line, zone, lambda: self._timezones)

    def takes_place(self, event: Component, span: TimeRange) -> bool:
        """Say whether an occurrence that this VEVENT describes is in a range: the master's own, or the exception."""
        original = self._original_start(event)
        for each in self._timeline.occurrences(self._listed, span):
            if each.original_start == original if each.is_exception else original is None:
                return True
        return False

    def _original_start(self, event: Component) -> datetime | None:
        """Give the original start of the exception that a VEVENT describes, None for a master."""
        line = event.get("RECURRENCE-ID")
        if line is None:
            return None
        record = self._listed.index
        instant = read_instant(line, home_zone(record), lambda: self._timezones)
        return datetime.max.replace(tzinfo=UTC) if instant is None else nearest_original(instant, record)

    def rings(self, event: Component, alarm: Component, span: TimeRange, within: TimeRange | None) -> bool:
        """Say whether a VALARM of a VEVENT goes off in a range that has both ends (RFC 4791 9.9).

        Repetitions count (RFC 5545 3.8.6.2). With ``within`` only occurrences in that range ring.
        """
        trigger = alarm.get("TRIGGER")
        if trigger is None or span.start is None or span.end is None:
            return False
        repeats, apart = _repetitions(alarm)
        if (trigger.parameter("VALUE") or "").upper() == "DATE-TIME":
            instant = self.instant(trigger)
            return instant is not None and _rings(instant, repeats, apart, span)
        try:
            offset = parse_duration(trigger.value).exact
        except ValueError:
            return False
        is_from_end = (trigger.parameter("RELATED") or "").upper() == "END"
        original = self._original_start(event)
        for each in self._timeline.occurrences(self._listed, _before(span, offset, repeats * apart)):
            if each.original_start != original if each.is_exception else original is not None:
                continue
            if within is not None and not self._timeline.is_in(self._listed, each, within):
                continue
            if _rings((each.end if is_from_end else each.start) + offset, repeats, apart, span):
                return True
        return False


def _without_zones(text: bytes) -> bytes:
    """Give a text without its VTIMEZONEs, by search: an expression takes ten times as long."""
    begin = text.find(_BEGIN_ZONE)
    while begin >= 0 and (end := text.find(_END_ZONE, begin)) >= 0:
        text = text[:begin] + text[end + len(_END_ZONE) - 2 :]
        begin = text.find(_BEGIN_ZONE, begin)
    return text


def _read(lines: list[bytes]) -> Component:
    try:
        unfolded = b"\n".join(lines).decode().split("\n")
    except UnicodeDecodeError:
        raise InvalidCalendarData("A calendar is not UTF-8.") from None
    return next(iter(build_components(enumerate(unfolded, start=1))), _EMPTY)


def _repetitions(alarm: Component) -> tuple[int, timedelta]:
    """Give how often an alarm rings again, and how long apart."""
    count, apart = alarm.get("REPEAT"), alarm.get("DURATION")
    if count is None or apart is None or not (count.value.strip().isdecimal() and len(count.value) < 6):
        return 0, timedelta()
    try:
        every = parse_duration(apart.value).exact
    except ValueError:
        return 0, timedelta()
    return (int(count.value), every) if every > timedelta() else (0, timedelta())


def _rings(first: datetime, repeats: int, apart: timedelta, span: TimeRange) -> bool:
    """Say whether one of the times ``first + k * apart`` is in the range, by arithmetic: repetitions may be many."""
    if span.start is None or span.holds(first) or not repeats:
        return span.holds(first)
    number = -((first - span.start) // apart) if first < span.start else 0
    return 0 < number <= repeats and span.holds(first + number * apart)


def _before(span: TimeRange, offset: timedelta, repeating: timedelta) -> TimeRange:
    """Give a range that holds every occurrence whose alarm may ring in a range; a day wide of it on both sides."""
    start, end = span.start or _FIRST, span.end or _LAST
    try:
        return TimeRange(
            max(start - offset - repeating - _DAY, _FIRST), min(max(end - offset + _DAY, _FIRST + _DAY), _LAST)
        )
    except OverflowError:
        return TimeRange(_FIRST, _LAST)
