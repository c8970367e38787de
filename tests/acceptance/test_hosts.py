"""Two hosts that share one PostgreSQL, each with a folder of its own and the same key file, at one Exchange."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from bridge.keys import load_keys
from bridge.simulator import Simulator

from bridged import ANN, BEN, PEOPLE, Bridged, configure, served
from commands import command
from events import event
from postgres import Cluster, execute

LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/><d:sync-token/></d:prop></d:propfind>'
PATIENCE = 60.0
HANGS = 4_000
"""Milliseconds that a call hangs at Exchange after it was carried out; shorter than any deadline of the bridge's."""


@dataclass
class Hosts:
    """The two of them, and what they share."""

    first: Bridged
    second: Bridged
    exchange: Simulator
    cluster: Cluster
    database: str

    @property
    def both(self) -> tuple[Bridged, Bridged]:
        """Give them in order."""
        return self.first, self.second


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Hosts]:
    """Start both once, for all who leave them as they were."""
    with two_hosts(tmp_path_factory.mktemp("hosts"), cluster) as made:
        yield made


@pytest.fixture
def own_hosts(tmp_path: Path, own_cluster: Cluster) -> Iterator[Hosts]:
    """Start both at a PostgreSQL that the test may stop."""
    with two_hosts(tmp_path, own_cluster) as made:
        yield made


@contextmanager
def two_hosts(folder: Path, cluster: Cluster) -> Iterator[Hosts]:
    """Start both; a calendar that was pulled is not pulled again, so that all they share is what they stored."""
    folders = [folder / "one", folder / "two"]
    for one in folders:
        (one / "own").mkdir(mode=0o700, parents=True)
    with cluster.database() as url, Simulator(PEOPLE) as exchange:
        with served(folders[0], exchange, fresh=3600, database=url) as first:
            shutil.copy(folders[0] / "own" / "key", folders[1] / "own" / "key")
            with served(folders[1], exchange, fresh=3600, database=url) as second:
                yield Hosts(first, second, exchange, cluster, url)
        assert exchange.outbox == []
        assert exchange.invalid_answers == []


def listing(bridge: Bridged) -> str:
    """Give what a calendar's listing says, without the address it was asked at."""
    answer = eventually(lambda: bridge.ask("PROPFIND", bridge.calendar(), LISTING, Depth="1"))
    assert answer.status_code == 207
    return answer.text


def eventually(ask: Callable[[], requests.Response]) -> requests.Response:
    """Ask again while the answer is 503, as a client does that was told Retry-After."""
    end = time.monotonic() + PATIENCE
    while (answer := ask()).status_code == 503 and time.monotonic() < end:
        assert int(answer.headers["Retry-After"]) > 0
        time.sleep(0.1)
    return answer


def until_under_way(hosts: Hosts) -> None:
    """Wait until a write is being carried out: until its intent is open and Exchange has its event."""
    end = time.monotonic() + PATIENCE
    standing = "SELECT count(*) FROM exchange_bridge_state.intents WHERE closed_at IS NULL"
    while not (hosts.exchange.events(ANN) and execute(hosts.database, standing) == [(1,)]):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_change_on_one_host_is_seen_by_the_next_request_on_the_other(hosts: Hosts) -> None:
    assert listing(hosts.first) == listing(hosts.second)
    tokens = set()
    for number in range(12):
        writer, reader = hosts.both if number % 2 else hosts.both[::-1]
        written = writer.put("mine.ics", event("mine-1", f"Number {number}"))
        assert written.status_code in {201, 204}
        read = reader.ask("GET", reader.calendar() + "mine.ics")
        assert f"SUMMARY:Number {number}\r\n" in read.text
        assert read.headers["ETag"] == writer.ask("GET", writer.calendar() + "mine.ics").headers["ETag"]
        assert listing(reader) == listing(writer)
        tokens |= set(re.findall(r"sync-token>([^<]+)<", listing(reader)))
    assert len(tokens) == 12
    assert [item.values["Subject"] for item in hosts.exchange.events(ANN)] == ["Number 11"]
    assert hosts.first.ask("DELETE", hosts.first.calendar() + "mine.ics").status_code in {200, 204}
    assert hosts.second.ask("GET", hosts.second.calendar() + "mine.ics").status_code == 404


def test_a_sync_token_of_one_host_is_understood_by_the_other(hosts: Hosts) -> None:
    asked = '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{}</d:sync-token><d:sync-level>1</d:sync-level>'
    asked += "<d:prop><d:getetag/></d:prop></d:sync-collection>"
    first = eventually(lambda: hosts.first.ask("REPORT", hosts.first.calendar(), asked.format("")))
    token = re.search(r"sync-token>([^<]+)<", first.text)
    assert token
    assert hosts.first.put("other.ics", event("other-1")).status_code == 201
    second = hosts.second.ask("REPORT", hosts.second.calendar(), asked.format(token[1]))
    assert second.status_code == 207
    assert "other.ics" in second.text
    assert hosts.second.ask("DELETE", hosts.second.calendar() + "other.ics").status_code in {200, 204}


def test_a_write_of_a_host_that_dies_is_settled_by_the_other_and_there_once(own_hosts: Hosts) -> None:
    listing(own_hosts.first)
    listing(own_hosts.second)
    own_hosts.exchange.trouble("latency", operation="CreateItem", count=1, milliseconds=HANGS * 10)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(own_hosts.first.put, "mine.ics", event("mine-1"), If_None_Match="*")
        until_under_way(own_hosts)
        own_hosts.first.running.kill()
        with pytest.raises(requests.RequestException):
            writing.result()
    again = eventually(lambda: own_hosts.second.put("mine.ics", event("mine-1"), If_None_Match="*"))
    assert again.status_code == 201, "the retry was not answered as the first"
    assert [item.uid for item in own_hosts.exchange.events(ANN)] == ["mine-1"]
    read = own_hosts.second.ask("GET", own_hosts.second.calendar() + "mine.ics")
    assert (read.status_code, read.headers["ETag"]) == (200, again.headers.get("ETag", read.headers["ETag"]))


def test_a_write_of_a_host_that_lives_is_not_taken_over(hosts: Hosts) -> None:
    listing(hosts.first)
    listing(hosts.second)
    hosts.exchange.trouble("latency", operation="CreateItem", count=1, milliseconds=HANGS)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(hosts.first.put, "mine.ics", event("mine-1"), If_None_Match="*")
        until_under_way(hosts)
        meanwhile = hosts.second.put("mine.ics", event("mine-1"), If_None_Match="*")
        assert (meanwhile.status_code, writing.done()) == (503, False)
        assert writing.result().status_code == 201
    claims = "SELECT claim, outcome FROM exchange_bridge_state.intents ORDER BY id DESC LIMIT 1"
    assert execute(hosts.database, claims) == [(0, "done")]
    assert eventually(lambda: hosts.second.put("mine.ics", event("mine-1"), If_None_Match="*")).status_code == 412
    assert hosts.second.ask("DELETE", hosts.second.calendar() + "mine.ics").status_code in {200, 204}


def test_a_server_that_is_restarted_is_503_meanwhile_and_then_all_goes_on(own_hosts: Hosts) -> None:
    assert own_hosts.first.put("before.ics", event("before-1")).status_code == 201
    before = listing(own_hosts.first)
    own_hosts.cluster.stop()
    for bridge in own_hosts.both:
        for answer in (
            bridge.ask("GET", bridge.calendar() + "before.ics"),
            bridge.put("during.ics", event("during-1")),
            bridge.ask("PROPFIND", bridge.calendar(), LISTING, Depth="1"),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert str(own_hosts.cluster.folder) not in answer.text
    own_hosts.cluster.start()
    for bridge in own_hosts.both:
        assert bridge.ask("GET", bridge.calendar() + "before.ics").status_code == 200
        assert listing(bridge) == before
    assert own_hosts.second.put("after.ics", event("after-1")).status_code == 201
    assert own_hosts.first.ask("GET", own_hosts.first.calendar() + "after.ics").status_code == 200
    for bridge in own_hosts.both:
        assert "Traceback" not in bridge.running.told


def test_a_server_that_is_restarted_in_the_middle_of_a_write_leaves_the_event_there_once(own_hosts: Hosts) -> None:
    listing(own_hosts.first)
    own_hosts.exchange.trouble("latency", operation="CreateItem", count=1, milliseconds=HANGS)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(own_hosts.first.put, "mine.ics", event("mine-1"), If_None_Match="*")
        until_under_way(own_hosts)
        own_hosts.cluster.stop()
        own_hosts.cluster.start()
        assert writing.result().status_code in {201, 503}
    for bridge in own_hosts.both[::-1]:
        again = eventually(partial(bridge.put, "mine.ics", event("mine-1"), If_None_Match="*"))
        assert again.status_code in {201, 412}
        assert bridge.ask("GET", bridge.calendar() + "mine.ics").status_code == 200
    assert [item.uid for item in own_hosts.exchange.events(ANN)] == ["mine-1"]


def test_a_write_that_ends_while_the_server_is_away_is_settled_by_any_host_afterwards(own_hosts: Hosts) -> None:
    listing(own_hosts.first)
    listing(own_hosts.second)
    own_hosts.exchange.trouble("latency", operation="CreateItem", count=1, milliseconds=HANGS)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(own_hosts.first.put, "mine.ics", event("mine-1"), If_None_Match="*")
        until_under_way(own_hosts)
        own_hosts.cluster.stop()
        assert writing.result().status_code == 503
    own_hosts.cluster.start()
    again = eventually(partial(own_hosts.second.put, "mine.ics", event("mine-1"), If_None_Match="*"))
    assert again.status_code == 201, "the retry was not answered as the first"
    assert [item.uid for item in own_hosts.exchange.events(ANN)] == ["mine-1"]


def test_a_host_with_another_key_file_does_not_start_and_says_why(hosts: Hosts, tmp_path: Path) -> None:
    other = tmp_path / "three"
    other.mkdir()
    config = configure(other, hosts.exchange, database=hosts.database)
    for said in ("key file 'key' is missing", "copy it here from a host that runs"):
        with command(other, "serve", "--config", str(config)) as running:
            assert running.process.wait(PATIENCE) == 2
        assert said in running.told
        assert "Traceback" not in running.told
        (other / "own").mkdir(exist_ok=True, mode=0o700)
        load_keys(other / "own" / "key")  # made here, and so another one


def test_shares_are_added_and_shown_by_commands_on_any_host(hosts: Hosts) -> None:
    config = str(hosts.second.folder / "bridge.toml")
    options = ("--config", config, "--viewer", BEN, "--owner", "dora@example.test")
    with command(hosts.second.folder, "share", "add", *options) as running:
        assert running.process.wait(PATIENCE) == 0, running.told
    first = str(hosts.first.folder / "bridge.toml")
    with command(hosts.first.folder, "share", "list", "--config", first) as running:
        running.wait_for(r"dora@example\.test .*added")


def run(host: Bridged, *arguments: str) -> str:
    """Run a command beside a host, and give what it printed."""
    with command(host.folder, *arguments, "--config", str(host.folder / "bridge.toml")) as running:
        printed, _ = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 0, printed.decode() + running.told
    return printed.decode()


def test_what_is_at_rest_is_looked_after_by_commands_on_any_host(hosts: Hosts) -> None:
    assert hosts.first.put("rest.ics", event("rest-1")).status_code == 201
    (shown,) = json.loads(run(hosts.second, "mirror", "status", "--json"))
    assert (shown["viewer"], shown["events"]) == (ANN, 1)
    assert "fits together" in run(hosts.second, "mirror", "verify")
    assert "Key 2 was added" in run(hosts.first, "mirror", "rekey", "--prepare")
    shutil.copy(hosts.first.folder / "own" / "key", hosts.second.folder / "own" / "key")
    for host in hosts.both:
        assert host.ask("GET", host.calendar() + "rest.ics").status_code == 200
    assert "sealed with key 2" in run(hosts.first, "mirror", "rekey", "--use-key", "2")
    for host in hosts.both[::-1]:
        assert host.ask("GET", host.calendar() + "rest.ics").status_code == 200
    shutil.copy(hosts.first.folder / "own" / "key", hosts.second.folder / "own" / "key")
    assert hosts.second.ask("DELETE", hosts.second.calendar() + "rest.ics").status_code in {200, 204}
    assert "fits together" in run(hosts.second, "mirror", "verify")
    assert "removed" in run(hosts.second, "mirror", "purge", "--all")
    assert hosts.first.ask("GET", hosts.first.calendar() + "rest.ics").status_code in {404, 503}


def test_the_configuration_is_checked_and_shown_without_the_password(tmp_path: Path) -> None:
    with Simulator(PEOPLE) as exchange:
        database = "postgresql://bridge:geheim@127.0.0.1:9/calendars"
        config = configure(tmp_path, exchange, database=database)
        with command(tmp_path, "config", "check", "--config", str(config)) as running:
            running.wait_for(r"Database +127\.0\.0\.1:9/calendars")
            assert running.process.wait(PATIENCE) == 0
        (tmp_path / "own").mkdir(mode=0o700)
        with command(tmp_path, "serve", "--config", str(config)) as serving:
            assert serving.process.wait(PATIENCE) == 1, "systemd tries again after 1"
        load_keys(tmp_path / "own" / "key")
        with command(tmp_path, "share", "list", "--config", str(config)) as sharing:
            assert sharing.process.wait(PATIENCE) == 1
        for told in (serving.told, sharing.told):
            assert "cannot be opened now" in told
        for told in (running.told, serving.told, sharing.told):
            assert "geheim" not in told
            assert "Traceback" not in told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ones_own_change_is_seen_by_the_next_request_in_each_of_three_workers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = request.getfixturevalue("database") if kind == "postgresql" else ""
    with Simulator(PEOPLE) as exchange, served(tmp_path, exchange, fresh=3600, workers=3, database=database) as bridge:
        url = bridge.calendar() + "mine.ics"
        etag = ""
        for number in range(20):
            condition = {"If_Match": etag} if etag else {"If_None_Match": "*"}
            assert bridge.put("mine.ics", event("mine-1", f"Number {number}"), **condition).status_code in {201, 204}
            answers = [bridge.ask("GET", url) for _ in range(4)]  # each on a connection of its own
            assert all(f"SUMMARY:Number {number}\r\n" in answer.text for answer in answers)
            (etag,) = {answer.headers["ETag"] for answer in answers}
        assert [item.values["Subject"] for item in exchange.events(ANN)] == ["Number 19"]
