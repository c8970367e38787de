"""Bad input gets a clear answer and loses nothing: over HTTP, as a client sees it."""

import http.client
import re
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
from lxml import etree

from bridged import ANN, BEN, PASSWORD, Bridged
from events import event

CALDAV = "{urn:ietf:params:xml:ns:caldav}"
DAV = "{DAV:}"


def precondition(text: bytes) -> str:
    root = etree.fromstring(text)
    assert root.tag == f"{DAV}error"
    return str(root[0].tag)


@pytest.mark.parametrize(
    ("body", "expected", "says"),
    [
        (b"no calendar at all", "valid-calendar-data", "ine 1 "),
        (event("b1", "Broken", "no colon here"), "valid-calendar-data", "ine 10"),
        (event("b2", start="20270301T990000Z"), "valid-calendar-data", "DTSTART"),
        (event("b3").replace(b"UID:b3\r\n", b""), "valid-calendar-data", "UID"),
        (event("b4").replace(b"VEVENT", b"VTODO"), "supported-calendar-component", "VTODO"),
        (event("b5").replace(b"VEVENT", b"VJOURNAL"), "supported-calendar-component", "VJOURNAL"),
        (
            event("b6").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST"),
            "valid-calendar-object-resource",
            "METHOD",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_event_is_refused_with_the_precondition_and_a_sentence(
    bridge: Bridged, body: bytes, expected: str, says: str
) -> None:
    answer = bridge.put("bad.ics", body)
    assert answer.status_code == 403
    assert precondition(answer.content) == CALDAV + expected
    assert says in answer.text
    assert bridge.exchange.events(ANN) == []
    assert bridge.ask("GET", bridge.calendar() + "bad.ics").status_code == 404


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=HOURLY;COUNT=40",
        "RRULE:FREQ=YEARLY;BYWEEKNO=20;COUNT=5",
        "RRULE:FREQ=DAILY;COUNT=5\r\nRRULE:FREQ=WEEKLY;COUNT=5",
        "RDATE:20270302T090000Z",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20270301T090000Z",
    ],
)
def test_what_exchange_has_no_series_for_is_refused_by_the_name_of_the_property(bridge: Bridged, line: str) -> None:
    answer = bridge.put("series.ics", event("s1", "Series", line))
    assert answer.status_code == 403
    assert re.split("[:;]", line)[0] in answer.text
    assert bridge.exchange.events(ANN) == []


def test_a_body_that_is_too_large_is_413_and_the_limit_is_told(bridge: Bridged) -> None:
    answer = bridge.put("large.ics", event("l1", "x" * 1_100_000))
    assert answer.status_code == 413
    assert bridge.exchange.events(ANN) == []
    prop = '<max-resource-size xmlns="urn:ietf:params:xml:ns:caldav"/>'
    body = f'<d:propfind xmlns:d="DAV:"><d:prop>{prop}</d:prop></d:propfind>'
    told = bridge.ask("PROPFIND", bridge.calendar(), body, Depth="0").text
    assert re.search(r"max-resource-size>1048576<", told)


def _raw(bridge: Bridged, headers: dict[str, str], body: bytes) -> int:
    """Send a PUT whose headers and body are just these bytes."""
    parts = urlsplit(bridge.calendar())
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.putrequest("PUT", parts.path + "raw.ics")
        login = b64encode(f"{ANN}:{PASSWORD}".encode()).decode()
        for name, value in {"Authorization": f"Basic {login}", "Content-Type": "text/calendar", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_chunked_body_is_read_whole(bridge: Bridged) -> None:
    body = event("chunked-1", "In pieces")
    chunks = (
        b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:100], body[100:])) + b"0\r\n\r\n"
    )
    assert _raw(bridge, {"Transfer-Encoding": "chunked"}, chunks) == 201
    assert [item.values["Subject"] for item in bridge.exchange.events(ANN)] == ["In pieces"]
    assert bridge.ask("DELETE", bridge.calendar() + "raw.ics").status_code == 204


def test_a_chunked_body_that_is_too_large_is_413(bridge: Bridged) -> None:
    piece = b"x" * 65536
    chunks = b"10000\r\n" + piece + b"\r\n"
    assert _raw(bridge, {"Transfer-Encoding": "chunked"}, chunks * 20 + b"0\r\n\r\n") == 413


def test_a_wrong_password_is_401_with_the_same_realm_everywhere(bridge: Bridged) -> None:
    realms = set()
    for url in (bridge.url + ANN + "/", bridge.calendar(), bridge.calendar() + "x.ics"):
        for method in ("PROPFIND", "GET", "PUT", "DELETE", "REPORT"):
            answer = bridge.ask(method, url, password="wrong")
            assert answer.status_code == 401, (method, url)
            realms.add(answer.headers["WWW-Authenticate"])
    assert len(realms) == 1
    assert bridge.exchange.records.failed_logins[ANN] <= 3


def test_a_good_password_still_opens_after_wrong_ones(bridge: Bridged) -> None:
    for number in range(6):
        assert bridge.ask("PROPFIND", bridge.calendar(), password=f"wrong {number}", Depth="0").status_code == 401
    assert bridge.ask("PROPFIND", bridge.calendar(), Depth="0").status_code == 207


def test_nobody_enters_anothers_home(bridge: Bridged) -> None:
    bridge.put("own.ics", event("own-1", "Private matter"))
    for method in ("PROPFIND", "GET", "REPORT", "DELETE", "PUT"):
        answer = bridge.ask(method, bridge.calendar() + "own.ics", person=BEN, Depth="0")
        assert answer.status_code in {403, 404}, method
        assert "Private matter" not in answer.text
    assert len(bridge.exchange.events(ANN)) == 1
    bridge.ask("DELETE", bridge.calendar() + "own.ics")


def test_a_put_on_the_calendar_itself_replaces_nothing(bridge: Bridged) -> None:
    bridge.put("kept.ics", event("kept-1"))
    answer = bridge.ask("PUT", bridge.calendar(), event("other-1"), Content_Type="text/calendar")
    assert answer.status_code in {403, 405, 409}
    assert [item.uid for item in bridge.exchange.events(ANN)] == ["kept-1"]
    bridge.ask("DELETE", bridge.calendar() + "kept.ics")


@pytest.mark.parametrize(
    "name", ["with space.ics", "a@b.ics", "ä日.ics", "quote'\".ics", "semi;colon,comma.ics", "%41.ics"]
)
def test_a_clients_name_is_kept_whatever_its_characters(bridge: Bridged, name: str) -> None:
    url = bridge.calendar() + "".join(f"%{byte:02X}" for byte in name.encode())
    uid = f"named-{name.encode().hex()}"
    assert bridge.ask("PUT", url, event(uid), Content_Type="text/calendar").status_code == 201
    assert bridge.ask("GET", url).status_code == 200
    body = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>'
    listed = bridge.ask("PROPFIND", bridge.calendar(), body, Depth="1")
    hrefs = [str(href.text) for href in etree.fromstring(listed.content).iter(f"{DAV}href")]
    (href,) = [one for one in hrefs if one.endswith(".ics")]
    assert bridge.ask("GET", bridge.url.rstrip("/") + href).status_code == 200
    assert bridge.ask("DELETE", bridge.url.rstrip("/") + href).status_code == 204
