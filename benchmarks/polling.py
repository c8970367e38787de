"""What many people cost whose apps look for news now and then: a part of ``make bench``.

Everybody has a mirror already. An app's poll is a new connection, a PROPFIND of ctag and sync-token, and a
sync-collection with the token it has; the polls are spread evenly. Nothing happens at Exchange meanwhile. Each person
is asked for with his own password (Basic), or all of them by a service account for what goes on behind.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from client import LISTING, PASSWORD, SYNC, Client, token_in, until_told
from office import SERVICE, address

from corpus import free_port
from running import Process, bridge, control, loads, office, wait_until

EVENTS = 1_000

FRESH = 15.0
"""`[sync] fresh`, in seconds."""
AT_ONCE = 12
"""Clients that wait for their first pull side by side."""
Add = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Polls:
    """Who polls: so many people, each every ``interval`` seconds, for so many ``seconds``."""

    people: int
    interval: float
    seconds: float


FULL = Polls(500, 300.0, 300.0)
SHORT = Polls(100, 60.0, 120.0)
"""As many polls a second as in the full run."""


@dataclass
class App:
    """One person's app. ``token`` is what it has heard up to."""

    client: Client
    token: str = ""

    def poll(self) -> float:
        """Look for news; give the seconds it took."""
        began = time.perf_counter()
        try:
            token = self.client.token()
            answer = self.client.ask("REPORT", SYNC.format(token=self.token or token))
        finally:
            self.client.close()
        self.token = token_in(answer)
        return time.perf_counter() - began

    def warm(self) -> None:
        """Look for news until there is an answer: right after a start everybody comes at once."""
        until_told(lambda: str(self.poll()), 1.0)

    def fill(self) -> None:
        """Ask for everything until it is there."""
        until_told(lambda: self.client.ask("PROPFIND", LISTING), 1.0)
        self.client.close()


def fill(add: Add, apps: list[App], served: Process, ews: Process, events: int) -> None:
    """Have everybody's calendar pulled."""
    began, cpu, other = time.perf_counter(), served.cpu_seconds(), ews.cpu_seconds()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(App.fill, apps))
    taken, cpu, other = time.perf_counter() - began, served.cpu_seconds() - cpu, ews.cpu_seconds() - other
    add(f"first pull for {len(apps)} people with {events} events each", f"{taken:.0f} s", "")
    each = cpu / len(apps) / events * 1000
    add("its processor time", f"{each:.2f} ms an event", "at most 2 ms an event")
    theirs = other / len(apps) / events * 1000
    print(f"(the simulated Exchange: {theirs:.2f} ms an event; {loads()})", flush=True)


def poll_all(apps: list[App], interval: float, seconds: float) -> list[float]:
    """Have everybody poll every ``interval`` seconds, evenly spread; give how long (s) each poll took, sorted."""
    taken: list[float] = []
    lock = threading.Lock()

    def poll(app: App) -> None:
        one = app.poll()
        with lock:
            taken.append(one)

    begin, step = time.monotonic() + 0.1, interval / len(apps)
    polls = []
    with ThreadPoolExecutor(32) as pool:
        for number in range(int(seconds / step)):
            time.sleep(max(0.0, begin + number * step - time.monotonic()))
            polls.append(pool.submit(poll, apps[number % len(apps)]))
    for one in polls:
        one.result()
    return sorted(taken)


@dataclass(frozen=True)
class Run:
    """How the bridge is run: lines of two sections of its configuration, and whether it watches."""

    name: str
    exchange: str
    sync: str
    watches: bool

    @property
    def goal(self) -> str:
        """How many calls a poll may cost."""
        return "0" if self.watches else "at most 1"


ROUND = 0.05
"""Seconds between two polls where only their own calls are to be counted: so quickly that little else happens."""


def calls_of_polls(apps: list[App], ews: Process) -> float:
    """Give how many calls to Exchange a poll costs, everybody's calendar being older than fresh or quiet."""
    time.sleep(FRESH + 1)
    control(ews.url, {"reset_counts": True})
    count = len(poll_all(apps, len(apps) * ROUND, len(apps) * ROUND))
    return sum(_calls(ews).values()) / count


def measure_run(add: Add, apps: list[App], served: Process, ews: Process, run: Run, polls: Polls) -> None:
    """Measure polls with nothing new."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(App.warm, apps))  # everybody logs in once, and is watched from now on
    if run.watches:
        wait_until(lambda: _streams(ews) >= len(apps), 600)
        time.sleep(30)
    add(f"{run.name}: calls to Exchange for a poll", f"{calls_of_polls(apps, ews):.2f}", run.goal)
    time.sleep(FRESH + 1)
    control(ews.url, {"reset_counts": True})
    cpu, other, began = served.cpu_seconds(), ews.cpu_seconds(), time.perf_counter()
    taken = poll_all(apps, polls.interval, polls.seconds)
    elapsed = time.perf_counter() - began
    cpu, other = served.cpu_seconds() - cpu, ews.cpu_seconds() - other
    calls = _calls(ews)
    name = run.name
    add(f"{name}: processor time", f"{cpu / elapsed * 100:.1f} % of a core", "one core")
    add(f"{name}: resident memory", f"{max(served.resident_megabytes()):.0f} MB", "1 GB")
    p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
    add(f"{name}: a poll, median (p99)", f"{median(taken) * 1000:.1f} ms ({p99 * 1000:.0f} ms)", "")
    hourly = {operation: count / len(apps) / elapsed * 3600 for operation, count in calls.most_common()}
    told = ", ".join(f"{operation} {count:.1f}" for operation, count in hourly.items()) or "none"
    add(f"{name}: all calls a person and hour", told, "")
    add(f"{name}: mailboxes told of over streams", str(_streams(ews)), "")
    theirs = f"the simulated Exchange: {other / elapsed * 100:.1f} % of a core"
    print(f"({len(taken)} polls in {elapsed:.0f} s; {theirs}; {loads()})", flush=True)


def _calls(ews: Process) -> Counter[str]:
    shown = control(ews.url)["calls"]
    return Counter({name: sum(count.values()) for name, count in shown.items()})  # type: ignore[attr-defined]


def _streams(ews: Process) -> int:
    return sum(one["is_held"] for one in control(ews.url)["subscriptions"])  # type: ignore[attr-defined]


def measure(add: Add, folder: Path, polls: Polls) -> None:
    """Fill everybody's mirror, then measure with watching on, off, and by a service account."""
    password = folder / "service-password"
    password.write_text(PASSWORD + "\n", encoding="utf-8")
    password.chmod(0o600)
    service = f'service_account = "{SERVICE}"\nservice_password_file = "{password}"\n'
    users, what = polls.people, f"{polls.people} people every {polls.interval:.0f} s"
    runs = (
        Run(f"{what}, watched, own passwords", "", "", watches=True),
        Run(f"{what}, not watched, own passwords", "", "watch = false\n", watches=False),
        Run(f"{what}, watched by a service account", service, "", watches=True),
    )
    with office(users, EVENTS) as ews:
        port = free_port()  # the same throughout: links in the events name it, so that another has all rendered anew
        with bridge(ews.url, folder, port=port, sync="watch = false\n") as served:
            fill(add, _apps(served, users), served, ews, EVENTS)
        for run in runs:
            with bridge(ews.url, folder, port=port, exchange=run.exchange, sync=run.sync) as served:
                measure_run(add, _apps(served, users), served, ews, run, polls)


def _apps(served: Process, users: int) -> list[App]:
    return [App(Client(served.url, address(number))) for number in range(users)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=SHORT.people)
    parser.add_argument("--interval", type=float, default=SHORT.interval, help="seconds between two polls of a person")
    parser.add_argument("--seconds", type=float, default=SHORT.seconds, help="how long each run takes")
    arguments = parser.parse_args()
    polls = Polls(arguments.people, arguments.interval, arguments.seconds)
    with tempfile.TemporaryDirectory() as temporary:
        measure(
            lambda name, figure, goal: print(f"{name:80} {figure:>20}   {goal}", flush=True), Path(temporary), polls
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
