"""What questions cost, and what Radicale takes for the same: a part of ``make bench``.

One calendar of 10 000 events of which 1 000 are series, so that 420 are in a month. The bridge has it from the
simulated Exchange; Radicale's own server holds the same events, as the bridge serves them, in its own storage.
"""

import http.client
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from icalendar import Calendar
from lxml import etree

PERSON = "many@example.test"
EVENTS, SERIES, DAYS = 10_000, 1_000, 1_095
MONTH = '<C:time-range start="20270601T000000Z" end="20270701T000000Z"/>'
_EXPAND = '<C:expand start="20270601T000000Z" end="20270701T000000Z"/>'
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'


def calendar_query(data: str, within: str) -> str:
    """Give a calendar-query for these properties of the events that a filter finds."""
    return (
        f'<C:calendar-query {_NAMES}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT">{within}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
    )


def _text(name: str, text: str, *, negated: bool = False) -> str:
    negate = ' negate-condition="yes"' if negated else ""
    return f'<C:prop-filter name="{name}"><C:text-match{negate}>{text}</C:text-match></C:prop-filter>'


_ALARM = '<C:comp-filter name="VALARM"><C:time-range start="20270601T000000Z" end="20270701T000000Z"/></C:comp-filter>'
QUESTIONS = (
    ("calendar-query of a month, ETags", calendar_query("", MONTH), "under 10 ms"),
    ("the same with the events", calendar_query("<C:calendar-data/>", MONTH), "under 20 ms"),
    ("the same expanded", calendar_query(f"<C:calendar-data>{_EXPAND}</C:calendar-data>", MONTH), "under 30 ms"),
    ("a query by UID", calendar_query("", _text("UID", "many-4711")), "under 5 ms"),
    ("text-match over all summaries", calendar_query("", _text("SUMMARY", "event 4711")), "under 500 ms"),
    ("the same negated", calendar_query("", _text("SUMMARY", "status", negated=True)), "under 500 ms"),
    ("alarms of a month", calendar_query("", _ALARM), ""),
)
FREE_BUSY = f"<C:free-busy-query {_NAMES}>{MONTH}</C:free-busy-query>"
Add = Callable[[str, str, str], None]
"""Adds a row to the table: what, how much, and the goal."""


def person() -> str:
    """Give the people file's entry of the mailbox."""
    head = (
        f'[[people]]\nname = "Many"\naddress = "{PERSON}"\npassword = "secret"\nzone = "W. Europe Standard Time"\n\n'
        '[[people.calendars]]\nname = "Calendar"\n'
    )
    return "\n".join([head, *(_event(index) for index in range(EVENTS))])


def _event(index: int) -> str:
    """Give an event of the people file: single ones over three years, series of half a year each."""
    is_series = index % (EVENTS // SERIES) == 0
    day = date(2026, 1, 1) + timedelta(days=index * 7 % DAYS)
    hour = index % 9 + 8
    recurrence = 'recurrence = { every = "week", count = 26 }\n' if is_series else ""
    return (
        f'[[people.calendars.events]]\nsubject = "Event {index}: status of the project"\n'
        f"start = {day}T{hour:02}:00:00\nend = {day}T{hour:02}:45:00\n{recurrence}"
        f'location = "Room {index % 40}"\nbody = "Agenda of the meeting, number {index}: figures, plans, risks."\n'
        f'reminder = 15\nuid = "many-{index}"\n'
    )


@dataclass
class Asker:
    """A client that keeps its connection open where the server does, and asks for no compression."""

    url: str
    path: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=900)
        login = b64encode(f"{PERSON}:secret".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Depth": "1", "Content-Type": "application/xml"}

    def ask(self, body: str, method: str = "REPORT") -> bytes:
        """Ask, and give the answer's body."""
        self._http.request(method, self.path, body.encode(), self._headers)
        answer = self._http.getresponse()
        content = answer.read()
        if answer.status not in {200, 207}:
            raise RuntimeError(f"{method}: {answer.status} {content[:200]!r}")
        return content

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def times_ms(asker: Asker, body: str, times: int) -> list[float]:
    """Give how long each of several answers took, in milliseconds, sorted."""
    asker.close()  # a server may have given up a connection that was quiet for long
    asker.ask(body)
    taken = []
    for _time in range(times):
        began = time.perf_counter()
        asker.ask(body)
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def rate(url: str, path: str, seconds: float = 5.0, clients: int = 4) -> float:
    """Give how many free-busy queries a second several clients get answered together."""
    end = time.perf_counter() + seconds
    counts = [0] * clients

    def work(number: int) -> None:
        asker = Asker(url, path)
        while time.perf_counter() < end:
            asker.ask(FREE_BUSY)
            counts[number] += 1
        asker.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def percentile(taken: list[float], share: float) -> float:
    """Give the value below which this share of sorted values is."""
    return taken[min(len(taken) - 1, int(len(taken) * share))]


@contextmanager
def radicale(folder: Path, port: int, texts: list[str]) -> Iterator[Asker]:
    """Run Radicale's own server with these events in its own storage."""
    calendar = folder / "storage" / "collection-root" / PERSON / "calendar"
    calendar.mkdir(parents=True)
    (calendar / ".Radicale.props").write_text('{"tag": "VCALENDAR"}', encoding="utf-8")
    for text in texts:
        uid = str(Calendar.from_ical(text).walk("VEVENT")[0]["UID"])
        (calendar / f"{uid}.ics").write_text(text, encoding="utf-8", newline="")
    config = folder / "radicale.conf"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n"
        f"[storage]\nfilesystem_folder = {folder / 'storage'}\n"
        "[logging]\nlevel = error\n[reporting]\nmax_freebusy_occurrence = 1000000\n",
        encoding="utf-8",
    )
    command = [str(Path(sys.executable).with_name("radicale")), "--config", str(config)]
    process = subprocess.Popen(command)  # noqa: S603 - Radicale's own command
    asker = Asker(f"http://127.0.0.1:{port}", f"/{PERSON}/calendar/")
    try:
        _wait(asker)
        yield asker
    finally:
        asker.close()
        process.terminate()
        process.wait(20)


def _wait(asker: Asker) -> None:
    """Wait until the server answers; its first answer about the calendar fills its cache of items."""
    for _attempt in range(200):
        try:
            asker.ask("<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/></D:prop></D:propfind>", "PROPFIND")
        except ConnectionError:
            asker.close()
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("Radicale does not answer")


def measure(add: Add, asker: Asker, slow: AbstractContextManager[object]) -> None:
    """Measure every question, and again while ``slow`` makes Exchange slow.

    The rate of several clients is measured last: the seconds after it are slower.
    """
    found = {name: median(times_ms(asker, body, 50)) for name, body, _ in QUESTIONS}
    busy = times_ms(asker, FREE_BUSY, 500)
    with slow:
        for name, body, goal in QUESTIONS:
            again = median(times_ms(asker, body, 20))
            add(name, f"{found[name]:.1f} ms ({again:.1f} ms)", goal)
        again = median(times_ms(asker, FREE_BUSY, 100))
    add("free-busy-query of a month, median", f"{median(busy):.1f} ms ({again:.1f} ms)", "under 5 ms")
    add("its slowest of a hundred", f"{percentile(busy, 0.99):.1f} ms", "under 25 ms")
    add("free-busy-queries a second, four clients", f"{rate(asker.url, asker.path):.0f}", "200")


def compare(add: Add, ours: Asker, folder: Path, port: int) -> None:
    """Measure what Radicale takes for the same events, its cache of items being there."""
    texts = list(_texts(ours.ask(calendar_query("<C:calendar-data/>", ""))))
    expand = next(body for name, body, _ in QUESTIONS if name == "the same expanded")
    with radicale(folder, port, texts) as theirs:
        theirs.ask(FREE_BUSY)
        for name, body in (("free-busy-query of a month", FREE_BUSY), ("query of a month, expanded", expand)):
            own = median(times_ms(ours, body, 20))
            began = time.perf_counter()
            theirs.ask(body)  # once: it may take minutes
            other = (time.perf_counter() - began) * 1000
            add(f"Radicale's own {name}", f"{other:.0f} ms", f"{other / own:.0f} times ours")


def _texts(answer: bytes) -> Iterator[str]:
    for data in etree.fromstring(answer).iter("{urn:ietf:params:xml:ns:caldav}calendar-data"):
        yield str(data.text)
