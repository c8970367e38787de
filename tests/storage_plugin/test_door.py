"""The door holds whatever knocks: never a 500, never a traceback, never broken XML."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

CALENDAR = "/alice@example.com/calendar/"
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
METHODS = st.sampled_from(
    (
        *("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL", "MOVE"),
        "COPY",
        "LOCK",
        "UNLOCK",
        "POST",
        "ACL",
        "PATCH",
        "get",
        "Propfind",
        "X",
    )
)
SEGMENTS = st.sampled_from(
    (
        "alice@example.com",
        "bob@example.com",
        "calendar",
        "bob@example.com~calendar",
        "a.ics",
        "..",
        ".",
        "",
        ".well-known",
        "caldav",
        ".web",
        "größe",
        "%",
        "\x00",
        "a\nb",
        "📅",
        "a" * 300,
    )
)
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda parts: "/" + "/".join(parts))
LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40)
HEADER_NAMES = st.sampled_from(
    (
        "Depth",
        "If-Match",
        "If-None-Match",
        "If",
        "Content-Type",
        "Authorization",
        "X-Script-Name",
        "Cache-Control",
        "Accept-Encoding",
        "Destination",
        "Host",
        "X-Forwarded-For",
        "Content-Length",
        "Transfer-Encoding",
        "Prefer",
    )
)
HEADERS = st.dictionaries(
    HEADER_NAMES,
    LATIN | st.sampled_from(("0", "1", "infinity", "*", '"a"', "gzip", "/x", "chunked", "text/calendar")),
    max_size=5,
)

ELEMENTS = st.sampled_from(
    (
        "D:propfind",
        "D:prop",
        "D:allprop",
        "D:propname",
        "D:include",
        "D:getetag",
        "D:resourcetype",
        "D:sync-collection",
        "D:sync-token",
        "D:sync-level",
        "D:limit",
        "D:nresults",
        "D:href",
        "D:propertyupdate",
        "D:set",
        "D:remove",
        "C:calendar-query",
        "C:calendar-multiget",
        "C:filter",
        "C:comp-filter",
        "C:prop-filter",
        "C:time-range",
        "C:text-match",
        "C:is-not-defined",
        "C:calendar-data",
        "C:expand",
        "C:free-busy-query",
        "X:other",
        "other",
    )
)
TEXTS = st.sampled_from(
    ("", "1", "-1", "infinite", "99999999999", "/alice@example.com/calendar/a.ics", "http://[", "é")
)
ATTRIBUTES = st.sampled_from(
    (
        "",
        ' name="VCALENDAR"',
        ' name="VEVENT"',
        ' name="UID"',
        ' start="20260101T000000Z"',
        ' end="20250101T000000Z"',
        ' start="x"',
        ' collation="i;octet"',
        ' version="2.0"',
        ' name=""',
    )
)


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, attributes, inside: f"<{name}{attributes}>{''.join(inside)}</{name}>",
        ELEMENTS,
        ATTRIBUTES,
        st.lists(children, max_size=4),
    )


TREES = element(st.recursive(TEXTS, element, max_leaves=12)).map(
    lambda tree: tree.replace(
        ">", ' xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:X="urn:x:&amp;&quot;">', 1
    ).encode()
)
BODIES = TREES | st.binary(max_size=60)


def check(answer: Any) -> None:
    assert answer.status < 500 or answer.status == 501
    assert b"Traceback" not in answer.body
    if "xml" in answer.headers.get("Content-Type", "") and answer.body and "Content-Encoding" not in answer.headers:
        root = etree.fromstring(answer.body)
        assert root.tag in {"{DAV:}multistatus", "{DAV:}error"}
        assert (root.tag == "{DAV:}multistatus") is (answer.status == 207)


@given(method=METHODS, path=PATHS, headers=HEADERS, body=BODIES, logs_in=st.booleans())
@example(method="PROPFIND", path="/", headers={"X-Script-Name": "x"}, body=b"", logs_in=True)
@example(method="PROPFIND", path="/", headers={"Authorization": "Basic /w=="}, body=b"", logs_in=False)
@example(method="REPORT", path="/", headers={"Content-Type": "text/xml; charset=x"}, body=b"<a/>", logs_in=True)
@SETTINGS
def test_no_request_breaks_the_door(
    ask: Any, method: str, path: str, headers: dict[str, str], body: bytes, *, logs_in: bool
) -> None:
    check(ask(method, path, body, user="alice@example.com" if logs_in else None, headers=headers))


@given(st.sampled_from(("PROPFIND", "PROPPATCH", "REPORT")), TREES, st.sampled_from(("0", "1")))
@SETTINGS
def test_no_body_breaks_a_calendar(ask: Any, fill: Any, method: str, body: bytes, depth: str) -> None:
    fill("a.ics")
    for path in ("/alice@example.com/calendar/", "/alice@example.com/calendar/a.ics", "/alice@example.com/", "/"):
        check(ask(method, path, body, headers={"Depth": depth}))


@pytest.mark.parametrize("path", [b"/\xff", b"/alice@example.com/\xc3", b"/\xed\xa0\x80"])
def test_a_path_that_is_not_utf_8_is_400(ask: Any, path: bytes) -> None:
    assert ask("PROPFIND", "", environ={"PATH_INFO": path.decode("latin-1")}).status == 400


def test_a_path_with_a_nul_is_400(ask: Any) -> None:
    assert ask("PROPFIND", "/alice@example.com/\x00").status == 400


@pytest.mark.parametrize(
    "name", ["a\nb.ics", "a\tb.ics", "👩\u200d💻.ics", "␛a;.ics", "\ue000.ics", 'a "b" c@d.ics', "ä%2fb.ics"]
)
def test_a_client_s_name_comes_back_whatever_is_in_it(ask: Any, event: Any, name: str) -> None:
    assert ask("PUT", f"{CALENDAR}{name}", event()).status == 201
    (href,) = set(ask("PROPFIND", CALENDAR, headers={"Depth": "1"}).responses()) - {CALENDAR}
    assert unquote(href) == CALENDAR + name
    assert ask("GET", unquote(href)).status == 200


def test_dots_in_a_path_lead_nowhere_else(ask: Any, store: Any) -> None:
    assert ask("PROPFIND", "/alice@example.com/../bob@example.com/calendar/", headers={"Depth": "1"}).status == 403
    assert store.calls == []
