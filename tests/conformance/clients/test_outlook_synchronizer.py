"""Outlook with CalDav Synchronizer 4: options, owner against principal, rights one by one, rooms, Location."""

from conforming import CALENDAR, HOME, SHARED, Bridge, C, D
from events import event


def test_it_checks_what_the_server_can_do(bridge: Bridge) -> None:
    answer = bridge.ask("OPTIONS", CALENDAR)
    classes = {each.strip() for each in answer.headers["DAV"].split(",")}
    assert {"1", "calendar-access", "calendar-proxy"} <= classes
    assert "REPORT" in answer.headers["Allow"]
    kind = bridge.propfind(CALENDAR, "<resourcetype/>").properties()[f"{D}resourcetype"]
    assert kind.find(f"{C}calendar") is not None


def test_it_acts_for_the_owner_of_a_calendar_that_is_not_one_s_own(bridge: Bridge) -> None:
    asked = "<owner/><current-user-principal/>"
    own, other = (bridge.propfind(path, asked).properties() for path in (CALENDAR, SHARED))
    assert own[f"{D}owner"][0].text == own[f"{D}current-user-principal"][0].text == HOME
    owner = str(other[f"{D}owner"][0].text)
    assert owner == "/ben@example.test/"
    found = bridge.propfind(owner, "<C:calendar-user-address-set/>").properties()
    assert found[f"{C}calendar-user-address-set"][0].text == "mailto:ben@example.test"


def test_rights_come_one_by_one(bridge: Bridge) -> None:
    for path, expected in ((CALENDAR, {"write-content", "bind", "unbind"}), (SHARED, set[str]())):
        granted = bridge.propfind(path, "<current-user-privilege-set/>").properties()
        names = {each.tag.removeprefix(D) for each in granted[f"{D}current-user-privilege-set"].iter()}
        assert names & {"write-content", "bind", "unbind"} == expected


def test_a_year_is_asked_for_and_read(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "a.ics", event("a"))
    times = '<C:time-range start="20260901T000000Z" end="20270901T000000Z"/>'
    assert set(bridge.query(CALENDAR, times).responses()) == {CALENDAR + "a.ics"}


def test_it_follows_the_location_of_what_it_made(bridge: Bridge) -> None:
    put = bridge.put(CALENDAR + "a b.ics", event("a"), If_None_Match="*")
    assert bridge.ask("GET", CALENDAR + "a b.ics").headers["ETag"]
    etag = bridge.propfind(CALENDAR + "a b.ics", "<getetag/>").properties()[f"{D}getetag"].text
    assert put.headers["Location"] == CALENDAR + "a%20b.ics"
    assert put.headers.get("ETag") in {None, etag}


def test_rooms_are_asked_for_by_name_and_kind(bridge: Bridge) -> None:
    search = (
        "<property-search><prop><displayname/></prop><match>example</match></property-search>"
        "<property-search><prop><C:calendar-user-type/></prop><match>ROOM</match></property-search>"
        "<prop><displayname/></prop>"
    )
    answer = bridge.report("/", "principal-property-search", search, depth="0")
    assert (answer.status, answer.responses()) == (207, {}), "nobody of these is a room"
