"""Every property and parameter with a value of the wrong type or length, or in the wrong place, one by one, over HTTP.

The answer is a refusal that names the property or its line, or the event is stored and given back as it was sent. It is
never an error of the bridge's own, and what else is in the calendar is served as before.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import requests

from bridged import ANN, PASSWORD, Bridged, bridged
from events import event
from grammar_judge import unnamed
from grammar_properties import CLIENTS, EXTENSIONS, OF_ALARMS, PEOPLE, RFC_5545
from grammar_values import PARAMETERS

LONG = "x" * 100_000
TIMES = ("DTSTART", "DTEND", "DURATION", "DTSTAMP", "RECURRENCE-ID", "EXDATE", "RDATE", "RRULE", "UID")
NAMES = [*TIMES, *RFC_5545, *EXTENSIONS, *PEOPLE, *CLIENTS]
NO_VALUES = ("", " ", LONG, "\\", ",;;", "日\u2028\u0085", '"')
WRONG_TYPES = (
    "TRUE",
    "1e400",
    "99999999",
    "20260230",
    "20260310T250000Z",
    "20260310T090000Z/PT1H",
    "P",
    "P99999999999999999999D",
    "FREQ=",
    "FREQ=DAILY;COUNT=0",
    "FREQ=DAILY;INTERVAL=99999999999999999999",
    "mailto:",
    "200;-200",
    "=====",
)
TEXTS = {"DESCRIPTION", "LOCATION", "SUMMARY", "CATEGORIES", "COMMENT", "CONTACT", "RESOURCES", "SOME-TIME", "REFID"}
WRONG_PARAMETERS = ("", '""', LONG, "a=b", "^", '"a","b"', '"', 'a"b')
MORE_PARAMETERS = ("VALUE", "ENCODING", "TZID", "RANGE", "FBTYPE")
WRONG_VALUES = ("DATE", "DATE-TIME", "PERIOD", "BINARY", "INTEGER", "X-NONE", "DATE,TIME")


class Door:
    """A client that puts one event after another in one place."""

    def __init__(self, place: Bridged) -> None:
        self.url = place.calendar() + "bad.ics"
        self.good = place.calendar() + "good.ics"
        self.session = requests.Session()
        self.session.auth = (ANN, PASSWORD)
        self.etag: str | None = None
        assert self.put(self.good, event("good", "As before")).status_code == 201

    def put(self, url: str, body: bytes) -> requests.Response:
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        if url == self.url and self.etag:
            headers["If-Match"] = self.etag  # who does not say what it replaces takes no file away
        return self.session.put(url, body, headers=headers, timeout=60)

    def tell(self, body: bytes, *names: str) -> str:
        """Say what is wrong with the answer to a PUT; nothing where nothing is."""
        answer = self.put(self.url, body)
        if answer.status_code in {201, 204}:
            got = self.session.get(self.url, timeout=60)
            self.etag = got.headers.get("ETag")
            changes = "; ".join(map(str, unnamed(body, got.content))) if got.status_code == 200 else "not there"
            return f"comes back otherwise: {changes}" if changes else ""
        is_named = any(name in answer.text for name in names) or re.search(r"[Ll]ine \d+", answer.text)
        if answer.status_code not in {400, 403, 409, 413, 415}:
            return f"{answer.status_code} {answer.text[:200]}"
        return "" if is_named else f"refused without a name: {answer.text[:300]}"

    def check(self, bodies: Iterable[tuple[str, bytes]], *names: str) -> None:
        """Put each; the first of each pair is what it is called in the report."""
        wrong = [f"{name!r:.60}: {said}" for name, body in bodies if (said := self.tell(body, *names))]
        assert wrong == []
        assert b"As before" in self.session.get(self.good, timeout=60).content


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("bad")
    with bridged(folder, "2019", fresh=3600) as place:
        yield Door(place)


def with_line(line: str, instead: str = "") -> bytes:
    """Give an event with this line, in the place of its own of that name."""
    body = event("bad", "Bad", line)
    if instead in {"DTSTART", "DTSTAMP", "UID", "SUMMARY", "DTEND"}:
        body = re.sub(rb"\r\n%s:[^\r]*" % instead.encode(), b"", event("bad", "Bad"), count=1)
        body = body.replace(b"\r\nEND:VEVENT", b"\r\n" + line.encode() + b"\r\nEND:VEVENT")
    return body.replace(b"DTEND:20270301T100000Z\r\n", b"") if instead == "DURATION" else body


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_none_is_refused_by_name_or_comes_back(door: Door, name: str) -> None:
    values = NO_VALUES[:3] if name in CLIENTS else NO_VALUES if name in TEXTS else (*NO_VALUES, *WRONG_TYPES)
    door.check(((value, with_line(f"{name}:{value}", name)) for value in values), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_property_in_the_wrong_place_is_refused_by_name_or_comes_back(door: Door, name: str) -> None:
    line = f"{name}:20270301T090000Z"
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:Go\r\n" + line + "\r\nEND:VALARM"
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Ship\r\n{}BEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0017\r\n"
        "TZOFFSETTO:+0017\r\n{}END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    in_ship = with_line("DTSTART;TZID=Ship:20270301T090000", "DTSTART")
    door.check(
        (
            ("twice", with_line(f"{line}\r\n{line}", name)),
            ("in an alarm", event("bad", "Bad", alarm)),
            ("in the calendar", event("bad").replace(b"BEGIN:VEVENT", line.encode() + b"\r\nBEGIN:VEVENT")),
            ("in a zone", in_ship.replace(b"BEGIN:VEVENT", zone.format(line + "\r\n", "").encode())),
            ("in an observance", in_ship.replace(b"BEGIN:VEVENT", zone.format("", line + "\r\n").encode())),
        ),
        name,
    )


@pytest.mark.parametrize("name", ["ACTION", "TRIGGER", "REPEAT", "DURATION", "DESCRIPTION", "ATTACH", *OF_ALARMS])
def test_a_value_that_is_none_in_an_alarm_is_refused_by_name_or_comes_back(door: Door, name: str) -> None:
    given = {"ACTION": "DISPLAY", "TRIGGER": "-PT5M", "DESCRIPTION": "Go"}

    def alarm(value: str) -> str:
        lines = (f"{key}:{each}" for key, each in {**given, name: value}.items())
        return "\r\n".join(["BEGIN:VALARM", *lines, "END:VALARM"])

    values = (*NO_VALUES, *(WRONG_TYPES if name in {"ACTION", "TRIGGER", "REPEAT", "DURATION"} else ()))
    door.check(((value, event("bad", "Bad", alarm(value))) for value in values), name, "VALARM")


@pytest.mark.parametrize("name", ["TZID", "DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE", "RDATE", "TZURL"])
def test_a_value_that_is_none_in_a_zone_is_refused_by_name_or_comes_back(door: Door, name: str) -> None:
    given = {"DTSTART": "20000101T000000", "TZOFFSETFROM": "+0017", "TZOFFSETTO": "+0017"}
    event_body = with_line("DTSTART;TZID=Ship:20270301T090000", "DTSTART")

    def body(value: str) -> bytes:
        tzid = value if name == "TZID" else "Ship"
        lines = (f"{key}:{each}" for key, each in ({**given, name: value} if name != "TZID" else given).items())
        observance = "\r\n".join(["BEGIN:STANDARD", *lines, "END:STANDARD"])
        zone = f"BEGIN:VTIMEZONE\r\nTZID:{tzid}\r\n{observance}\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
        return event_body.replace(b"BEGIN:VEVENT", zone.encode())

    values = (*NO_VALUES, *WRONG_TYPES, "+9999", "-00", "+001")
    door.check(((value, body(value)) for value in values), name, "VTIMEZONE")


@pytest.mark.parametrize("name", [*(one for one in PARAMETERS if not one.upper().startswith("X-")), *MORE_PARAMETERS])
def test_a_parameter_that_is_none_is_refused_by_name_or_comes_back(door: Door, name: str) -> None:
    is_of_many = name in MORE_PARAMETERS
    carriers = ("DTSTART", "ATTENDEE", "SUMMARY", "ATTACH", "X-OTHER") if is_of_many else ("ATTENDEE",)
    values = (*WRONG_PARAMETERS, *(WRONG_VALUES if is_of_many else ()))
    puts = ((of, value, f"{of};{name}={value}:20270301T090000Z") for of in carriers for value in values)
    door.check(((f"{of} {value}", with_line(line, of)) for of, value, line in puts), name, *carriers)


@pytest.mark.parametrize(
    "line",
    [
        "X-NO-END;A:1",
        "X-NO-NAME;=1:1",
        ";A=1:1",
        ":1",
        "X BLANK:1",
        "X_UNDERSCORE:1",
        "ITEM1.SUMMARY:groups are vCard's",
        "Ä:1",
        'X-QUOTE;A="1:1',
        "BEGIN:",
        "BEGIN:VEVENT",
        "END:VALARM",
        "END:VCALENDAR",
        "BEGIN:V EVENT",
        "BEGIN;A=1:VALARM",
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number_or_comes_back(door: Door, line: str) -> None:
    door.check([(line, event("bad", "Bad", line))])


def test_a_blank_stands_for_a_control_character(door: Door) -> None:
    """Neither RFC 5545 3.1 nor XML 1.0, in which calendars travel, has a place for one."""
    body = event("bad", "Bell\x07 and NUL\x00", "X-OTHER;X-A=\x01:\x1b[1m", "\x0b")
    assert door.put(door.url, body).status_code in {201, 204}
    got = door.session.get(door.url, timeout=60).content
    assert b"SUMMARY:Bell  and NUL \r\n" in got
    assert b"X-OTHER;X-A= : [1m\r\n" in got
