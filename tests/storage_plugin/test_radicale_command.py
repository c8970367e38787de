"""``radicale --config`` with config/radicale.ini in front of a simulated Exchange, asked by python-caldav."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from caldav.davclient import DAVClient
from caldav.lib import error

from bridge.simulator import Simulator

from bridged import ANN, BEN, PASSWORD, PEOPLE
from events import event
from radicale_command import free_address, radicale_command

INI = Path(__file__).parents[2] / "config" / "radicale.ini"
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALENDAR = f"{ANN}/calendar/"


@dataclass
class Stock:
    """Radicale at ``url``, and the Exchange behind our plugins."""

    url: str
    exchange: Simulator
    told: list[str]

    def ask(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> requests.Response:
        """Send one request as Ann."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.url + path, data=body, headers=sent, auth=(ANN, PASSWORD), timeout=60)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """Run the command as the example configures it; only its address and the place of our configuration are others."""
    folder = tmp_path_factory.mktemp("radicale")
    address, toml, ini = free_address(), folder / "bridge.toml", folder / "radicale.ini"
    with Simulator(PEOPLE) as exchange:
        exchange.add_event(ANN, subject="Breakfast", start=START, end=START + HOUR, uid="breakfast")
        weekly = {"every": "week", "count": 6}
        exchange.add_event(ANN, subject="Standup", start=START + HOUR, end=START + 2 * HOUR, uid="s", recurrence=weekly)
        toml.write_text(
            f'[exchange]\nurl = "{exchange.url}"\n[state]\nfolder = "{folder / "state"}"\n[sync]\nfresh = 0\n'
            "watch = false\n"
            f'[[share]]\nviewer = "{ANN}"\nowner = "{BEN}"\n'
        )
        text = INI.read_text()
        for there, here in (("127.0.0.1:5232", address), ("exchange-bridge.toml", str(toml))):
            assert text.count(f"= {there}\n") == 1
            text = text.replace(f"= {there}\n", f"= {here}\n")
        ini.write_text(text)
        with radicale_command(["--config", str(ini)]) as told:
            yield Stock(f"http://{address}/", exchange, told)


@pytest.fixture
def client(stock: Stock) -> Iterator[Any]:
    with DAVClient(stock.url, username=ANN, password=PASSWORD) as client:
        yield client


@pytest.fixture
def calendar(client: Any) -> Any:
    return next(each for each in client.principal().calendars() if str(each.url).endswith("/calendar/"))


def found(calendar: Any, start: datetime, end: datetime, **more: Any) -> list[str]:
    events = calendar.search(start=start, end=end, event=True, **more)
    return sorted(str(each.icalendar_component["SUMMARY"]) for each in events)


def test_calendars_are_discovered(client: Any) -> None:
    names = {each.get_display_name() for each in client.principal().calendars()}
    assert names == {"Calendar", "Choir & more"}


def test_events_are_read(calendar: Any) -> None:
    assert {"Breakfast", "Standup"} <= {str(each.icalendar_component["SUMMARY"]) for each in calendar.events()}
    assert calendar.event_by_uid("breakfast").icalendar_component["DTSTART"].dt == START


@pytest.mark.parametrize(("day", "names"), [(0, ["Breakfast", "Standup"]), (7, ["Standup"]), (8, []), (42, [])])
def test_a_time_range_finds_events_and_occurrences(calendar: Any, day: int, names: list[str]) -> None:
    start = START.replace(hour=0) + timedelta(days=day)
    assert found(calendar, start, start + timedelta(days=1)) == names


def test_a_series_is_expanded_by_radicale(calendar: Any) -> None:
    start = START.replace(hour=0) + timedelta(days=1)
    events = calendar.search(start=start, end=start + timedelta(days=14), event=True, expand=True, server_expand=True)
    starts = {each.icalendar_component["DTSTART"].dt for each in events}
    assert starts == {START + HOUR + timedelta(days=days) for days in (7, 14)}


def test_a_change_at_exchange_is_told_by_the_next_sync(stock: Stock, calendar: Any) -> None:
    known = calendar.objects_by_sync_token()
    later = START + timedelta(days=100)
    made = stock.exchange.add_event(ANN, subject="Later", start=later, end=later + HOUR, uid="later")
    changed = list(calendar.objects_by_sync_token(known.sync_token, load_objects=True))
    assert [str(each.icalendar_component["SUMMARY"]) for each in changed] == ["Later"]
    stock.exchange.remove_event(made)
    assert found(calendar, later - HOUR, later + 2 * HOUR) == []


def test_busy_time_is_told_by_radicale(calendar: Any) -> None:
    busy = calendar.freebusy_request(START.replace(hour=0), START.replace(hour=23)).data
    assert re.findall(r"^FREEBUSY[^:]*:(\S+)", busy.replace("\r\n ", ""), re.MULTILINE)
    assert "20270301T090000Z" in busy


def test_an_event_is_served_again_though_the_client_has_it(stock: Stock, calendar: Any) -> None:
    """Radicale answers 200 where ``exchange-bridge serve`` answers 304: no hook is asked in between."""
    name = calendar.event_by_uid("breakfast").url.path.lstrip("/")
    first = stock.ask("GET", name)
    again = stock.ask("GET", name, If_None_Match=first.headers["ETag"])
    assert (first.status_code, again.status_code) == (200, 200)


def test_every_write_is_refused_and_exchange_is_asked_for_none(stock: Stock, calendar: Any) -> None:
    before = stock.exchange.events(ANN)
    with pytest.raises(error.AuthorizationError):
        calendar.save_event(dtstart=START, dtend=START + HOUR, summary="Mine")
    with pytest.raises(error.AuthorizationError):
        calendar.event_by_uid("breakfast").delete()
    with pytest.raises(error.AuthorizationError):
        calendar.delete()
    put = stock.ask("PUT", f"{CALENDAR}new.ics", event("new"), Content_Type="text/calendar")
    made = stock.ask("MKCALENDAR", f"{ANN}/new/")
    assert (put.status_code, made.status_code) == (403, 403)
    assert stock.exchange.events(ANN) == before
    assert stock.exchange.outbox == []


def test_a_wrong_password_and_another_s_home_are_refused(stock: Stock) -> None:
    wrong = requests.request("PROPFIND", stock.url, auth=(ANN, "wrong"), timeout=60)
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, 'Basic realm="Exchange calendars"')
    assert stock.ask("PROPFIND", f"{BEN}/").status_code == 403


def test_its_log_has_no_fault_and_no_password(stock: Stock) -> None:
    told = "".join(stock.told)
    assert "Traceback" not in told
    assert PASSWORD not in told
