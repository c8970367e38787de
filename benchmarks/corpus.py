"""Real iCalendar objects through the bridge and back: ``make corpus``.

Each object is PUT over HTTP into a mailbox that is its organizer and into one that is not, read back as Exchange made
it, compared, and deleted. Stored and equal means, of the event and of each overriding occurrence: the UID, SUMMARY,
LOCATION, DESCRIPTION, CLASS, TRANSP, CATEGORIES, the first alarm and the instants say the same, and every other
property is there; and a series has the same occurrences as another library expands them, over its first five years.
Exits with 1 when an object failed: an error that is not a refusal with a reason, or one that came back different.

A refusal by ``valid-calendar-data`` is of an object that RFC 5545 or RFC 4791 does not allow; any other is of one that
Exchange cannot hold. ``--write`` puts the table of refusals into docs/corpus.md.
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

from running import bridge, control, exchange

ORGANIZER = re.compile(rb"^ORGANIZER[^\r\n]*?mailto:([^\s;\"\r\n]+)", re.MULTILINE | re.IGNORECASE)
TEXTS = ("SUMMARY", "LOCATION", "DESCRIPTION", "CLASS", "TRANSP")
DEFAULTS = {"CLASS": "PUBLIC", "TRANSP": "OPAQUE"}
DOCS = Path(__file__).parents[1] / "docs" / "corpus.md"
FIRST, SECOND = "organizer@example.test", "guest@example.test"


@dataclass(frozen=True)
class Result:
    """What became of one object in one mailbox: ``equal``, ``refused``, ``invalid`` or ``failed``, and why."""

    path: Path
    mailbox: str
    outcome: str
    reason: str = ""


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
            return Result(path, self.mailbox, outcome_of(put), reason_of(put))
        got = self._session.get(url, timeout=60)
        gone = self._session.delete(url, timeout=60)
        if got.status_code != 200 or gone.status_code not in {200, 204}:
            return Result(path, self.mailbox, "failed", f"GET {got.status_code}, DELETE {gone.status_code}")
        differences = compare(body, got.content)
        return Result(path, self.mailbox, "failed" if differences else "equal", "; ".join(differences))


def outcome_of(answer: requests.Response) -> str:
    """Tell a refusal of what is not valid from one of what Exchange cannot hold, and both from a failure."""
    if answer.status_code not in {403, 409, 413, 415}:
        return "failed"
    return "invalid" if "valid-calendar-data" in answer.text else "refused"


def reason_of(answer: requests.Response) -> str:
    """Give the sentence of a refusal, without what is particular to one object."""
    text = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    return re.sub(r"\b(line|Line|take) \d+\b", r"\1 N", text)[:200]


def compare(sent: bytes, served: bytes) -> list[str]:
    """Give what differs, in words."""
    before, after = events_of(sent), events_of(served)
    found = [f"no VEVENT of {key}" for key in before if key not in after]
    for key, event in before.items():
        if key in after:
            found += compare_events(event, after[key], sent, served)
    if any("RRULE" in event for event in before.values()) and not found:
        found += compare_occurrences(sent, served)
    return found


def compare_events(before: Any, after: Any, sent: bytes, served: bytes) -> list[str]:
    """Compare one component with what came back of it."""
    found = [name for name in TEXTS if text_of(before, name) != text_of(after, name)]
    if str(before["UID"]) != str(after["UID"]):
        found.append("UID")
    if categories_of(before) != categories_of(after):
        found.append("CATEGORIES")
    if "DTSTART" not in before:  # so broken that the judge cannot read it: the bridge has to give the same characters
        found += ["DTSTART as it stands"] if raw_start(sent) != raw_start(served) else []
    elif instants_of(before) != instants_of(after):
        found.append(f"instants {instants_of(before)} {instants_of(after)}")
    if alarm_of(before) != alarm_of(after):
        found.append("first alarm")
    lost = Counter(names_of(before)) - Counter(names_of(after))
    lost -= Counter({name: 9 for name in ("DURATION", "DTEND") if "DTSTART" in before})  # compared as instants
    lost -= Counter({"EXDATE": 999, "RRULE": 9})  # compared as occurrences
    return [*found, *(f"lost {name}" for name in lost)]


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


def text_of(event: Any, name: str) -> str:
    """Give a text as it is compared: without the white space at line ends."""
    value = str(first(event.get(name, DEFAULTS.get(name, ""))))
    return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").strip().split("\n"))


def first(value: Any) -> Any:
    """Give the first of several values."""
    return value[0] if isinstance(value, list) and value else value


def categories_of(event: Any) -> list[str]:
    """Give all categories, sorted."""
    values = event.get("CATEGORIES", [])
    lines = values if isinstance(values, list) else [values]
    return sorted(str(one).strip() for line in lines for one in getattr(line, "cats", [line]) if str(one).strip())


def instants_of(event: Any) -> tuple[object, object]:
    """Give start and end, as instants where they are instants."""
    start = first(event["DTSTART"]).dt
    end = first(event["DTEND"]).dt if "DTEND" in event else None
    if end is None and "DURATION" in event:
        end = start + first(event["DURATION"]).dt
    if end is None:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    return instant(start), instant(end)


def raw_start(body: bytes) -> bytes:
    """Give the characters of DTSTART's value."""
    found = re.search(rb"^DTSTART[^\r\n]*:([^:\r\n]+)\s*$", body, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else b""


def instant(value: date) -> object:
    """Give a UTC timestamp, or the date or floating time as it is."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.timestamp()
    return value.isoformat()


def alarm_of(event: Any) -> str:
    """Give the trigger of the first alarm."""
    alarms = event.walk("VALARM")
    return "" if not alarms else str(alarms[0]["TRIGGER"].dt) if "TRIGGER" in alarms[0] else "none"


def names_of(component: Any) -> list[str]:
    """Give the names of all properties, those of sub-components too."""
    own = [name for name, value in component.items() for _one in (value if isinstance(value, list) else [value])]
    return own + [f"{sub.name}.{name}" for sub in component.subcomponents for name in names_of(sub)]


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
                results.append(Result(folder, "anyone", "failed", f"Exchange would have sent mail: {mails}"))
    return results


def show_progress(mailbox: str, number: int, total: int) -> None:
    """Show how far it is, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{mailbox}: {number} of {total} ", end="" if number < total else "\n", file=sys.stderr, flush=True)


def report(results: list[Result]) -> int:
    """Print the table and every reason; give the exit code."""
    heads = f"{'stored and equal':>18}{'refused':>10}{'not valid':>11}{'failed':>8}{'of the valid stored':>21}"
    print(f"{'mailbox':28}{heads}")
    for mailbox in sorted({one.mailbox for one in results}):
        count = Counter(one.outcome for one in results if one.mailbox == mailbox)
        share = count["equal"] / max(1, count["equal"] + count["refused"] + count["failed"])
        line = f"{mailbox:28}{count['equal']:>18}{count['refused']:>10}{count['invalid']:>11}{count['failed']:>8}"
        print(f"{line}{share:>21.1%}")
    for outcome, title in (("refused", "Valid, and not held by Exchange"), ("invalid", "Not valid")):
        print(f"\n{title}, by reason:")
        for reason, number in reasons(results, outcome):
            print(f"{number:6}  {reason}")
    failed = [one for one in results if one.outcome == "failed"]
    for one in failed:
        print(f"FAILED {one.path.name} in {one.mailbox}: {one.reason}")
    return 1 if failed else 0


def reasons(results: list[Result], outcome: str) -> list[tuple[str, int]]:
    """Count the refusals of one mailbox by reason."""
    return Counter(one.reason for one in results if one.outcome == outcome and one.mailbox == FIRST).most_common()


def write(results: list[Result]) -> None:
    """Put the tables into the docs."""
    count = Counter(one.outcome for one in results if one.mailbox == FIRST)
    share = count["equal"] / max(1, count["equal"] + count["refused"])
    parts = [
        "# Real calendar objects\n",
        "`make corpus CORPUS_ARGS=--write` writes this page. It puts real calendar objects through the bridge and the",
        "simulated Exchange and back, as `benchmarks/corpus.py` says.\n",
        f"Of {sum(count.values())} objects {count['equal']} were stored and came back equal, {count['failed']} failed,",
        f"{count['invalid']} are not valid by RFC 5545 or RFC 4791, and {count['refused']} are valid and not held by",
        f"Exchange: {share:.1%} of the valid ones are stored.",
    ]
    for outcome, title in (("refused", "Valid, and not held by Exchange"), ("invalid", "Not valid")):
        parts += [f"\n## {title}\n", "| objects | reason |", "|---|---|"]
        parts += [f"| {number} | {reason.replace('|', '/')} |" for reason, number in reasons(results, outcome)]
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
