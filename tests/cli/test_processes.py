"""The commands as people run them: ready when they say so, gone when they are told to go."""

import base64
import json
import signal
import socket
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

EXAMPLE = Path(__file__).parents[2] / "config" / "exchange-bridge.toml"
Start = Any


def request(method: str, url: str, login: str = "", body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    try:
        connection.request(method, parts.path, body.encode(), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def wait_until_closed(url: str) -> None:
    parts = urlsplit(url)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection((parts.hostname, parts.port or 0), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail(f"still served: {url}")


@pytest.fixture
def example(tmp_path: Path) -> str:
    """Give the example configuration, on a free port."""
    text = EXAMPLE.read_text()
    on_free_port = text.replace('# listen = "127.0.0.1:5232"', 'listen = "127.0.0.1:0"')
    assert on_free_port != text
    path = tmp_path / "exchange-bridge.toml"
    path.write_text(on_free_port)
    return str(path)


def test_the_example_configuration_serves_and_ends_when_told(start: Start, example: str, tmp_path: Path) -> None:
    with start("serve", "--config", example) as running:
        url = running.wait_for(r"served at (http://\S+)")[1]
        status, headers, page = request("GET", url)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert url in page
        status, headers, _ = request("PROPFIND", url)
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="Exchange calendars"')
        assert running.terminate() == 0
        assert running.errors.read_text() == ""
        wait_until_closed(url)
    folder = tmp_path / "state" / "exchange-bridge"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "key").stat().st_mode & 0o077 == 0
    assert {"key", "state.db", "mirror.db"} <= {path.name for path in folder.iterdir()}


def test_the_environment_names_the_configuration(start: Start, example: str) -> None:
    with start("serve", EXCHANGE_BRIDGE_CONFIG=example) as running:
        running.wait_for(r"served at (http://\S+)")
        assert running.interrupt() == 0


def test_two_workers_serve_on_one_port(start: Start, example: str) -> None:
    path = Path(example)
    path.write_text(path.read_text().replace("# workers = 1", "workers = 2"))
    with start("serve", "--config", example) as running:
        url = running.wait_for(r"served at (http://\S+)")[1]
        assert {request("GET", url)[0] for _ in range(8)} == {200}
        assert running.terminate() == 0


def test_a_taken_port_is_a_sentence(start: Start, example: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = Path(example)
        path.write_text(path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        for arguments in (
            ["serve", "--config", example],
            ["demo", "--port", str(port)],
            ["simulate", "--port", str(port)],
        ):
            with start(*arguments) as running:
                assert running.process.wait(60) == 1
                assert running.told.startswith(f"Error: Cannot listen on 127.0.0.1:{port}: address already in use.")
                assert "Traceback" not in running.told


def test_a_key_file_that_others_may_read_stops_the_start(start: Start, example: str, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "exchange-bridge"
    folder.mkdir(parents=True)
    (folder / "key").touch(0o644)
    with start("serve", "--config", example) as running:
        assert running.process.wait(60) == 2
        assert "chmod 600" in running.told
        assert "Traceback" not in running.told


def test_the_simulated_exchange_says_where_it_is_and_who_lives_there(start: Start) -> None:
    with start("simulate", "--port", "0", "--persons", "2", "--events", "5", "--personality", "2010") as running:
        running.wait_for(r"http://\S+/EWS/Exchange.asmx")
        control = running.wait_for(r"Control: (http://\S+)")[1]
        running.wait_for(r"anna\.berg@example\.com, password \S+")
        with urlopen(control, timeout=30) as answer:  # noqa: S310 - the simulator's own address
            assert json.load(answer)["personality"] == "2010"
        assert running.interrupt() == 0
        wait_until_closed(control)


def test_people_come_from_a_file(start: Start, tmp_path: Path) -> None:
    people = tmp_path / "people.toml"
    people.write_text('[[people]]\nname = "Zoe"\naddress = "zoe@example.test"\npassword = "pw"\n')
    with start("simulate", "--port", "0", "--people", str(people)) as running:
        running.wait_for(r"zoe@example\.test")
        assert running.terminate() == 0
    people.write_text('[[people]]\nname = "Zoe"\n')
    with start("simulate", "--port", "0", "--people", str(people)) as running:
        assert running.process.wait(60) == 2
        assert "address is missing" in running.told
        assert "Traceback" not in running.told


PRINCIPAL = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'


def test_the_demo_lets_its_people_in_and_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    with start("demo", "--port", "0", "--open-nothing") as running:
        url = running.wait_for(r"served at (http://\S+)")[1]
        exchange = running.wait_for(r"simulated Exchange: (http://\S+)")[1]
        assert "Thunderbird" in running.printed
        login = running.wait_for(r"Username +(\S+)")[1] + ":" + running.wait_for(r"password (\S+),")[1]
        status, _, answer = request("PROPFIND", url, login, PRINCIPAL, Depth="0")
        assert status == 207
        assert "/anna.berg@example.com/" in answer
        assert request("PROPFIND", url, login + "x", PRINCIPAL, Depth="0")[0] == 401
        assert list(tmp_path.glob("exchange-bridge-demo-*/state.db"))
        assert running.interrupt() == 0
        wait_until_closed(url)
        wait_until_closed(exchange)
        assert "Traceback" not in running.told
    assert list(tmp_path.glob("exchange-bridge-demo-*")) == []


def test_no_process_of_a_killed_demo_goes_on(start: Start) -> None:
    with start("demo", "--port", "0", "--open-nothing") as running:
        url = running.wait_for(r"served at (http://\S+)")[1]
        exchange = running.wait_for(r"simulated Exchange: (http://\S+)")[1]
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(60)
        wait_until_closed(url)
        wait_until_closed(exchange)
