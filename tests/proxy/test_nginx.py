"""Behind a real nginx: the examples of docs/admin.md, at the root of a host and below a prefix."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urljoin

import pytest
from caldav.davclient import DAVClient
from lxml import etree

from bridged import ANN, PASSWORD, Bridged
from events import event
from proxied import Proxied, proxied

NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
EVENTS = "text/calendar; charset=utf-8"
XML = "application/xml; charset=utf-8"
REALM = 'Basic realm="Exchange calendars"'
CALENDAR = f"{ANN}/calendar/"
"""Below the root."""


def hrefs(text: bytes) -> list[str]:
    return [each.text or "" for each in etree.fromstring(text).iter("{DAV:}href")]


def pieces(body: bytes) -> Iterator[bytes]:
    """Give a body in pieces, so that it is sent chunked."""
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


def test_well_known_leads_to_the_root(outside: Proxied) -> None:
    for method in ("GET", "PROPFIND"):
        answer = outside.ask(method, f"{outside.origin}/.well-known/caldav", Depth="0")
        assert answer.status_code in {301, 302, 307, 308}
        assert urljoin(answer.url, answer.headers["Location"]) == outside.root


def test_every_href_is_one_that_the_client_can_ask(outside: Proxied) -> None:
    body = f"<propfind {NAMESPACES}><prop><current-user-principal/><C:calendar-home-set/><owner/></prop></propfind>"
    at_root = hrefs(outside.ask("PROPFIND", "", body, Depth="0", Content_Type=XML).content)
    assert f"{outside.prefix}/{ANN}/" in at_root
    for depth in "01":
        found = hrefs(outside.ask("PROPFIND", f"{ANN}/", body, Depth=depth, Content_Type=XML).content)
        assert all(href.startswith(f"{outside.prefix}/{ANN}/") for href in found)
        assert {outside.ask("PROPFIND", outside.origin + href, Depth="0").status_code for href in found} == {207}


def test_python_caldav_finds_the_calendars_and_writes(outside: Proxied) -> None:
    client: Any
    with DAVClient(outside.root, username=ANN, password=PASSWORD, ssl_verify_cert=outside.ca_file) as client:
        calendar = next(each for each in client.principal().calendars() if each.get_display_name() == "Calendar")
        start = datetime(2027, 5, 1, 9, tzinfo=UTC)
        uid = f"by-caldav-{outside.prefix.strip('/')}"
        added = calendar.save_event(dtstart=start, dtend=start.replace(hour=10), summary="Lunch", uid=uid)
        assert str(added.url).startswith(f"{outside.root}{CALENDAR}")
        found = calendar.search(start=start.replace(hour=0), end=start.replace(hour=23), event=True)
        assert uid in {each.id for each in found}
        added.delete()


def test_the_front_page_names_the_address_outside(outside: Proxied) -> None:
    assert outside.root in outside.ask("GET", "").text


def test_a_link_to_a_file_is_read_through_the_proxy(outside: Proxied) -> None:
    """The bridges of these tests are not told their URL outside: of a link, what is the bridge's own is asked."""
    name = f"file {outside.prefix.strip('/')}.ics"
    place = CALENDAR + quote(name)
    body = event(f"file{outside.prefix}", "File", "ATTACH;FILENAME=a+ü%20b, c.txt;ENCODING=BASE64:SGVsbG8=")
    assert outside.ask("PUT", place, body.replace(b"a+", b'"a+').replace(b"c.txt", b'c.txt"')).status_code == 201
    text = outside.ask("GET", place).text.replace("\r\n ", "")
    (link,) = re.findall(r"ATTACH[^\r]*:(http[^\r]*)", text)
    answer = outside.ask("GET", link[link.index(f"{ANN}/") :])
    assert (answer.status_code, answer.content) == (200, b"Hello")
    assert answer.headers["Content-Disposition"].endswith("''a%2B%C3%BC%2520b%2C%20c.txt")
    elsewhere = text.replace(link[: link.index(f"{ANN}/")], outside.root).encode()
    again = outside.ask("PUT", place, elsewhere, Content_Type=EVENTS)
    assert again.status_code == 204
    assert outside.ask("GET", place).text.replace("\r\n ", "") == text


def test_every_401_has_the_realm(outside: Proxied) -> None:
    for path in ("", f"{ANN}/", CALENDAR, f"{CALENDAR}a.ics"):
        for login in (None, (ANN, "wrong")):
            answer = outside.ask("PROPFIND", path, login=login, Depth="0")
            assert (path, answer.status_code, answer.headers["WWW-Authenticate"]) == (path, 401, REALM)


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_chunked_put_is_taken_whole(nginx: str, bridge: Bridged, tmp_path: Path, buffering: str) -> None:
    """A body is held back by nginx until it is whole, unless told not to: then it comes to the bridge chunked too."""
    sent = event(f"chunked-{buffering}", "Chunked", f"DESCRIPTION:{'long ' * 2000}")
    path = f"{CALENDAR}chunked-{buffering}.ics"
    with proxied(nginx, bridge, tmp_path, more=f"proxy_request_buffering {buffering};") as outside:
        assert outside.ask("PUT", path, pieces(sent), Content_Type=EVENTS).status_code == 201
        assert outside.ask("GET", path).text.replace("\r\n ", "").count("long ") == 2000


def test_a_multiget_of_thousands_is_answered_whole(outside: Proxied) -> None:
    assert outside.ask("PUT", f"{CALENDAR}there.ics", event("there"), Content_Type=EVENTS).status_code in {201, 204}
    wanted = [f"{outside.prefix}/{CALENDAR}missing-{number}.ics" for number in range(5000)]
    there = f"{outside.prefix}/{CALENDAR}there.ics"
    asked = "".join(f"<href>{href}</href>" for href in [*wanted, there])
    body = f"<C:calendar-multiget {NAMESPACES}><prop><getetag/><C:calendar-data/></prop>{asked}</C:calendar-multiget>"
    answer = outside.ask("REPORT", CALENDAR, body, Depth="1", Content_Type=XML)
    assert answer.status_code == 207
    responses = etree.fromstring(answer.content).findall("{DAV:}response")
    found = {each.findtext("{DAV:}href"): each.findtext("{DAV:}status") for each in responses}
    assert found.pop(there) is None
    assert found == dict.fromkeys(wanted, "HTTP/1.1 404 Not Found")


def test_long_xml_is_compressed_and_an_event_keeps_its_strong_etag(outside: Proxied) -> None:
    path = f"{CALENDAR}etag.ics"
    long = event("etag", "Etag", f"DESCRIPTION:{'text ' * 2000}")
    assert outside.ask("PUT", path, long, Content_Type=EVENTS).status_code in {201, 204}
    body = (
        f"<C:calendar-multiget {NAMESPACES}><prop><C:calendar-data/></prop><href>{outside.prefix}/{path}</href>"
        "</C:calendar-multiget>"
    )
    report = outside.ask("REPORT", CALENDAR, body, Depth="1", Content_Type=XML, Accept_Encoding="gzip")
    assert report.headers["Content-Encoding"] == "gzip"
    assert "UID:etag" in report.text
    got = outside.ask("GET", path, Accept_Encoding="gzip")
    assert re.fullmatch('"[^"]+"', got.headers["ETag"])
    changed = outside.ask(
        "PUT", path, got.content.replace(b"Etag", b"Next"), If_Match=got.headers["ETag"], Content_Type=EVENTS
    )
    assert changed.status_code == 204
    assert outside.ask("GET", path, If_None_Match=got.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("name", ["a b.ics", "ü+é.ics", "50%.ics", "why?.ics", "no#1.ics", "it's;x=1,2.ics", "%41.ics"])
def test_a_name_comes_back_as_it_was_sent(outside: Proxied, name: str) -> None:
    path = CALENDAR + quote(name)
    assert (
        outside.ask("PUT", path, event(f"{name}-{outside.prefix}"), If_None_Match="*", Content_Type=EVENTS).status_code
        == 201
    )
    listed = hrefs(outside.ask("PROPFIND", CALENDAR, Depth="1").content)
    href = next(each for each in listed if unquote(each).endswith(f"/{name}"))
    got = outside.ask("GET", outside.origin + href)
    assert (got.status_code, f"UID:{name}" in got.text.replace("\\", "")) == (200, True)
    assert outside.ask("DELETE", path).status_code == 204


def test_what_is_too_large_is_refused_by_the_bridge(outside: Proxied) -> None:
    large = event("large", "Large", "".join(f"DESCRIPTION:{'x' * 60}\r\n" for _ in range(30_000)).strip())
    answer = outside.ask("PUT", f"{CALENDAR}large.ics", large, Content_Type=EVENTS)
    assert answer.status_code == 413
    assert "max-resource-size" in answer.text
