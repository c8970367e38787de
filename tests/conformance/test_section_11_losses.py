"""What foreign test suites find wrong in a CalDAV server, point by point: what loses data or kills a calendar.

A test's number is the point's. The points were collected with Apple's CalDAVTester, python-caldav's functional tests,
caldav-server-tester, litmus, vdirsyncer's tests and plain requests against Radicale 3.9.0.
"""

import pytest

from conforming import CALENDAR, CHOIR, SPACES, Bridge, C, D
from events import event

ONE = CALENDAR + "one.ics"


@pytest.mark.parametrize("url", [CALENDAR, CALENDAR.rstrip("/")])
def test_01_put_on_the_calendars_url_never_replaces_it(bridge: Bridge, url: str) -> None:
    for number in range(3):
        assert bridge.put(f"{CALENDAR}{number}.ics", event(f"uid-{number}")).status == 201
    answer = bridge.put(url, event("another"))
    assert answer.status == 405
    assert "PUT" not in answer.headers["Allow"].split(", ")
    assert bridge.names(CALENDAR) == {"0.ics", "1.ics", "2.ics"}


def test_02_a_protected_property_is_refused_and_the_calendar_lives_on(bridge: Bridge) -> None:
    body = (
        f"<propertyupdate {SPACES}><set><prop><resourcetype><collection/></resourcetype>"
        "<X:note>x</X:note></prop></set></propertyupdate>"
    )
    answer = bridge.ask("PROPPATCH", CALENDAR, body)
    assert answer.status == 207
    assert set(answer.properties(CALENDAR, 403)) == {f"{D}resourcetype"}
    assert answer.xml.find(f".//{D}propstat/{D}error/{D}cannot-modify-protected-property") is not None
    assert set(answer.properties(CALENDAR, 424)) == {"{urn:example:x}note"}
    found = bridge.propfind(CALENDAR, "<resourcetype/><X:note/>")
    assert {each.tag for each in found.properties()[f"{D}resourcetype"]} == {f"{D}collection", f"{C}calendar"}
    assert set(found.properties(status=404)) == {"{urn:example:x}note"}
    assert bridge.put(ONE, event("one")).status == 201


def test_03_an_x_property_is_not_cut_at_a_comma(bridge: Bridge) -> None:
    line = 'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="1 Road, Town";X-TITLE=Hall:geo:52.1,13.2'
    assert bridge.put(ONE, event("one", "Lunch", line)).status == 201
    text = bridge.ask("GET", ONE).text.replace("\r\n ", "")
    assert ":geo:52.1,13.2\r\n" in text


def lone_occurrence(uid: str) -> bytes:
    lines = ("RECURRENCE-ID:20270301T090000Z", "ORGANIZER:mailto:boss@example.net", "ATTENDEE:mailto:ann@example.test")
    return event(uid, "Only once", *lines)


def test_04_an_occurrence_without_a_master_does_not_break_expand(bridge: Bridge) -> None:
    assert bridge.put(CALENDAR + "two.ics", event("two")).status == 201
    put = bridge.put(ONE, lone_occurrence("one"))
    data = '<C:calendar-data><C:expand start="20270301T000000Z" end="20270302T000000Z"/></C:calendar-data>'
    window = '<C:time-range start="20270301T000000Z" end="20270302T000000Z"/>'
    answer = bridge.query(CALENDAR, window, data)
    assert answer.status == 207
    assert CALENDAR + "two.ics" in answer.responses()
    assert (put.status == 201) is (ONE in answer.responses()), "stored and served, or refused by name"


@pytest.mark.parametrize("prop", ["<prop/>", "<prop></prop>", ""])
def test_05_a_sync_that_asks_for_no_property_loses_no_change(bridge: Bridge, prop: str) -> None:
    bridge.put(ONE, event("one"))
    token = bridge.sync(CALENDAR, prop=prop).xml.findtext(f"{D}sync-token")
    bridge.put(CALENDAR + "two.ics", event("two"))
    bridge.ask("DELETE", ONE)
    answer = bridge.sync(CALENDAR, token, prop)
    assert set(answer.responses()) == {ONE, CALENDAR + "two.ics"}
    assert set(answer.statuses()) == {ONE}


def test_06_an_initial_sync_tells_of_nothing_that_is_gone(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    bridge.put(CALENDAR + "two.ics", event("two"))
    bridge.ask("DELETE", ONE)
    answer = bridge.sync(CALENDAR)
    assert set(answer.responses()) == {CALENDAR + "two.ics"}
    assert "404" not in answer.text


@pytest.mark.parametrize("method", ["COPY"])
def test_07_a_uid_is_in_a_calendar_once_whatever_moves(bridge: Bridge, method: str) -> None:
    """RFC 4791 5.3.2.1; a calendar may be in the way of itself."""
    bridge.put(ONE, event("same"))
    bridge.put(CHOIR + "same.ics", event("same"))
    bridge.put(CHOIR + "other.ics", event("other"))
    for target in ("new.ics", "other.ics"):
        answer = bridge.ask(method, ONE, Destination="http://bridge.test" + CHOIR + target, Host="bridge.test")
        assert answer.status in {403, 409}
        assert answer.xml.findtext(f"{C}no-uid-conflict/{D}href") in {CHOIR + "same.ics", CHOIR + target}
    assert bridge.names(CALENDAR) == {"one.ics"}
    assert bridge.names(CHOIR) == {"same.ics", "other.ics"}
