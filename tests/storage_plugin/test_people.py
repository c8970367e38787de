"""Other people, groups of proxies, and the reports about them."""

from typing import Any

import pytest

HOME, BOB = "/alice@example.com/", "/bob@example.com/"
CALENDAR = HOME + "calendar/"
D, C, CS = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'


def asking(inside: str) -> str:
    return f"<propfind {SPACES}><prop>{inside}</prop></propfind>"


def hrefs(element: Any) -> list[str]:
    return [each.text for each in element.findall(f"{D}href")]


def test_the_owner_of_a_calendar_one_sees_can_be_looked_at(ask: Any) -> None:
    body = asking("<displayname/><resourcetype/><principal-URL/><C:calendar-user-address-set/><C:calendar-home-set/>")
    answer = ask("PROPFIND", BOB, body, headers={"Depth": "1"})
    assert list(answer.responses()) == [BOB], "nothing of what is his is listed"
    found = answer.properties()
    assert found[f"{D}displayname"].text == "Bob Böhm & Söhne"
    assert [each.tag for each in found[f"{D}resourcetype"]] == [f"{D}principal"]
    assert hrefs(found[f"{C}calendar-user-address-set"]) == ["mailto:bob@example.com"]
    assert set(answer.properties(status=404)) == {f"{C}calendar-home-set"}


@pytest.mark.parametrize(
    "path", ["/nobody@example.com/", "/bob@example.com/calendar/", "/nobody@example.com/calendar-proxy-read/"]
)
def test_nobody_else_and_nothing_else_can(ask: Any, path: str) -> None:
    answer = ask("PROPFIND", path, headers={"Depth": "0"})
    assert answer.status == 403
    assert answer.xml.find(f"{D}need-privileges") is not None


def test_groups_say_whose_calendars_one_sees_and_hold_the_viewer_alone(ask: Any) -> None:
    found = ask(
        "PROPFIND",
        HOME,
        asking("<group-membership/><CS:calendar-proxy-read-for/><CS:calendar-proxy-write-for/>"),
        headers={"Depth": "0"},
    )
    group = BOB + "calendar-proxy-read/"
    assert hrefs(found.properties()[f"{D}group-membership"]) == [group]
    assert hrefs(found.properties()[f"{CS}calendar-proxy-read-for"]) == [BOB]
    assert hrefs(found.properties()[f"{CS}calendar-proxy-write-for"]) == []
    inside = ask("PROPFIND", group, asking("<group-member-set/><resourcetype/>"), headers={"Depth": "0"}).properties()
    assert hrefs(inside[f"{D}group-member-set"]) == [HOME]
    assert {each.tag for each in inside[f"{D}resourcetype"]} == {f"{D}principal", f"{CS}calendar-proxy-read"}
    writers = ask("PROPFIND", BOB + "calendar-proxy-write/", asking("<group-member-set/>"), headers={"Depth": "0"})
    assert hrefs(writers.properties()[f"{D}group-member-set"]) == []


def test_nobody_is_made_a_proxy_here(ask: Any) -> None:
    members = f"<group-member-set><href>{BOB}</href></group-member-set>"
    body = f"<propertyupdate {SPACES}><set><prop>{members}</prop></set></propertyupdate>"
    answer = ask("PROPPATCH", HOME + "calendar-proxy-write/", body)
    assert set(answer.properties(status=403)) == {f"{D}group-member-set"}


def test_hrefs_are_followed_wherever_they_stand(ask: Any) -> None:
    inside = (
        '<property name="owner"><property name="displayname"/><property name="group-membership"/></property>'
        '<property name="acl"><property name="displayname"/></property><property name="displayname"/>'
    )
    body = f"<expand-property {SPACES}>{inside}</expand-property>"
    answer = ask("REPORT", HOME + "bob@example.com~calendar/", body, headers={"Depth": "0"})
    found = answer.properties()
    (owner,) = found[f"{D}owner"]
    assert owner.findtext(f"{D}href") == BOB
    assert owner.findtext(f".//{D}displayname") == "Bob Böhm & Söhne"
    assert found[f"{D}acl"].findtext(f".//{D}principal/{D}response/{D}href") == HOME, "wherever an href stands"
    assert found[f"{D}displayname"].text


def test_an_expansion_is_bounded(ask: Any) -> None:
    deep = '<property name="owner">' * 6 + "</property>" * 6
    assert (
        ask("REPORT", HOME, f"<expand-property {SPACES}>{deep}</expand-property>", headers={"Depth": "0"}).status == 403
    )


@pytest.mark.parametrize(
    "inside", ["<href/>", "<property/>", '<property name="a b"/>', '<property name="x" namespace="}"/>']
)
def test_an_expansion_that_breaks_the_grammar_is_refused(ask: Any, inside: str) -> None:
    assert (
        ask("REPORT", HOME, f"<expand-property {SPACES}>{inside}</expand-property>", headers={"Depth": "0"}).status
        == 400
    )


def search(*parts: tuple[str, str], test: str = "allof") -> str:
    inside = "".join(
        f"<property-search><prop>{prop}</prop><match>{match}</match></property-search>" for prop, match in parts
    )
    wanted = "<prop><displayname/></prop>"
    return f'<principal-property-search {SPACES} test="{test}">{inside}{wanted}</principal-property-search>'


NAME, MAIL, KIND = "<displayname/>", "<CS:email-address-set/>", "<C:calendar-user-type/>"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (search((NAME, "AHLGREN")), {HOME}),
        (search((MAIL, "a.ahlgren@")), {HOME}),
        (search(("<C:calendar-user-address-set/>", "mailto:bob@example.com")), {BOB}),
        (search((MAIL, "example.com")), {HOME, BOB, "/carol@example.com/"}),
        (search((MAIL, "example.com"), (NAME, "böhm")), {BOB}),
        (search((NAME, "ahlgren"), (NAME, "böhm")), set()),
        (search((NAME, "ahlgren"), (NAME, "böhm"), test="anyof"), {HOME, BOB}),
        (search((NAME, "böhm"), (KIND, "ROOM")), set()),
        (search((NAME, "böhm"), (KIND, "individual")), {BOB}),
        (search(("<getetag/>", "bob")), set()),
    ],
)
def test_people_are_found_by_what_is_known_of_them(ask: Any, body: str, found: set[str]) -> None:
    answer = ask("REPORT", "/", body, headers={"Depth": "0"})
    assert answer.status == 207
    assert set(answer.responses()) == found


@pytest.mark.parametrize("body", [search(), search((NAME, " ")), search(("", "x")), search((NAME, "x"), test="some")])
def test_a_search_that_breaks_the_grammar_is_refused(ask: Any, body: str) -> None:
    assert ask("REPORT", "/", body, headers={"Depth": "0"}).status == 400


def test_who_is_busy_is_asked_of_a_person(ask: Any, exchange: Any) -> None:
    window = '<C:time-range start="20260301T000000Z" end="20260302T000000Z"/>'
    body = f"<C:free-busy-query {SPACES}>{window}</C:free-busy-query>"
    answer = ask("REPORT", BOB, body, headers={"Depth": "infinity"})
    assert answer.status == 200
    assert exchange.asked == [("bob@example.com",)]
