"""DAVx5 (2026): discovery by OPTIONS at the principal, a query of 90 days, ten resources at a time."""

from conforming import CALENDAR, CS, HOME, SHARED, SHARED_TO_WRITE, Bridge, C, D
from events import event

PRINCIPAL = (
    "<resourcetype/><displayname/><group-membership/><C:calendar-home-set/><CS:calendar-proxy-read-for/>"
    "<CS:calendar-proxy-write-for/><C:calendar-user-address-set/><current-user-principal/>"
)
COLLECTION = (
    "<resourcetype/><displayname/><owner/><current-user-privilege-set/><A:calendar-color/><C:calendar-description/>"
    "<C:calendar-timezone/><C:calendar-timezone-id/><C:supported-calendar-component-set/><CS:source/>"
    '<push:transports xmlns:push="https://bitfire.at/webdav-push"/><push:topic xmlns:push="https://bitfire.at/webdav-push"/>'
)


def test_the_principal_provides_the_service_and_leads_to_groups(bridge: Bridge) -> None:
    assert "calendar-access" in bridge.ask("OPTIONS", HOME).headers["DAV"]
    found = bridge.propfind(HOME, PRINCIPAL).properties()
    assert found[f"{C}calendar-user-address-set"].findtext(f"{D}href") == "mailto:ann@example.test"
    for name, owner in (("read", "ben"), ("write", "cleo")):
        related = [each.text for each in found[f"{CS}calendar-proxy-{name}-for"]]
        assert related == [f"/{owner}@example.test/"]
    # Whatever is related is asked for home sets; what has none ends the search there, and nothing is listed twice.
    for href in [each.text for each in found[f"{D}group-membership"]] + ["/ben@example.test/"]:
        related_too = bridge.propfind(str(href), "<resourcetype/><displayname/><C:calendar-home-set/>")
        assert set(related_too.properties(status=404)) == {f"{C}calendar-home-set"}


def test_each_collection_says_what_may_be_done_and_whose_it_is(bridge: Bridge) -> None:
    listed = bridge.propfind(HOME, COLLECTION, depth="1")
    privileges = {
        href: {each.tag for each in listed.properties(href)[f"{D}current-user-privilege-set"].iter()}
        for href in (CALENDAR, SHARED, SHARED_TO_WRITE)
    }
    assert f"{D}write-content" in privileges[CALENDAR] & privileges[SHARED_TO_WRITE]
    assert f"{D}unbind" in privileges[CALENDAR] & privileges[SHARED_TO_WRITE]
    assert not {f"{D}write-content", f"{D}unbind"} & privileges[SHARED]
    owner = str(listed.properties(SHARED)[f"{D}owner"].findtext(f"{D}href"))
    assert bridge.propfind(owner, "<displayname/>").properties()[f"{D}displayname"].text


def test_it_asks_for_the_last_ninety_days_and_all_to_come(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "new.ics", event("new"))
    bridge.put(CALENDAR + "old.ics", event("old", start="20250301T090000Z"))
    asked = "<supported-report-set/><sync-token/><CS:getctag/><C:max-resource-size/>"
    assert len(bridge.propfind(CALENDAR, asked).properties()) == 4
    answer = bridge.query(CALENDAR, '<C:time-range start="20261201T000000Z"/>')
    assert set(answer.responses()) == {CALENDAR + "new.ics"}
    hrefs = "".join(f"<href>{href}</href>" for href in (*answer.responses(), CALENDAR + "gone.ics"))
    kind = 'content-type="text/calendar" version="2.0"'
    data = f"<prop><getcontenttype/><getetag/><C:schedule-tag/><C:calendar-data {kind}/></prop>"
    read = bridge.report(CALENDAR, "C:calendar-multiget", data + hrefs)
    assert set(read.statuses()) == {CALENDAR + "gone.ics"}
    assert set(read.properties(CALENDAR + "new.ics", 404)) == {f"{C}schedule-tag"}


def test_an_edit_where_one_may_not_write_names_the_privilege(bridge: Bridge) -> None:
    """It reverts the change without a word then, instead of showing an error."""
    answer = bridge.put(SHARED + "x.ics", event("x"), If_None_Match="*")
    assert answer.status == 403
    assert answer.xml.find(f"{D}need-privileges") is not None
