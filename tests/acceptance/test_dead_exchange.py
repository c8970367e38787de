"""The served command while Exchange is dead: a crowd that waits for one mailbox keeps nobody else, and is bounded."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from gate import Gate
from waiting import CROWD, Crowd, Person, ask_beside, slowest

from bridge.cli.server import KEEP_ALIVE
from bridge.ews.budget import CALLS_PER_ORGANISATION
from bridge.simulator import PersonPlan, Simulator
from bridge.sync import asking, loop, pull

from commands import command
from events import START

ANN, BEN = "ann@example.test", "ben@example.test"
PASSWORD = "correct horse"
THREADS = 32
"""What `[server] threads` is by default."""
OF_ONE = 4
"""How many of them wait for one mailbox at most: a quarter of the half that may wait."""
MOST_THREADS = THREADS + asking.AT_ONCE * (1 + pull.AT_ONCE) + 1 + loop.AT_ONCE + 6
"""The clients' threads, those that ask, readers for each pull, those that watch; what gunicorn and the vault have."""
STREAMS = 1
"""One for Ann, whose calendar is watched."""
MOST_FILES = CROWD + 1 + CALLS_PER_ORGANISATION + STREAMS + 2 * 3 * 64 + 30
"""Clients, Exchange, two databases of at most 64 connections with up to three files each, and what any process has."""
MOST_MEGABYTES = 200
LONGEST = 1000.0
"""Milliseconds, on a machine that does much else. Whoever waited for Exchange would wait ten seconds."""


@dataclass(frozen=True)
class Place:
    """A bridge, the gate before its Exchange, and its one worker."""

    url: str
    gate: Gate
    worker: int

    def person(self, address: str) -> Person:
        """Give somebody who asks here."""
        return Person(self.url, address, PASSWORD)

    def told(self, name: str) -> int:
        """Give a number of the worker's, of /proc/PID/status."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])

    def files(self) -> int:
        """Give how many files and sockets the worker has open."""
        return len(list(Path(f"/proc/{self.worker}/fd").iterdir()))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Serve Ann, whose calendar is read, and Ben, whose is not, by one worker."""
    people = [PersonPlan(one, one, PASSWORD) for one in (ANN, BEN)]
    with Simulator(people) as exchange, Gate(exchange.url) as gate:
        for one in (ANN, BEN):
            exchange.add_event(one, subject="There", uid="there", start=START, end=START + timedelta(hours=1))
        config = tmp_path / "bridge.toml"
        config.write_text(
            f'[exchange]\nurl = "{gate.url}"\n[server]\nlisten = "127.0.0.1:0"\n'
            f'[state]\nfolder = "{tmp_path / "own"}"\n[sync]\nfresh = 3600\n'
        )
        with command(tmp_path, "serve", "--config", str(config)) as running:
            url = running.wait_for(r"served at (http://\S+)")[1]
            children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
            yield Place(url, gate, int(children[0]))
            assert "Traceback" not in running.told
        assert exchange.outbox == []


@pytest.fixture
def observed(place: Place) -> Iterator[Callable[[], dict[str, int]]]:
    """Look at the worker all the time; gives the most that was seen of anything."""
    most = {"threads": 0, "files": 0, "kilobytes": 0}
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            now = {"threads": place.told("Threads"), "files": place.files(), "kilobytes": place.told("VmRSS")}
            most.update({name: max(number, now[name]) for name, number in most.items()})

    thread = threading.Thread(target=look)
    thread.start()
    yield lambda: dict(most)
    is_over.set()
    thread.join()


@pytest.mark.parametrize("way", ["silent", "refused"])
def test_a_crowd_that_waits_for_a_dead_exchange_keeps_nobody_else(
    place: Place, observed: Callable[[], dict[str, int]], way: str
) -> None:
    ann, ben = place.person(ANN), place.person(BEN)
    ask_beside(ann, "there.ics", 5)
    alone = ask_beside(ann, "there.ics", 30)
    (place.gate.be_silent if way == "silent" else place.gate.refuse)()
    with Crowd([ben] * CROWD) as crowd:
        if way == "silent":
            wait_until(lambda: crowd.waiting == OF_ONE)
        beside = ask_beside(ann, "there.ics")
        for name, taken in beside.items():
            assert statistics.median(taken) < 5 * statistics.median(alone[name]) + 20, name
            assert slowest(taken) < LONGEST, name
        wait_until(lambda: crowd.told().keys() == {503})
        place.gate.lead()
        wait_until(lambda: crowd.told()[207] > 0)
        assert crowd.told().keys() <= {207, 503}
    most = observed()
    assert place.gate.most <= CALLS_PER_ORGANISATION + STREAMS
    assert most["threads"] <= MOST_THREADS
    assert most["files"] <= MOST_FILES
    assert most["kilobytes"] < MOST_MEGABYTES * 1000


def test_those_who_wait_for_many_mailboxes_leave_half_of_the_threads(place: Place) -> None:
    ann = place.person(ANN)
    ask_beside(ann, "there.ics", 5)
    place.gate.be_silent()
    with Crowd([place.person(f"nobody-{number}@example.test") for number in range(CROWD)]) as crowd:
        wait_until(lambda: crowd.waiting == THREADS // 2)
        assert slowest([each for taken in ask_beside(ann, "there.ics", 40).values() for each in taken]) < LONGEST
        assert crowd.told().keys() == {503}
    assert place.gate.most <= THREADS // 2 + STREAMS


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what comes by itself; a keep-alive connection would end before that is given up."""
    end = time.monotonic() + KEEP_ALIVE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)
