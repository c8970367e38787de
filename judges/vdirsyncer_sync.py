"""A two-way sync of vdirsyncer: a folder of files on one side, a calendar on the other."""

import urllib.parse

import requests

from judges.demo import Demo
from judges.verdict import Judge, Verdict
from judges.workshop import Workshop, run

_CALENDAR = "calendar"
_CONFIG = """[general]
status_path = "{home}/status"
[pair both]
a = "here"
b = "there"
collections = ["{calendar}"]
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = "{home}/files"
fileext = ".ics"
[storage there]
type = "caldav"
url = "{url}"
username = "{user}"
password = "{password}"
item_types = ["VEVENT"]
"""
_EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//judge//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20300101T000000Z
DTSTART:20300107T100000Z
DTEND:20300107T110000Z
SUMMARY:{summary}
X-JUDGE;VALUE=URI:geo:52.1,13.2
END:VEVENT
END:VCALENDAR
"""


class _Sides:
    """Both sides of the pair, and the checks done on them."""

    def __init__(self, demo: Demo, workshop: Workshop) -> None:
        user, password = demo.people[0]
        self.home = workshop.home("vdirsyncer-sync")
        self.files = self.home / "files" / _CALENDAR
        self._url = urllib.parse.urljoin(demo.url, f"{user}/{_CALENDAR}/")
        self._session = requests.Session()
        self._session.auth = (user, password)
        config = self.home / "config"
        names = {"home": self.home, "calendar": _CALENDAR, "url": demo.url, "user": user, "password": password}
        config.write_text(_CONFIG.format(**names), encoding="utf-8")
        python = workshop.python()
        self._command = [str(python.with_name("vdirsyncer")), "--config", str(config), "--verbosity", "WARNING"]
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}

    def check(self, name: str, *, so: bool, told: object = "") -> None:
        if so:
            self.passed.append(name)
        else:
            self.failed[name] = str(told)[:300]

    def call(self, *arguments: str) -> tuple[int, str]:
        done = run([*self._command, *arguments], self.home)
        return done.returncode, done.stdout

    def sync(self, name: str) -> None:
        status, told = self.call("sync")
        self.check(name, so=status == 0, told=told)

    def here(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in self.files.iterdir()}

    def write(self, name: str, uid: str, summary: str) -> None:
        (self.files / name).write_text(_EVENT.format(uid=uid, summary=summary), encoding="utf-8")

    def put(self, name: str, uid: str, summary: str) -> None:
        text = _EVENT.format(uid=uid, summary=summary).replace("\n", "\r\n").encode()
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        self._session.put(self._url + name, text, headers=headers, timeout=60).raise_for_status()

    def get(self, name: str) -> str:
        """Give what the server has under a name, "" where nothing."""
        answer = self._session.get(self._url + name, timeout=60)
        return answer.text if answer.ok else ""

    def delete(self, name: str) -> None:
        self._session.delete(self._url + name, timeout=60).raise_for_status()


def _ask(demo: Demo, workshop: Workshop) -> Verdict:
    both = _Sides(demo, workshop)
    both.files.mkdir(parents=True)
    status, told = both.call("discover")
    both.check("discover finds the calendar", so=status == 0, told=told)
    both.sync("first sync of a calendar in use")
    count = len(both.here())
    both.check("the calendar's events are in the folder", so=count > 20, told=count)
    both.sync("a second sync has nothing to do")
    both.check("and changes nothing", so=len(both.here()) == count)
    _new(both)
    _changed(both)
    _deleted(both, count)
    return Verdict(tuple(both.passed), both.failed)


def _new(both: _Sides) -> None:
    both.write("mine.ics", "judge-mine", "Mine")
    both.put("theirs.ics", "judge-theirs", "Theirs")
    both.sync("sync of one new event on each side")
    uploaded = both.get("judge-mine.ics")
    both.check("a new file is on the server, named by its UID", so="SUMMARY:Mine" in uploaded, told=uploaded)
    both.check("its unknown property is whole", so="X-JUDGE;VALUE=URI:geo:52.1,13.2" in uploaded, told=uploaded)
    downloaded = _find(both, "judge-theirs")
    both.check("a new event is in the folder", so="SUMMARY:Theirs" in downloaded, told=downloaded)


def _changed(both: _Sides) -> None:
    both.write("mine.ics", "judge-mine", "Mine changed")
    both.put("theirs.ics", "judge-theirs", "Theirs changed")
    both.sync("sync of one changed event on each side")
    both.check("a changed file is on the server", so="Mine changed" in both.get("judge-mine.ics"))
    both.check("a changed event is in the folder", so="Theirs changed" in _find(both, "judge-theirs"))
    both.write("mine.ics", "judge-mine", "Conflict here")
    both.put("judge-mine.ics", "judge-mine", "Conflict there")
    status, told = both.call("sync")
    both.check("a conflict is solved as configured", so=status == 0, told=told)
    both.check("for the server", so="Conflict there" in _find(both, "judge-mine"), told=_find(both, "judge-mine"))


def _deleted(both: _Sides, count: int) -> None:
    (both.files / "mine.ics").unlink()
    both.delete("theirs.ics")
    both.sync("sync of one deleted event on each side")
    both.check("a deleted file is gone from the server", so=not both.get("judge-mine.ics"))
    both.check("a deleted event is gone from the folder", so=not _find(both, "judge-theirs"))
    both.check("all else is there", so=len(both.here()) == count, told=len(both.here()))


def _find(both: _Sides, uid: str) -> str:
    return next((text for text in both.here().values() if f"UID:{uid}" in text), "")


VDIRSYNCER_SYNC = Judge("vdirsyncer-sync", "a two-way sync of vdirsyncer with a folder of files", _ask)
