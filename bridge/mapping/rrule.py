"""RRULE as a client writes it (RFC 5545 3.3.10, RFC 7529): taken apart, and checked against the grammar."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.errors import InvalidCalendarData, NotExpressible
from bridge.mapping.lines import Line

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""The days of the week, Monday being 0 as in Python."""
_FREQUENCIES = frozenset({"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_CLOCK = {"BYHOUR": 23, "BYMINUTE": 59, "BYSECOND": 60}
_NUMBERS = {"BYMONTHDAY": 31, "BYMONTH": 12, "BYSETPOS": 366}
_NOT_HELD = ("BYYEARDAY", "BYWEEKNO")
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "RSCALE", "SKIP"}) | _CLOCK.keys()
_PARTS = _KNOWN | _NUMBERS.keys() | frozenset(_NOT_HELD)
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


@dataclass(frozen=True, slots=True)
class RRule:
    """The parts of a rule.

    ``days`` are positions (0 for none) and days of the week; ``clock`` holds BYHOUR, BYMINUTE and BYSECOND; ``until``
    is the value as it stands; ``skip`` says what becomes of days that a month has not. ``number`` is the line's.
    """

    number: int
    frequency: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    week_start: int = 0
    days: tuple[tuple[int, int], ...] = ()
    month_days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    positions: frozenset[int] = frozenset()
    clock: Mapping[str, frozenset[int]] = field(default_factory=dict)
    skip: str = "OMIT"

    def refusal(self, part: str) -> NotExpressible:
        """Give the error that says which part of the rule Exchange cannot hold."""
        return NotExpressible(f"RRULE in line {self.number}: Exchange has no pattern for {part}.")


def parse_rrule(line: Line) -> RRule:
    """Read a rule. Raises InvalidCalendarData for what is none, NotExpressible for what no pattern is made of."""
    parts = _parts(line)
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise _invalid(line, "FREQ")
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidCalendarData(f"RRULE in line {line.number} has both COUNT and UNTIL.")
    if "RSCALE" in parts and parts["RSCALE"] != "GREGORIAN":
        raise NotExpressible(f"RRULE in line {line.number}: RSCALE is another calendar than Exchange's.")
    for name in _NOT_HELD:
        if name in parts:
            raise NotExpressible(f"RRULE in line {line.number}: Exchange has no pattern for {name}.")
    return RRule(
        number=line.number,
        frequency=frequency,
        interval=_positive(parts, "INTERVAL", line) or 1,
        count=_positive(parts, "COUNT", line),
        until=parts.get("UNTIL"),
        week_start=_week_start(parts, line),
        days=_days(parts, line),
        month_days=_signed(parts, "BYMONTHDAY", line),
        months=_unsigned(parts, "BYMONTH", line, 1, 12),
        positions=_signed(parts, "BYSETPOS", line),
        clock={name: _unsigned(parts, name, line, 0, most) for name, most in _CLOCK.items() if name in parts},
        skip=_skip(parts, line),
    )


def _parts(line: Line) -> dict[str, str]:
    """Split the rule; blanks and a semicolon at the end are seen."""
    parts: dict[str, str] = {}
    for piece in line.value.upper().split(";"):
        name, equals, value = (text.strip() for text in piece.partition("="))
        if not piece.strip():
            continue
        if not equals or name not in _PARTS or name in parts or not value:
            raise InvalidCalendarData(f"RRULE in line {line.number} is not made of known parts, each once.")
        parts[name] = value
    return parts


def _positive(parts: Mapping[str, str], name: str, line: Line) -> int | None:
    value = parts.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value)):
        raise _invalid(line, name)
    return int(value)


def _week_start(parts: Mapping[str, str], line: Line) -> int:
    value = parts.get("WKST", "MO")
    if value not in DAYS:
        raise _invalid(line, "WKST")
    return DAYS.index(value)


def _days(parts: Mapping[str, str], line: Line) -> tuple[tuple[int, int], ...]:
    found = []
    for value in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        match = _DAY.fullmatch(value.strip())
        if not match or (match[1] and not int(match[1])):
            raise _invalid(line, "BYDAY")
        found.append((int(match[1] or 0), DAYS.index(match[2])))
    return tuple(dict.fromkeys(found))


def _signed(parts: Mapping[str, str], name: str, line: Line) -> frozenset[int]:
    numbers = _integers(parts, name, line)
    if any(not 1 <= abs(number) <= _NUMBERS[name] for number in numbers):
        raise _invalid(line, name)
    return numbers


def _unsigned(parts: Mapping[str, str], name: str, line: Line, least: int, most: int) -> frozenset[int]:
    numbers = _integers(parts, name, line)
    if any(not least <= number <= most for number in numbers):
        raise _invalid(line, name)
    return numbers


def _integers(parts: Mapping[str, str], name: str, line: Line) -> frozenset[int]:
    values = parts[name].split(",") if name in parts else []
    if not all(re.fullmatch(r"[+-]?\d{1,3}", value.strip(), re.ASCII) for value in values):
        raise _invalid(line, name)
    return frozenset(int(value) for value in values)


def _skip(parts: Mapping[str, str], line: Line) -> str:
    skip = parts.get("SKIP", "OMIT")
    if skip not in {"OMIT", "BACKWARD", "FORWARD"} or ("SKIP" in parts and "RSCALE" not in parts):
        raise _invalid(line, "SKIP")
    return skip


def _invalid(line: Line, name: str) -> InvalidCalendarData:
    return InvalidCalendarData(f"{name} of the RRULE in line {line.number} is missing or not what RFC 5545 has.")
