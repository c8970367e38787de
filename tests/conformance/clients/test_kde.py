"""KOrganizer and Merkuro (kdav, 2026): a ctag every five minutes, a query for each component, one multiget."""

from conforming import CALENDAR, CS, HOME, Bridge, C, D
from events import event

LISTING = (
    "<displayname/><resourcetype/><A:calendar-color/><C:supported-calendar-component-set/>"
    "<current-user-privilege-set/><CS:getctag/>"
)


def ctag(bridge: Bridge) -> str:
    answer = bridge.propfind(HOME, LISTING, depth="1")
    return str(answer.properties(CALENDAR)[f"{CS}getctag"].text)


def test_a_quiet_calendar_keeps_its_ctag_and_a_changed_one_gets_another(bridge: Bridge) -> None:
    first = ctag(bridge)
    assert ctag(bridge) == first
    bridge.put(CALENDAR + "one.ics", event("one"))
    second = ctag(bridge)
    assert second != first
    assert ctag(bridge) == second
    bridge.ask("DELETE", CALENDAR + "one.ics")
    assert ctag(bridge) not in {first, second}


def test_each_component_is_asked_for_and_etags_are_compared(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "one.ics", event("one"))
    found: dict[str, str] = {}
    for component in ("VEVENT", "VTODO", "VJOURNAL"):
        inside = f'<C:comp-filter name="{component}"><C:time-range start="20261201T000000Z"/></C:comp-filter>'
        filters = f'<C:filter><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>'
        answer = bridge.report(CALENDAR, "C:calendar-query", f"<prop><getetag/><resourcetype/></prop>{filters}")
        found.update({href: answer.properties(href)[f"{D}getetag"].text for href in answer.responses()})
    assert set(found) == {CALENDAR + "one.ics"}
    hrefs = "".join(f"<href>{href}</href>" for href in found)
    read = bridge.report(CALENDAR, "C:calendar-multiget", f"<prop><getetag/><C:calendar-data/></prop>{hrefs}")
    for href, etag in found.items():
        assert read.properties(href)[f"{D}getetag"].text == etag
        assert "BEGIN:VEVENT" in read.properties(href)[f"{C}calendar-data"].text
