"""Radicale's own application and command with our plugins: they read, and refuse every write."""

import base64
import http.client
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import vobject
from radicale import config
from radicale.app import Application

from bridge.errors import ConfigurationInvalid, ExchangeUnreachable
from bridge.model import Name
from bridge.recurrence import Day, Recurrence, Weekly
from bridge.resource import IndexRecord
from bridge.storage_plugin import stock

from radicale_command import free_address, radicale_command

HOME = "/alice@example.com/"
CALENDAR = "/alice@example.com/calendar/"
THERE = "/alice%40example.com/calendar/"
"""The calendar in Radicale's own hrefs: it encodes the @."""
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
ROOMS = ("auth", "rights", "storage", "web")
TOML = '[exchange]\nurl = "http://127.0.0.1:1/EWS/Exchange.asmx"\n[state]\nfolder = "state"\n'


def event_filter(inside: str) -> str:
    return (
        f'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{inside}'
        "</C:comp-filter></C:comp-filter></C:filter>"
    )


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Give a configuration of ours; nobody listens at its Exchange."""
    path = tmp_path / "bridge.toml"
    path.write_text(TOML)
    return path


@pytest.fixture
def ask(
    toml: Path, service: Any, ask_app: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Send one request to Radicale's application, configured as an admin would."""
    service.close = lambda: None
    monkeypatch.setattr(stock, "build", lambda _: service)
    stock._service_from.cache_clear()
    configuration = config.load()
    values: dict[str, dict[str, Any]] = {room: {"type": "bridge.storage_plugin"} for room in ROOMS}
    values["storage"]["config"] = str(toml)
    values["auth"]["delay"] = "0"
    values["server"] = {"validate_user_value": "none", "validate_path_value": "none", "delay_on_error": "0"}
    configuration.update(values, "test")
    app = Application(configuration)
    yield lambda *args, **kwargs: ask_app(app, *args, **kwargs)
    stock._service_from.cache_clear()


@pytest.fixture
def no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where vobject parses."""
    monkeypatch.setattr(vobject, "readOne", lambda *_: pytest.fail("vobject parsed an event"))


@pytest.mark.usefixtures("no_parsing")
def test_the_calendars_are_found(ask: Any) -> None:
    body = f"<propfind {NAMESPACES}><prop><displayname/><current-user-privilege-set/></prop></propfind>"
    answer = ask("PROPFIND", HOME, body, headers={"Depth": "1"})
    names = {href: answer.properties(href)[f"{D}displayname"].text for href in answer.responses()}
    assert names["/alice%40example.com/"] == "Alice Ahlgren"
    assert names[THERE] == "Calendar"
    assert names["/alice%40example.com/bob%40example.com~calendar/"] == "Calendar (Bob Böhm & Söhne)"
    assert len(names) == 5
    assert f"{D}write" not in {each.tag for each in answer.xml.iter()}


@pytest.mark.usefixtures("no_parsing")
def test_events_are_read_without_parsing_any(ask: Any, fill: Any) -> None:
    kept = fill("a.ics", "b.ics")
    texts = {THERE + name: text.decode() for name, text in kept.texts.items()}
    data = "<prop><getetag/><C:calendar-data/></prop>"
    hrefs = f"<href>{CALENDAR}a.ics</href><href>{CALENDAR}b.ics</href>"
    in_range = '<C:time-range start="20260301T000000Z" end="20260302T000000Z"/>'
    for body in (
        f"<C:calendar-multiget {NAMESPACES}>{data}{hrefs}</C:calendar-multiget>",
        f"<sync-collection {NAMESPACES}><sync-token/><sync-level>1</sync-level>{data}</sync-collection>",
        f"<C:calendar-query {NAMESPACES}>{data}{event_filter(in_range)}</C:calendar-query>",
    ):
        answer = ask("REPORT", CALENDAR, body, headers={"Depth": "1"})
        found = {href: answer.properties(href)[f"{C}calendar-data"].text for href in answer.responses()}
        assert found == {href: text.replace("\r\n", "\n") for href, text in texts.items()}
    assert ask("GET", CALENDAR + "a.ics").text == texts[THERE + "a.ics"]


def test_a_query_outside_its_range_finds_nothing(ask: Any, fill: Any) -> None:
    fill("a.ics")
    later = event_filter('<C:time-range start="20260302T000000Z" end="20260303T000000Z"/>')
    body = f"<C:calendar-query {NAMESPACES}><prop><getetag/></prop>{later}</C:calendar-query>"
    assert ask("REPORT", CALENDAR, body, headers={"Depth": "1"}).responses() == {}


@pytest.mark.parametrize(("day", "is_in"), [("08", True), ("09", False), ("15", True)])
def test_a_series_is_found_where_an_occurrence_stands(ask: Any, fill: Any, day: str, *, is_in: bool) -> None:
    first = datetime(2026, 3, 1, 9, tzinfo=UTC)
    weekly = Recurrence(Weekly(1, (Day.SUNDAY,)), first.date())
    fill("a.ics").records[Name("a.ics")] = IndexRecord(first, first + timedelta(hours=1), recurrence=weekly)
    then = event_filter(f'<C:time-range start="202603{day}T000000Z" end="202603{day}T235959Z"/>')
    body = f"<C:calendar-query {NAMESPACES}><prop><getetag/></prop>{then}</C:calendar-query>"
    assert len(ask("REPORT", CALENDAR, body, headers={"Depth": "1"}).responses()) == is_in


def test_a_filter_that_only_radicale_can_evaluate_is_evaluated(ask: Any, fill: Any) -> None:
    fill("a.ics")
    named = event_filter('<C:prop-filter name="SUMMARY"><C:text-match>{}</C:text-match></C:prop-filter>')
    body = f"<C:calendar-query {NAMESPACES}><prop><getetag/></prop>{named}</C:calendar-query>"
    assert len(ask("REPORT", CALENDAR, body.format("lunch"), headers={"Depth": "1"}).responses()) == 1
    assert len(ask("REPORT", CALENDAR, body.format("dinner"), headers={"Depth": "1"}).responses()) == 0


def test_changes_and_deletions_reach_a_client(ask: Any, fill: Any, store: Any) -> None:
    kept = fill("a.ics", "b.ics")
    body = f"<sync-collection {NAMESPACES}><sync-token>{{}}</sync-token><prop><getetag/></prop></sync-collection>"
    token = ask("REPORT", CALENDAR, body.format("")).xml.findtext(f"{D}sync-token")
    fill("c.ics")
    store._write(kept, "a.ics", None)
    answer = ask("REPORT", CALENDAR, body.format(token))
    assert set(answer.responses()) == {THERE + "a.ics", THERE + "c.ics"}
    assert answer.statuses() == {THERE + "a.ics": "HTTP/1.1 404 Not Found"}
    assert ask("REPORT", CALENDAR, body.format("urn:other")).xml[0].tag == f"{D}valid-sync-token"


def test_no_write_is_done(ask: Any, fill: Any, event: Any, store: Any) -> None:
    fill("a.ics")
    before = {folder: dict(kept.texts) for folder, kept in store.kept.items()}
    new_name = "<set><prop><displayname>New</displayname></prop></set>"
    for method, path, body in (
        ("PUT", CALENDAR + "a.ics", event(uid="a")),
        ("PUT", CALENDAR + "b.ics", event()),
        ("PUT", CALENDAR, event()),
        ("PUT", HOME + "new/", event()),
        ("DELETE", CALENDAR + "a.ics", b""),
        ("DELETE", CALENDAR, b""),
        ("DELETE", HOME, b""),
        ("MKCALENDAR", HOME + "new/", b""),
        ("MKCOL", HOME + "new/", b""),
        ("PROPPATCH", CALENDAR, f"<propertyupdate {NAMESPACES}>{new_name}</propertyupdate>"),
        ("MOVE", CALENDAR + "a.ics", b""),
    ):
        headers = {"Destination": f"http://bridge.test:80{CALENDAR}moved.ics", "Host": "bridge.test:80"}
        answer = ask(method, path, body, headers=headers)
        assert (method, path, answer.status) == (method, path, 403)
    assert {folder: kept.texts for folder, kept in store.kept.items()} == before


def test_nobody_comes_in_with_a_wrong_password_or_to_another_s_place(ask: Any) -> None:
    assert ask("PROPFIND", HOME, user=None).status == 401
    assert ask("PROPFIND", HOME, password="wrong").status == 401
    assert ask("PROPFIND", "/bob@example.com/", headers={"Depth": "1"}).status == 403
    assert ask("PROPFIND", HOME + "nothing/").status == 404


def test_a_trouble_of_exchange_s_is_never_a_4xx(ask: Any, fill: Any, store: Any, accounts: Any) -> None:
    fill("a.ics")
    store.trouble["snapshot"] = ExchangeUnreachable("Exchange cannot be reached.")
    assert ask("GET", CALENDAR + "a.ics").status == 500
    assert ask("PROPFIND", CALENDAR, headers={"Depth": "1"}).status == 500
    accounts.trouble = ExchangeUnreachable("Exchange cannot be reached.")
    assert ask("PROPFIND", HOME).status == 500


def test_the_front_page_stands_in_place_of_radicale_s_pages(ask: Any) -> None:
    assert ask("GET", "/", user=None).headers["Location"] == "/.web"
    assert "http://bridge.test:80/" in ask("GET", "/.web", user=None).text
    assert ask("GET", "/.web/fn.js", user=None).status == 404


def test_a_bad_configuration_is_told_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXCHANGE_BRIDGE_CONFIG", raising=False)
    bad = tmp_path / "bad.toml"
    bad.write_text("[exchange]\nurl = 7\n[sync]\nfresh = -1\n")
    for path, told in ((str(bad), "fresh"), (str(tmp_path / "none.toml"), "none.toml"), ("", "EXCHANGE_BRIDGE_CONFIG")):
        configuration = config.load()
        configuration.update({"storage": {"type": "bridge.storage_plugin", "config": path}}, "test")
        with pytest.raises(ConfigurationInvalid, match=told):
            stock.Storage(configuration)


@pytest.fixture
def radicale(toml: Path) -> Iterator[str]:
    """Run the ``radicale`` command; give its URL."""
    address = free_address()
    rooms = [f"--{room}-type=bridge.storage_plugin" for room in ROOMS]
    own = [f"--storage-config={toml}", f"--server-hosts={address}", "--auth-delay=0", "--server-delay-on-error=0"]
    with radicale_command(["--config=", *rooms, *own]):
        yield address


def test_radicale_s_own_command_serves_us(radicale: str) -> None:
    login = {"Authorization": "Basic " + base64.b64encode(b"alice@example.com:pw").decode()}
    found = []
    for method, path, headers in (("GET", "/.web", {}), ("PROPFIND", "/", {}), ("PROPFIND", "/", login)):
        connection = http.client.HTTPConnection(radicale)
        connection.request(method, path, headers=headers)
        with connection.getresponse() as response:
            found.append((response.status, response.read().decode()))
        connection.close()
    (page, text), (without_login, _), (unreachable, _) = found
    assert (page, without_login, unreachable) == (200, 401, 500)
    assert f"http://{radicale}/" in text
