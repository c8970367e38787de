"""What the bridge answers while Exchange is in trouble: the rules, and the tables of docs/reliability.md from them.

`tests/acceptance/test_fault_matrix.py` holds the bridge to every rule, trouble by
trouble and request by request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from bridge.simulator.faults import Knob
from docs.tables import code, table


class Kind(Enum):
    """What a request needs."""

    NOTHING = "nothing of Exchange's"
    CALENDARS = "the list of calendars, and each of them"
    EVENTS = "the events of one calendar"
    EVENT_WRITE = "that Exchange takes an event"
    FOLDER_WRITE = "that Exchange takes a calendar"

    @property
    def is_write(self) -> bool:
        """Say whether it changes something at Exchange."""
        return self in {Kind.EVENT_WRITE, Kind.FOLDER_WRITE}


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client's, and the status it gets when all is well."""

    name: str
    kind: Kind
    status: int


REQUESTS = (
    Request("OPTIONS", Kind.NOTHING, 200),
    Request("PROPFIND 0 of the home", Kind.NOTHING, 207),
    Request("PROPFIND 1 of the home", Kind.CALENDARS, 207),
    Request("PROPFIND 0 of a calendar", Kind.EVENTS, 207),
    Request("PROPFIND 1 of a calendar", Kind.EVENTS, 207),
    Request("GET", Kind.EVENTS, 200),
    Request("calendar-multiget", Kind.EVENTS, 207),
    Request("calendar-query", Kind.EVENTS, 207),
    Request("calendar-query with time-range", Kind.EVENTS, 207),
    Request("sync-collection without token", Kind.EVENTS, 207),
    Request("sync-collection", Kind.EVENTS, 207),
    Request("free-busy-query", Kind.EVENTS, 200),
    Request("PUT of a new event", Kind.EVENT_WRITE, 201),
    Request("PUT of a changed event", Kind.EVENT_WRITE, 204),
    Request("DELETE", Kind.EVENT_WRITE, 204),
    Request("MOVE", Kind.EVENT_WRITE, 201),
    Request("MKCALENDAR", Kind.FOLDER_WRITE, 201),
    Request("PROPPATCH", Kind.FOLDER_WRITE, 207),
)


class Mailbox(Enum):
    """How well the bridge knows the mailbox that is asked for."""

    WARM = "read before"
    """Longer ago than anything counts as fresh, the login too."""
    COLD = "never read"
    """Its owner was let in lately; nothing was read."""
    NEW = "never let in"


class Effect(Enum):
    """What a trouble amounts to."""

    NO_ANSWER = "no call gets a usable answer"
    DENIED = "Exchange refuses the password"
    EVENTS_FAIL = "calendars are listed, their events cannot be read"
    WRITES_FAIL = "Exchange can be read, and writes get no usable answer"
    ROUNDABOUT = "answers are slow, short or partial, and the rest can be had"


class Shape(Enum):
    """What an answer holds."""

    NOW = "as it is now"
    """Everything, as Exchange has it at this moment."""
    KNOWN = "as last known, `Age`"
    """Byte for byte what was answered before, with its age."""
    LATER = "`Retry-After`"
    """A sentence, and after how many seconds to ask again."""
    EACH = "with 503 in place of each property that is not known"
    LOGIN = "`WWW-Authenticate`"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A knob of the simulated Exchange, turned for some operations (none: for all); or one of `BEYOND`.

    ``is_slow``: the deadlines of calls run out by it.
    """

    knob: Knob
    effect: Effect
    operations: tuple[str, ...] = ()
    is_slow: bool = False

    @property
    def name(self) -> str:
        """Give its name, unlike those of all others."""
        where = "of writes" if self.operations == WRITING else " ".join(self.operations)
        soft = "a little" if self.knob.kind in {"latency", "drip"} and not self.is_slow else ""
        return " ".join(filter(None, (self.knob.kind, soft, self.knob.code, where, "after" * self.knob.after)))


BEYOND = {
    "refused": "nobody listens at Exchange's address",
    "silent": "connections are taken, and nothing is ever answered",
    "expired": "every sync state that was given out is forgotten",
}
"""Troubles that are no knob."""

OF_WATCHING = frozenset({"stream_cut", "stream_end", "stream_silent", "missed_events", "lost_events"})
"""Knobs of notifications: no request is answered by one, so that they have no place in the matrix."""

_LATE = 60_000
WRITING = ("CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "CreateFolder", "UpdateFolder")
_SYNC = ("SyncFolderItems",)
_OF_FAULTS = ("ErrorInternalServerError",)
_OF_ITEMS = ("ErrorInternalServerTransientError", "ErrorMailboxStoreUnavailable")
"""Codes that say nothing of the request. `tests/ews/test_response_codes.py` knows more of them."""
_OF_ONE_CALENDAR = ("ErrorAccessDenied", "ErrorFolderNotFound", "ErrorItemNotFound", "ErrorInvalidArgument")
"""Codes that would be definite, if the same Exchange did not list the calendar at the same time."""


def _anything_lost(*, after: bool = False) -> tuple[tuple[Knob, bool], ...]:
    """Give every knob by which no usable answer comes, and whether a deadline ends it."""
    simple = ["busy_item", "busy_inner", "too_many_connections", "server_error", "reset"]
    late: list[tuple[Knob, bool]] = []
    if not after:  # these are after the work anyway
        simple += ["cut", "truncated"]
        late = [(Knob("latency", milliseconds=_LATE), True), (Knob("drip", milliseconds=_LATE), True)]
    return (
        *((Knob(kind, after=after), False) for kind in simple),
        (Knob("busy_fault", milliseconds=2000, after=after), False),
        (Knob("busy_503", seconds=2, after=after), False),
        *((Knob("fault", code=code, after=after), False) for code in _OF_FAULTS),
        *((Knob("item_error", code=code, after=after), False) for code in _OF_ITEMS),
        *late,
    )


TROUBLES = (
    *(Trouble(knob, Effect.NO_ANSWER, is_slow=slow) for knob, slow in _anything_lost()),
    Trouble(Knob("refused"), Effect.NO_ANSWER),
    Trouble(Knob("silent"), Effect.NO_ANSWER, is_slow=True),
    Trouble(Knob("unauthorized"), Effect.DENIED),
    *(Trouble(Knob("item_error", code=code), Effect.EVENTS_FAIL, _SYNC) for code in _OF_ONE_CALENDAR),
    *(Trouble(knob, Effect.WRITES_FAIL, WRITING, slow) for knob, slow in _anything_lost()),
    *(Trouble(knob, Effect.WRITES_FAIL, WRITING, slow) for knob, slow in _anything_lost(after=True)),
    Trouble(Knob("latency", milliseconds=20), Effect.ROUNDABOUT),
    Trouble(Knob("drip", milliseconds=1), Effect.ROUNDABOUT),
    Trouble(Knob("page_size", size=1), Effect.ROUNDABOUT),
    Trouble(Knob("batch_stopped", size=1), Effect.ROUNDABOUT),
    Trouble(Knob("unreadable", code="ErrorItemCorrupt", item="later"), Effect.ROUNDABOUT, ("GetItem",)),
    Trouble(Knob("expired"), Effect.ROUNDABOUT),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer: its status, None for that of a request when all is well, and what it holds."""

    status: int | None
    shape: Shape


_NOW = Expected(None, Shape.NOW)
_KNOWN = Expected(None, Shape.KNOWN)
_LATER = Expected(503, Shape.LATER)
_EACH = Expected(None, Shape.EACH)
_LOGIN = Expected(401, Shape.LOGIN)


Answers = tuple[Expected, Expected, Expected]
"""What is answered of a mailbox that was read before, never read, never let in."""

_ALWAYS_NOW: Answers = (_NOW, _NOW, _NOW)
_ALWAYS_LATER: Answers = (_LATER, _LATER, _LATER)
_AS_KNOWN: Answers = (_KNOWN, _LATER, _LATER)
_WRITES = (Kind.EVENT_WRITE, Kind.FOLDER_WRITE)

RULES: Mapping[Effect, Mapping[Kind, Answers]] = {
    Effect.NO_ANSWER: {
        Kind.NOTHING: (_NOW, _NOW, _LATER),
        Kind.CALENDARS: _AS_KNOWN,
        Kind.EVENTS: _AS_KNOWN,
        **dict.fromkeys(_WRITES, _ALWAYS_LATER),
    },
    Effect.DENIED: {**dict.fromkeys(Kind, (_LOGIN, _LOGIN, _LOGIN)), Kind.NOTHING: (_LOGIN, _NOW, _LOGIN)},
    Effect.EVENTS_FAIL: {
        Kind.NOTHING: _ALWAYS_NOW,
        Kind.CALENDARS: (_KNOWN, _EACH, _EACH),
        Kind.EVENTS: _AS_KNOWN,
        Kind.EVENT_WRITE: (_NOW, _LATER, _LATER),
        Kind.FOLDER_WRITE: _ALWAYS_NOW,
    },
    Effect.WRITES_FAIL: {**dict.fromkeys(Kind, _ALWAYS_NOW), **dict.fromkeys(_WRITES, _ALWAYS_LATER)},
    Effect.ROUNDABOUT: dict.fromkeys(Kind, _ALWAYS_NOW),
}
"""What is answered while a trouble lasts. Afterwards the same request is answered as it is now, of all mailboxes."""


def expected(effect: Effect, kind: Kind, mailbox: Mailbox) -> Expected:
    """Give what a request is answered."""
    return RULES[effect][kind][list(Mailbox).index(mailbox)]


# --- the tables --------------------------------------------------------------------------------------


def _troubles() -> str:
    return table(("what it amounts to", "knobs"), ([f"*{one.value}*", _knobs(one)] for one in Effect))


def _knobs(effect: Effect) -> str:
    """Tell the troubles of one effect: those that differ in the code, or in when they come, together."""
    codes: dict[str, list[str]] = {}
    for trouble in TROUBLES:
        if trouble.effect is effect:
            told = codes.setdefault(_title(trouble), [])
            if trouble.knob.code and trouble.knob.code not in told:
                told.append(trouble.knob.code)
    return "; ".join(title + (f" ({code(told)})" if told else "") for title, told in codes.items())


def _title(trouble: Trouble) -> str:
    kind = trouble.knob.kind
    if kind in BEYOND:
        return BEYOND[kind]
    if kind in {"latency", "drip"}:
        return f"`{kind}` " + ("beyond every deadline" if trouble.is_slow else "of some milliseconds")
    return f"`{kind}`"


def _matrix() -> str:
    rows: dict[tuple[str, ...], list[Request]] = {}
    for request in REQUESTS:
        answers = tuple(_answers(effect, request) for effect in Effect)
        rows.setdefault((request.kind.value, *answers), []).append(request)
    head = ("request", *(f"*{effect.value}*" for effect in Effect))
    return table(
        head, ([", ".join(f"{one.name} ({one.status})" for one in asked), *row[1:]] for row, asked in rows.items())
    )


def _answers(effect: Effect, request: Request) -> str:
    told: dict[str, list[str]] = {}
    for mailbox in Mailbox:
        answer = _told(expected(effect, request.kind, mailbox), request)
        told.setdefault(answer, []).append(mailbox.value)
    if len(told) == 1:
        return next(iter(told))
    return "; ".join(f"{' or '.join(whose)}: {answer}" for answer, whose in told.items())


def _told(answer: Expected, request: Request) -> str:
    if answer.shape is Shape.NOW:
        return "done" if request.kind.is_write else "as it is now"
    return f"{answer.status or '2xx'} {answer.shape.value}"


TABLES: Mapping[str, Callable[[], str]] = {"troubles": _troubles, "matrix": _matrix}
