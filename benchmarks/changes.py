"""How long a change takes to the other side, and what it costs: a part of ``make bench``.

Outlook is a plain EWS client here, in this process. After each of its changes an app asks for changes over and over
until it is told. Exchange takes 100 ms for each call.
"""

import base64
import http.client
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from client import PASSWORD, SYNC, Client, token_in, until_told
from latencies import until_quiet
from office import address

from running import Process, bridge, control, loads, office

LATENCY = 100
"""Of Exchange, in milliseconds."""
EVENTS = 1_000
WATCHED_TIMES, POLLED_TIMES, WRITES = 100, 30, 10
POLL = 10
"""`[sync] poll` where Exchange tells of nothing, in seconds: the least there is."""
ECHO = 3.0
"""Seconds within which one's own change is told back by Exchange, and looked at."""
DICE = random.Random(1)
Add = Callable[[str, str, str], None]

_CREATE = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2013"/></s:Header>
<s:Body><m:CreateItem SendMeetingInvitations="SendToNone">
<m:SavedItemFolderId><t:DistinguishedFolderId Id="calendar"/></m:SavedItemFolderId>
<m:Items><t:CalendarItem><t:Subject>{subject}</t:Subject><t:Start>{start}</t:Start><t:End>{end}</t:End>
</t:CalendarItem></m:Items></m:CreateItem></s:Body></s:Envelope>"""


def outlook_adds(ews: Process, person: str, number: int) -> None:
    """Have somebody add an event in Outlook."""
    start = datetime(2027, 1, 1, 8, tzinfo=UTC) + timedelta(hours=number)
    body = _CREATE.format(
        subject=f"Added {number}", start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end=f"{start:%Y-%m-%dT%H:30:00Z}"
    )
    parts = urlsplit(ews.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    login = base64.b64encode(f"{person}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "text/xml; charset=utf-8"}
    connection.request("POST", parts.path, body, headers)
    answer = connection.getresponse().read()
    connection.close()
    if b"NoError" not in answer:
        raise RuntimeError(answer[:500])


def until_seen(client: Client, token: str, pause: float) -> tuple[float, str]:
    """Ask for changes until there are some; give the seconds that took, and the next token."""
    began = time.perf_counter()
    while True:
        answer = client.ask("REPORT", SYNC.format(token=token))
        if ".ics" in answer:
            return time.perf_counter() - began, token_in(answer)
        time.sleep(pause)


def outlook(client: Client, ews: Process, times: int, pause: float, period: float) -> list[float]:
    """Give, sorted, how many seconds after Outlook's changes the app was told of them.

    Changes come at any moment of a ``period`` (seconds) in which something may be done about them.
    """
    _, token = until_told(client.token)
    taken = []
    for number in range(times):
        outlook_adds(ews, client.address, number)
        seconds, token = until_seen(client, token, pause)
        taken.append(seconds)
        time.sleep(DICE.uniform(0, period))
    return sorted(taken)


def _percentiles(taken: list[float]) -> str:
    return f"{median(taken):.2f} s ({taken[min(len(taken) - 1, int(len(taken) * 0.99))]:.2f} s)"


def measure(add: Add, folder: Path) -> None:
    """Measure changes at Exchange, with and without notifications, then writes."""
    with office(3, EVENTS) as ews:
        control(ews.url, {"latency": LATENCY})
        with bridge(ews.url, folder, port=0) as served:
            client = Client(served.url, address(0))
            until_told(client.token)
            until_quiet(client, ews)
            taken = outlook(client, ews, WATCHED_TIMES, 0.02, 0.5)
            add("from Outlook's change to the app, median (p99)", _percentiles(taken), "under 5 s")
            _write(add, client, ews, "with the change's echo, watched", ECHO)
        control(ews.url, {"notifications": "none"})
        with bridge(ews.url, folder, port=0, fresh=3600, sync=f"poll = {POLL}\n") as served:
            client = Client(served.url, address(1))
            until_told(client.token)
            taken = outlook(client, ews, POLLED_TIMES, 0.1, POLL)
            add(f"the same without notifications, `poll = {POLL}`", _percentiles(taken), f"about {POLL} s at most")
        with bridge(ews.url, folder, port=0, fresh=3600, sync="watch = false\n") as served:
            client = Client(served.url, address(2))
            until_told(client.token)
            _write(add, client, ews, "", 0.0)
    print(f"({loads()})", flush=True)


def _write(add: Add, client: Client, ews: Process, how: str, echo: float) -> None:
    """Measure writes: their calls, and the time that is not Exchange's."""
    stamp = f"{time.time_ns():x}"
    kinds: tuple[tuple[str, Callable[[int], str]], ...] = (
        ("a new event", lambda number: _single(f"{stamp}-{number}", 0)),
        ("a changed event", lambda number: _single(f"{stamp}-{number}", 1)),
        ("a new series", lambda number: _series(f"{stamp}-s-{number}", 0)),
        ("a series with three changed occurrences", lambda number: _series(f"{stamp}-s-{number}", 3)),
    )
    for name, body in kinds:
        taken, own = [], []
        calls: Counter[str] = Counter()
        for number in range(WRITES):
            control(ews.url, {"reset_counts": True})
            began = time.perf_counter()
            client.ask("PUT", body(number), name=f"{stamp}{'-s' * ('series' in name)}-{number}.ics")
            taken.append((time.perf_counter() - began) * 1000)
            own.append(taken[-1] - LATENCY * sum(_calls(ews).values()))
            time.sleep(echo)
            calls += _calls(ews)
        told = ", ".join(f"{operation} {count / WRITES:g}" for operation, count in calls.items())
        if how:
            add(f"PUT of {name}: calls {how}", told, "")
        else:
            add(f"PUT of {name}: calls", told, "")
            figure = f"{median(taken):.0f} ms, {median(own):.0f} ms of it not Exchange's"
            add(f"PUT of {name}: time", figure, "")


def _calls(ews: Process) -> Counter[str]:
    shown = control(ews.url)["calls"]
    return Counter({name: sum(count.values()) for name, count in shown.items()})  # type: ignore[attr-defined]


def _single(uid: str, version: int) -> str:
    return _calendar(_event(uid, f"DTSTART:20270301T090000Z\r\nDTEND:20270301T100000Z\r\nSUMMARY:Version {version}"))


def _series(uid: str, changed: int) -> str:
    master = _event(
        uid, "DTSTART:20270301T090000Z\r\nDTEND:20270301T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=20\r\nSUMMARY:Series"
    )
    moved = (
        _event(
            uid,
            f"RECURRENCE-ID:202703{day:02}T090000Z\r\nDTSTART:202703{day:02}T130000Z\r\n"
            f"DTEND:202703{day:02}T140000Z\r\nSUMMARY:Moved",
        )
        for day in (8, 15, 22)[:changed]
    )
    return _calendar("".join([master, *moved]))


def _event(uid: str, lines: str) -> str:
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20270101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"


def _calendar(events: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//bench//EN\r\n{events}END:VCALENDAR\r\n"


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        measure(lambda name, figure, goal: print(f"{name:75} {figure:>34}   {goal}", flush=True), Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
