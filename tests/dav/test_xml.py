"""Bodies that are read, and text that is written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.dav.bodies import (
    CalendarMultiget,
    CalendarQuery,
    SyncCollection,
    parse_propfind,
    parse_proppatch,
    parse_report,
)
from bridge.dav.multistatus import Kind, Property, ResponseWriter, Selection
from bridge.dav.refusals import NotServed
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
    assert parse_proppatch(body) == ("{DAV:}displayname", "{DAV:}getetag", "{urn:b}b")


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
        ("<C:calendar-data><C:expand start='a' end='b'/></C:calendar-data>", "<C:supported-filter/>"),
        ("<C:calendar-data><C:limit-recurrence-set/></C:calendar-data>", "<C:supported-filter/>"),
    ],
)
def test_forms_of_calendar_data_that_are_not_done_are_refused(data: str, precondition: str) -> None:
    with pytest.raises(NotServed) as refused:
        parse_report(f"<C:calendar-query {CALDAV}><prop>{data}</prop>{FILTER}</C:calendar-query>".encode())
    assert (refused.value.status, refused.value.precondition) == (403, precondition)


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
