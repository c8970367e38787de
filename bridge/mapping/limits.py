"""What Exchange refuses of a series, told before anything is sent: a series that is half written helps nobody."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bridge.errors import NotExpressible
from bridge.item import Content
from bridge.occurrences import Series

_MANY = 30
"""As many occurrences show the shortest time between two: those of two years of months, or of some weeks."""


def check_limits(
    series: Series, master: Content, exceptions: Mapping[datetime, Content], deleted: frozenset[datetime]
) -> None:
    """Take the occurrences that are changed, by original start, and those deleted. Raises NotExpressible.

    The rules are ErrorOccurrenceTimeSpanTooBig, ErrorRecurrenceHasNoOccurrence and ErrorOccurrenceCrossingBoundary.
    """
    if _local(series, master.end) - _local(series, series.start) > _shortest_gap(series):
        raise NotExpressible(
            "By DTEND or DURATION an occurrence lasts longer than it takes to the next, which Exchange does not hold."
        )
    if series.size is not None and len(deleted) >= series.size and not exceptions:
        raise NotExpressible(
            "By EXDATE every occurrence of the series is deleted; Exchange holds no series without one."
        )
    for original, content in exceptions.items():
        number = series.find(original)
        if number is not None and not _is_between_neighbours(series, number, content, master, exceptions):
            raise NotExpressible(
                "An event with RECURRENCE-ID moves an occurrence onto the day of its neighbour, or past it, "
                "which Exchange does not hold."
            )


def _shortest_gap(series: Series) -> timedelta:
    last = min(_MANY, series.size or _MANY)
    gaps = (series.day(number + 1) - series.day(number) for number in range(1, last))
    return min(gaps, default=timedelta.max)


def _is_between_neighbours(
    series: Series, number: int, content: Content, master: Content, exceptions: Mapping[datetime, Content]
) -> bool:
    """Whether a changed occurrence is on a day of its own between the one before and the one after, and over in time.

    Deleted ones are neighbours too: occurrences are changed before any is deleted.
    """
    for beside in (number - 1, number + 1):
        if beside < 1 or (series.size is not None and beside > series.size):
            continue
        start = series.at(beside)
        other = exceptions.get(start)
        begins, ends = (other.start, other.end) if other else (start, series.end(start, master.end))
        first, second = (begins, content.start) if beside < number else (content.start, begins)
        over, next_one = (ends, content.start) if beside < number else (content.end, begins)
        if _local(series, first).date() >= _local(series, second).date() or over > next_one:
            return False
    return True


def _local(series: Series, moment: datetime) -> datetime:
    return moment.astimezone(series.zone).replace(tzinfo=None)
