"""A crowd that waits on a dead Exchange, and how long others are kept meanwhile: ``python benchmarks/waiting.py``.

Exchange takes connections and answers nothing, then refuses them. `CROWD` clients ask for one mailbox that was never
read, and come back when they are told to. Once all of them have asked, somebody else asks for OPTIONS, and for a
calendar that is there.
"""

import base64
import http.client
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from gate import Gate

from running import bridge, exchange, wait_until

CROWD = 200
ROUNDS = 100
"""How often each thing is asked for."""
TOKEN = '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'
Add = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Person:
    """Somebody with a password, at a bridge."""

    bridge: str
    address: str
    password: str

    @property
    def calendar(self) -> str:
        """The path of the default calendar."""
        return f"/{self.address}/calendar/"

    @property
    def headers(self) -> dict[str, str]:
        """What logs in, and asks for no more than the calendar itself."""
        login = base64.b64encode(f"{self.address}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {login}", "Depth": "0"}

    def request(self) -> bytes:
        """Give a PROPFIND of the calendar as it goes over the wire."""
        lines = [f"PROPFIND {self.calendar} HTTP/1.1", "Host: bridge.test", f"Content-Length: {len(TOKEN)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", TOKEN]).encode()


class Crowd:
    """Clients that ask for a calendar over and over, each after the time that it was told. Use it with ``with``.

    They are all in one thread, so that they do not slow what is measured beside them.
    """

    def __init__(self, people: Sequence[Person]) -> None:
        """Take who asks with each of them, all at one bridge: each for his own calendar."""
        self._people = people
        place = urlsplit(people[0].bridge)
        self._place = (place.hostname or "", place.port or 80)
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, socket.socket]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crowd")
        self._lock = threading.Lock()
        self._told: Counter[int] = Counter()
        self.waiting = 0
        """How many have asked and were not answered yet."""

    def __enter__(self) -> Self:
        for person in self._people:
            client = socket.create_connection(self._place)
            self._selector.register(client, selectors.EVENT_READ, person.request())
            self._ask(client)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # sockets, all of them
        self._selector.close()

    def told(self) -> Counter[int]:
        """Give how many answers of each status there were since this was asked last."""
        with self._lock:
            told, self._told = self._told, Counter()
        return told

    def _ask(self, client: socket.socket) -> None:
        client.sendall(self._selector.get_key(client).data)
        self.waiting += 1

    def _run(self) -> None:
        while not self._is_over.is_set():
            for key, _ in self._selector.select(0.05):
                self._read(key.fileobj)  # type: ignore[arg-type]  # as above
            now = time.monotonic()
            due = [client for at, client in self._due if at <= now]
            self._due = [(at, client) for at, client in self._due if at > now]
            for client in due:
                self._ask(client)

    def _read(self, client: socket.socket) -> None:
        answer = http.client.HTTPResponse(client)
        answer.begin()
        answer.read()
        self.waiting -= 1
        with self._lock:
            self._told[answer.status] += 1
        seconds = float(answer.headers.get("Retry-After", "5"))
        self._due.append((time.monotonic() + seconds, client))


def ask_beside(person: Person, event: str, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Give how long somebody waits, in milliseconds, each time he asks for one of some things of his own."""
    place = urlsplit(person.bridge)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    asked: dict[str, tuple[str, str, str, int]] = {
        "OPTIONS": ("OPTIONS", person.calendar, "", 200),
        "PROPFIND of a sync-token": ("PROPFIND", person.calendar, TOKEN, 207),
        "GET of an event": ("GET", person.calendar + event, "", 200),
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, (method, path, body, status) in asked.items():
            began = time.perf_counter()
            connection.request(method, path, body.encode(), person.headers)
            answer = connection.getresponse()
            answer.read()
            taken[name].append((time.perf_counter() - began) * 1000)
            if answer.status != status:
                raise RuntimeError(f"{name}: {answer.status}")
    connection.close()
    return taken


def slowest(taken: Sequence[float]) -> float:
    """Give what 99 of 100 are faster than."""
    return statistics.quantiles(taken, n=100)[98]


def measure(add: Add, folder: Path) -> None:
    """Print the figures, alone and beside each crowd."""
    people = folder / "people.toml"
    people.write_text(
        "\n".join(
            f'[[people]]\nname = "{name}"\naddress = "{name}@example.test"\npassword = "secret"\n'
            '[[people.calendars]]\nname = "Calendar"\n[[people.calendars.events]]\n'
            'subject = "There"\nstart = 2026-03-02T12:00:00\nend = 2026-03-02T13:00:00\nuid = "there"\n'
            for name in ("warm", "cold")
        )
    )
    with (
        exchange("--people", str(people)) as server,
        Gate(server.url) as gate,
        bridge(gate.url, folder, port=0, fresh=3600) as served,
    ):
        warm, cold = (Person(served.url, f"{name}@example.test", "secret") for name in ("warm", "cold"))
        ask_beside(warm, "there.ics")
        _tell(add, "nobody waits", ask_beside(warm, "there.ics"))
        for name, shut in (("answers nothing", gate.be_silent), ("refuses", gate.refuse)):
            shut()
            with Crowd([cold] * CROWD) as crowd:
                wait_until(lambda: crowd.waiting < CROWD // 10, 60)
                _tell(add, f"{CROWD} wait, Exchange {name}", ask_beside(warm, "there.ics"))
            gate.lead()


def _tell(add: Add, when: str, taken: dict[str, list[float]]) -> None:
    for name, each in taken.items():
        figure = f"{statistics.median(each):.1f} ms ({slowest(each):.1f} ms)"
        add(f"{name}, {when}: median (p99)", figure, "p99 under 50 ms")


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        measure(lambda name, figure, goal: print(f"{name:80} {figure:>20}   {goal}", flush=True), Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
