"""The door holds whatever knocks: never a 500, never a traceback, never broken XML."""

import gzip
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

CALENDAR = "/alice@example.com/calendar/"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
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
        "carol@example.com",
        "carol@example.com~calendar",
        "secret.ics",
        "calendar-proxy-read",
        "calendar-proxy-write",
        "inbox",
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
        "Brief",
        "Overwrite",
        "Content-Encoding",
    )
)
HEADERS = st.dictionaries(
    HEADER_NAMES,
    LATIN
    | st.sampled_from(
        (
            *("0", "1", "infinity", "*", '"a"', "gzip", "/x", "chunked", "text/calendar", "T", "F", "t"),
            *(
                "return=minimal",
                "return=representation",
                "depth-noroot",
                "/alice@example.com/besprechungen-größe/b.ics",
            ),
            *("http://bridge.test/alice@example.com/calendar/c.ics", "http://[", "/carol@example.com/calendar/x.ics"),
        )
    ),
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
        "D:expand-property",
        "D:property",
        "D:principal-property-search",
        "D:principal-search-property-set",
        "D:property-search",
        "D:match",
        "D:displayname",
        "D:mkcol",
        "C:mkcalendar",
        "C:calendar",
        "D:collection",
        "C:calendar-timezone",
        "C:comp",
        "A:calendar-color",
        "CS:calendar-proxy-read-for",
        "D:group-membership",
        "C:param-filter",
        "C:timezone",
        "X:other",
        "other",
    )
)
TEXTS = st.sampled_from(
    (
        *("", "1", "-1", "infinite", "99999999999", "/alice@example.com/calendar/a.ics", "http://[", "é", "#ff0000"),
        *(
            "/carol@example.com/calendar/secret.ics",
            "/alice@example.com/carol@example.com~calendar/secret.ics",
            "Carol",
        ),
    )
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
        ' name="owner"',
        ' name="group-membership" namespace="DAV:"',
        ' name="a b" namespace="{}"',
        ' test="anyof"',
        ' xml:lang="de"',
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
        ">",
        ' xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:X="urn:x:&amp;&quot;" '
        'xmlns:A="http://apple.com/ns/ical/" xmlns:CS="http://calendarserver.org/ns/">',
        1,
    ).encode()
)
BODIES = TREES | st.binary(max_size=60)


MADE_ROOTS = ("{DAV:}principal-search-property-set", "{DAV:}mkcol-response", f"{CALDAV}mkcalendar-response")
SECRET = "Carol's own"


@pytest.fixture
def secrets(store: Any, event: Any) -> None:
    """Put an event into the calendar of Carol, of which alice may see the busy times alone."""
    served = next(each for each in store.served["alice@example.com"] if each.owner.address == "carol@example.com")
    store._write(store.kept[served.calendar.ref.folder], "secret.ics", event(summary=SECRET))


def check(answer: Any) -> None:
    assert answer.status < 500 or answer.status in {501, 502}
    body = gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body
    assert b"Traceback" not in body
    assert SECRET.encode() not in body
    if "xml" in answer.headers.get("Content-Type", "") and body:
        root = etree.fromstring(body)
        assert root.tag in {"{DAV:}multistatus", "{DAV:}error", *MADE_ROOTS}
        assert (root.tag == "{DAV:}multistatus") is (answer.status == 207)


@given(method=METHODS, path=PATHS, headers=HEADERS, body=BODIES, logs_in=st.booleans())
@example(method="PROPFIND", path="/", headers={"X-Script-Name": "x"}, body=b"", logs_in=True)
@example(method="PROPFIND", path="/", headers={"Authorization": "Basic /w=="}, body=b"", logs_in=False)
@example(method="REPORT", path="/", headers={"Content-Type": "text/xml; charset=x"}, body=b"<a/>", logs_in=True)
@SETTINGS
@pytest.mark.usefixtures("secrets")
def test_no_request_breaks_the_door(
    ask: Any, method: str, path: str, headers: dict[str, str], body: bytes, *, logs_in: bool
) -> None:
    check(ask(method, path, body, user="alice@example.com" if logs_in else None, headers=headers))


@given(st.sampled_from(("PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL")), TREES, st.sampled_from(("0", "1")))
@SETTINGS
@pytest.mark.usefixtures("secrets")
def test_no_body_breaks_a_calendar(ask: Any, fill: Any, method: str, body: bytes, depth: str) -> None:
    fill("a.ics")
    for path in (CALENDAR, CALENDAR + "a.ics", "/alice@example.com/", "/", "/bob@example.com/"):
        check(ask(method, path, body, headers={"Depth": depth}))


PROPERTIES = st.sampled_from(
    (
        *("<D:displayname/>", "<D:resourcetype/>", "<D:owner/>", "<D:acl/>", "<D:getetag/>", "<D:group-membership/>"),
        *("<C:calendar-data/>", '<C:calendar-data><C:comp name="VCALENDAR"/></C:calendar-data>', "<D:sync-token/>"),
        *("<CS:calendar-proxy-read-for/>", "<CS:getctag/>", "<C:calendar-home-set/>", "<X:own>é</X:own>"),
        *("<A:calendar-color>#fff</A:calendar-color>", "<C:calendar-timezone>x</C:calendar-timezone>"),
        *("<D:displayname>New</D:displayname>", "<own xmlns=''/>", "<C:schedule-calendar-transp/>"),
    )
)
HREFS = st.sampled_from(
    (
        *(CALENDAR + "a.ics", "/carol@example.com/calendar/secret.ics", "/bob@example.com/", "http://[", "é", ""),
        *("/alice@example.com/carol@example.com~calendar/secret.ics", "mailto:carol@example.com"),
    )
)
WANTED = st.sampled_from(("<D:allprop/>", "<D:propname/>", "")) | st.lists(PROPERTIES, max_size=6).map(
    lambda inside: f"<D:prop>{''.join(inside)}</D:prop>"
)
FOLLOWED = st.recursive(
    st.just(""),
    lambda inside: st.builds(
        '<D:property name="{}" namespace="{}">{}</D:property>'.format,
        st.sampled_from(
            ("owner", "group-membership", "group-member-set", "calendar-proxy-read-for", "a b", "displayname")
        ),
        st.sampled_from(("DAV:", "http://calendarserver.org/ns/", "", "urn:x", "}")),
        st.lists(inside, max_size=3).map("".join),
    ),
    max_leaves=8,
)
TOKENS = st.sampled_from(("", "x", "urn:exchange-bridge:sync:0123456789abcdef:1:0123456789abcdef:9"))
LIMITS = st.sampled_from(("", *(f"<D:limit><D:nresults>{count}</D:nresults></D:limit>" for count in (0, 1, 5, "x"))))
SEARCHED = st.builds(
    "<D:property-search><D:prop>{}</D:prop><D:match>{}</D:match></D:property-search>".format,
    PROPERTIES,
    st.sampled_from(("o", "carol", "", "mailto:bob@example.com")),
)


def named(root: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(root), st.tuples(*parts).map("".join))


GRAMMATICAL = (
    named("D:propfind", WANTED)
    | named(
        "D:propertyupdate",
        st.lists(PROPERTIES, min_size=1, max_size=4).map(
            lambda each: f"<D:set><D:prop>{''.join(each)}</D:prop></D:set>"
        ),
    )
    | named("D:expand-property", FOLLOWED)
    | named(
        "C:calendar-multiget",
        WANTED,
        st.lists(HREFS, max_size=4).map(lambda each: "".join(f"<D:href>{href}</D:href>" for href in each)),
    )
    | named("C:calendar-query", WANTED, st.just('<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'))
    | named("D:sync-collection", TOKENS.map(lambda token: f"<D:sync-token>{token}</D:sync-token>"), LIMITS, WANTED)
    | named("D:principal-property-search", st.lists(SEARCHED, max_size=3).map("".join), WANTED)
    | named(
        "D:mkcol", st.lists(PROPERTIES, max_size=3).map(lambda each: f"<D:set><D:prop>{''.join(each)}</D:prop></D:set>")
    )
)
METHOD_OF = {"D:propfind": "PROPFIND", "D:propertyupdate": "PROPPATCH", "D:mkcol": "MKCOL"}
PLACES = st.sampled_from(
    (
        *("/", "/alice@example.com/", CALENDAR, CALENDAR + "a.ics", "/bob@example.com/", "/carol@example.com/"),
        *("/alice@example.com/carol@example.com~calendar/", "/alice@example.com/calendar-proxy-read/", "/nobody@x.y/"),
        *(
            "/bob@example.com/calendar-proxy-read/",
            "/alice@example.com/new/",
            "/alice@example.com/bob@example.com~calendar/",
        ),
    )
)


@given(
    GRAMMATICAL,
    PLACES,
    st.sampled_from(("0", "1", "infinity", "2")),
    st.sampled_from(("", "return=minimal", "depth-noroot")),
)
@SETTINGS
@pytest.mark.usefixtures("secrets")
def test_no_request_that_means_something_breaks_anything(
    ask: Any, fill: Any, body: tuple[str, str], path: str, depth: str, prefer: str
) -> None:
    fill("a.ics", "b.ics")
    root, inside = body
    spaces = (
        'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" '
        'xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:x"'
    )
    headers = {"Depth": depth, **({"Prefer": prefer} if prefer else {})}
    answer = ask(METHOD_OF.get(root, "REPORT"), path, f"<{root} {spaces}>{inside}</{root}>", headers=headers)
    check(answer)


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
