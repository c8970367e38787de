"""Small iCalendar bodies for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def event(uid: str, summary: str = "Planning", *lines: str, start: str = "20270301T090000Z") -> bytes:
    """Give a calendar object of one event of an hour, with further content lines."""
    end = start.replace("T09", "T10")
    body = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//test//test//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20270101T000000Z",
        f"DTSTART:{start}",
        f"DTEND:{end}",
        f"SUMMARY:{summary}",
        *lines,
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(body).encode()


def series(uid: str, summary: str = "Weekly", *lines: str, overrides: Sequence[Sequence[str]] = ()) -> bytes:
    """Give a series of ten Mondays in Berlin at 9 o'clock, with further lines and overriding occurrences.

    Each of ``overrides`` is the content lines of one VEVENT but for UID and DTSTAMP.
    """
    rule = () if any(line.startswith("RRULE") for line in lines) else ("RRULE:FREQ=WEEKLY;COUNT=10",)
    master = (
        "DTSTART;TZID=Europe/Berlin:20270301T090000",
        "DTEND;TZID=Europe/Berlin:20270301T100000",
        f"SUMMARY:{summary}",
        *rule,
        *lines,
    )
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    for component in (master, *overrides):
        body += ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20270101T000000Z", *component, "END:VEVENT"]
    return "\r\n".join([*body, "END:VCALENDAR", ""]).encode()


def override(day: str, summary: str, start: str) -> tuple[str, ...]:
    """Give the lines of an occurrence of that series: of the Monday ``day``, beginning at local ``start``."""
    end = f"{start[:9]}{int(start[9:11]) + 1:02}{start[11:]}"
    return (
        f"RECURRENCE-ID;TZID=Europe/Berlin:{day}T090000",
        f"DTSTART;TZID=Europe/Berlin:{start}",
        f"DTEND;TZID=Europe/Berlin:{end}",
        f"SUMMARY:{summary}",
    )


def instances(uid: str, *overrides: Sequence[str]) -> bytes:
    """Give occurrences of that series without the series itself."""
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    for component in overrides:
        body += ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20270101T000000Z", *component, "END:VEVENT"]
    return "\r\n".join([*body, "END:VCALENDAR", ""]).encode()
