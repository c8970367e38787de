"""Small iCalendar bodies for tests."""

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
