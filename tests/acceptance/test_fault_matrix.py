"""Every trouble of Exchange's and every request: what the client is answered meanwhile, and that it passes.

The rules are those of `docs.fault_matrix`. Each request has a mailbox of its own, so that none profits from another's.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from troubled import PASSWORD, Troubled, troubled

from bridge.simulator import CalendarPlan, PersonPlan
from docs.fault_matrix import REQUESTS, TROUBLES, Effect, Mailbox, Request, Shape, Trouble, expected

from conforming import SPACES, of_events
from door import Answer
from events import event

AT_ONCE = 4
LONG_AGO = -7200.0
"""Seconds: a mirror is fresh for 15, a list of calendars for 60, a login for 600; for 3600 nobody waits for that."""
PASSED = 3600.0
"""Seconds after which every back-off, and what is remembered of a failure, is over."""
START = datetime(2035, 3, 5, 9, tzinfo=UTC)
"""When the first event takes place: far from the months that a first reading begins with."""
HERE = ("one", "two", "more")
"""The UIDs of the events that are there from the beginning; `later` comes when the mailbox has been read."""
OF_ALL_CALENDARS = ("PROPFIND 1 of the home", "MOVE")
"""The requests before which not only the default calendar is read."""
SHORTEST = 7000
"""The least Age in seconds of what was read so long ago."""


@dataclass
class Cell:
    """One request at one mailbox: what the client knew before, and what it was answered."""

    request: Request
    mailbox: Mailbox
    token: str = "urn:exchange-bridge:sync:0123456789abcdef:5"
    etag: str = "*"
    before: Answer | None = None
    during: Answer | None = None
    after: Answer | None = None
    person: str = field(init=False)

    def __post_init__(self) -> None:
        """Give it a person."""
        name = re.sub(r"\W+", "-", f"{self.mailbox.name} {self.request.name}".lower())
        self.person = f"{name}@example.test"

    @property
    def home(self) -> str:
        """The path of the person's home."""
        return f"/{self.person}/"

    @property
    def calendar(self) -> str:
        """The path of the default calendar."""
        return f"{self.home}calendar/"


# --- the requests ------------------------------------------------------------------------------------

Ask = Callable[[Troubled, Cell], Answer]


def _propfind(where: str, depth: str, inside: str) -> Ask:
    body = f"<propfind {SPACES}><prop>{inside}</prop></propfind>"
    return lambda bridge, cell: bridge.ask(cell.person, "PROPFIND", getattr(cell, where), body, Depth=depth)


def _report(inside: Callable[[Cell], str], depth: str = "1") -> Ask:
    return lambda bridge, cell: bridge.ask(cell.person, "REPORT", cell.calendar, inside(cell), Depth=depth)


def _query(inside: str) -> Ask:
    return _report(
        lambda _: (
            f"<C:calendar-query {SPACES}><prop><getetag/><C:calendar-data/></prop>{of_events(inside)}"
            "</C:calendar-query>"
        )
    )


def _multiget(cell: Cell) -> str:
    hrefs = "".join(f"<href>{cell.calendar}{uid}.ics</href>" for uid in HERE)
    return f"<C:calendar-multiget {SPACES}><prop><getetag/><C:calendar-data/></prop>{hrefs}</C:calendar-multiget>"


def _sync(token: Callable[[Cell], str]) -> Ask:
    return _report(
        lambda cell: (
            f"<sync-collection {SPACES}><sync-token>{token(cell)}</sync-token><sync-level>1</sync-level>"
            "<prop><getetag/></prop></sync-collection>"
        ),
        "0",
    )


_SPAN = 'start="20350305T000000Z" end="20350306T000000Z"'
_ICALENDAR = {"Content_Type": "text/calendar; charset=utf-8"}
_LISTED = "<displayname/><resourcetype/><sync-token/>"

ASK: Mapping[str, Ask] = {
    "OPTIONS": lambda bridge, cell: bridge.ask(cell.person, "OPTIONS", cell.calendar),
    "PROPFIND 0 of the home": _propfind("home", "0", "<current-user-principal/><C:calendar-home-set/><resourcetype/>"),
    "PROPFIND 1 of the home": _propfind("home", "1", _LISTED),
    "PROPFIND 0 of a calendar": _propfind("calendar", "0", _LISTED),
    "PROPFIND 1 of a calendar": _propfind("calendar", "1", "<getetag/>"),
    "GET": lambda bridge, cell: bridge.ask(cell.person, "GET", cell.calendar + "one.ics"),
    "calendar-multiget": _report(_multiget),
    "calendar-query": _query(""),
    "calendar-query with time-range": _query(f"<C:time-range {_SPAN}/>"),
    "sync-collection without token": _sync(lambda _: ""),
    "sync-collection": _sync(lambda cell: cell.token),
    "free-busy-query": _report(lambda _: f"<C:free-busy-query {SPACES}><C:time-range {_SPAN}/></C:free-busy-query>"),
    "PUT of a new event": lambda bridge, cell: bridge.ask(
        cell.person,
        "PUT",
        cell.calendar + "new.ics",
        event("new", start="20350305T090000Z"),
        If_None_Match="*",
        **_ICALENDAR,
    ),
    "PUT of a changed event": lambda bridge, cell: bridge.ask(
        cell.person,
        "PUT",
        cell.calendar + "one.ics",
        event("one", "Changed", start="20350305T090000Z"),
        If_Match=cell.etag,
        **_ICALENDAR,
    ),
    "DELETE": lambda bridge, cell: bridge.ask(cell.person, "DELETE", cell.calendar + "one.ics", If_Match=cell.etag),
    "MOVE": lambda bridge, cell: bridge.ask(
        cell.person, "MOVE", cell.calendar + "one.ics", Destination=f"{cell.home}choir/one.ics", Overwrite="F"
    ),
    "MKCALENDAR": lambda bridge, cell: bridge.ask(cell.person, "MKCALENDAR", f"{cell.home}trips/"),
    "PROPPATCH": lambda bridge, cell: bridge.ask(
        cell.person,
        "PROPPATCH",
        f"{cell.home}choir/",
        f"<propertyupdate {SPACES}><set><prop><displayname>Chorus</displayname></prop></set></propertyupdate>",
    ),
}

HOW_MANY: Mapping[str, int] = {
    "PROPFIND 1 of a calendar": len(HERE) + 1,
    "calendar-multiget": len(HERE),
    "calendar-query": len(HERE) + 1,
    "calendar-query with time-range": len(HERE) + 1,
    "sync-collection without token": len(HERE) + 1,
    "sync-collection": 1,
}
"""How many events an answer names that holds everything as it is now."""


# --- the matrix --------------------------------------------------------------------------------------


WHOLE = {"busy_503", "reset", "unauthorized", "silent", "item_error ErrorAccessDenied SyncFolderItems", "expired"}
"""Troubles in which every request is asked in `make test`; in the others one of each kind, and `make soak` asks all."""


def cells(trouble: Trouble) -> list[Cell]:
    """Give what is asked during a trouble: of mailboxes that were never let in, one request of each kind.

    Where writes alone fail, a mailbox is read before it is written to, so that those stand for all.
    """
    is_of_writes = trouble.effect is Effect.WRITES_FAIL
    asked = [one for one in REQUESTS if one.kind.is_write or not is_of_writes]
    if trouble.name not in WHOLE and "WHOLE_MATRIX" not in os.environ:
        asked = list({one.kind: one for one in asked}.values())
    known = [Cell(one, mailbox) for mailbox in list(Mailbox)[: 1 if is_of_writes else 2] for one in asked]
    return [*known, *(Cell(one, Mailbox.NEW) for one in {one.kind: one for one in asked}.values())]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_requests_in_trouble(
    trouble: Trouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = cells(trouble)
    calendars = (CalendarPlan("Calendar"), CalendarPlan("Choir"))
    people = [PersonPlan(cell.person, cell.person, PASSWORD, calendars=calendars) for cell in matrix]
    through_gate = trouble.knob.kind in {"refused", "silent"}
    with (
        ThreadPoolExecutor(AT_ONCE) as clients,
        troubled(tmp_path, people, monkeypatch, through_gate=through_gate) as bridge,
    ):
        for moved, mailbox in ((LONG_AGO, Mailbox.WARM), (0.0, Mailbox.COLD), (0.0, Mailbox.NEW)):
            bridge.clock.moved = moved
            list(clients.map(lambda cell: prepare(bridge, cell), [one for one in matrix if one.mailbox is mailbox]))
        bridge.begin(trouble)
        list(clients.map(lambda cell: meanwhile(bridge, cell), matrix))
        bridge.end(trouble)
        bridge.clock.moved = PASSED
        list(clients.map(lambda cell: afterwards(bridge, cell), matrix))
        wrong = [f"{cell.person.partition('@')[0]}: {each}" for cell in matrix for each in judge(trouble, bridge, cell)]
    assert not wrong, "\n".join(wrong)
    of_ours = [one for one in caplog.records if one.name.startswith("bridge") and one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in of_ours] == []


def prepare(bridge: Troubled, cell: Cell) -> None:
    """Let the client know what it knows before the trouble; then something changes at Exchange."""
    for hour, uid in enumerate(HERE):
        add_event(bridge, cell, uid, hour)
    if cell.mailbox is Mailbox.COLD:
        assert ASK["PROPFIND 0 of the home"](bridge, cell).status == 207
    if cell.mailbox is Mailbox.WARM:
        if cell.request.name in OF_ALL_CALENDARS:
            assert ASK["PROPFIND 1 of the home"](bridge, cell).status == 207
        cell.token = ASK["PROPFIND 0 of a calendar"](bridge, cell).properties()["{DAV:}sync-token"].text
        cell.etag = ASK["GET"](bridge, cell).headers["ETag"]
        if not cell.request.kind.is_write:
            cell.before = ASK[cell.request.name](bridge, cell)
    add_event(bridge, cell, "later", len(HERE))


def add_event(bridge: Troubled, cell: Cell, uid: str, hour: int) -> None:
    """Let somebody at Exchange make an event of an hour."""
    start = START + timedelta(hours=hour)
    bridge.exchange.add_event(cell.person, subject=uid, uid=uid, start=start, end=start + timedelta(hours=1))


def meanwhile(bridge: Troubled, cell: Cell) -> None:
    """Ask while Exchange is in trouble."""
    cell.during = ASK[cell.request.name](bridge, cell)


def afterwards(bridge: Troubled, cell: Cell) -> None:
    """Ask the same again, as a client does that was told to come back later."""
    cell.after = ASK[cell.request.name](bridge, cell)


# --- judging -----------------------------------------------------------------------------------------


def judge(trouble: Trouble, bridge: Troubled, cell: Cell) -> Iterator[str]:
    """Give what is wrong with the answers, and with what Exchange holds in the end."""
    assert cell.during is not None
    assert cell.after is not None
    wanted = expected(trouble.effect, cell.request.kind, cell.mailbox)
    status = wanted.status or cell.request.status
    if wanted.shape is Shape.NOW:
        yield from judge_now(cell, cell.during)
    elif cell.during.status != status:
        yield f"meanwhile {cell.during.status}, not {status}: {cell.during.body[:300]!r}"
    yield from (f"meanwhile {each}" for each in JUDGES.get(wanted.shape, _nothing)(cell, cell.during))
    answered = wanted.shape is Shape.NOW and cell.request.kind.is_write
    if not answered:
        yield from (f"afterwards {each}" for each in judge_now(cell, cell.after))
    yield from judge_exchange(bridge, cell)


def _nothing(_cell: Cell, _answer: Answer) -> Iterator[str]:
    yield from ()


def judge_now(cell: Cell, answer: Answer) -> Iterator[str]:
    """Hold an answer against what the calendar is."""
    if cell.request.name == "sync-collection" and cell.mailbox is not Mailbox.WARM:
        # A token from before the mirror was lost, so the client is told to begin anew
        if (answer.status, b"valid-sync-token" in answer.body) != (403, True):
            yield f"{answer.status} instead of 403 valid-sync-token"
        return
    if answer.status != cell.request.status:
        yield f"{answer.status}, not {cell.request.status}: {answer.body[:300]!r}"
        return
    if "Age" in answer.headers:
        yield "an Age, though it is new"
    wanted = HOW_MANY.get(cell.request.name)
    if wanted is not None and len(hrefs(answer)) != wanted:
        yield f"{sorted(hrefs(answer))} instead of {wanted}"


def judge_known(cell: Cell, answer: Answer) -> Iterator[str]:
    """Hold an answer against the one from before."""
    assert cell.before is not None
    if _undated(answer) != _undated(cell.before):
        yield f"{answer.body!r} instead of {cell.before.body!r}"
    if int(answer.headers.get("Age", "0")) < SHORTEST:
        yield "no Age"


def judge_later(_cell: Cell, answer: Answer) -> Iterator[str]:
    """See a sentence, and when to come back."""
    if not 1 <= int(answer.headers.get("Retry-After", "0")) <= 60:
        yield f"Retry-After {answer.headers.get('Retry-After')}"
    yield from _sentence(answer)


def judge_login(_cell: Cell, answer: Answer) -> Iterator[str]:
    """See that a login is asked for."""
    if not answer.headers.get("WWW-Authenticate", "").startswith("Basic "):
        yield "no WWW-Authenticate"
    yield from _sentence(answer)


def judge_each(_cell: Cell, answer: Answer) -> Iterator[str]:
    """See the calendars, each with its name, and its token as what is told later."""
    for href, response in answer.responses().items():
        if href.count("/") > 2 and "503" not in {one.text.split()[1] for one in response.iter("{DAV:}status")}:
            yield f"nothing of {href} is told later"
        if "{DAV:}displayname" not in answer.properties(href):
            yield f"{href} has no name"


JUDGES: Mapping[Shape, Callable[[Cell, Answer], Iterator[str]]] = {
    Shape.KNOWN: judge_known,
    Shape.LATER: judge_later,
    Shape.EACH: judge_each,
    Shape.LOGIN: judge_login,
}


def judge_exchange(bridge: Troubled, cell: Cell) -> Iterator[str]:
    """See that Exchange holds each event once, where it belongs."""
    here = {*HERE, "later"}
    there: set[str] = set()
    match cell.request.name:
        case "PUT of a new event":
            here |= {"new"}
        case "DELETE":
            here -= {"one"}
        case "MOVE":
            here, there = here - {"one"}, {"one"}
    chorus = "Chorus" if cell.request.name == "PROPPATCH" else "Choir"
    for name, wanted in (("", here), (chorus, there)):
        found = sorted(item.uid for item in bridge.exchange.events(cell.person, name))
        if found != sorted(wanted):
            yield f"Exchange holds {found} in {name or 'Calendar'}"
    subjects = [item.values["Subject"] for item in bridge.exchange.events(cell.person) if item.uid == "one"]
    if cell.request.name == "PUT of a changed event" and subjects != ["Changed"]:
        yield f"Exchange holds {subjects}"
    store = bridge.exchange.store
    folders = store.mailboxes[bridge.exchange.person(cell.person).mailbox].folders.values()
    trips = [folder.name for folder in folders if folder.name.startswith("trips")]
    if trips != (["trips"] if cell.request.name == "MKCALENDAR" else []):
        yield f"Exchange has the calendars {trips}"


def hrefs(answer: Answer) -> set[str]:
    """Give the events that an answer names."""
    return {href for href in answer.responses() if href.endswith(".ics")}


def _undated(answer: Answer) -> bytes:
    """Give the body without what every VFREEBUSY has of its own."""
    if b"BEGIN:VFREEBUSY" not in answer.body:
        return answer.body
    return re.sub(rb"(DTSTAMP|UID):\S+", b"", answer.body)


def _sentence(answer: Answer) -> Iterator[str]:
    told = answer.body.decode()
    if not re.fullmatch(r"[A-Z][^\n<>]{10,300}\.\n?", told) or "Traceback" in told:
        yield f"no sentence: {told!r}"
