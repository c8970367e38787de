"""From a server's name to its calendars, the way clients go."""

from typing import Any
from urllib.parse import unquote

import pytest

from bridge.errors import ExchangeTimedOut

HOME = "/alice@example.com/"
CALENDAR = "/alice@example.com/calendar/"
SHARED = "/alice@example.com/bob@example.com~calendar/"
D, C, CS = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" '
    'xmlns:A="http://apple.com/ns/ical/" xmlns:ME="http://me.com/_namespace/"'
)


def propfind(*names: str) -> str:
    return f"<D:propfind {NAMESPACES}><D:prop>{''.join(f'<{name}/>' for name in names)}</D:prop></D:propfind>"


def hrefs(element: Any) -> list[str]:
    return [each.text for each in element.findall(f"{D}href")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "POST"])
def test_well_known_leads_to_the_root_without_a_login(ask: Any, method: str) -> None:
    answer = ask(method, "/.well-known/caldav", user=None)
    assert answer.status == 301
    assert answer.headers["Location"] == "/"


def test_well_known_leads_below_the_prefix_of_a_proxy(ask: Any) -> None:
    answer = ask("PROPFIND", "/.well-known/caldav", environ={"SCRIPT_NAME": "/exchange"})
    assert answer.headers["Location"] == "/exchange/"


def test_every_href_bears_the_prefix_of_a_proxy(ask: Any, fill: Any) -> None:
    fill("a.ics")
    for path in ("/", HOME, CALENDAR):
        answer = ask("PROPFIND", path, headers={"Depth": "1", "X-Script-Name": "/ex & change"})
        assert all(href.startswith("/ex%20%26%20change/") for href in answer.responses())


def test_the_root_names_the_principal(ask: Any) -> None:
    answer = ask("PROPFIND", "/", propfind("D:current-user-principal", "C:calendar-home-set"), headers={"Depth": "0"})
    assert hrefs(answer.properties()[f"{D}current-user-principal"]) == [HOME]
    assert set(answer.properties(status=404)) == {f"{C}calendar-home-set"}


def test_the_principal_is_its_home_and_tells_its_addresses_the_primary_one_first(ask: Any) -> None:
    asked = propfind(
        *("D:displayname", "D:resourcetype", "D:principal-URL", "D:current-user-principal", "D:owner"),
        *("C:calendar-home-set", "C:calendar-user-address-set", "CS:email-address-set", "D:principal-collection-set"),
    )
    found = ask("PROPFIND", HOME, asked, headers={"Depth": "0"}).properties()
    assert found[f"{D}displayname"].text == "Alice Ahlgren"
    assert {child.tag for child in found[f"{D}resourcetype"]} == {f"{D}collection", f"{D}principal"}
    for name in (f"{D}principal-URL", f"{D}current-user-principal", f"{D}owner", f"{C}calendar-home-set"):
        assert hrefs(found[name]) == [HOME]
    assert hrefs(found[f"{C}calendar-user-address-set"]) == [
        "mailto:alice@example.com",
        "mailto:a.ahlgren@example.com",
    ]
    assert [each.text for each in found[f"{CS}email-address-set"]] == ["alice@example.com", "a.ahlgren@example.com"]
    assert hrefs(found[f"{D}principal-collection-set"]) == ["/"]


def test_the_home_lists_the_calendars_and_not_those_of_which_only_busy_times_may_be_seen(ask: Any) -> None:
    answer = ask("PROPFIND", HOME, propfind("D:resourcetype", "D:displayname", "D:owner"), headers={"Depth": "1"})
    names = {href: answer.properties(href)[f"{D}displayname"].text for href in answer.responses()}
    assert names == {
        HOME: "Alice Ahlgren",
        CALENDAR: "Calendar",
        "/alice@example.com/besprechungen-gr%C3%B6%C3%9Fe/": "Besprechungen <Größe>",
        SHARED: "Calendar (Bob Böhm & Söhne)",
    }
    assert hrefs(answer.properties(SHARED)[f"{D}owner"]) == ["/bob@example.com/"]
    assert hrefs(answer.properties(CALENDAR)[f"{D}owner"]) == [HOME]
    kinds = {child.tag for child in answer.properties(CALENDAR)[f"{D}resourcetype"]}
    assert kinds == {f"{D}collection", f"{C}calendar"}


def test_a_path_outside_latin_1_is_found_by_its_own_href(ask: Any) -> None:
    answer = ask("PROPFIND", "/alice@example.com/besprechungen-größe/", headers={"Depth": "0"})
    assert list(answer.responses()) == ["/alice@example.com/besprechungen-gr%C3%B6%C3%9Fe/"]


def test_a_collection_is_found_without_its_slash(ask: Any) -> None:
    for path in (HOME, CALENDAR):
        assert list(ask("PROPFIND", path.rstrip("/"), headers={"Depth": "0"}).responses()) == [path]


def test_a_calendar_tells_what_it_can(ask: Any) -> None:
    asked = propfind(
        *("D:supported-report-set", "C:supported-calendar-component-set", "C:supported-calendar-data"),
        *(
            "C:supported-collation-set",
            "C:max-resource-size",
            "CS:getctag",
            "D:sync-token",
            "D:supported-privilege-set",
        ),
    )
    answer = ask("PROPFIND", CALENDAR, asked, headers={"Depth": "0"})
    found = answer.properties()
    reports = {report[0].tag for report in found[f"{D}supported-report-set"].iter(f"{D}report")}
    assert reports == {
        *(f"{C}{name}" for name in ("calendar-query", "calendar-multiget", "free-busy-query")),
        *(f"{D}{name}" for name in ("sync-collection", "expand-property")),
    }
    assert [each.get("name") for each in found[f"{C}supported-calendar-component-set"]] == ["VEVENT"]
    assert found[f"{C}supported-calendar-data"][0].get("content-type") == "text/calendar"
    assert [each.text for each in found[f"{C}supported-collation-set"]] == [
        "i;ascii-casemap",
        "i;octet",
        "i;unicode-casemap",
    ]
    assert found[f"{C}max-resource-size"].text == "20000"
    assert found[f"{CS}getctag"].text == found[f"{D}sync-token"].text
    assert ":" in found[f"{D}sync-token"].text, "EDS takes a token without a colon for a ctag"
    assert not answer.properties(status=404)


REPORTS = {
    "{urn:ietf:params:xml:ns:caldav}calendar-query": '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>',
    "{urn:ietf:params:xml:ns:caldav}calendar-multiget": "<D:href>/</D:href>",
    "{urn:ietf:params:xml:ns:caldav}free-busy-query": '<C:time-range start="20260301T000000Z" end="20260302T000000Z"/>',
    "{DAV:}sync-collection": "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/>",
    "{DAV:}expand-property": '<D:property name="owner"/>',
    "{DAV:}principal-property-search": "<D:property-search><D:prop><D:displayname/></D:prop><D:match>x</D:match>"
    "</D:property-search><D:prop/>",
    "{DAV:}principal-search-property-set": "",
    "{DAV:}acl-principal-prop-set": "",
    "{DAV:}version-tree": "",
}


@pytest.mark.parametrize(
    "path", ["/", HOME, "/bob@example.com/", HOME + "calendar-proxy-read/", CALENDAR, CALENDAR + "a.ics"]
)
def test_a_report_is_announced_exactly_where_it_is_answered(ask: Any, fill: Any, path: str) -> None:
    """RFC 3253 3.1.5, and 3.6 for what is not."""
    fill("a.ics")
    answer = ask("PROPFIND", path, propfind("D:supported-report-set"), headers={"Depth": "0"})
    announced = {report[0].tag for report in answer.properties()[f"{D}supported-report-set"].iter(f"{D}report")}
    for name, inside in REPORTS.items():
        namespace, local = name[1:].split("}")
        body = f'<r:{local} {NAMESPACES} xmlns:r="{namespace}">{inside}</r:{local}>'
        answer = ask("REPORT", path, body, headers={"Depth": "0"})
        refused = answer.status == 403 and answer.xml[0].tag == f"{D}supported-report"
        assert refused is (name not in announced), f"{name} at {path}: {answer.status} {answer.text}"
        assert refused or answer.status in {200, 207}
    assert announced <= set(REPORTS)


WRITING = {"write", "write-content", "write-properties", "bind", "unbind", "all"}


def privileges(answer: Any) -> set[str]:
    found = answer.properties()[f"{D}current-user-privilege-set"]
    return {each.tag.removeprefix(D) for privilege in found for each in privilege}


def test_a_calendar_to_write_grants_what_clients_look_for(ask: Any) -> None:
    answer = ask("PROPFIND", CALENDAR, propfind("D:current-user-privilege-set"), headers={"Depth": "0"})
    assert "{urn:ietf:params:xml:ns:caldav}read-free-busy" in privileges(answer)
    assert privileges(answer) & WRITING == {"write", "write-properties", "write-content", "bind", "unbind"}


def test_a_calendar_to_read_grants_nothing_that_a_client_takes_for_writing(ask: Any) -> None:
    answer = ask("PROPFIND", SHARED, propfind("D:current-user-privilege-set"), headers={"Depth": "0"})
    assert "read" in privileges(answer)
    assert not privileges(answer) & WRITING


def test_a_resource_has_a_resourcetype_and_it_is_empty(ask: Any, fill: Any) -> None:
    """See RFC 4918 15.9."""
    fill("a.ics")
    found = ask("PROPFIND", CALENDAR + "a.ics", propfind("D:resourcetype"), headers={"Depth": "0"}).properties()
    assert len(found[f"{D}resourcetype"]) == 0


def test_calendar_data_are_no_property(ask: Any, fill: Any) -> None:
    fill("a.ics")
    answer = ask("PROPFIND", CALENDAR + "a.ics", propfind("C:calendar-data"), headers={"Depth": "0"})
    assert set(answer.properties(status=404)) == {f"{C}calendar-data"}


def test_nothing_is_announced_that_is_not_done(ask: Any) -> None:
    answer = ask("OPTIONS", CALENDAR)
    classes = [each.strip() for each in answer.headers["DAV"].split(",")]
    announced = ["1", "3", "extended-mkcol", "calendar-access", "calendar-proxy"]
    assert classes == announced, "Thunderbird drops the first token, so it is 1"
    for absent in ("LOCK", "UNLOCK", "COPY", "ACL", "GET", "PUT"):
        assert absent not in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize("path", ["/", HOME, CALENDAR, CALENDAR + "a.ics"])
def test_what_allow_names_is_not_refused_as_a_method(ask: Any, fill: Any, path: str) -> None:
    fill("a.ics")
    for method in ask("OPTIONS", path, user=None).headers["Allow"].split(", "):
        assert ask(method, path).status not in {405, 501}


def test_the_principal_answers_options_with_calendar_access(ask: Any) -> None:
    """DAVx5 looks there for the service."""
    assert "calendar-access" in ask("OPTIONS", HOME).headers["DAV"]


APPLE = propfind(
    *("D:add-member", "CS:allowed-sharing-modes", "A:autoprovisioned", "ME:bulk-requests", "A:calendar-color"),
    *("C:calendar-description", "C:calendar-free-busy-set", "A:calendar-order", "C:calendar-timezone"),
    *("D:current-user-privilege-set", "C:default-alarm-vevent-date", "C:default-alarm-vevent-datetime"),
    *("D:displayname", "CS:getctag", "A:language-code", "A:location-code", "D:owner", "CS:pre-publish-url"),
    *("CS:publish-url", "CS:push-transports", "CS:pushkey", "D:quota-available-bytes", "D:quota-used-bytes"),
    *("A:refreshrate", "D:resource-id", "D:resourcetype", "C:schedule-calendar-transp"),
    *("C:schedule-default-calendar-URL", "CS:source", "CS:subscribed-strip-alarms", "CS:subscribed-strip-todos"),
    *("C:supported-calendar-component-set", "C:supported-calendar-component-sets", "D:supported-report-set"),
    *("D:sync-token", "CS:xmpp-server", "CS:xmpp-uri", "A:unknown", "C:schedule-inbox-URL", "C:schedule-outbox-URL"),
)


def test_forty_properties_at_once_are_each_answered_once(ask: Any) -> None:
    answer = ask("PROPFIND", HOME, APPLE, headers={"Depth": "1"})
    for href in answer.responses():
        known, unknown = answer.properties(href), answer.properties(href, 404)
        assert len(known) + len(unknown) == 40
        assert not set(known) & set(unknown)
        assert f"{C}schedule-outbox-URL" in unknown, "there is no scheduling here"


def test_allprop_leaves_out_what_must_be_asked_for_and_propname_names_all(ask: Any, fill: Any) -> None:
    fill("a.ics")
    path = CALENDAR + "a.ics"
    usual = set(ask("PROPFIND", path, headers={"Depth": "0"}).properties())
    assert usual == {f"{D}{name}" for name in ("resourcetype", "getetag", "getcontenttype", "getcontentlength")}
    all_names = ask("PROPFIND", path, '<propfind xmlns="DAV:"><propname/></propfind>', headers={"Depth": "0"})
    assert usual < set(all_names.properties())
    assert all(len(each) == 0 and not each.text for each in all_names.properties().values())


def test_a_listing_has_every_event_once_with_its_etag(ask: Any, fill: Any) -> None:
    fill("a.ics", "b c.ics", "größe.ics", "100%.ics", "a&b.ics")
    answer = ask("PROPFIND", CALENDAR, propfind("D:getetag"), headers={"Depth": "1"})
    assert len(answer.responses()) == 6
    for href in answer.responses():
        if href != CALENDAR:
            assert ask("GET", unquote(href)).headers["ETag"] == answer.properties(href)[f"{D}getetag"].text


def test_an_endless_depth_is_refused_by_its_precondition(ask: Any) -> None:
    for headers in ({"Depth": "infinity"}, {}):
        answer = ask("PROPFIND", HOME, headers=headers)
        assert answer.status == 403
        assert answer.xml[0].tag == f"{D}propfind-finite-depth"


@pytest.mark.parametrize("path", [HOME + "nothing/", CALENDAR + "nothing.ics", CALENDAR + "too/deep.ics"])
def test_what_is_not_there_is_404(ask: Any, path: str) -> None:
    assert ask("PROPFIND", path, headers={"Depth": "0"}).status == 404


def test_one_calendar_that_cannot_be_read_does_not_hide_the_others_of_a_home(ask: Any, store: Any) -> None:
    store.trouble["snapshot bob@example.com~calendar"] = ExchangeTimedOut("Exchange is slow.")
    answer = ask("PROPFIND", HOME, propfind("CS:getctag", "D:displayname"), headers={"Depth": "1"})
    assert f"{CS}getctag" in answer.properties(CALENDAR)
    assert set(answer.properties(SHARED, 503)) == {f"{CS}getctag"}
    assert f"{D}displayname" in answer.properties(SHARED)
    assert ask("PROPFIND", SHARED, propfind("CS:getctag"), headers={"Depth": "0"}).status == 503
