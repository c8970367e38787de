"""Months of UTC as numbers, by which occurrences and blocks are kept."""

from datetime import UTC, datetime, timedelta


def month_of(instant: datetime) -> int:
    """Give the number of the month that an instant (UTC) is in."""
    return instant.year * 12 + instant.month - 1


def first_instant(month: int) -> datetime:
    """Give when a month begins (UTC)."""
    year, number = divmod(month, 12)
    return datetime(year, number + 1, 1, tzinfo=UTC)


def months_between(start: datetime, end: datetime) -> range:
    """Give the months that a span (UTC, end exclusive) is in; that of its start where it takes no time."""
    last = max(start, end - timedelta(seconds=1))
    return range(month_of(start), month_of(last) + 1)
