"""CALDAV:time-range and its like (RFC 4791 9.9): a span of UTC, each end of which may be open."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from lxml import etree

from bridge.dav.refusals import NotServed, bad_request


class Span(Protocol):
    """Anything that takes time: an occurrence, an exception, an index record. UTC, the end exclusive."""

    @property
    def start(self) -> datetime:
        """When it begins."""

    @property
    def end(self) -> datetime:
        """When it ends; equal to the start of what takes no time."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start`` until before ``end``, UTC; None is open."""

    start: datetime | None
    end: datetime | None

    def overlaps(self, span: Span) -> bool:
        """Say whether a span of time is in the range, by RFC 4791 9.9's table for VEVENT.

        What takes no time is in the range when it begins there; the range's first instant counts.
        """
        if self.end is not None and span.start >= self.end:
            return False
        if self.start is None:
            return True
        return span.end > self.start or span.start == span.end == self.start

    def holds(self, instant: datetime) -> bool:
        """Say whether an instant is in the range."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


def parse_time_range(element: etree._Element) -> TimeRange:
    """Read a C:time-range of a filter. Raises NotServed (403, valid-filter)."""
    try:
        return _parse(element)
    except ValueError as problem:
        raise NotServed(403, str(problem), "<C:valid-filter/>") from None


def parse_window(element: etree._Element) -> tuple[datetime, datetime]:
    """Give the start and the end (UTC) of an element that has both, such as C:expand. Raises NotServed (400)."""
    try:
        window = _parse(element)
    except ValueError as problem:
        raise bad_request(str(problem)) from None
    if window.start is None or window.end is None:
        raise bad_request(f"{etree.QName(element).localname} has a start and an end.")
    return window.start, window.end


def _parse(element: etree._Element) -> TimeRange:
    start, end = _instant(element.get("start")), _instant(element.get("end"))
    if start is None and end is None:
        raise ValueError("A time range has a start, an end, or both.")
    if start is not None and end is not None and start >= end:
        raise ValueError("The end of a time range is after its start.")
    return TimeRange(start, end)


def _instant(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("The ends of a time range are UTC times, written as 20260131T120000Z.") from None
