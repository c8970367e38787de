"""Values of dates, times and durations (RFC 5545 3.3.4-3.3.6). All raise ValueError for what is none."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(Z?)", re.ASCII | re.IGNORECASE)
_DURATION = re.compile(
    # Liberal: weeks beside days, and a T with nothing behind it, are seen.
    r"([+-])?P(?=\d|T\d)(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,10})S)?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration: ``days`` are the calendar's, of whatever length; ``rest`` is exact. Both bear the sign."""

    days: int
    rest: timedelta

    @property
    def exact(self) -> timedelta:
        """The duration with days of 24 hours."""
        return timedelta(days=self.days) + self.rest


def parse_date(value: str) -> date:
    """Read a DATE."""
    found = _DATE.fullmatch(value.strip())
    if not found:
        raise ValueError
    return date(int(found[1]), int(found[2]), int(found[3]))


def parse_date_time(value: str) -> tuple[datetime, bool]:
    """Read a DATE-TIME: the clock's time without a zone, and whether it is UTC. A leap second is the one before it."""
    found = _DATE_TIME.fullmatch(value.strip())
    if not found:
        raise ValueError
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if second == 60:
        second = 59
    return datetime(year, month, day, hour, minute, second), bool(found[7])  # noqa: DTZ001 - the zone is the caller's


@lru_cache(maxsize=256)
def parse_duration(value: str) -> Duration:
    """Read a DURATION."""
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    rest = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return Duration(sign * (weeks * 7 + days), sign * rest)


def write_date(day: date) -> str:
    """Write a DATE."""
    return f"{day.year:04}{day.month:02}{day.day:02}"


def write_date_time(moment: datetime) -> str:
    """Write a DATE-TIME, the clock's time as it is in ``moment``."""
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return "%04d%02d%02dT%02d%02d%02d" % fields  # noqa: UP031 - an expanded month has thousands, and this takes half


def write_utc(moment: datetime) -> str:
    """Write a UTC instant."""
    return write_date_time(moment) + "Z"
