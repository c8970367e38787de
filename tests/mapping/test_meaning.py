"""The judge of round trips (`benchmarks/meaning.py`) sees what differs, and nothing where two texts say the same."""

import pytest

from events import event
from meaning import compare, read

ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("X-A;B=1;C=2:x", 'x-a;c="2";b=1:x'),
        ('X-A;B="a^nb":x', "X-A;B=a^nb:x"),
        ("COMMENT:a\\nb\\,c", "COMMENT:a\\Nb,c"),
        ("CATEGORIES:a\\,b,c", "CATEGORIES:a\\,b,c"),
        ("COMMENT:long", "COMM\r\n ENT:lo\r\n\tng"),
        ("RRULE:FREQ=DAILY;COUNT=2", "RRULE:COUNT=2;FREQ=daily"),
        ("DURATION:PT90M", "DURATION:PT1H30M"),
        ("ATTENDEE;ROLE=chair:MAILTO:Ben@example.test", "ATTENDEE;ROLE=CHAIR:mailto:ben@example.test"),
        ("X-A:1\r\nX-B:2", "X-B:2\r\nX-A:1"),
        (ALARM, ALARM.replace("ACTION:DISPLAY\r\nTRIGGER:-PT5M", "TRIGGER:-PT300S\r\nACTION:display")),
    ],
)
def test_what_says_the_same_is_the_same(one: str, other: str) -> None:
    assert compare(read(event("a", "A", one)), read(event("a", "A", other))) == []


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("X-A:1", "X-A:2", "changed X-A"),
        ("X-A;B=1:1", "X-A;B=2:1", "changed X-A"),
        ("X-A;B=1:1", "X-A:1", "changed X-A"),
        ("X-A:1", "", "lost X-A"),
        ("", "X-A:1", "gained X-A"),
        ("X-A:1\r\nX-A:1", "X-A:1", "lost X-A"),
        ("COMMENT:a\\,b", "COMMENT:a\\;b", "changed COMMENT"),
        ("CATEGORIES:a\\,b,c", "CATEGORIES:a,b,c", "changed CATEGORIES"),
        ('X-A;B="1,2":x', "X-A;B=1,2:x", "changed X-A"),
        ("DURATION:P1D", "DURATION:PT24H", "changed DURATION"),
        ("EXDATE:20270301T090000Z", "EXDATE:20270302T090000Z", "changed EXDATE"),
        (ALARM, "", "lost VALARM"),
        (ALARM, ALARM.replace("5M", "6M"), "changed VALARM"),
        (ALARM, f"{ALARM}\r\n{ALARM}", "gained VALARM"),
    ],
)
def test_what_differs_is_told(one: str, other: str, difference: str) -> None:
    bodies = (event("a", "A", *([line] if line else [])) for line in (one, other))
    assert [str(found) for found in compare(*map(read, bodies))] == [difference]


def test_an_event_that_is_not_there_and_one_that_is_changed_are_told() -> None:
    changed = event("a", "B").replace(b"UID:a", b"UID:a\r\nRECURRENCE-ID:20270301T090000Z")
    both = event("a").replace(b"END:VCALENDAR", changed[changed.index(b"BEGIN:VEVENT") :])
    assert [one.how for one in compare(read(both), read(event("a")))] == ["lost"]
    assert [str(one) for one in compare(read(both), read(both.replace(b"SUMMARY:B", b"SUMMARY:C")))] == [
        "changed SUMMARY"
    ]
