"""Calendars made, named, deleted, and events moved between them, as clients do it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conforming import ANN, BEN, CALENDAR, CHOIR, HOME, SHARED, SPACES, A, Bridge, C, D, conforming, errors, setting
from events import event

NEW = f"{HOME}new calendar/"
NEW_HREF = f"{HOME}new%20calendar/"


@pytest.fixture(params=["2019", "2010"])
def bridge(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bridge]:
    with conforming(tmp_path, request.param) as made:
        yield made


def making(inside: str, root: str = "C:mkcalendar") -> str:
    return f"<{root} {SPACES}><set><prop>{inside}</prop></set></{root}>"


def named(bridge: Bridge, path: str) -> str | None:
    found = bridge.propfind(path, "<displayname/>").properties()
    return str(found[f"{D}displayname"].text)


def folders(bridge: Bridge) -> set[str]:
    """Give the names of Ann's calendar folders that are not deleted."""
    store = bridge.exchange.service.store
    box = store.mailboxes[next(one.mailbox for one in store.people if ANN in one.addresses)]
    gone = store.below(store.distinguished(box.owner.mailbox, "deleteditems"), deep=True)
    return {one.name for one in box.folders.values() if one.is_calendar and one not in gone}


def test_mkcalendar_makes_a_folder_with_all_that_was_asked(bridge: Bridge) -> None:
    wanted = (
        "<displayname>Singing &amp; more</displayname><A:calendar-color>#ff0000ff</A:calendar-color>"
        "<A:calendar-order>7</A:calendar-order><C:calendar-description>Loud</C:calendar-description>"
        '<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>'
    )
    answer = bridge.ask("MKCALENDAR", NEW, making(wanted))
    assert (answer.status, answer.headers["Location"]) == (201, NEW_HREF)
    assert "Singing & more" in folders(bridge)
    found = bridge.propfind(
        NEW, "<displayname/><resourcetype/><A:calendar-color/><A:calendar-order/><C:calendar-description/>"
    ).properties()
    assert {each.tag for each in found[f"{D}resourcetype"]} == {f"{D}collection", f"{C}calendar"}
    assert (found[f"{D}displayname"].text, found[f"{A}calendar-color"].text) == ("Singing & more", "#ff0000ff")
    assert (found[f"{A}calendar-order"].text, found[f"{C}calendar-description"].text) == ("7", "Loud")
    assert bridge.put(NEW + "a.ics", event("new-1")).status == 201
    assert NEW_HREF in bridge.propfind(HOME, "<resourcetype/>", depth="1").responses()


@pytest.mark.parametrize("path", [NEW, NEW.rstrip("/")])
def test_an_extended_mkcol_makes_the_same(bridge: Bridge, path: str) -> None:
    kinds = "<resourcetype><collection/><C:calendar/></resourcetype><displayname>Singing</displayname>"
    assert bridge.ask("MKCOL", path, making(kinds, "mkcol")).status == 201
    assert named(bridge, NEW) == "Singing"


def test_a_collection_that_is_no_calendar_is_not_made(bridge: Bridge) -> None:
    for body in ("", making("<resourcetype><collection/></resourcetype>", "mkcol")):
        answer = bridge.ask("MKCOL", NEW, body)
        assert (answer.status, errors(answer)[0]) == (403, f"{D}valid-resourcetype")
    assert folders(bridge) == {"Calendar", "Choir"}


def test_without_a_body_a_calendar_is_called_as_it_is_named(bridge: Bridge) -> None:
    assert bridge.ask("MKCALENDAR", NEW).status == 201
    assert named(bridge, NEW) == "new calendar"


def test_two_calendars_may_be_called_the_same(bridge: Bridge) -> None:
    for path in (NEW, f"{HOME}other/"):
        assert bridge.ask("MKCALENDAR", path, making("<displayname>Choir</displayname>")).status == 201
        assert named(bridge, path) == "Choir"
    assert {"Calendar", "Choir"} < folders(bridge)
    assert len(folders(bridge)) == 4


@pytest.mark.parametrize(
    ("wanted", "culprit"),
    [
        ("<A:calendar-color>red</A:calendar-color>", f"{A}calendar-color"),
        ("<getetag>x</getetag>", f"{D}getetag"),
        (
            '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>',
            f"{C}supported-calendar-component-set",
        ),
    ],
)
def test_where_a_property_is_refused_nothing_is_made(bridge: Bridge, wanted: str, culprit: str) -> None:
    answer = bridge.ask("MKCALENDAR", NEW, making(f"<displayname>No</displayname>{wanted}"))
    assert answer.status in {403, 409}
    assert answer.xml.tag == f"{C}mkcalendar-response"
    told = {
        str(prop.tag): str(part.findtext(f"{D}status"))
        for part in answer.xml.findall(f"{D}propstat")
        for prop in part.iterfind(f"{D}prop/*")
    }
    assert told[f"{D}displayname"].split()[1] == "424"
    assert told[culprit].split()[1] == str(answer.status)
    assert folders(bridge) == {"Calendar", "Choir"}


@pytest.mark.parametrize(
    ("path", "precondition"),
    [
        (CALENDAR, f"{D}resource-must-be-null"),
        (f"{CALENDAR}inside/", f"{C}calendar-collection-location-ok"),
        (f"{HOME}.hidden/", f"{D}need-privileges"),
    ],
)
def test_where_no_calendar_can_be_none_is_made(bridge: Bridge, path: str, precondition: str) -> None:
    answer = bridge.ask("MKCALENDAR", path)
    assert (answer.status, errors(answer)[0]) == (403, precondition)
    assert folders(bridge) == {"Calendar", "Choir"}


def test_a_name_for_people_renames_the_folder_and_outlook_s_later_one_counts(bridge: Bridge) -> None:
    assert bridge.ask("PROPPATCH", CHOIR, setting("<displayname>Singing</displayname>")).status == 207
    assert named(bridge, CHOIR) == "Singing"
    assert folders(bridge) == {"Calendar", "Singing"}
    assert bridge.ask("PROPPATCH", CHOIR, setting("<displayname>Calendar</displayname>")).status == 207
    assert named(bridge, CHOIR) == "Calendar"


def test_how_ones_own_calendar_looks_is_at_its_folder(bridge: Bridge) -> None:
    wanted = "<A:calendar-color>#112233</A:calendar-color><C:calendar-description>Loud</C:calendar-description>"
    assert bridge.ask("PROPPATCH", CHOIR, setting(wanted)).status == 207
    names = "<A:calendar-color/><A:calendar-order/><C:calendar-description/>"
    found = bridge.propfind(CHOIR, names)
    assert found.properties()[f"{A}calendar-color"].text == "#112233"
    assert found.properties()[f"{C}calendar-description"].text == "Loud"
    assert set(found.properties(status=404)) == {f"{A}calendar-order"}
    store = bridge.exchange.service.store
    (choir,) = (one for box in store.mailboxes.values() for one in box.folders.values() if one.name == "Choir")
    assert any("#112233" in value for values in choir.extended.values() for value in values)
    remove = f"<propertyupdate {SPACES}><remove><prop><A:calendar-color/></prop></remove></propertyupdate>"
    assert bridge.ask("PROPPATCH", CHOIR, remove).status == 207
    assert f"{A}calendar-color" in bridge.propfind(CHOIR, names).properties(status=404)


def test_calendars_that_must_keep_their_name_say_so_and_nothing_else_is_set(bridge: Bridge) -> None:
    for path in (CALENDAR, SHARED):
        wanted = "<displayname>Mine</displayname><A:calendar-color>#00ff00</A:calendar-color>"
        answer = bridge.ask("PROPPATCH", path, setting(wanted))
        statuses = {part.findtext(f"{D}status").split()[1] for part in answer.xml.iter(f"{D}propstat")}
        assert statuses == {"403", "424"}
        assert f"{A}calendar-color" in bridge.propfind(path, "<A:calendar-color/>").properties(status=404)


def test_where_one_property_is_too_large_neither_name_nor_colour_is_set(bridge: Bridge) -> None:
    wanted = "<displayname>Singing</displayname><A:calendar-color>#00ff00</A:calendar-color>"
    answer = bridge.ask("PROPPATCH", CHOIR, setting(f"{wanted}<X:note>{'x' * 70_000}</X:note>"))
    statuses = {part.findtext(f"{D}status").split()[1] for part in answer.xml.iter(f"{D}propstat")}
    assert statuses == {"507"}
    assert (named(bridge, CHOIR), folders(bridge)) == ("Choir", {"Calendar", "Choir"})
    assert f"{A}calendar-color" in bridge.propfind(CHOIR, "<A:calendar-color/>").properties(status=404)


def test_where_exchange_refuses_a_name_what_was_kept_before_stays(bridge: Bridge) -> None:
    kept = "<X:note>Before</X:note><A:calendar-color>#112233</A:calendar-color>"
    assert bridge.ask("PROPPATCH", CHOIR, setting(kept)).status == 207
    bridge.exchange.trouble("item_error", operation="UpdateFolder", code="ErrorAccessDenied", count=1)
    wanted = "<displayname>Singing</displayname><X:note>After</X:note><X:more>1</X:more>"
    answer = bridge.ask("PROPPATCH", CHOIR, setting(wanted))
    assert set(answer.properties(CHOIR, 403)) == {f"{D}displayname"}
    found = bridge.propfind(CHOIR, "<displayname/><X:note/><X:more/><A:calendar-color/>")
    assert {name: each.text for name, each in found.properties().items()} == {
        f"{D}displayname": "Choir",
        "{urn:example:x}note": "Before",
        f"{A}calendar-color": "#112233",
    }
    assert set(found.properties(status=404)) == {"{urn:example:x}more"}


def test_a_deleted_calendar_is_in_deleted_items_and_its_place_is_free(bridge: Bridge) -> None:
    bridge.put(CHOIR + "a.ics", event("gone-1"))
    assert bridge.ask("DELETE", CHOIR).status == 204
    assert folders(bridge) == {"Calendar"}
    assert bridge.ask("PROPFIND", CHOIR, Depth="0").status == 404
    assert bridge.ask("GET", CHOIR + "a.ics").status == 404
    assert bridge.ask("MKCALENDAR", CHOIR).status == 201
    assert bridge.names(CHOIR) == set()


@pytest.mark.parametrize("path", [CALENDAR, SHARED, HOME])
def test_what_is_not_ones_own_to_delete_stays(bridge: Bridge, path: str) -> None:
    answer = bridge.ask("DELETE", path)
    assert answer.status == 403
    assert folders(bridge) == {"Calendar", "Choir"}
    assert bridge.ask("PROPFIND", path, Depth="0").status == 207


def unstamped(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\r\n") if not line.startswith(b"LAST-MODIFIED")]


def test_an_event_is_moved_to_another_calendar_and_keeps_its_bytes(bridge: Bridge) -> None:
    bridge.put(CALENDAR + "a b.ics", event("move-1"))
    before = bridge.ask("GET", CALENDAR + "a b.ics")
    there = CHOIR + "c d.ics"
    answer = bridge.ask("MOVE", CALENDAR + "a b.ics", Destination=f"{CHOIR}c%20d.ics")
    assert (answer.status, answer.headers["Location"]) == (201, f"{CHOIR}c%20d.ics")
    after = bridge.ask("GET", there)
    assert unstamped(after.body) == unstamped(before.body)
    assert bridge.ask("GET", CALENDAR + "a b.ics").status == 404
    assert bridge.names(CALENDAR) == set()


@pytest.mark.parametrize(
    ("source", "destination", "privilege", "place"),
    [(SHARED, CHOIR, "unbind", SHARED), (CALENDAR, SHARED, "bind", SHARED)],
)
def test_a_move_from_or_to_anothers_calendar_says_what_is_missing_where(
    bridge: Bridge, source: str, destination: str, privilege: str, place: str
) -> None:
    bridge.put(CALENDAR + "a.ics", event("move-1"))
    answer = bridge.ask("MOVE", source + "a.ics", Destination=destination + "a.ics")
    assert (answer.status, errors(answer)) == (403, [f"{D}need-privileges", f"{D}responsedescription"])
    assert answer.xml.findtext(f".//{D}href") == place
    assert answer.xml.find(f".//{D}privilege/{D}{privilege}") is not None
    assert bridge.names(CALENDAR) == {"a.ics"}


def test_a_move_keeps_uids_apart(bridge: Bridge) -> None:
    for path, uid in ((CALENDAR + "a.ics", "move-1"), (CHOIR + "b.ics", "move-1"), (CHOIR + "c.ics", "move-2")):
        bridge.put(path, event(uid))
    answer = bridge.ask("MOVE", CALENDAR + "a.ics", Destination=CHOIR + "a.ics")
    assert (answer.status, errors(answer)[0]) == (409, f"{C}no-uid-conflict")
    assert bridge.ask("MOVE", CALENDAR + "a.ics", Destination=CHOIR + "c.ics").status == 409
    assert bridge.ask("MOVE", CALENDAR + "a.ics", Destination=CHOIR + "b.ics", Overwrite="F").status == 412
    assert bridge.ask("MOVE", CALENDAR + "a.ics", Destination=CHOIR + "b.ics").status == 204
    assert (bridge.names(CALENDAR), bridge.names(CHOIR)) == (set(), {"b.ics", "c.ics"})


def test_people_of_the_directory_are_found_by_name(bridge: Bridge) -> None:
    search = (
        "<property-search><prop><displayname/></prop><match>Ben Ex</match></property-search>"
        "<prop><displayname/><C:calendar-user-address-set/></prop>"
    )
    found = bridge.report("/", "principal-property-search", search, depth="0").responses()
    assert list(found) == [f"/{BEN}/"]


def test_what_python_caldav_puts_beside_an_empty_prop_is_answered(bridge: Bridge) -> None:
    search = (
        "<property-search><prop><displayname/></prop><match>Ann</match></property-search>"
        "<prop/><displayname/><C:calendar-home-set/>"
    )
    found = bridge.report("/", "principal-property-search", search, depth="0").properties()
    assert found[f"{D}displayname"].text == "Ann Example"
