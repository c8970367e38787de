"""What foreign test suites find wrong in a CalDAV server, point by point: what is announced, and properties.

A test's number is the point's. The points were collected with Apple's CalDAVTester, python-caldav's functional tests,
caldav-server-tester, litmus, vdirsyncer's tests and plain requests against Radicale 3.9.0.
"""

import pytest

from conforming import CALENDAR, CHOIR, HOME, SHARED, SPACES, A, Bridge, C, D, errors, of_events, setting
from events import event

ONE = CALENDAR + "one.ics"


TIMES = '<C:time-range start="20270301T000000Z" end="20270302T000000Z"/>'


def test_16_what_is_announced_is_there(bridge: Bridge) -> None:
    classes = {each.strip() for each in bridge.ask("OPTIONS", CALENDAR, person=None).headers["DAV"].split(",")}
    assert not classes & {"2", "access-control", "calendar-auto-schedule", "addressbook"}
    assert {"LOCK", "UNLOCK", "ACL"}.isdisjoint(bridge.ask("OPTIONS", CALENDAR).headers["Allow"].split(", "))
    for name in ("unknown", "C:unknown", "X:unknown"):
        answer = bridge.report(CALENDAR, name, "")
        assert (answer.status, errors(answer)[0]) == (403, f"{D}supported-report")


def test_16_expand_property_follows_hrefs(bridge: Bridge) -> None:
    inside = (
        '<property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/">'
        '<property name="displayname"/><property name="nothing" namespace="urn:x"/></property>'
        '<property name="group-membership"><property name="group-member-set"><property name="displayname"/></property>'
        "</property>"
    )
    answer = bridge.report(HOME, "expand-property", inside, depth="0")
    names = [each.text for each in answer.xml.iter(f"{D}displayname")]
    assert "Ben Example" in "".join(str(name) for name in names) or "ben@example.test" in names
    assert "Ann Example" in names, "through the group back to the viewer"
    assert answer.xml.find(".//{urn:x}nothing") is not None


def test_16_people_are_searched(bridge: Bridge) -> None:
    answer = bridge.report("/", "principal-search-property-set", "", depth="0")
    assert (answer.status, answer.xml.tag) == (200, f"{D}principal-search-property-set")
    assert f"{D}displayname" in {each.tag for each in answer.xml.iter()}
    match = "<property-search><prop><displayname/></prop><match>example</match></property-search>"
    search = f"{match}<prop><displayname/></prop>"
    found = bridge.report("/", "principal-property-search", search, depth="0").responses()
    assert HOME in found
    assert "/ben@example.test/" in found


def test_17_an_event_is_copied_to_another_calendar(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    answer = bridge.ask("COPY", ONE, Destination=CHOIR + "copy.ics")
    assert (answer.status, answer.headers["Location"]) == (201, CHOIR + "copy.ics")
    assert b"UID:one" in bridge.ask("GET", CHOIR + "copy.ics").body
    assert bridge.ask("COPY", ONE, Destination=CHOIR + "copy.ics", Overwrite="F").status == 412
    assert bridge.ask("COPY", ONE, Destination=CHOIR + "copy.ics").status == 204
    assert bridge.ask("COPY", ONE, Destination=ONE).status == 403
    within = bridge.ask("COPY", ONE, Destination=CALENDAR + "twin.ics")
    assert (within.status, errors(within)[0]) == (409, f"{C}no-uid-conflict")
    assert bridge.ask("COPY", ONE, Destination="http://elsewhere.test" + CHOIR + "x.ics").status == 502
    assert bridge.ask("COPY", ONE).status == 400
    assert bridge.ask("COPY", ONE, Destination=HOME + "nothing/x.ics").status == 409


def test_17_a_proppatch_on_an_event_answers_each_property(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    body = f"<propertyupdate {SPACES}><set><prop><X:note>x</X:note><getetag>x</getetag></prop></set></propertyupdate>"
    assert set(bridge.ask("PROPPATCH", ONE, body).properties(ONE, 403)) == {"{urn:example:x}note", f"{D}getetag"}


@pytest.mark.parametrize("inside", ["<allprop/><propname/>", "<prop/><allprop/>", "<unknown/>", ""])
def test_17_a_propfind_asks_for_one_thing(bridge: Bridge, inside: str) -> None:
    assert bridge.ask("PROPFIND", CALENDAR, f"<propfind {SPACES}>{inside}</propfind>", Depth="0").status == 400


def test_17_the_language_of_a_property_comes_back(bridge: Bridge) -> None:
    body = f'<propertyupdate {SPACES}><set xml:lang="fr"><prop><X:note>à</X:note></prop></set></propertyupdate>'
    assert bridge.ask("PROPPATCH", CALENDAR, body).properties(CALENDAR)
    note = bridge.propfind(CALENDAR, "<X:note/>").properties()["{urn:example:x}note"]
    assert (note.text, note.get("{http://www.w3.org/XML/1998/namespace}lang")) == ("à", "fr")


def test_17_reports_on_people_are_asked_with_depth_0(bridge: Bridge) -> None:
    search = "<property-search><prop><displayname/></prop><match>x</match></property-search><prop/>"
    for name, inside in (
        ("principal-property-search", search),
        ("principal-search-property-set", ""),
        ("expand-property", ""),
    ):
        assert bridge.report("/", name, inside, depth="1").status == 400
        assert bridge.report("/", name, inside, depth="0").status in {200, 207}


def test_18_a_byte_order_mark_is_no_error(bridge: Bridge) -> None:
    assert bridge.put(ONE, b"\xef\xbb\xbf" + event("one")).status == 201
    assert bridge.ask("GET", ONE).body.startswith(b"BEGIN:VCALENDAR")


def test_18_a_name_with_a_line_feed_is_a_name(bridge: Bridge) -> None:
    name = "a%0Ab.ics"
    assert bridge.put(CALENDAR + "a\nb.ics", event("one")).status == 201
    assert bridge.names(CALENDAR) == {name}
    assert bridge.ask("GET", CALENDAR + "a\nb.ics").status == 200
    answer = bridge.report(CALENDAR, "C:calendar-multiget", f"<prop><getetag/></prop><href>{CALENDAR}{name}</href>")
    assert f"{D}getetag" in answer.properties(CALENDAR + name)


def test_18_a_blank_before_a_time_is_read(bridge: Bridge) -> None:
    assert bridge.put(ONE, event("one", "Lunch", "CREATED: 20270101T000000Z")).status == 201


def day(uid: str) -> bytes:
    return (
        event(uid)
        .replace(b"DTSTART:20270301T090000Z", b"DTSTART;VALUE=DATE:20270301")
        .replace(b"DTEND:20270301T100000Z", b"DTEND;VALUE=DATE:20270302")
    )


TOKYO = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    "TZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n"
)


def test_19_whole_days_are_in_the_zone_of_the_query_or_of_the_calendar(bridge: Bridge) -> None:
    assert bridge.put(ONE, day("one")).status == 201
    window = '<C:time-range start="20270228T160000Z" end="20270228T170000Z"/>'  # 1 March in Tokyo, not in Berlin
    asked = f"<prop><getetag/></prop>{of_events(window)}"
    assert not bridge.report(CALENDAR, "C:calendar-query", asked).responses()
    zoned = f"{asked}<C:timezone>{TOKYO}</C:timezone>"
    assert set(bridge.report(CALENDAR, "C:calendar-query", zoned).responses()) == {ONE}
    stored = setting(f"<C:calendar-timezone>{TOKYO}</C:calendar-timezone>")
    assert bridge.ask("PROPPATCH", CALENDAR, stored).properties(CALENDAR)
    assert set(bridge.report(CALENDAR, "C:calendar-query", asked).responses()) == {ONE}


def test_19_an_invalid_time_zone_is_not_stored(bridge: Bridge) -> None:
    stored = setting("<C:calendar-timezone>x</C:calendar-timezone>")
    answer = bridge.ask("PROPPATCH", CALENDAR, stored)
    assert set(answer.properties(CALENDAR, 403)) == {f"{C}calendar-timezone"}
    assert answer.xml.find(f".//{D}error/{C}valid-calendar-data") is not None
    assert set(bridge.propfind(CALENDAR, "<C:calendar-timezone/>").properties(status=404)) == {f"{C}calendar-timezone"}


def test_20_busy_time_is_merged_and_free_time_is_not_told(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    bridge.put(CALENDAR + "two.ics", event("two"))
    bridge.put(
        CALENDAR + "free.ics",
        event("free", "Free", "TRANSP:TRANSPARENT", start="20270301T120000Z").replace(
            b"DTEND:20270301T120000Z", b"DTEND:20270301T130000Z"
        ),
    )
    answer = bridge.report(CALENDAR, "C:free-busy-query", TIMES)
    assert answer.headers["Content-Type"].count("charset") == 1
    busy = [line for line in answer.text.splitlines() if line.startswith("FREEBUSY")]
    assert busy == ["FREEBUSY;FBTYPE=BUSY:20270301T090000Z/20270301T100000Z"]


def test_20_a_truncated_definition_of_a_known_zone_is_not_taken_literally(bridge: Bridge) -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\n"
        "TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    body = (
        event("one")
        .replace(b"DTSTART:20270301T090000Z", b"DTSTART;TZID=Europe/Berlin:20270701T090000")
        .replace(b"DTEND:20270301T100000Z", b"DTEND;TZID=Europe/Berlin:20270701T100000")
        .replace(b"BEGIN:VEVENT", zone.encode())
    )
    assert bridge.put(ONE, body).status == 201
    window = '<C:time-range start="20270701T000000Z" end="20270702T000000Z"/>'
    assert "20270701T070000Z/20270701T080000Z" in bridge.report(CALENDAR, "C:free-busy-query", window).text


def test_21_a_text_search_may_leave_the_component_out(bridge: Bridge) -> None:
    bridge.put(ONE, event("one", "Lunch"))
    inside = '<C:comp-filter name="VCALENDAR"><C:prop-filter name="VERSION"/></C:comp-filter>'
    answer = bridge.report(CALENDAR, "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inside}</C:filter>")
    assert set(answer.responses()) == {ONE}


def test_21_a_limited_sync_is_a_page_and_says_so(bridge: Bridge) -> None:
    for number in range(5):
        bridge.put(f"{CALENDAR}{number}.ics", event(f"uid-{number}"))
    seen: set[str] = set()
    token, limit = "", "<limit><nresults>2</nresults></limit>"
    for _ in range(3):
        answer = bridge.sync(CALENDAR, token, more=limit)
        token = str(answer.xml.findtext(f"{D}sync-token"))
        seen |= set(answer.responses())
    assert seen == {CALENDAR, *(f"{CALENDAR}{number}.ics" for number in range(5))}
    assert CALENDAR not in answer.responses()
    assert bridge.sync(CALENDAR, token).responses() == {}


ON_PRINCIPALS = (
    *("D:displayname", "D:principal-URL", "D:alternate-URI-set", "D:group-membership", "D:group-member-set"),
    *("C:calendar-home-set", "C:calendar-user-address-set", "C:calendar-user-type", "CS:email-address-set"),
    *("C:schedule-default-calendar-URL", "CS:calendar-proxy-read-for", "CS:calendar-proxy-write-for"),
)
ON_CALENDARS = (
    *("C:schedule-calendar-transp", "C:supported-calendar-data", "C:supported-collation-set", "C:min-date-time"),
    *("C:max-date-time", "C:max-resource-size", "D:sync-token", "CS:getctag", "D:add-member"),
)
ON_ALL = (
    *("D:acl", "D:acl-restrictions", "D:inherited-acl-set", "D:supported-privilege-set", "D:owner"),
    *("D:current-user-privilege-set", "D:principal-collection-set", "D:current-user-principal", "D:resourcetype"),
    "D:supported-report-set",
)


@pytest.mark.parametrize(
    ("path", "names"), [(HOME, ON_PRINCIPALS + ON_ALL), (CALENDAR, ON_CALENDARS + ON_ALL), (ONE, ON_ALL)]
)
def test_22_what_clients_look_for_is_there(bridge: Bridge, path: str, names: tuple[str, ...]) -> None:
    bridge.put(ONE, event("one"))
    answer = bridge.propfind(path, "".join(f"<{name}/>" for name in names))
    assert not answer.properties(status=404)


def test_22_the_viewer_is_told_by_address_and_name(bridge: Bridge) -> None:
    found = bridge.propfind(HOME, "<displayname/><C:calendar-user-address-set/>").properties()
    assert found[f"{D}displayname"].text == "Ann Example"
    addresses = [each.text for each in found[f"{C}calendar-user-address-set"]]
    assert addresses == ["mailto:ann@example.test", "mailto:a.example@example.test"]


@pytest.mark.parametrize(
    "header", [{"Prefer": "return=minimal"}, {"Brief": "t"}, {"Prefer": 'wait=5, Return="minimal"'}]
)
def test_22_who_prefers_little_gets_little(bridge: Bridge, header: dict[str, str]) -> None:
    answer = bridge.propfind(CALENDAR, "<displayname/><X:none/>", **header)
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert not answer.properties(status=404)
    assert set(answer.properties()) == {f"{D}displayname"}
    nothing = bridge.propfind(CALENDAR, "<X:none/>", **header)
    assert (nothing.properties(), nothing.properties(status=404)) == ({}, {})
    assert len(nothing.xml.findall(f".//{D}propstat")) == 1, "RFC 8144 2.1: an empty one"


def test_22_who_prefers_the_representation_gets_what_became_of_it(bridge: Bridge) -> None:
    created = bridge.put(ONE, event("one"), Prefer="return=representation")
    assert (created.status, created.headers["Preference-Applied"]) == (201, "return=representation")
    got = bridge.ask("GET", ONE)
    assert (created.body, created.headers["ETag"]) == (got.body, got.headers["ETag"])
    assert created.headers["Content-Location"] == ONE
    changed = bridge.put(ONE, event("one", "New"), Prefer="return=representation", If_Match=got.headers["ETag"])
    assert changed.status == 200
    assert b"SUMMARY:New" in changed.body
    stale = bridge.put(ONE, event("one", "Old"), Prefer="return=representation", If_Match=got.headers["ETag"])
    assert (stale.status, stale.body, stale.headers["ETag"]) == (412, changed.body, changed.headers["ETag"])


def test_22_a_member_is_added_without_a_name(bridge: Bridge) -> None:
    """RFC 5995."""
    url = bridge.propfind(CALENDAR, "<add-member/>").properties()[f"{D}add-member"].findtext(f"{D}href")
    answer = bridge.ask("POST", url, event("one"), Content_Type="text/calendar")
    assert answer.status == 201
    place = answer.headers["Location"]
    assert place.startswith(CALENDAR)
    assert b"UID:one" in bridge.ask("GET", place).body
    assert bridge.ask("POST", url, b"<x/>", Content_Type="application/xml").status == 415
    assert set(bridge.propfind(SHARED, "<add-member/>").properties(status=404)) == {f"{D}add-member"}
    again = bridge.ask("POST", url, event("one"), Content_Type="text/calendar")
    assert (again.status, errors(again)[0]) == (409, f"{C}no-uid-conflict")


def test_22_a_calendar_to_read_grants_nothing_that_a_client_takes_for_writing(bridge: Bridge) -> None:
    granted = bridge.propfind(SHARED, "<current-user-privilege-set/>").properties()[f"{D}current-user-privilege-set"]
    names = {each.tag for privilege in granted for each in privilege}
    assert names == {f"{D}read", f"{D}read-acl", f"{D}read-current-user-privilege-set", f"{C}read-free-busy"}


def test_22_colour_and_order_are_kept(bridge: Bridge) -> None:
    inside = "<A:calendar-color>#FF2968FF</A:calendar-color><A:calendar-order>7</A:calendar-order>"
    for path in (CALENDAR, SHARED):
        body = f"<propertyupdate {SPACES}><set><prop>{inside}</prop></set></propertyupdate>"
        assert len(bridge.ask("PROPPATCH", path, body).properties(path)) == 2
        found = bridge.propfind(path, "<A:calendar-color/><A:calendar-order/>").properties()
        assert (found[f"{A}calendar-color"].text, found[f"{A}calendar-order"].text) == ("#FF2968FF", "7")
