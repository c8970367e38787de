"""When the resources of a calendar take place, as one report sees it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from bridge.dav.clock import day_of, has_whole_days, home_zone, midnight
from bridge.dav.time_range import TimeRange
from bridge.model import Name
from bridge.occurrences import Occurrence
from bridge.resource import Listed

_FARTHEST = timedelta(hours=27)
"""Between the midnights of one day in two zones: from 14 hours ahead of UTC to 12 behind it, and an hour of summer."""
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)


class OccurrenceSource(Protocol):
    """What is known of the occurrences of one calendar at one revision. None is an open end; UTC."""

    def names(self, start: datetime | None, end: datetime | None) -> Iterable[Name]:
        """Give the names of the resources that have an occurrence in the span."""

    def occurrences(self, listed: Listed, start: datetime | None, end: datetime | None) -> Iterable[Occurrence]:
        """Give a resource's occurrences in the span, one by one: of an endless series there is no last."""


@dataclass(frozen=True, slots=True)
class _Moved:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """The occurrences of a calendar.

    With a ``zone``, whole days and floating times are taken to be that zone's (RFC 4791 9.8).
    """

    source: OccurrenceSource
    zone: tzinfo | None = None

    def names(self, resources: Mapping[Name, Listed], span: TimeRange) -> dict[Name, None]:
        """Give the names of those of the calendar's resources that take place in a range, each once, in order."""
        if self.zone is None:
            return dict.fromkeys(self.source.names(span.start, span.end))
        wide = dict.fromkeys(self.source.names(*widened(span)))
        return {name: None for name in wide if name in resources and self._takes_place(resources[name], span)}

    def occurrences(self, listed: Listed, span: TimeRange) -> Iterator[Occurrence]:
        """Give a resource's occurrences in a range, at the instants that Exchange has them."""
        if self.zone is None or not (has_whole_days(listed.index) or listed.index.is_floating):
            yield from self.source.occurrences(listed, span.start, span.end)
            return
        for each in self.source.occurrences(listed, *widened(span)):
            if self.is_in(listed, each, span):
                yield each

    def is_in(self, listed: Listed, occurrence: Occurrence, span: TimeRange) -> bool:
        """Say whether an occurrence of the resource is in a range."""
        if self.zone is None:
            return span.overlaps(occurrence)
        home = home_zone(listed.index)
        if has_whole_days(listed.index, occurrence):
            first, last = day_of(occurrence.start, home), day_of(occurrence.end, home)
            return span.overlaps(_Moved(midnight(first, self.zone), midnight(last, self.zone)))
        if listed.index.is_floating:
            start, end = (_by_clock(each, home, self.zone) for each in (occurrence.start, occurrence.end))
            return span.overlaps(_Moved(start, end))
        return span.overlaps(occurrence)

    def _takes_place(self, listed: Listed, span: TimeRange) -> bool:
        return next(self.occurrences(listed, span), None) is not None


def _by_clock(instant: datetime, home: tzinfo, zone: tzinfo) -> datetime:
    """Give when the clock of a zone shows what the clock at home shows at an instant."""
    return instant.astimezone(home).replace(tzinfo=zone).astimezone(UTC)


def widened(span: TimeRange) -> tuple[datetime | None, datetime | None]:
    """Give the span (UTC, None for an open end) outside of which nothing can be meant, in whichever zone it is read."""
    start = None if span.start is None else max(span.start, _FIRST) - _FARTHEST
    end = None if span.end is None else min(span.end, _LAST) + _FARTHEST
    return start, end
