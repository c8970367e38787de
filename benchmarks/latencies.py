"""What people notice of a slow Exchange: a part of ``make bench``.

For each latency of Exchange's there is a person whose calendar of 10 000 events, a tenth of them series, is read for
the first time; three clients of his ask at once, each until it is answered. Then what is there is read: watched, and
once it is older than `[sync] fresh` while nobody watches.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from client import CTAG, LISTING, SYNC, Client, token_in, until_told
from office import address

from corpus import free_port
from running import Process, bridge, control, loads, office

EVENTS = 10_000
LATENCIES = (0, 100, 500, 2000)
"""Of Exchange, in milliseconds; person number n has the n-th."""
TIMES = 60
FRESH = 5.0
"""`[sync] fresh`, in seconds, where nobody watches."""
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
Add = Callable[[str, str, str], None]
Ask = Callable[[], str]


def _month() -> str:
    first = date.today().replace(day=1)  # noqa: DTZ011 - as `office.py` makes the events
    last = (first + timedelta(days=32)).replace(day=1)
    return f'<C:time-range start="{first:%Y%m%d}T000000Z" end="{last:%Y%m%d}T000000Z"/>'


QUERY = (
    f'<C:calendar-query {_NAMES}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
    f'<C:comp-filter name="VEVENT">{_month()}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)
FREE_BUSY = f"<C:free-busy-query {_NAMES}>{_month()}</C:free-busy-query>"
FIRST = ("calendar-query of this month", "first page of sync-collection", f"all {EVENTS} events")


def first_answers(served: Process, person: str) -> list[float]:
    """Give the seconds until a month is told, a first page, and all."""
    asked = (("REPORT", QUERY), ("REPORT", SYNC.format(token="")), ("PROPFIND", LISTING))
    taken = [0.0] * len(asked)

    def wait(number: int, method: str, body: str) -> None:
        client = Client(served.url, person)
        taken[number], _ = until_told(lambda: client.ask(method, body))
        client.close()

    threads = [threading.Thread(target=wait, args=(number, *each)) for number, each in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def reads(client: Client) -> dict[str, Ask]:
    """Give what apps ask of a calendar that is there."""
    token = token_in(client.ask("PROPFIND", CTAG, depth="0"))
    return {
        "ctag and sync-token": lambda: client.ask("PROPFIND", CTAG, depth="0"),
        "sync-collection without change": lambda: client.ask("REPORT", SYNC.format(token=token)),
        "calendar-query of this month": lambda: client.ask("REPORT", QUERY),
        "free-busy-query of this month": lambda: client.ask("REPORT", FREE_BUSY),
    }


def times(ask: Ask, count: int) -> list[float]:
    """Give how long each of several answers took, in milliseconds."""
    taken = []
    for _time in range(count):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _by_latency(figures: list[float], unit: str) -> str:
    return " / ".join(f"{figure:.1f}" for figure in figures) + f" {unit}"


def _ratio(figures: list[float]) -> str:
    return f"{figures[-1] / figures[0]:.2f} times at {LATENCIES[-1]} ms, at most 1.5"


def measure(add: Add, folder: Path) -> None:
    """Measure first answers, then reads, watched and not."""
    told, port = " / ".join(map(str, LATENCIES)), free_port()
    with office(len(LATENCIES), EVENTS) as ews:
        with bridge(ews.url, folder, port=port) as served:
            first = []
            for number, latency in enumerate(LATENCIES):
                control(ews.url, {"latency": latency})
                first.append(first_answers(served, address(number)))
                print(f"(at {latency} ms: {loads()})", flush=True)
            for name, figures in zip(FIRST, zip(*first, strict=True), strict=True):
                add(f"Exchange at {told} ms: {name}, the first time", _by_latency(list(figures), "s"), "")
            control(ews.url, {"latency": 0})
            _watched(add, served, ews)
        with bridge(ews.url, folder, port=port, fresh=FRESH, sync="watch = false\n") as served:
            _old(add, served, ews)


def _watched(add: Add, served: Process, ews: Process) -> None:
    clients = [Client(served.url, address(number)) for number in range(len(LATENCIES))]
    for client in clients:
        until_quiet(client, ews)
    for name in reads(clients[0]):
        figures = []
        for client, latency in zip(clients, LATENCIES, strict=True):
            ask = reads(client)[name]
            times(ask, 5)
            control(ews.url, {"latency": latency})
            figures.append(median(times(ask, TIMES)))
            control(ews.url, {"latency": 0})
        add(f"{name}, watched", _by_latency(figures, "ms"), _ratio(figures))
    print(f"({loads()})", flush=True)


def _old(add: Add, served: Process, ews: Process) -> None:
    clients = [Client(served.url, address(number)) for number in range(len(LATENCIES))]
    firsts: list[float] = []
    found: dict[str, list[float]] = {}
    for client, latency in zip(clients, LATENCIES, strict=True):
        asked = reads(client)
        for ask in asked.values():
            times(ask, 5)
        time.sleep(FRESH + 1)
        control(ews.url, {"latency": latency})
        firsts += times(asked["ctag and sync-token"], 1)
        for name, ask in asked.items():
            found.setdefault(name, []).append(median(times(ask, TIMES)))
        control(ews.url, {"latency": 0})
    add("ctag and sync-token, older than fresh: who asks first", _by_latency(firsts, "ms"), "at most 2 s")
    for name, figures in found.items():
        add(f"{name}, after that", _by_latency(figures, "ms"), _ratio(figures))
    print(f"({loads()})", flush=True)


def until_quiet(client: Client, ews: Process) -> None:
    """Ask until an answer costs no call to Exchange though the last pull is not fresh: it is watched then."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        time.sleep(16)
        control(ews.url, {"reset_counts": True})
        until_told(client.token)
        if not control(ews.url)["total"] and _is_heard(client, ews):
            return
    raise TimeoutError(f"{client.address} is not watched at {datetime.now(UTC)}")


def _is_heard(client: Client, ews: Process) -> bool:
    held = control(ews.url)["subscriptions"]
    return any(one["is_held"] and one["mailbox"] == client.address for one in held)  # type: ignore[attr-defined]


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        measure(lambda name, figure, goal: print(f"{name:75} {figure:>34}   {goal}", flush=True), Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
