"""vdirsyncer (0.20) and khal: hrefs compared as they are, one multiget that fails when anything is missing."""

from urllib.parse import quote

import pytest

from conforming import CALENDAR, HOME, SPACES, A, Bridge, C, D, setting
from events import event


def test_it_finds_calendars_by_their_resourcetype(bridge: Bridge) -> None:
    principal = bridge.propfind("/", "<current-user-principal/>").properties()
    home = str(principal[f"{D}current-user-principal"].findtext(f"{D}href"))
    assert bridge.propfind(home, "<C:calendar-home-set/>").properties()[f"{C}calendar-home-set"][0].text == HOME
    listed = bridge.propfind(HOME, "<resourcetype/>", depth="1")
    calendars = [
        href
        for href in listed.responses()
        if listed.properties(href)[f"{D}resourcetype"].find(f"{C}calendar") is not None
    ]
    assert CALENDAR in calendars


@pytest.mark.parametrize(
    "name", ["simple", "with space", "a@b", "it's", "größe", "20210609-7kcfm\n.ics", 'q"uote', "100%"]
)
def test_an_href_is_the_same_bytes_in_every_answer(bridge: Bridge, name: str) -> None:
    path = f"{CALENDAR}{name}.ics"
    put = bridge.put(path, event("uid of it"), If_None_Match="*")
    assert put.status == 201
    href = put.headers["Location"]
    assert href == CALENDAR + quote(f"{name}.ics", safe="@~!$'()*,;:=+-._")
    listed = bridge.propfind(CALENDAR, "<resourcetype/><getcontenttype/><getetag/>", depth="1")
    assert set(listed.responses()) == {CALENDAR, href}
    multiget = f"<prop><getetag/><C:calendar-data/></prop><href>{href.replace('&', '&amp;')}</href>"
    assert set(bridge.report(CALENDAR, "C:calendar-multiget", multiget).responses()) == {href}
    assert set(bridge.query(CALENDAR, "").responses()) == {href}
    assert set(bridge.sync(CALENDAR).responses()) == {href}


def test_a_missing_href_is_named_in_the_one_multiget(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "a.ics", event("a"))
    hrefs = f"<href>{CALENDAR}a.ics</href><href>{CALENDAR}b.ics</href>"
    answer = bridge.report(CALENDAR, "C:calendar-multiget", f"<prop><getetag/><C:calendar-data/></prop>{hrefs}")
    assert answer.statuses() == {CALENDAR + "b.ics": "HTTP/1.1 404 Not Found"}


def test_metasync_reads_back_what_it_set(bridge: Bridge) -> None:
    for value in ("#ff0000", "#00ff00ff", ""):
        answer = bridge.ask("PROPPATCH", CALENDAR, setting(f"<A:calendar-color>{value}</A:calendar-color>"))
        assert set(answer.properties(CALENDAR)) == {f"{A}calendar-color"}
        found = bridge.propfind(CALENDAR, "<A:calendar-color/>").properties()
        assert (found[f"{A}calendar-color"].text if found else "") == value


def test_an_upload_of_what_is_there_is_412(bridge: Bridge) -> None:
    path = CALENDAR + "a.ics"
    assert bridge.put(path, event("a"), If_None_Match="*").status == 201
    assert bridge.put(path, event("a", "Other"), If_None_Match="*").status == 412
    assert bridge.put(CALENDAR + "b.ics", event("b"), If_Match='"none"').status == 412


def test_pimsync_names_a_calendar_without_its_slash(bridge: Bridge) -> None:
    answer = bridge.ask(
        "PROPFIND", CALENDAR.rstrip("/"), f"<propfind {SPACES}><prop><resourcetype/></prop></propfind>", Depth="0"
    )
    assert set(answer.responses()) == {CALENDAR}
