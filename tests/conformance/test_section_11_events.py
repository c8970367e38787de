"""What foreign test suites find wrong in a CalDAV server, point by point: events and filters.

A test's number is the point's. The points were collected with Apple's CalDAVTester, python-caldav's functional tests,
caldav-server-tester, litmus, vdirsyncer's tests and plain requests against Radicale 3.9.0.
"""

import pytest

from conforming import CALENDAR, HOME, Bridge, C, D, errors, of_events
from events import event, override, series

ONE = CALENDAR + "one.ics"


TODO = event("todo").replace(b"VEVENT", b"VTODO").replace(b"DTEND", b"DUE")
TWO_UIDS = event("a").replace(b"END:VCALENDAR\r\n", b"") + event("b").partition(b"-//test//test//EN\r\n")[2]


@pytest.mark.parametrize(
    ("body", "precondition"),
    [
        (b"nonsense", "valid-calendar-data"),
        (event("x").replace(b"END:VEVENT\r\n", b""), "valid-calendar-data"),
        (event("x").replace(b"DTSTART:2027", b"DTSTART:X"), "valid-calendar-data"),
        (event("x").replace(b"UID:x\r\n", b""), "valid-calendar-data"),
        (TWO_UIDS, "valid-calendar-object-resource"),
        (event("x").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST"), "valid-calendar-object-resource"),
        (TODO, "supported-calendar-component"),
    ],
)
def test_08_what_is_no_event_is_refused_by_its_precondition(bridge: Bridge, body: bytes, precondition: str) -> None:
    answer = bridge.put(ONE, body)
    assert answer.status in {403, 409}
    assert errors(answer)[0] == C + precondition
    assert answer.xml.findtext(f"{D}responsedescription")


def test_09_a_calendar_takes_the_components_it_names_as_text_calendar(bridge: Bridge) -> None:
    answer = bridge.propfind(CALENDAR, "<C:supported-calendar-component-set/><C:supported-calendar-data/>")
    found = answer.properties()
    assert [each.get("name") for each in found[f"{C}supported-calendar-component-set"]] == ["VEVENT"]
    for component in (b"VTODO", b"VJOURNAL", b"VFREEBUSY"):
        refused = bridge.put(ONE, event("x").replace(b"VEVENT", component))
        assert errors(refused)[0] == f"{C}supported-calendar-component"
    plain = bridge.ask("PUT", ONE, event("x"), Content_Type="text/plain")
    assert errors(plain)[0] == f"{C}supported-calendar-data"


TIMES = '<C:time-range start="20270301T000000Z" end="20270302T000000Z"/>'


MATCH = '<C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter>'


@pytest.mark.parametrize(
    ("filters", "precondition"),
    [
        (of_events(TIMES).replace("VEVENT", "X-ROOM"), "supported-filter"),
        (of_events("<C:time-range/>"), "valid-filter"),
        (of_events('<C:time-range start="20270301" end="20270302T000000Z"/>'), "valid-filter"),
        ('<C:filter><C:comp-filter name="VEVENT"/></C:filter>', "valid-filter"),
        ("<C:filter/>", "valid-filter"),
        (of_events(MATCH), "supported-collation"),
    ],
)
def test_10_a_filter_that_is_wrong_is_refused_and_not_answered(bridge: Bridge, filters: str, precondition: str) -> None:
    answer = bridge.report(CALENDAR, "C:calendar-query", f"<prop><getetag/></prop>{filters}")
    assert answer.status == 403
    assert errors(answer)[0] == C + precondition


def test_10_calendar_data_of_another_kind_are_refused(bridge: Bridge) -> None:
    for attributes in ('content-type="application/json"', 'version="3.0"'):
        answer = bridge.query(CALENDAR, "", f"<C:calendar-data {attributes}/>")
        assert errors(answer)[0] == f"{C}supported-calendar-data"


def test_11_a_param_filter_matches(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Lunch", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ben@example.test"))
    inside = '<C:prop-filter name="ATTENDEE"><C:param-filter name="PARTSTAT">{}</C:param-filter></C:prop-filter>'
    assert set(bridge.query(CALENDAR, inside.format("<C:text-match>needs</C:text-match>")).responses()) == {ONE}
    assert not bridge.query(CALENDAR, inside.format("<C:text-match>accepted</C:text-match>")).responses()
    assert not bridge.query(CALENDAR, inside.format("<C:is-not-defined/>")).responses()


def test_11_one_occurrence_satisfies_the_time_and_the_text(bridge: Bridge) -> None:
    moved = override("20270308", "Special", "20270308T110000")
    assert bridge.put(ONE, series("one", "Weekly", overrides=[moved])).status == 201
    text = '<C:prop-filter name="SUMMARY"><C:text-match>Special</C:text-match></C:prop-filter>'
    in_its_week = '<C:time-range start="20270308T000000Z" end="20270309T000000Z"/>'
    in_another = '<C:time-range start="20270315T000000Z" end="20270316T000000Z"/>'
    assert set(bridge.query(CALENDAR, in_its_week + text).responses()) == {ONE}
    assert not bridge.query(CALENDAR, in_another + text).responses()


def test_11_the_absence_of_alarms_is_found(bridge: Bridge) -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT10M", "END:VALARM")
    bridge.put(ONE, event("one", "With", *alarm))
    bridge.put(CALENDAR + "two.ics", event("two"))
    none = '<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>'
    assert set(bridge.query(CALENDAR, none).responses()) == {CALENDAR + "two.ics"}
    assert set(bridge.query(CALENDAR, '<C:comp-filter name="VALARM"/>').responses()) == {ONE}


def test_11_times_of_alarms_are_found(bridge: Bridge) -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT10M", "END:VALARM")
    bridge.put(ONE, event("one", "With", *alarm))
    rings = (
        '<C:comp-filter name="VALARM"><C:time-range start="20270301T084500Z" end="20270301T085500Z"/></C:comp-filter>'
    )
    silent = (
        '<C:comp-filter name="VALARM"><C:time-range start="20270301T090000Z" end="20270301T095500Z"/></C:comp-filter>'
    )
    assert set(bridge.query(CALENDAR, rings).responses()) == {ONE}
    assert not bridge.query(CALENDAR, silent).responses()


def test_12_a_part_of_the_data_is_given_where_a_part_is_asked_for(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Lunch", "LOCATION:Here"))
    part = (
        '<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>'
    )
    found = bridge.query(CALENDAR, "", f"<C:calendar-data>{part}</C:calendar-data>").properties(ONE)
    lines = found[f"{C}calendar-data"].text.split()
    assert lines == ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:one", "END:VEVENT", "END:VCALENDAR"]


@pytest.mark.parametrize("path", [CALENDAR, HOME])
@pytest.mark.parametrize("prop", ["<allprop/>", "<propname/>", "<prop><getetag/></prop>"])
def test_13_a_multiget_answers_each_href_also_on_the_home(bridge: Bridge, path: str, prop: str) -> None:
    bridge.put(ONE, event("one"))
    gone = CALENDAR + "gone.ics"
    answer = bridge.report(path, "C:calendar-multiget", f"{prop}<href>{ONE}</href><href>{gone}</href>")
    assert set(answer.responses()) == {ONE, gone}
    assert f"{D}getetag" in answer.properties(ONE)
    assert set(answer.statuses()) == {gone}


def test_14_an_event_has_an_empty_resourcetype(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    kind = bridge.propfind(ONE, "<resourcetype/>").properties()[f"{D}resourcetype"]
    assert (len(kind), kind.text) == (0, None)


def test_15_conditions_are_kept_to(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    etag = bridge.ask("GET", ONE).headers["ETag"]
    assert bridge.ask("GET", ONE, If_None_Match=etag).status == 304
    assert bridge.ask("GET", ONE, If_None_Match=f'"x", W/{etag}').status == 304
    assert bridge.put(ONE, event("one", "New"), If_Match='"x"').status == 412
    assert bridge.put(ONE, event("one", "New"), If_None_Match="*").status == 412
    assert bridge.put(ONE, event("one", "New"), If_Match=f'"x", {etag}').status == 204
    assert bridge.ask("DELETE", ONE, If_Match=etag).status == 412
    assert bridge.ask("DELETE", ONE, If_Match="*").status == 204
