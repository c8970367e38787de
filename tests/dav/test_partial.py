"""Partial retrieval."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from bridge.dav.calendar_data import WHOLE, parse_calendar_data
from bridge.resource import IndexRecord

RECORD = IndexRecord(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 1, tzinfo=UTC))
TEXT = "".join(
    f"{line}\r\n"
    for line in (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VTIMEZONE", "TZID:Z", "END:VTIMEZONE"),
        *("BEGIN:VEVENT", "UID:a", "SUMMARY:long", " er: folded", 'ATTENDEE;CN="B: o; b":mailto:b', "BEGIN:VALARM"),
        *("ACTION:DISPLAY", "SUMMARY:inner", "END:VALARM", "END:VEVENT", "END:VCALENDAR"),
    )
).encode()


def cut(inside: str) -> list[str]:
    text = f'<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">{inside}</C:calendar-data>'
    return parse_calendar_data(etree.fromstring(text)).make(TEXT, RECORD, []).decode().split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("inside", "lines"),
    [
        ('<C:comp name="VCALENDAR"/>', []),
        ('<C:comp name="VCALENDAR"><C:prop name="version"/></C:comp>', ["VERSION:2.0"]),
        (
            '<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="SUMMARY"/></C:comp></C:comp>',
            ["BEGIN:VEVENT", "SUMMARY:long", " er: folded", "END:VEVENT"],
        ),
        (
            '<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="ATTENDEE" novalue="yes"/></C:comp></C:comp>',
            ["BEGIN:VEVENT", 'ATTENDEE;CN="B: o; b":', "END:VEVENT"],
        ),
        (
            '<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:comp name="VALARM"><C:allprop/>' + "</C:comp>" * 3,
            ["BEGIN:VEVENT", "BEGIN:VALARM", "ACTION:DISPLAY", "SUMMARY:inner", "END:VALARM", "END:VEVENT"],
        ),
        (
            '<C:comp name="VCALENDAR"><C:comp name="VTIMEZONE"><C:allprop/><C:allcomp/></C:comp></C:comp>',
            ["BEGIN:VTIMEZONE", "TZID:Z", "END:VTIMEZONE"],
        ),
    ],
)
def test_what_is_named_is_given_and_nothing_else(inside: str, lines: list[str]) -> None:
    assert cut(inside) == ["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"]


def test_all_is_given_where_all_is_named() -> None:
    assert cut('<C:comp name="VCALENDAR"><C:allprop/><C:allcomp/></C:comp>') == TEXT.decode().split("\r\n")[:-1]
    assert parse_calendar_data(None) == WHOLE


def test_a_limit_on_free_busy_changes_no_event() -> None:
    assert (
        cut('<C:limit-freebusy-set start="20260301T000000Z" end="20260302T000000Z"/>')
        == TEXT.decode().split("\r\n")[:-1]
    )
