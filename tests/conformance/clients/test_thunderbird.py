"""Thunderbird (153 ESR): what it sends, in its order, and what it does with the answers."""

from conforming import CALENDAR, HOME, SHARED, SPACES, Bridge, C, D
from events import event

ONE = CALENDAR + "one.ics"
WRITING = {f"{D}{name}" for name in ("write", "write-content", "write-properties", "all")}


def test_it_finds_the_calendars_from_the_server_s_name(bridge: Bridge) -> None:
    asked = (
        "<resourcetype/><owner/><displayname/><current-user-principal/><current-user-privilege-set/>"
        "<A:calendar-color/><C:calendar-home-set/>"
    )
    moved = bridge.ask("PROPFIND", "/.well-known/caldav", f"<propfind {SPACES}><prop>{asked}</prop></propfind>")
    assert (moved.status, moved.headers["Location"]) == (301, "/")
    root = bridge.propfind("/", asked)
    principal = root.properties()[f"{D}current-user-principal"].findtext(f"{D}href")
    home = bridge.propfind(str(principal), asked).properties()[f"{C}calendar-home-set"].findtext(f"{D}href")
    assert home == HOME
    listed = bridge.propfind(
        home, "<resourcetype/><displayname/><current-user-privilege-set/><A:calendar-color/>", depth="1"
    )
    calendars = {
        href: listed.properties(href)
        for href in listed.responses()
        if listed.properties(href)[f"{D}resourcetype"].find(f"{C}calendar") is not None
    }
    assert len(calendars) == 4
    assert all(found[f"{D}displayname"].text for found in calendars.values())


def test_it_looks_at_a_calendar_before_it_uses_it(bridge: Bridge) -> None:
    asked = (
        "<resourcetype/><owner/><current-user-principal/><current-user-privilege-set/><supported-report-set/>"
        "<C:supported-calendar-component-set/><CS:getctag/>"
    )
    for path, is_writable in ((CALENDAR, True), (SHARED, False)):
        found = bridge.propfind(path, asked).properties()
        reports = {each[0].tag for each in found[f"{D}supported-report-set"].iter(f"{D}report")}
        assert f"{D}sync-collection" in reports
        granted = {each.tag for each in found[f"{D}current-user-privilege-set"].iter()}
        assert bool(granted & WRITING) is is_writable
    # OPTIONS at the calendar's parent; the first token is dropped, what is left decides who sends invitations.
    tokens = [each.strip() for each in bridge.ask("OPTIONS", HOME, person=None).headers["DAV"].split(",")]
    assert tokens[0] == "1"
    assert not {"calendar-auto-schedule", "calendar-schedule"} & set(tokens)


def test_it_syncs_with_a_depth_and_reads_what_is_new_in_one_multiget(bridge: Bridge) -> None:
    bridge.put(ONE, event("one"))
    inside = "<sync-token>{}</sync-token><sync-level>1</sync-level><prop><getcontenttype/><getetag/></prop>"
    first = bridge.report(CALENDAR, "sync-collection", inside.format(""), depth="1")
    found = first.properties(ONE)
    assert found[f"{D}getcontenttype"].text.startswith("text/calendar")
    read = bridge.report(
        CALENDAR, "C:calendar-multiget", f"<prop><getetag/><C:calendar-data/></prop><href>{ONE}</href>"
    ).properties(ONE)
    assert read[f"{D}getetag"].text == found[f"{D}getetag"].text
    assert "UID:one" in read[f"{C}calendar-data"].text
    bridge.ask("DELETE", ONE)
    token = first.xml.findtext(f"{D}sync-token")
    assert bridge.report(CALENDAR, "sync-collection", inside.format(token), depth="1").statuses() == {
        ONE: "HTTP/1.1 404 Not Found"
    }


def test_it_reads_at_once_what_it_wrote(bridge: Bridge) -> None:
    assert bridge.put(ONE, event("one"), If_None_Match="*").status == 201
    multiget = f"<prop><getetag/><C:calendar-data/></prop><href>{ONE}</href>"
    etag = bridge.report(CALENDAR, "C:calendar-multiget", multiget).properties(ONE)[f"{D}getetag"].text
    snoozed = event("one", "Planning", "X-MOZ-LASTACK:20270301T085500Z", "X-MOZ-SNOOZE-TIME:20270301T090500Z")
    assert bridge.put(ONE, snoozed, If_Match=etag).status == 204
    text = bridge.report(CALENDAR, "C:calendar-multiget", multiget).properties(ONE)[f"{C}calendar-data"].text
    assert "X-MOZ-SNOOZE-TIME:20270301T090500Z" in text
    assert bridge.ask("DELETE", ONE, If_Match=etag).status == 412
    assert bridge.ask("HEAD", ONE).status == 200
    assert bridge.ask("DELETE", ONE).status == 204
