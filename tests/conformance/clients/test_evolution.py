"""Evolution and GNOME Calendar (evolution-data-server, 2026)."""

import pytest

from conforming import CALENDAR, HOME, SHARED, Bridge, D, errors
from events import event


def test_a_calendar_has_calendar_access_and_says_whether_it_is_to_write(bridge: Bridge) -> None:
    assert "calendar-access" in bridge.ask("OPTIONS", CALENDAR).headers["DAV"]
    for path, is_writable in ((CALENDAR, True), (SHARED, False)):
        granted = bridge.propfind(path, "<current-user-privilege-set/>").properties()
        names = {each.tag for each in granted[f"{D}current-user-privilege-set"].iter()}
        assert (f"{D}write" in names or f"{D}write-content" in names) is is_writable


def test_a_token_is_told_from_a_ctag_by_its_colon(bridge: Bridge) -> None:
    token = bridge.propfind(CALENDAR, "<sync-token/>").properties()[f"{D}sync-token"].text
    assert ":" in token


@pytest.mark.parametrize("token", ["urn:exchange-bridge:sync:0123456789abcdef:5", "http://example.test/other/1"])
def test_an_unknown_token_makes_it_start_over(bridge: Bridge, token: str) -> None:
    answer = bridge.sync(CALENDAR, token)
    assert (answer.status, errors(answer)[0]) == (403, f"{D}valid-sync-token")
    assert bridge.sync(CALENDAR).status == 207


def test_who_is_busy_is_asked_of_the_person_found_by_address(bridge: Bridge) -> None:
    search = (
        "<property-search><prop><C:calendar-user-address-set/></prop><match>mailto:ben@example.test</match>"
        "</property-search><prop><displayname/></prop>"
    )
    found = bridge.report("/", "principal-property-search", search, depth="0").responses()
    assert len(found) == 1, "it wants exactly one"
    window = '<C:time-range start="20270301T000000Z" end="20270302T000000Z"/>'
    answer = bridge.report(next(iter(found)), "C:free-busy-query", window, depth="infinity")
    assert answer.status == 200
    assert "BEGIN:VFREEBUSY" in answer.text


def test_an_event_is_made_and_deleted_without_notice(bridge: Bridge) -> None:
    path = CALENDAR + "some-uid.ics"
    assert bridge.put(path, event("some-uid"), If_None_Match="*").status == 201
    etag = bridge.ask("GET", path).headers["ETag"]
    assert bridge.ask("DELETE", path, If_Match=etag, Schedule_Reply="F").status == 204


def test_the_home_is_listed(bridge: Bridge) -> None:
    asked = "<resourcetype/><displayname/><A:calendar-color/><A:calendar-order/><C:supported-calendar-component-set/>"
    assert len(bridge.propfind(HOME, asked, depth="1").responses()) == 5
