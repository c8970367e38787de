"""PROPPATCH: what is kept, what is refused, and that it is all or nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import NotExpressible
from bridge.resource import IndexRecord

HOME = "/alice@example.com/"
CALENDAR = "/alice@example.com/calendar/"
SHARED = "/alice@example.com/bob@example.com~calendar/"
ONE = CALENDAR + "one.ics"
D, C, A = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://apple.com/ns/ical/}"
SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/" xmlns:X="urn:x"'


def setting(inside: str) -> str:
    return f"<propertyupdate {SPACES}><set><prop>{inside}</prop></set></propertyupdate>"


def removing(inside: str) -> str:
    return f"<propertyupdate {SPACES}><remove><prop>{inside}</prop></remove></propertyupdate>"


def asking(inside: str) -> str:
    return f"<propfind {SPACES}><prop>{inside}</prop></propfind>"


@pytest.mark.parametrize("path", ["/", HOME, CALENDAR, SHARED, ONE, "/bob@example.com/", HOME + "calendar-proxy-read/"])
def test_a_protected_property_is_refused_and_nothing_changes(ask: Any, fill: Any, path: str) -> None:
    fill("one.ics")
    before = ask("PROPFIND", path, headers={"Depth": "0"}).body
    answer = ask("PROPPATCH", path, setting("<resourcetype/><X:mine>1</X:mine>"))
    assert answer.status == 207
    assert f"{D}resourcetype" in answer.properties(path, 403)
    assert len(answer.xml.findall(f".//{D}cannot-modify-protected-property")) == 1
    assert not answer.properties(path, 200)
    assert set(answer.properties(path, 403)) | set(answer.properties(path, 424)) == {
        f"{D}resourcetype",
        "{urn:x}mine",
    }
    assert ask("PROPFIND", path, headers={"Depth": "0"}).body == before


@pytest.mark.parametrize("path", [HOME, CALENDAR, SHARED])
def test_what_a_client_stores_comes_back_with_its_language(ask: Any, path: str) -> None:
    """RFC 4918 4.3: the element, its content, and the xml:lang in scope."""
    body = setting('<X:note><X:b c="d">Grüße &amp; &lt;so&gt;</X:b></X:note>').replace("<set", '<set xml:lang="de"', 1)
    assert set(ask("PROPPATCH", path, body).properties(path)) == {"{urn:x}note"}
    note = ask("PROPFIND", path, asking("<X:note/>"), headers={"Depth": "0"}).properties()["{urn:x}note"]
    assert note.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert (note[0].tag, note[0].get("c"), note[0].text) == ("{urn:x}b", "d", "Grüße & <so>")
    assert "{urn:x}note" in ask("PROPFIND", path, headers={"Depth": "0"}).properties()
    names = ask("PROPFIND", path, f"<propfind {SPACES}><propname/></propfind>", headers={"Depth": "0"}).properties()
    assert "{urn:x}note" in names
    assert set(ask("PROPPATCH", path, removing("<X:note/>")).properties(path)) == {"{urn:x}note"}
    assert "{urn:x}note" in ask("PROPFIND", path, asking("<X:note/>"), headers={"Depth": "0"}).properties(status=404)


def test_to_remove_what_is_not_there_is_no_error(ask: Any) -> None:
    """RFC 4918 14.23."""
    assert set(ask("PROPPATCH", CALENDAR, removing("<X:none/>")).properties(CALENDAR)) == {"{urn:x}none"}


def test_what_one_stores_nobody_else_sees(ask: Any) -> None:
    ask("PROPPATCH", SHARED, setting("<X:note>mine</X:note>"))
    answer = ask("PROPFIND", "/bob@example.com/calendar/", user="bob@example.com", headers={"Depth": "0"})
    assert "{urn:x}note" not in answer.properties()


ZONE = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    "TZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n"
)


@pytest.mark.parametrize(
    ("inside", "status", "precondition"),
    [
        ("<C:calendar-timezone>nonsense</C:calendar-timezone>", 403, f"{C}valid-calendar-data"),
        ("<C:calendar-timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:calendar-timezone>", 403, f"{C}valid-calendar-data"),
        ("<C:calendar-timezone-id>Nowhere/Land</C:calendar-timezone-id>", 403, f"{C}valid-timezone"),
        ("<C:schedule-calendar-transp/>", 409, None),
        ("<C:schedule-calendar-transp><C:opaque/><C:transparent/></C:schedule-calendar-transp>", 409, None),
        ("<A:calendar-color>red</A:calendar-color>", 409, None),
        ("<A:calendar-order>first</A:calendar-order>", 409, None),
        ("<displayname> </displayname>", 409, None),
        ("<C:supported-calendar-component-set/>", 403, f"{D}cannot-modify-protected-property"),
        ("<getetag>x</getetag>", 403, f"{D}cannot-modify-protected-property"),
        ("<creationdate>x</creationdate>", 403, f"{D}cannot-modify-protected-property"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_the_rest_depends_on_it(
    ask: Any, inside: str, status: int, precondition: str | None
) -> None:
    answer = ask("PROPPATCH", CALENDAR, setting(inside + "<X:mine>1</X:mine>"))
    (name,) = answer.properties(CALENDAR, status)
    errors = [each.tag for each in answer.xml.findall(f".//{D}error/*")]
    assert errors == ([] if precondition is None else [precondition])
    assert set(answer.properties(CALENDAR, 424)) == {"{urn:x}mine"}
    assert "{urn:x}mine" not in ask("PROPFIND", CALENDAR, headers={"Depth": "0"}).properties()
    assert name


QUERY = (
    f'<C:calendar-query {SPACES}><prop><getetag/></prop><C:filter><C:comp-filter name="VCALENDAR">'
    '<C:comp-filter name="VEVENT"><C:time-range start="20260228T160000Z" end="20260228T170000Z"/></C:comp-filter>'
    "</C:comp-filter></C:filter></C:calendar-query>"
)


def whole_day() -> IndexRecord:
    return IndexRecord(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), is_all_day=True)


@pytest.mark.parametrize(
    "inside",
    [
        f"<C:calendar-timezone>{ZONE}</C:calendar-timezone>",
        "<C:calendar-timezone-id>Asia/Tokyo</C:calendar-timezone-id>",
    ],
)
def test_the_zone_of_a_calendar_is_where_its_whole_days_are(ask: Any, fill: Any, inside: str) -> None:
    """RFC 4791 7.3: a query without a zone takes the calendar's."""
    kept = fill("day.ics", start="20260301T000000Z")
    listed = ask("REPORT", CALENDAR, QUERY).responses()
    assert listed == {}, "the day begins at midnight UTC, after the range"
    kept.records["day.ics"] = whole_day()
    assert ask("REPORT", CALENDAR, QUERY).responses() == {}
    assert ask("PROPPATCH", CALENDAR, setting(inside)).properties(CALENDAR)
    assert set(ask("REPORT", CALENDAR, QUERY).responses()) == {CALENDAR + "day.ics"}


def test_who_wants_little_gets_an_empty_200(ask: Any) -> None:
    """RFC 8144 2.2; what is refused is told all the same."""
    answer = ask("PROPPATCH", CALENDAR, setting("<X:a>1</X:a>"), headers={"Prefer": "return=minimal"})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert ask("PROPPATCH", CALENDAR, setting("<getetag/>"), headers={"Prefer": "return=minimal"}).status == 207


def test_too_much_is_insufficient_storage_and_nothing_changes(ask: Any, store: Any) -> None:
    store.trouble["set_properties"] = NotExpressible("A property of more than 65536 characters is not kept.")
    answer = ask("PROPPATCH", CALENDAR, setting("<X:a>1</X:a>"))
    assert set(answer.properties(CALENDAR, 507)) == {"{urn:x}a"}


@pytest.mark.parametrize("path", [HOME + "nothing/", ONE])
def test_a_proppatch_of_what_is_not_there_is_404(ask: Any, path: str) -> None:
    assert ask("PROPPATCH", path, setting("<X:a>1</X:a>")).status == 404


@pytest.mark.parametrize("path", [CALENDAR, SHARED])
def test_a_name_that_may_not_be_changed_says_which_privilege_is_missing(ask: Any, path: str) -> None:
    """RFC 3744 7.1.1, in the error of the property (RFC 4918 14.22)."""
    answer = ask("PROPPATCH", path, setting("<displayname>Mine</displayname><X:a>1</X:a>"))
    assert set(answer.properties(path, 403)) == {f"{D}displayname"}
    assert set(answer.properties(path, 424)) == {"{urn:x}a"}
    missing = answer.xml.find(f".//{D}error/{D}need-privileges/{D}resource")
    assert missing.findtext(f"{D}href") == path
    assert missing.find(f"{D}privilege/{D}write-properties") is not None
