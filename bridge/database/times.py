"""How an instant stands in a column: microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(instant: datetime) -> int:
    """Give an instant as it stands in a column."""
    return (instant - _BEGINNING) // timedelta(microseconds=1)


def from_microseconds(count: int) -> datetime:
    """Give the instant of a column, in UTC."""
    return _BEGINNING + timedelta(microseconds=count)
