"""calendar-query, calendar-multiget and sync-collection: whole, or not at all."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import ExchangeUnreachable
from bridge.ids import make_etag
from bridge.resource import Window

CALENDAR = "/alice@example.com/calendar/"
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
ETAG = "<prop><getetag/></prop>"
DATA = "<prop><getetag/><C:calendar-data/></prop>"


def query(inside: str, prop: str = ETAG) -> str:
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>'
    return f"<C:calendar-query {NAMESPACES}>{prop}{filters}</C:calendar-query>"


def multiget(*hrefs: str, prop: str = DATA) -> str:
    listed = "".join(f"<href>{href}</href>" for href in hrefs)
    return f"<C:calendar-multiget {NAMESPACES}>{prop}{listed}</C:calendar-multiget>"


def sync(token: str = "", prop: str = ETAG, more: str = "") -> str:
    return (
        f"<sync-collection {NAMESPACES}><sync-token>{token}</sync-token><sync-level>1</sync-level>"
        f"{more}{prop}</sync-collection>"
    )


def token_of(answer: Any) -> str:
    return str(answer.xml.findtext(f"{D}sync-token"))


def test_a_query_finds_events_by_component_and_time(ask: Any, fill: Any) -> None:
    fill("march.ics", start="20260301T090000Z")
    fill("april.ics", start="20260401T090000Z")
    in_march = '<C:comp-filter name="VEVENT"><C:time-range start="20260301T000000Z" end="20260401T000000Z"/>'
    answer = ask("REPORT", CALENDAR, query(f"{in_march}</C:comp-filter>"), headers={"Depth": "1"})
    assert list(answer.responses()) == [CALENDAR + "march.ics"]
    assert len(ask("REPORT", CALENDAR, query('<C:comp-filter name="VEVENT"/>')).responses()) == 2
    assert ask("REPORT", CALENDAR, query('<C:comp-filter name="VTODO"/>')).responses() == {}


def test_a_query_gives_the_bytes_and_an_etag_of_these_bytes(ask: Any, fill: Any) -> None:
    kept = fill("a.ics")
    found = ask("REPORT", CALENDAR, query("", DATA)).properties()
    assert found[f"{C}calendar-data"].text.encode() == kept.texts["a.ics"]
    assert found[f"{D}getetag"].text == make_etag(kept.texts["a.ics"])


def test_a_query_for_etags_reads_no_text(ask: Any, fill: Any, store: Any) -> None:
    fill("a.ics")
    ask("REPORT", CALENDAR, query(""))
    assert "texts" not in store.calls


def test_a_property_value_with_a_comma_comes_whole(ask: Any, fill: Any) -> None:
    fill("a.ics")
    data = ask("REPORT", CALENDAR, query("", DATA)).properties()[f"{C}calendar-data"].text
    assert "X-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:52.1,13.2\r\n" in data


@pytest.mark.parametrize(
    ("body", "precondition"),
    [
        (query('<C:comp-filter name="VEVENT"><C:comp-filter name="X-PART"/></C:comp-filter>'), "supported-filter"),
        (query('<C:comp-filter name="VEVENT"><C:time-range/></C:comp-filter>'), "valid-filter"),
        (query("", '<prop><C:calendar-data version="3"/></prop>'), "supported-calendar-data"),
    ],
)
def test_a_query_that_cannot_be_answered_rightly_is_refused(ask: Any, body: str, precondition: str) -> None:
    answer = ask("REPORT", CALENDAR, body)
    assert answer.status == 403
    assert answer.xml[0].tag == C + precondition


def test_a_report_that_is_not_done_is_refused_and_not_answered_empty(ask: Any) -> None:
    for path in ("/", "/alice@example.com/", CALENDAR):
        for name in ("unknown", "acl-principal-prop-set", "principal-match"):
            answer = ask("REPORT", path, f"<{name} {NAMESPACES}/>")
            assert answer.status == 403
            assert answer.xml[0].tag == f"{D}supported-report"


def test_a_query_and_a_multiget_on_a_home_are_answered_over_all_its_calendars(ask: Any, fill: Any) -> None:
    shared = "/alice@example.com/bob@example.com~calendar/"
    fill("a.ics")
    fill("b.ics", calendar="bob@example.com~calendar")
    assert set(ask("REPORT", "/alice@example.com/", query(""), headers={"Depth": "infinity"}).responses()) == {
        CALENDAR + "a.ics",
        shared + "b.ics",
    }
    asked = (CALENDAR + "a.ics", shared + "b.ics", shared + "gone.ics", "/bob@example.com/calendar/b.ics")
    answer = ask("REPORT", "/alice@example.com/", multiget(*asked))
    assert f"{C}calendar-data" in answer.properties(shared + "b.ics")
    assert answer.statuses() == {
        shared + "gone.ics": "HTTP/1.1 404 Not Found",
        "/bob@example.com/calendar/b.ics": "HTTP/1.1 403 Forbidden",
    }


def test_a_multiget_answers_each_href_and_404_only_for_what_is_not_there(ask: Any, fill: Any) -> None:
    kept = fill("a.ics", "b c.ics")
    asked = (CALENDAR + "a.ics", f"http://bridge.test{CALENDAR}b%20c.ics", CALENDAR + "gone.ics", CALENDAR + "a.ics")
    answer = ask("REPORT", CALENDAR, multiget(*asked))
    assert set(answer.responses()) == {CALENDAR + "a.ics", CALENDAR + "b%20c.ics", CALENDAR + "gone.ics"}
    assert answer.properties(CALENDAR + "b%20c.ics")[f"{C}calendar-data"].text.encode() == kept.texts["b c.ics"]
    assert answer.statuses() == {CALENDAR + "gone.ics": "HTTP/1.1 404 Not Found"}


@pytest.mark.parametrize(
    "href", ["/bob@example.com/calendar/a.ics", CALENDAR, "/", "", "a.ics", "//[", "/alice@example.com/other/a.ics"]
)
def test_an_href_of_elsewhere_is_not_called_gone(ask: Any, fill: Any, href: str) -> None:
    fill("a.ics")
    assert ask("REPORT", CALENDAR, multiget(href)).statuses() == {href: "HTTP/1.1 403 Forbidden"}
    assert "404" not in ask("REPORT", CALENDAR, multiget(href)).text


def test_a_multiget_below_a_prefix_reads_hrefs_as_it_wrote_them(ask: Any, fill: Any) -> None:
    fill("a.ics")
    answer = ask("REPORT", CALENDAR, multiget("/x%20y" + CALENDAR + "a.ics"), environ={"SCRIPT_NAME": "/x y"})
    assert list(answer.responses()) == ["/x%20y" + CALENDAR + "a.ics"]
    assert not answer.statuses()


def test_a_multiget_of_allprop_and_of_propname_is_not_empty(ask: Any, fill: Any) -> None:
    fill("a.ics")
    for prop in ("<allprop/>", "<propname/>"):
        answer = ask("REPORT", CALENDAR, multiget(CALENDAR + "a.ics", prop=prop))
        assert f"{D}getetag" in answer.properties()


def test_a_first_sync_lists_all_and_tells_of_nothing_that_is_gone(ask: Any, fill: Any) -> None:
    fill("a.ics", "b.ics")
    assert ask("DELETE", CALENDAR + "b.ics").status == 204
    answer = ask("REPORT", CALENDAR, sync())
    assert list(answer.responses()) == [CALENDAR + "a.ics"]


def test_a_later_sync_tells_what_is_new_changed_and_gone(ask: Any, fill: Any) -> None:
    fill("a.ics", "b.ics", "c.ics")
    token = token_of(ask("REPORT", CALENDAR, sync()))
    fill("b.ics", "d.ics")
    ask("DELETE", CALENDAR + "c.ics")
    answer = ask("REPORT", CALENDAR, sync(token))
    assert set(answer.responses()) == {CALENDAR + name for name in ("b.ics", "c.ics", "d.ics")}
    assert answer.statuses() == {CALENDAR + "c.ics": "HTTP/1.1 404 Not Found"}
    assert ask("REPORT", CALENDAR, sync(token_of(answer))).responses() == {}


def test_the_token_of_a_propfind_is_one_to_sync_with(ask: Any, fill: Any) -> None:
    fill("a.ics")
    body = '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'
    token = ask("PROPFIND", CALENDAR, body, headers={"Depth": "0"}).properties()[f"{D}sync-token"].text
    fill("b.ics")
    assert list(ask("REPORT", CALENDAR, sync(token)).responses()) == [CALENDAR + "b.ics"]


@pytest.mark.parametrize("prop", ["<prop/>", ""])
def test_a_sync_that_asks_for_no_property_still_tells_of_each_change(ask: Any, fill: Any, prop: str) -> None:
    """RFC 6578 3.5: a response for each changed member, and it has a propstat (RFC 4918 14.24)."""
    fill("a.ics", "b.ics")
    answer = ask("REPORT", CALENDAR, sync(prop=prop))
    assert len(answer.responses()) == 2
    assert all(each.find(f"{D}propstat") is not None for each in answer.responses().values())


def test_a_sync_can_bring_the_data(ask: Any, fill: Any) -> None:
    kept = fill("a.ics")
    found = ask("REPORT", CALENDAR, sync(prop=DATA)).properties()
    assert found[f"{C}calendar-data"].text.encode() == kept.texts["a.ics"]


@pytest.mark.parametrize("token", ["http://radicale.org/ns/sync/1", "urn:exchange-bridge:sync:ffffffffffffffff:1", "x"])
def test_a_token_of_another_mirror_starts_over(ask: Any, fill: Any, token: str) -> None:
    fill("a.ics")
    answer = ask("REPORT", CALENDAR, sync(token))
    assert answer.status == 403
    assert answer.xml[0].tag == f"{D}valid-sync-token"


def test_a_sync_over_its_limit_is_cut_and_the_token_leads_on(ask: Any, fill: Any) -> None:
    """RFC 6578 3.6."""
    names = [f"{number}.ics" for number in range(5)]
    fill(*names)
    limit = "<limit><nresults>{}</nresults></limit>"
    assert len(ask("REPORT", CALENDAR, sync(more=limit.format(5))).responses()) == 5
    found: list[str] = []
    token = ""
    for _ in range(3):
        answer = ask("REPORT", CALENDAR, sync(token, more=limit.format(2)))
        token = token_of(answer)
        found += [href for href in answer.responses() if href != CALENDAR]
        cut = answer.responses().get(CALENDAR)
        assert (cut is None) is (len(found) == 5)
        if cut is not None:
            assert cut.findtext(f"{D}status") == "HTTP/1.1 507 Insufficient Storage"
            assert cut.find(f"{D}error/{D}number-of-matches-within-limits") is not None
    assert sorted(found) == [CALENDAR + name for name in names]
    assert ask("REPORT", CALENDAR, sync(token)).responses() == {}


def test_an_answer_of_no_results_is_refused(ask: Any, fill: Any) -> None:
    fill("a.ics")
    answer = ask("REPORT", CALENDAR, sync(more="<limit><nresults>0</nresults></limit>"))
    assert (answer.status, answer.xml[0].tag) == (403, f"{D}number-of-matches-within-limits")


@pytest.mark.parametrize("failing", ["calendar", "snapshot", "texts"])
@pytest.mark.parametrize("body", [query("", DATA), multiget(CALENDAR + "a.ics"), sync(prop=DATA)])
def test_a_trouble_of_exchange_s_is_503_for_the_whole_report(
    ask: Any, fill: Any, store: Any, failing: str, body: str
) -> None:
    fill("a.ics", "b.ics")
    store.trouble[failing] = ExchangeUnreachable("Exchange cannot be reached.", retry_after=17)
    answer = ask("REPORT", CALENDAR, body)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "17"
    assert answer.body == b"Exchange cannot be reached.\n"


@pytest.mark.parametrize("body", [query("", DATA), multiget(CALENDAR + "a.ics"), sync(prop=DATA)])
def test_texts_that_are_not_known_at_this_moment_are_not_called_gone(
    ask: Any, fill: Any, store: Any, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    fill("a.ics")
    monkeypatch.setattr(store, "texts", lambda *_: {})
    assert ask("REPORT", CALENDAR, body).status == 503


def test_an_event_deleted_during_a_multiget_is_gone(
    ask: Any, fill: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fill("a.ics", "b.ics")
    texts = store.texts

    def deleting(served: Any, names: Any) -> Any:
        kept.texts.pop("a.ics", None)
        return texts(served, names)

    monkeypatch.setattr(store, "texts", deleting)
    answer = ask("REPORT", CALENDAR, multiget(CALENDAR + "a.ics", CALENDAR + "b.ics"))
    assert answer.statuses() == {CALENDAR + "a.ics": "HTTP/1.1 404 Not Found"}
    assert f"{C}calendar-data" in answer.properties(CALENDAR + "b.ics")


def test_a_mirror_that_is_still_filling_is_never_taken_for_an_empty_calendar(ask: Any, fill: Any) -> None:
    fill("a.ics").pulled_at = None
    for method, path, body in (
        ("REPORT", CALENDAR, query("")),
        ("REPORT", CALENDAR, multiget(CALENDAR + "b.ics")),
        ("PROPFIND", CALENDAR, ""),
        ("GET", CALENDAR + "b.ics", ""),
    ):
        assert ask(method, path, body, headers={"Depth": "1"}).status == 503


def test_a_first_sync_of_a_mirror_that_is_still_filling_is_cut_and_goes_on(ask: Any, fill: Any) -> None:
    kept = fill("a.ics")
    kept.pulled_at = None
    answer = ask("REPORT", CALENDAR, sync())
    assert answer.status == 207
    assert answer.responses().keys() == {CALENDAR + "a.ics", CALENDAR}
    assert answer.statuses() == {CALENDAR: "HTTP/1.1 507 Insufficient Storage"}
    token = answer.xml.findtext("{DAV:}sync-token")
    waiting = ask("REPORT", CALENDAR, sync(token))
    assert (waiting.status, "Retry-After" in waiting.headers) == (503, True)
    fill("b.ics")
    assert ask("REPORT", CALENDAR, sync(token)).responses().keys() == {CALENDAR + "b.ics", CALENDAR}
    kept.pulled_at = datetime.now(UTC)
    assert ask("REPORT", CALENDAR, sync(token)).responses().keys() == {CALENDAR + "b.ics"}


def test_what_was_told_of_a_mirror_that_is_still_filling_can_be_fetched(ask: Any, fill: Any) -> None:
    fill("a.ics", "b.ics").pulled_at = None
    assert ask("GET", CALENDAR + "a.ics").status == 200
    told = ask("REPORT", CALENDAR, multiget(CALENDAR + "a.ics", CALENDAR + "b.ics"))
    assert (told.status, told.statuses()) == (207, {})
    assert told.responses().keys() == {CALENDAR + "a.ics", CALENDAR + "b.ics"}
    assert ask("REPORT", CALENDAR, multiget(CALENDAR + "a.ics", CALENDAR + "c.ics")).status == 503


def test_what_is_asked_within_the_window_is_answered_while_the_rest_is_being_read(ask: Any, fill: Any) -> None:
    kept = fill("a.ics")
    kept.pulled_at = None
    kept.window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime.now(UTC))
    inside = '<C:time-range start="20260201T000000Z" end="20260401T000000Z"/>'
    for span, status in (
        (inside, 207),
        (inside.replace("20260401", "20260601"), 503),
        ('<C:time-range start="20260201T000000Z"/>', 503),
    ):
        assert ask("REPORT", CALENDAR, query(f'<C:comp-filter name="VEVENT">{span}</C:comp-filter>')).status == status
    assert ask("PROPFIND", CALENDAR, "", headers={"Depth": "1"}).status == 503
