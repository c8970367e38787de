"""The figures of ``docs/performance.md``: ``make bench``.

The bridge runs as one worker, as `exchange-bridge serve` runs it; the client is another process's plain HTTP over
loopback, keep-alive, warm login. Times are what the client waits. Here is the part about a calendar of 10 000 single
events at an Exchange that answers in 200 ms; the others are in files of their own. ``--write`` puts the tables into the
docs.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import changes
import latencies
import polling
import requests
import waiting
from client import CTAG, LISTING, SYNC

import convert
import queries
from corpus import free_port
from running import Process, bridge, control, exchange, loads

EVENTS = 10_000
LATENCY, SLOW = 200, 2_000
PEOPLE = ("one@example.test", "two@example.test")
DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
Add = Callable[[str, str, str], None]
"""Adds a row to a table: what, how much, and the goal."""


@dataclass
class Table:
    """Rows of what was measured: name, figure, goal."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, name: str, figure: str, goal: str) -> None:
        self.rows.append((name, figure, goal))
        print(f"{name:68} {figure:>16}   {goal}", flush=True)

    def markdown(self) -> str:
        lines = ["| what | measured | goal |", "|---|---|---|"]
        return "\n".join([*lines, *(f"| {name} | {figure} | {goal} |" for name, figure, goal in self.rows)])


class Client:
    """One person's client: a connection that stays open."""

    def __init__(self, url: str, person: str) -> None:
        self._session = requests.Session()
        self._session.auth = (person, "secret")
        self._calendar = f"{url.rstrip('/')}/{person}/calendar/"

    def ask(self, method: str, body: str, depth: str) -> requests.Response:
        answer = self._session.request(
            method, self._calendar, data=body, headers={"Depth": depth, "Content-Type": "application/xml"}, timeout=120
        )
        if answer.status_code not in {207, 503}:
            raise RuntimeError(f"{method}: {answer.status_code} {answer.text[:200]}")
        return answer

    def ctag(self) -> requests.Response:
        return self.ask("PROPFIND", CTAG, "0")

    def listing(self) -> requests.Response:
        return self.ask("PROPFIND", LISTING, "1")

    def token(self) -> str:
        return self.ctag().text.partition("sync-token>")[2].partition("<")[0]

    def pull(self) -> float:
        """Ask until the calendar is there; give the seconds it took."""
        began = time.perf_counter()
        while self.listing().status_code != 207:
            time.sleep(0.1)
        return time.perf_counter() - began


def median_ms(ask: Callable[[], object], times: int) -> float:
    """Give the median of several calls, in milliseconds."""
    taken = []
    for _time in range(times):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def people() -> str:
    """Give the people file: mailboxes whose calendars hold the events."""
    parts = []
    for number, address in enumerate(PEOPLE):
        parts.append(f'[[people]]\nname = "Person {number}"\naddress = "{address}"\npassword = "secret"\n')
        parts.append('zone = "W. Europe Standard Time"\n\n[[people.calendars]]\nname = "Calendar"\n')
        parts.extend(event(index) for index in range(EVENTS))
    return "\n".join(parts)


def event(index: int) -> str:
    """Give one event of the people file."""
    month, day, hour = index // 28 % 12 + 1, index % 28 + 1, index % 9 + 8
    return (
        f'[[people.calendars.events]]\nsubject = "Event {index}: status of the project"\n'
        f"start = 2026-{month:02}-{day:02}T{hour:02}:00:00\nend = 2026-{month:02}-{day:02}T{hour:02}:45:00\n"
        f'location = "Room {index % 40}"\nbody = "Agenda of the meeting, number {index}: figures, plans, risks."\n'
        f'reminder = 15\nuid = "bench-{index}"\n'
    )


@contextmanager
def pulling(client: Client) -> Iterator[None]:
    """Have another mailbox pulled for the first time while the block runs."""
    thread = threading.Thread(target=client.pull)
    thread.start()
    try:
        yield
    finally:
        if not thread.is_alive():
            print("(the other mailbox's pull ended before the measurement did)")
        thread.join()


def measure(add: Add, home: Path, ews_url: str) -> None:
    """Measure one worker of the bridge."""
    began = time.perf_counter()
    with bridge(ews_url, home, port=free_port(), fresh=3600) as served:
        requests.options(served.url, timeout=30)
        add("start to first answer", f"{time.perf_counter() - began:.2f} s", "under 2 s")
        one, two = (Client(served.url, person) for person in PEOPLE)
        first_pull(add, served, one)
        warm(add, one)
        quiet = median_ms(one.listing, 9)
        add(f"listing of {EVENTS} ETags", f"{quiet:.0f} ms", "under 100 ms")
        with pulling(two):
            busy = median_ms(one.listing, 9)
            busy_ctag = median_ms(one.ctag, 100)
        add("the same while another mailbox is pulled for the first time", f"{busy:.0f} ms", "at most 5 times")
        add("ctag and sync-token meanwhile", f"{busy_ctag:.1f} ms", "")
        add("resident memory of the worker", f"{max(served.resident_megabytes()):.0f} MB", "under 200 MB")


@contextmanager
def slow(ews_url: str) -> Iterator[None]:
    """Have Exchange take its time while the block runs, and none after it."""
    control(ews_url, {"latency": SLOW})
    try:
        yield
    finally:
        control(ews_url, {"latency": 0})


def first_pull(add: Add, served: Process, client: Client) -> None:
    """Measure the first pull: time, and processor time for each event."""
    before = served.cpu_seconds()
    seconds = client.pull()
    cpu = served.cpu_seconds() - before
    add(f"first pull of {EVENTS} events", f"{seconds:.1f} s", "")
    add("its processor time", f"{cpu / EVENTS * 1000:.2f} ms an event", "at most 2 ms an event")


def warm(add: Add, client: Client) -> None:
    """Measure what a poll costs."""
    token = client.token()
    add("PROPFIND of ctag and sync-token", f"{median_ms(client.ctag, 200):.1f} ms", "under 5 ms")
    body = SYNC.format(token=token)
    taken = median_ms(lambda: client.ask("REPORT", body, "1"), 200)
    add("sync-collection without change", f"{taken:.1f} ms", "under 5 ms")


def measure_events(add: Add, folder: Path) -> None:
    """Measure single events, and calendars of 10 000 of them."""
    convert.measure(add)
    (folder / "people.toml").write_text(people(), encoding="utf-8")
    with exchange("--people", str(folder / "people.toml"), "--latency", str(LATENCY)) as server:
        measure(add, folder, server.url)


def measure_queries(add: Add, folder: Path) -> None:
    """Measure questions, the mirror being there; Exchange is slow for a while."""
    (folder / "people.toml").write_text(queries.person(), encoding="utf-8")
    with (
        exchange("--people", str(folder / "people.toml")) as server,
        bridge(server.url, folder, port=free_port(), fresh=3600) as served,
    ):
        Client(served.url, queries.PERSON).pull()
        asker = queries.Asker(served.url, f"/{queries.PERSON}/calendar/")
        queries.measure(add, asker, slow(server.url))
        queries.compare(add, asker, folder / "radicale", free_port())
        asker.close()


PARTS: dict[str, Callable[[Add, Path], None]] = {
    "events": measure_events,
    "queries": measure_queries,
    "latencies": latencies.measure,
    "changes": changes.measure,
    "waiting": waiting.measure,
    "polling": partial(polling.measure, polls=polling.SHORT),
}


def main() -> int:
    """Measure, print, and write the docs if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be given several times")
    parser.add_argument("--full", action="store_true", help="500 people poll every five minutes, not 100 every minute")
    arguments = parser.parse_args()
    parts = PARTS | ({"polling": partial(polling.measure, polls=polling.FULL)} if arguments.full else {})
    for name in arguments.only or parts:
        table = Table()
        with tempfile.TemporaryDirectory() as temporary:
            parts[name](table.add, Path(temporary))
        if arguments.write:
            write(name, table)
    return 0


def write(name: str, table: Table) -> None:
    """Replace a part's table in the docs."""
    text = DOCS.read_text(encoding="utf-8")
    begin, end = f"<!-- make bench: {name} -->\n", "<!-- end -->"
    machine = f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} processors"
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    told = f"{machine}, {loads()} at the end.\n\n{table.markdown()}"
    DOCS.write_text(f"{head}{begin}{told}\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
