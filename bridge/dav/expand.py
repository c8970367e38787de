"""C:expand and C:limit-recurrence-set (RFC 4791 9.6.5, 9.6.6), cut out of a resource's text: nothing is parsed.

An instance is its VEVENT's own bytes without the properties that tell time, and new ones in their place. Whole days
stay dates, everything else is UTC; so no VTIMEZONE is needed, and none is left.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from bridge.dav.clock import day_of, home_zone, nearest_original, read_instant, timezones_of
from bridge.dav.time_range import TimeRange
from bridge.mapping.component import Component, read_components
from bridge.mapping.lines import parse_line
from bridge.mapping.values import write_date, write_utc
from bridge.occurrences import Occurrence
from bridge.resource import IndexRecord

_OF_TIME = re.compile(  # from the LF before a line to its CR: what begins with a character is searched for fast
    rb"\n(D(?:TSTART|TEND|URATION)|R(?:RULE|DATE|ECURRENCE-ID)|EX(?:DATE|RULE))[;:]"
    rb"[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r(?=\n)",
    re.IGNORECASE,
)
_IS_DATE = re.compile(rb"^[^:]*;VALUE=\"?DATE\"?[;:]", re.IGNORECASE)
_FOLD = re.compile(rb"\r\n[ \t]")
_BEGIN, _END = b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n"
_BEGIN_CALENDAR, _END_CALENDAR = b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n"


def repeats(record: IndexRecord) -> bool:
    """Say whether a resource is a series, or instances of one."""
    return record.recurrence is not None or bool(record.exceptions) or not record.has_master


def expand(text: bytes, record: IndexRecord, occurrences: Sequence[Occurrence]) -> bytes:
    """Give the calendar with one VEVENT for each of these occurrences; what does not repeat stands there in UTC.

    An event that does not repeat is given whether or not it is among them: only recurring ones are cut to a range.
    """
    parts = _Parts(text, record)
    if not repeats(record):
        single = Occurrence(record.start, record.end, record.start, record.busy_status, is_exception=False)
        return parts.calendar([event.instance(single, None) for event in parts.events[:1]])
    return parts.calendar(list(_instances(parts, occurrences)))


def limit_recurrence_set(text: bytes, record: IndexRecord, span: TimeRange) -> bytes:
    """Give the calendar without the exceptions that neither are nor were in the range; the master stays."""
    length = record.end - record.start
    kept = {
        each.original_start
        for each in record.exceptions
        if span.overlaps(each) or span.overlaps(_Span(each.original_start, each.original_start + length))
    }
    known = {each.original_start for each in record.exceptions}
    parts = _Parts(text, record)
    for event in parts.events:
        original = event.original_start
        if original in known and original not in kept:
            text = text.replace(event.block, b"", 1)
    return text


def _instances(parts: "_Parts", occurrences: Iterable[Occurrence]) -> Iterator[bytes]:
    exceptions = {event.original_start: event for event in parts.events if event.original_start is not None}
    master = next((event for event in parts.events if event.original_start is None), None)
    for each in occurrences:
        event = exceptions.get(each.original_start, master) if each.is_exception else master
        if event is not None:
            yield event.instance(each, each.original_start)


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime


class _Parts:
    """A resource's text, taken apart at its VEVENTs."""

    def __init__(self, text: bytes, record: IndexRecord) -> None:
        self._text = text
        self.record = record
        self.events = [_Event(block, self) for block in _blocks(text)]

    @cached_property
    def zone(self) -> tzinfo:
        """Where the event's days begin."""
        return home_zone(self.record)

    @cached_property
    def timezones(self) -> Mapping[str, Component]:
        """The VTIMEZONEs; read only where a TZID is not a known place's."""
        return {key: each for calendar in read_components(self._text) for key, each in timezones_of(calendar).items()}

    def calendar(self, events: list[bytes]) -> bytes:
        """Give the calendar's own properties, which stand before its components as it is served, and these events."""
        own = self._text[: self._text.find(b"\r\nBEGIN:", len(_BEGIN_CALENDAR) - 2) + 2]
        return b"".join((own, *events, _END_CALENDAR))


def _blocks(text: bytes) -> Iterator[bytes]:
    """Give the VEVENTs of a text, by search: an expression takes ten times as long."""
    end = 0
    while (begin := text.find(b"\r\n" + _BEGIN, end)) >= 0 and (end := text.find(b"\r\n" + _END, begin)) >= 0:
        yield text[begin + 2 : end + 2 + len(_END)]


class _Event:
    """One VEVENT as it is served: its properties without those that tell time, and what is in it."""

    def __init__(self, block: bytes, parts: _Parts) -> None:
        self.block = block
        self._parts = parts
        inside = block[len(_BEGIN) - 1 : -len(_END)]
        cut = inside.find(b"\nBEGIN:") + 1
        properties, components = (inside[:cut], inside[cut:]) if cut else (inside, b"")
        self._lines: dict[bytes, bytes] = {}
        rest: list[bytes] = []
        done = 0
        for found in _OF_TIME.finditer(properties):
            self._lines[found[1].upper()] = found[0][1:] + b"\n"
            rest.append(properties[done : found.start()])
            done = found.end()
        self._rest = b"".join((*rest, properties[done:], components))[1:]
        self._id = self._lines.get(b"RECURRENCE-ID", b"")
        self.has_whole_days = bool(_IS_DATE.match(self._lines.get(b"DTSTART", b"")))

    @cached_property
    def original_start(self) -> datetime | None:
        """Where the pattern has the occurrence that this VEVENT describes; None for a master."""
        if not self._id:
            return None
        line = parse_line(_FOLD.sub(b"", self._id).decode("utf-8", "replace").rstrip("\r\n"))
        instant = read_instant(line, self._parts.zone, lambda: self._parts.timezones)
        return datetime.max.replace(tzinfo=UTC) if instant is None else nearest_original(instant, self._parts.record)

    def instance(self, occurrence: Occurrence, original: datetime | None) -> bytes:
        """Give this event as one occurrence; ``original`` is where the pattern has it, None for no RECURRENCE-ID."""
        lines = [_BEGIN, *self._times(occurrence)]
        if original is not None:
            is_date = bool(_IS_DATE.match(self._id)) if self._id else self.has_whole_days
            lines.append(self._moment("RECURRENCE-ID", original, is_date=is_date))
        return b"".join((*lines, self._rest, _END))

    def _times(self, occurrence: Occurrence) -> Iterator[bytes]:
        if self.has_whole_days and occurrence.is_exception and self._id:
            yield self._lines.get(b"DTSTART", b"")  # the exception's own days, in no zone
            yield self._lines.get(b"DTEND", b"")
            return
        yield self._moment("DTSTART", occurrence.start, is_date=self.has_whole_days)
        if occurrence.end > occurrence.start:
            yield self._moment("DTEND", occurrence.end, is_date=self.has_whole_days)

    def _moment(self, name: str, instant: datetime, *, is_date: bool) -> bytes:
        if is_date:
            return f"{name};VALUE=DATE:{write_date(day_of(instant, self._parts.zone))}\r\n".encode()
        return f"{name}:{write_utc(instant)}\r\n".encode()
