"""Real iCalendar objects through the bridge and back: ``make corpus``.

Each object is PUT over HTTP into a mailbox that is its organizer and into one that is not, read back as Exchange made
it, compared, and deleted. Compared is every property with its parameters, by what it says (``meaning.py``), in every
event, alarm and other component, and around the events; besides, by another library, the instants of each event and the
occurrences of a series over its first five years. What becomes of an object is one of

- stored and equal: all that it says comes back, and nothing is added but what ``ADDED`` lists and gives a reason for;
- stored, with a change that ``FILES`` and ``BLANKED`` list and give a reason for;
- refused with a reason: by ``valid-calendar-data`` what RFC 5545 or RFC 4791 does not allow, by anything else what
  Exchange cannot hold;
- failed: any other error, or any other difference. Then this exits with 1.

Not compared are VERSION and PRODID, which are of the product that wrote the object (RFC 5545 3.7.3), and the rules in a
VTIMEZONE, but by the instants they give. ``--write`` puts the tables into docs/corpus.md.
"""

import os
import re
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import recurring_ical_events
import requests
from icalendar import Calendar

import meaning
from meaning import Difference, read
from running import bridge, control, exchange

ORGANIZER = re.compile(rb"^ORGANIZER[^\r\n]*?mailto:([^\s;\"\r\n]+)", re.MULTILINE | re.IGNORECASE)
ADDED = {
    Difference("gained", "DTSTAMP"): "DTSTAMP, where the object has none: RFC 5545 3.6.1 demands one",
    Difference("gained", "CREATED"): "CREATED, where the object has none: Exchange's own",
    Difference("gained", "LAST-MODIFIED"): "LAST-MODIFIED, where the object has none: Exchange's own",
}
BLANKED = "a blank stands for each control character: neither RFC 5545 nor XML has a place for one"
FILES = {Difference("changed", "ATTACH"): "a file in the event is one at Exchange, and a link in what is served"}
"""Of objects that have one; see docs/mapping.md, Files."""
FILE = re.compile(rb"^ATTACH[^\r\n]*(?:BASE64|:data:)", re.MULTILINE | re.IGNORECASE)
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
DOCS = Path(__file__).parents[1] / "docs" / "corpus.md"
FIRST, SECOND = "organizer@example.test", "guest@example.test"


@dataclass(frozen=True)
class Result:
    """What became of one object in one mailbox, one of ``COLUMNS``, and why."""

    path: Path
    mailbox: str
    outcome: str
    reasons: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def objects(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Give all objects."""
    for path in sorted(folder.rglob("*.ics")):
        yield path, path.read_bytes()


def organizers(bodies: Iterable[bytes]) -> list[str]:
    """Give every address that organizes an event of the corpus."""
    found = {match.decode("ascii", "ignore").lower() for body in bodies for match in ORGANIZER.findall(body)}
    return sorted(address for address in found if re.fullmatch(r"[a-z0-9._+-]+@[a-z0-9.-]+", address))


def people(aliases: list[str]) -> str:
    """Give the people file: one mailbox with all organizers' addresses, and one with none."""
    listed = ", ".join(f'"{alias}"' for alias in aliases)
    return (
        f'[[people]]\nname = "Organizer"\naddress = "{FIRST}"\naliases = [{listed}]\npassword = "secret"\n'
        f'zone = "W. Europe Standard Time"\n\n'
        f'[[people]]\nname = "Guest"\naddress = "{SECOND}"\npassword = "secret"\nzone = "Eastern Standard Time"\n'
    )


class Client:
    """One mailbox's calendar, over HTTP."""

    def __init__(self, url: str, mailbox: str) -> None:
        """Take the bridge's URL and whose calendar it is."""
        self.mailbox = mailbox
        self._session = requests.Session()
        self._session.auth = (mailbox, "secret")
        self._calendar = f"{url.rstrip('/')}/{mailbox}/calendar/"

    def try_object(self, path: Path, body: bytes) -> Result:
        """PUT it, GET it, compare, DELETE it."""
        url = self._calendar + f"{path.stem[-60:].replace('#', '_').replace('%', '_')}.ics"
        put = self._session.put(url, body, headers={"Content-Type": "text/calendar; charset=utf-8"}, timeout=60)
        if put.status_code not in {201, 204}:
            return Result(path, self.mailbox, outcome_of(put), (reason_of(put),))
        got = self._session.get(url, timeout=60)
        gone = self._session.delete(url, timeout=60)
        if got.status_code != 200 or gone.status_code not in {200, 204}:
            return Result(path, self.mailbox, "failed", (f"GET {got.status_code}, DELETE {gone.status_code}",))
        return judged(path, self.mailbox, compare(body, got.content))


def outcome_of(answer: requests.Response) -> str:
    """Tell a refusal of what is not valid from one of what Exchange cannot hold, and both from a failure."""
    if answer.status_code not in {403, 409, 413, 415}:
        return "failed"
    return "invalid" if "valid-calendar-data" in answer.text else "refused"


def reason_of(answer: requests.Response) -> str:
    """Give the sentence of a refusal, without what is particular to one object."""
    text = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    return re.sub(r"\b(line|Line|take) \d+\b", r"\1 N", text)[:200]


@dataclass
class Compared:
    """In what an object came back otherwise: what was added, changes that are named, and those that are not."""

    added: list[str]
    named: list[str]
    wrong: list[str]


def judged(path: Path, mailbox: str, found: Compared) -> Result:
    """Give what became of an object that was stored."""
    outcome = "failed" if found.wrong else "changed" if found.named else "equal"
    return Result(path, mailbox, outcome, tuple(found.wrong or found.named), tuple(found.added))


def compare(sent: bytes, served: bytes) -> Compared:
    """Give in what an object came back otherwise."""
    found, named = meaning.compare(read(sent), read(served)), []
    if CONTROLS.search(sent) and (blanked := meaning.compare(read(CONTROLS.sub(b" ", sent)), read(served))) != found:
        found, named = blanked, [BLANKED]
    found = [one for one in found if one.name not in {"PRODID", "VERSION"}]
    added = sorted({ADDED[one] for one in found if one in ADDED})
    meant = FILES if FILE.search(re.sub(rb"\r?\n[ \t]", b"", sent)) else {}
    named += sorted({meant[one] for one in found if one in meant})
    wrong = [str(one) for one in found if one not in ADDED and one not in meant]
    before, after = events_of(sent), events_of(served)
    there = (key for key, event in before.items() if "DTSTART" in event and key in after)
    times = ((instants_of(before[key]), instants_of(after[key])) for key in there)
    wrong += [f"instants {was} {now}" for was, now in times if was != now]
    if any("RRULE" in event for event in before.values()) and not wrong:
        wrong += compare_occurrences(sent, served)
    return Compared(added, named, wrong)


def compare_occurrences(sent: bytes, served: bytes) -> list[str]:
    """Compare what another library makes of both over five years."""
    ours, theirs = expanded(served), expanded(sent)
    return [] if ours == theirs else [f"occurrences: {sorted(ours ^ theirs)[:3]}"]


def expanded(body: bytes) -> set[str]:
    """Give the occurrences' starts, as text that can be compared."""
    calendar = Calendar.from_ical(body.removeprefix(b"\xef\xbb\xbf"))
    starts = [first(event["DTSTART"]).dt for event in calendar.walk("VEVENT") if "DTSTART" in event]
    begin = min(datetime(start.year, start.month, start.day, tzinfo=UTC) for start in starts) - timedelta(days=2)
    found = recurring_ical_events.of(calendar).between(begin, begin + timedelta(days=5 * 366))
    return {str(instant(event["DTSTART"].dt)) for event in found}


def events_of(body: bytes) -> dict[str, Any]:
    """Give the events of a calendar object by the instant of their RECURRENCE-ID, empty for the master."""
    events = Calendar.from_ical(body.removeprefix(b"\xef\xbb\xbf")).walk("VEVENT")
    return {str(instant(first(one["RECURRENCE-ID"]).dt)) if "RECURRENCE-ID" in one else "": one for one in events}


def first(value: Any) -> Any:
    """Give the first of several values."""
    return value[0] if isinstance(value, list) and value else value


def instants_of(event: Any) -> tuple[object, object]:
    """Give start and end, as instants where they are instants."""
    start = first(event["DTSTART"]).dt
    end = first(event["DTEND"]).dt if "DTEND" in event else None
    if end is None and "DURATION" in event:
        end = start + first(event["DURATION"]).dt
    if end is None:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    return instant(start), instant(end)


def instant(value: date) -> object:
    """Give a UTC timestamp, or the date or floating time as it is."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.timestamp()
    return value.isoformat()


def free_port() -> int:
    """Find a free port of this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def run(folder: Path) -> list[Result]:
    """Put every object through a bridge of its own."""
    corpus = list(objects(folder))
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "people.toml").write_text(people(organizers(body for _, body in corpus)), encoding="utf-8")
        with (
            exchange("--people", str(home / "people.toml")) as server,
            bridge(server.url, home, port=free_port(), fresh=3600) as served,
        ):
            for mailbox in (FIRST, SECOND):
                client = Client(served.url, mailbox)
                for number, (path, body) in enumerate(corpus, 1):
                    results.append(client.try_object(path, body))
                    show_progress(mailbox, number, len(corpus))
            mails = control(server.url).get("outbox", [])
            if mails:
                results.append(Result(folder, "anyone", "failed", (f"Exchange would have sent mail: {mails}",)))
    return results


def show_progress(mailbox: str, number: int, total: int) -> None:
    """Show how far it is, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{mailbox}: {number} of {total} ", end="" if number < total else "\n", file=sys.stderr, flush=True)


COLUMNS = {
    "equal": "stored and equal",
    "changed": "with a named change",
    "refused": "refused",
    "invalid": "not valid",
    "failed": "failed",
}
LISTED = {
    "changed": "Stored, with a change that is meant",
    "refused": "Valid, and not held by Exchange",
    "invalid": "Not valid",
}


def report(results: list[Result]) -> int:
    """Print the table and every reason; give the exit code."""
    print("  ".join([f"{'mailbox':24}", *COLUMNS.values(), "of the valid stored"]))
    for mailbox in sorted({one.mailbox for one in results}):
        count = Counter(one.outcome for one in results if one.mailbox == mailbox)
        cells = [f"{count[outcome]:>{len(title)}}" for outcome, title in COLUMNS.items()]
        print("  ".join([f"{mailbox:24}", *cells, f"{share_of(count):>19.1%}"]))
    for title, counted in listed(results):
        print(f"\n{title}:")
        for reason, number in counted or [("none", 0)]:
            print(f"{number:6}  {reason}")
    failed = [one for one in results if one.outcome == "failed"]
    for one in failed:
        print(f"FAILED {one.path.name} in {one.mailbox}: {'; '.join(one.reasons)}")
    return 1 if failed else 0


def share_of(count: Counter[str]) -> float:
    """Give which part of the valid objects was stored."""
    stored = count["equal"] + count["changed"]
    return stored / max(1, stored + count["refused"] + count["failed"])


def listed(results: list[Result]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Count the objects of one mailbox by what was added, changed and refused."""
    own = [one for one in results if one.mailbox == FIRST]
    added = Counter(what for one in own for what in one.added).most_common()
    found = [("Added to what is stored", added)]
    for outcome, title in LISTED.items():
        reasons = Counter(reason for one in own if one.outcome == outcome for reason in one.reasons)
        found.append((title, reasons.most_common()))
    return found


def write(results: list[Result]) -> None:
    """Put the tables into the docs."""
    count = Counter(one.outcome for one in results if one.mailbox == FIRST)
    parts = [
        "# Real calendar objects\n",
        "`make corpus CORPUS_ARGS=--write` writes this page. It puts real calendar objects through the bridge and the",
        "simulated Exchange and back, and compares every property and parameter, as `benchmarks/corpus.py` says.\n",
        f"Of {sum(count.values())} objects {count['equal']} were stored and came back equal, {count['changed']} with a",
        f"change that is named below, {count['failed']} failed, {count['invalid']} are not valid by RFC 5545 or",
        f"RFC 4791, and {count['refused']} are valid and not held by Exchange: {share_of(count):.1%} of the valid ones",
        "are stored.",
    ]
    for title, counted in listed(results):
        parts += [f"\n## {title}\n", *(["| objects | reason |", "|---|---|"] if counted else ["None."])]
        parts += [f"| {number} | {reason.replace('|', '/')} |" for reason, number in counted]
    DOCS.write_text("\n".join(parts) + "\n", encoding="utf-8")


def main() -> int:
    """Run the corpus that ICALENDAR_CORPUS names."""
    folder = Path(os.environ.get("ICALENDAR_CORPUS") or "") / "objects"
    if not os.environ.get("ICALENDAR_CORPUS") or not folder.is_dir():
        print("ICALENDAR_CORPUS names no folder with objects/: there is nothing to put through.", file=sys.stderr)
        return 2
    results = run(folder)
    if "--write" in sys.argv:
        write(results)
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
