"""Apple Calendar: long PROPFINDs, delegation by expand-property, search for people, colours."""

import pytest

from conforming import CALENDAR, CS, HOME, SPACES, A, Bridge, C, D, setting
from events import event

ME = "http://me.com/_namespace/"
HOME_LISTING = (
    "<add-member/><CS:allowed-sharing-modes/><A:autoprovisioned/><ME:bulk-requests/><A:calendar-color/>"
    "<C:calendar-description/><C:calendar-free-busy-set/><A:calendar-order/><C:calendar-timezone/>"
    "<current-user-privilege-set/><C:default-alarm-vevent-date/><C:default-alarm-vevent-datetime/><displayname/>"
    "<CS:getctag/><A:language-code/><A:location-code/><owner/><CS:pre-publish-url/><CS:publish-url/>"
    "<CS:push-transports/><CS:pushkey/><quota-available-bytes/><quota-used-bytes/><A:refreshrate/><resource-id/>"
    "<resourcetype/><C:schedule-calendar-transp/><C:schedule-default-calendar-URL/><CS:source/>"
    "<CS:subscribed-strip-alarms/><CS:subscribed-strip-attachments/><CS:subscribed-strip-todos/>"
    "<C:supported-calendar-component-set/><C:supported-calendar-component-sets/><supported-report-set/><sync-token/>"
    "<CS:xmpp-server/><CS:xmpp-uri/>"
).replace("<ME:bulk-requests/>", f'<m:bulk-requests xmlns:m="{ME}"/>')


def test_the_account_is_set_up(bridge: Bridge) -> None:
    asked = "<current-user-principal/><principal-URL/><resourcetype/>"
    body = f"<propfind {SPACES}><prop>{asked}</prop></propfind>"
    assert bridge.ask("PROPFIND", "/.well-known/caldav", body, Depth="0").status == 301
    principal = str(bridge.propfind("/", asked).properties()[f"{D}current-user-principal"].findtext(f"{D}href"))
    assert "calendar-access" in bridge.ask("OPTIONS", principal).headers["DAV"]
    answer = bridge.propfind(
        principal,
        "<C:calendar-home-set/><C:calendar-user-address-set/><current-user-principal/><displayname/>"
        "<CS:dropbox-home-URL/><CS:email-address-set/><CS:notification-URL/><principal-collection-set/>"
        "<principal-URL/><resource-id/><C:schedule-inbox-URL/><C:schedule-outbox-URL/><supported-report-set/>",
    )
    assert set(answer.properties(status=404)) == {
        f"{CS}dropbox-home-URL",
        f"{CS}notification-URL",
        f"{D}resource-id",
        f"{C}schedule-inbox-URL",
        f"{C}schedule-outbox-URL",
    }, "an inbox that is announced and not there raises an alert"
    places = str(answer.properties()[f"{D}principal-collection-set"].findtext(f"{D}href"))
    assert bridge.report(places, "principal-search-property-set", "", depth="0").status == 200


@pytest.mark.parametrize("header", [{}, {"Brief": "t", "Prefer": "return=minimal"}])
def test_the_long_listing_is_answered_once_for_each_property(bridge: Bridge, header: dict[str, str]) -> None:
    answer = bridge.propfind(HOME, HOME_LISTING, depth="1", **header)
    assert answer.status == 207
    asked = HOME_LISTING.count("/>")
    for href in answer.responses():
        found, missing = answer.properties(href), answer.properties(href, 404)
        assert not set(found) & set(missing)
        assert len(found) + len(missing) == asked or header
        assert not (header and missing)
    default = answer.properties(HOME)[f"{C}schedule-default-calendar-URL"].findtext(f"{D}href")
    assert default == CALENDAR, "without one the Mac makes a calendar of its own"
    assert default in answer.responses()


def test_delegation_shows_whose_calendars_one_sees(bridge: Bridge) -> None:
    person = (
        '<property name="displayname"/><property name="principal-URL"/>'
        '<property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/>'
    )
    inside = "".join(
        f'<property name="calendar-proxy-{kind}-for" namespace="http://calendarserver.org/ns/">{person}</property>'
        for kind in ("read", "write")
    )
    found = bridge.report(HOME, "expand-property", inside, depth="0").properties(HOME)
    for kind, owner in (("read", "ben"), ("write", "cleo")):
        (response,) = found[f"{CS}calendar-proxy-{kind}-for"]
        assert response.tag == f"{D}response"
        assert response.findtext(f"{D}href") == f"/{owner}@example.test/"
        assert response.find(f".//{D}displayname").text
    own = bridge.report(
        HOME + "calendar-proxy-write/", "expand-property", '<property name="group-member-set"/>', depth="0"
    )
    assert len(own.properties()[f"{D}group-member-set"]) == 0


def test_attendees_are_completed(bridge: Bridge) -> None:
    one = "<property-search><prop>{}</prop><match>{}</match></property-search>"
    inside = one.format("<displayname/>", "ben") + one.format("<CS:email-address-set/>", "ben")
    prop = "<prop><displayname/><CS:email-address-set/><C:calendar-user-type/><principal-URL/></prop>"
    body = f'<principal-property-search {SPACES} test="anyof">{inside}{prop}</principal-property-search>'
    answer = bridge.ask("REPORT", "/", body, Depth="0")
    found = answer.properties("/ben@example.test/")
    assert found[f"{CS}email-address-set"][0].text == "ben@example.test"
    assert found[f"{C}calendar-user-type"].text == "INDIVIDUAL"


def test_what_it_sets_at_a_calendar_is_kept(bridge: Bridge) -> None:
    alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nACTION:DISPLAY\nEND:VALARM"
    inside = (
        '<A:calendar-color symbolic-color="custom">#FF2968FF</A:calendar-color><A:calendar-order>3</A:calendar-order>'
        "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
        f"<C:default-alarm-vevent-datetime>{alarm}</C:default-alarm-vevent-datetime>"
    )
    assert len(bridge.ask("PROPPATCH", CALENDAR, setting(inside)).properties(CALENDAR)) == 4
    found = bridge.propfind(
        CALENDAR,
        "<A:calendar-color/><A:calendar-order/><C:schedule-calendar-transp/><C:default-alarm-vevent-datetime/>",
    ).properties()
    assert found[f"{A}calendar-color"].get("symbolic-color") == "custom"
    assert found[f"{C}default-alarm-vevent-datetime"].text == alarm
    assert found[f"{C}schedule-calendar-transp"][0].tag == f"{C}transparent"


def test_the_phone_asks_for_a_month_back_and_for_tasks(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "one.ics", event("one"))
    times = '<C:time-range start="20270201T000000Z"/>'
    assert len(bridge.query(CALENDAR, times, "<getetag/><getcontenttype/>").responses()) == 1
    todo = '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO"/></C:comp-filter>'
    answer = bridge.report(CALENDAR, "C:calendar-query", f"<prop><getetag/></prop><C:filter>{todo}</C:filter>")
    assert (answer.status, answer.responses()) == (207, {})
