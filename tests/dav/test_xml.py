"""Bodies that are read, and text that is written."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.dav.bodies import parse_propfind, parse_proppatch
from bridge.dav.multistatus import Kind, Property, ResponseWriter, Selection
from bridge.dav.refusals import NotServed
from bridge.dav.report_bodies import CalendarMultiget, CalendarQuery, FreeBusyQuery, SyncCollection, parse_report
from bridge.dav.response import error, multistatus
from bridge.dav.xml import Malformed, parse, tags, text

CALDAV = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
FILTER = '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"<a><b></a>",
        b"<x:a/>",
        b'<a xmlns:x=""><x:b/></a>',
        b'<!DOCTYPE a [<!ENTITY e "text">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b"<a>\xff\xfe</a>",
    ],
)
def test_a_body_that_is_not_plain_xml_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_an_entity_bomb_is_refused_at_once() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    began = time.perf_counter()
    with pytest.raises(Malformed):
        parse(f'<!DOCTYPE a [<!ENTITY e0 "x">{levels}]><a>&e29;</a>'.encode())
    assert time.perf_counter() - began < 1


def test_comments_and_instructions_are_no_properties() -> None:
    body = b'<propfind xmlns="DAV:"><!-- a --><prop><!-- b --><?c d?><getetag/></prop></propfind>'
    assert parse_propfind(body) == Selection(Kind.NAMED, ("{DAV:}getetag",))


def _is_xml(character: str) -> bool:
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


@given(st.text())
def test_any_text_comes_through_xml_as_far_as_xml_can_hold_it(value: str) -> None:
    element = etree.fromstring(f"<a>{text(value)}</a>".encode())
    assert (element.text or "") == "".join(each if _is_xml(each) else "\ufffd" for each in value)


@given(st.text("abc123:/?&=;'", min_size=1).map("urn:x".__add__))
def test_a_name_of_any_namespace_comes_back_as_it_was(uri: str) -> None:
    for tag in tags(f"{{{uri}}}name")[2], "".join(tags(f"{{{uri}}}name")[:2]):
        assert etree.fromstring(tag).tag == f"{{{uri}}}name"


def test_a_name_of_no_namespace_stays_without() -> None:
    assert tags("plain") == ("<plain>", "</plain>", "<plain/>")


def test_no_body_asks_for_the_usual_properties() -> None:
    assert parse_propfind(b" \n") == Selection(Kind.ALL)


def test_include_stands_beside_allprop() -> None:
    body = b'<propfind xmlns="DAV:"><allprop/><include><sync-token/></include></propfind>'
    assert parse_propfind(body) == Selection(Kind.ALL, ("{DAV:}sync-token",))


@pytest.mark.parametrize(
    "inside", ["", "<unknown/>", "<allprop/><propname/>", "<prop/><allprop/>", "<prop/><include/>", "<include/>"]
)
def test_a_propfind_asks_for_exactly_one_thing(inside: str) -> None:
    with pytest.raises(NotServed) as refused:
        parse_propfind(f'<propfind xmlns="DAV:">{inside}</propfind>'.encode())
    assert refused.value.status == 400


def test_a_proppatch_names_what_it_sets_and_removes() -> None:
    body = (
        b'<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set>'
        b'<remove><prop><getetag/><b xmlns="urn:b"/></prop></remove></propertyupdate>'
    )
    found = parse_proppatch(body)
    assert [(each.name, each.text) for each in found] == [
        ("{DAV:}displayname", "x"),
        ("{DAV:}getetag", ""),
        ("{urn:b}b", ""),
    ]
    assert [each.element is None for each in found] == [False, True, True]


def test_the_three_reports_are_read() -> None:
    prop = "<prop><getetag/></prop>"
    selection = Selection(Kind.NAMED, ("{DAV:}getetag",))
    query = parse_report(f"<C:calendar-query {CALDAV}>{prop}{FILTER}</C:calendar-query>".encode())
    assert isinstance(query, CalendarQuery)
    assert query.selection == selection
    multiget = f"<C:calendar-multiget {CALDAV}>{prop}<href> /a/b/c.ics </href></C:calendar-multiget>"
    assert parse_report(multiget.encode()) == CalendarMultiget(selection, ("/a/b/c.ics",))
    inside = "<sync-token>urn:x</sync-token><sync-level>1</sync-level><limit><nresults>5</nresults></limit>"
    sync = f"<sync-collection {CALDAV}>{inside}{prop}</sync-collection>"
    assert parse_report(sync.encode()) == SyncCollection(selection, "urn:x", 5)


@pytest.mark.parametrize(
    ("data", "precondition"),
    [
        ('<C:calendar-data content-type="application/json"/>', "<C:supported-calendar-data/>"),
        ('<C:calendar-data version="1.0"/>', "<C:supported-calendar-data/>"),
    ],
)
def test_forms_of_calendar_data_that_are_not_done_are_refused(data: str, precondition: str) -> None:
    with pytest.raises(NotServed) as refused:
        parse_report(f"<C:calendar-query {CALDAV}><prop>{data}</prop>{FILTER}</C:calendar-query>".encode())
    assert (refused.value.status, refused.value.precondition) == (403, precondition)


@pytest.mark.parametrize(
    "inside",
    [
        "<C:expand start='a' end='b'/>",
        "<C:expand/>",
        "<C:expand start='20260301T000000Z'/>",
        "<C:expand start='20260301T000000Z' end='20260301T000000Z'/>",
        "<C:limit-recurrence-set/>",
        "<C:limit-freebusy-set/>",
        "".join(
            f"<C:{n} start='20260301T000000Z' end='20260302T000000Z'/>" for n in ("expand", "limit-recurrence-set")
        ),
        "<C:comp name='VEVENT'/>",
        "<C:comp/>",
        "<C:comp name='VCALENDAR'><C:thing/></C:comp>",
        "<C:comp name='VCALENDAR'><C:prop/></C:comp>",
        "<C:thing/>",
    ],
)
def test_calendar_data_that_break_the_grammar_are_a_bad_request(inside: str) -> None:
    data = f"<C:calendar-data>{inside}</C:calendar-data>"
    with pytest.raises(NotServed) as refused:
        parse_report(f"<C:calendar-query {CALDAV}><prop>{data}</prop>{FILTER}</C:calendar-query>".encode())
    assert refused.value.status == 400


BERLIN = """BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:{}
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0130
TZOFFSETTO:+0130
END:STANDARD
END:VTIMEZONE
END:VCALENDAR"""


@pytest.mark.parametrize(
    ("told", "offset"),
    [
        ("<C:timezone-id>Europe/Berlin</C:timezone-id>", 60),
        (f"<C:timezone>{BERLIN.format('Europe/Berlin')}</C:timezone>", 60),
        (f"<C:timezone>{BERLIN.format('Elsewhere')}</C:timezone>", 90),
    ],
)
def test_the_zone_of_a_query_is_read_and_a_known_place_has_its_own_rules(told: str, offset: int) -> None:
    query = parse_report(f"<C:calendar-query {CALDAV}><prop/>{FILTER}{told}</C:calendar-query>".encode())
    assert isinstance(query, CalendarQuery)
    assert query.zone is not None
    assert query.zone.utcoffset(datetime(2026, 1, 1)) == timedelta(minutes=offset)  # noqa: DTZ001 - a local time


@pytest.mark.parametrize(
    ("told", "precondition"),
    [
        ("<C:timezone-id>Nowhere/Land</C:timezone-id>", "<C:valid-timezone/>"),
        ("<C:timezone>nothing</C:timezone>", "<C:valid-calendar-data/>"),
        ("<C:timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:timezone>", "<C:valid-calendar-data/>"),
    ],
)
def test_a_zone_that_cannot_be_read_is_refused_by_its_precondition(told: str, precondition: str) -> None:
    with pytest.raises(NotServed) as refused:
        parse_report(f"<C:calendar-query {CALDAV}><prop/>{FILTER}{told}</C:calendar-query>".encode())
    assert (refused.value.status, refused.value.precondition) == (403, precondition)


def test_a_free_busy_query_has_one_time_range_with_both_ends() -> None:
    window = '<C:time-range start="20260301T000000Z" end="20260302T000000Z"/>'
    found = parse_report(f"<C:free-busy-query {CALDAV}>{window}</C:free-busy-query>".encode())
    assert found == FreeBusyQuery(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    for inside in ("", window * 2, '<C:time-range start="20260301T000000Z"/>', "<C:filter/>"):
        with pytest.raises(NotServed) as refused:
            parse_report(f"<C:free-busy-query {CALDAV}>{inside}</C:free-busy-query>".encode())
        assert refused.value.status == 400


def test_an_error_body_holds_precondition_and_sentence() -> None:
    root = etree.fromstring(error(403, "<C:valid-filter/>", "a < b & \x07").body)
    assert [child.tag for child in root] == [
        "{urn:ietf:params:xml:ns:caldav}valid-filter",
        "{DAV:}responsedescription",
    ]
    assert root[1].text == "a < b & \ufffd"


def test_ten_thousand_responses_are_written_in_well_under_a_tenth_of_a_second() -> None:
    table: dict[str, Property[int]] = {"{DAV:}getetag": Property("{DAV:}getetag", lambda number: f'"{number}"')}
    write = ResponseWriter(table, Selection(Kind.NAMED, ("{DAV:}getetag",)))
    took = []
    for _ in range(3):
        began = time.perf_counter()
        answer = multistatus(write(f"/a/b/{number}.ics", number) for number in range(10_000))
        took.append(time.perf_counter() - began)
    assert len(etree.fromstring(answer.body)) == 10_000
    assert min(took) < 0.1
