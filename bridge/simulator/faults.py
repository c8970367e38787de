"""Troubles on demand: knobs, each limited to an operation, a mailbox, a number of calls if wished.

Shapes of throttling as in [D] EWS throttling; the others are what networks and servers do.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bridge.simulator.trouble import EwsError, Fault

KINDS = {
    "latency": "waits `milliseconds` before it answers",
    "busy_fault": "fault ErrorServerBusy, HTTP 500, BackOffMilliseconds of `milliseconds`",
    "busy_503": "HTTP 503 with Retry-After of `seconds`",
    "busy_item": "every answer of the batch is ErrorServerBusy, HTTP 200, BackOffMilliseconds of `milliseconds`",
    "too_many_connections": "fault ErrorExceededConnectionCount, HTTP 500",
    "unauthorized": "HTTP 401",
    "server_error": "HTTP 500 with a web page",
    "fault": "fault with the response code `code`, HTTP 500",
    "item_error": "every answer of the batch is the error `code`, HTTP 200",
    "reset": "the connection is reset",
    "cut": "the connection ends in the middle of the answer, short of its Content-Length",
    "truncated": "a shortened answer whose Content-Length fits: no closing Envelope",
    "drip": "the answer comes in small pieces, `milliseconds` apart",
    "busy_inner": "every answer of the batch is ErrorInternalServerError with the inner code ErrorServerBusy",
    "batch_stopped": "after `size` answers the rest of a batch is ErrorBatchProcessingStopped, not worked on",
    "page_size": "pages hold at most `size` entries",
    "unreadable": "GetItem of the item whose ItemId or UID is `item`, or GetUserAvailability of the mailbox with that "
    "address, answers the error `code`",
    "stream_cut": "the connection of a held GetStreamingEvents is reset",
    "stream_end": "the answer of a held GetStreamingEvents ends properly, but without ConnectionStatus Closed",
    "stream_silent": "a held GetStreamingEvents tells nothing any more, no heartbeat, no event, no end",
    "missed_events": "what happens is told as ErrorMissedNotificationEvents, by GetEvents and held streams",
    "lost_events": "what happens is never told, by GetEvents and held streams",
}
_HELD = {"stream_cut", "stream_end", "stream_silent"}
_EVENTS = {"missed_events", "lost_events"}
_SETTINGS = {"latency", "page_size", "unreadable", "drip", "batch_stopped"}


@dataclass(frozen=True)
class Knob:
    """One trouble. Empty `operation` and `mailbox` mean all; `count` None means until cleared.

    `mailbox` is the address of the mailbox asked for; `after` makes the work be done before the answer is spoilt.
    """

    kind: str
    operation: str = ""
    mailbox: str = ""
    count: int | None = None
    after: bool = False
    milliseconds: int = 0
    seconds: int = 0
    code: str = ""
    item: str = ""
    size: int = 0

    def meets(self, operation: str, mailbox: str) -> bool:
        """Tell whether it is meant for such a call."""
        return self.operation in {"", operation} and self.mailbox.casefold() in {"", mailbox.casefold()}


def read_knob(content: Mapping[str, Any]) -> Knob:
    """Give the knob that a JSON object describes; ValueError for one that does not exist."""
    unknown = set(content) - {f.name for f in fields(Knob)}
    if unknown or content.get("kind") not in KINDS:
        raise ValueError(f"no such knob: {dict(content)}; kinds are {', '.join(KINDS)}")
    for row in fields(Knob):
        value = content.get(row.name, row.default)
        wanted = {"count": (int, type(None)), "after": (bool,)}.get(
            row.name, (int,) if isinstance(row.default, int) else (str,)
        )
        if not isinstance(value, wanted):
            raise ValueError(f"{row.name} of a knob cannot be {value!r}")  # noqa: TRY004 - one kind of refusal
    return Knob(**content)


class Faults:
    """The knobs that are set. Safe between threads. A `listener` is told that others are set now."""

    def __init__(self) -> None:
        self._knobs: list[Knob] = []
        self._lock = threading.Lock()
        self.listener: Callable[[], None] | None = None

    def add(self, knob: Knob) -> None:
        """Set a knob; setting one again adds to it."""
        with self._lock:
            self._knobs.append(knob)
        self._tell()

    def clear(self, *kinds: str) -> None:
        """Clear the knobs of these kinds, all without any."""
        with self._lock:
            self._knobs = [knob for knob in self._knobs if kinds and knob.kind not in kinds]
        self._tell()

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """Give what is set."""
        with self._lock:
            return tuple(self._knobs)

    def take(self, operation: str, mailbox: str) -> "Troubles":
        """Give what becomes of a call, and count it against the knobs meant for it."""
        with self._lock:
            met = [knob for knob in self._knobs if knob.meets(operation, mailbox) and knob.count != 0]
            met = [knob for knob in met if knob.kind not in _HELD | _EVENTS]
            spoils = [knob for knob in met if knob.kind not in _SETTINGS]
            used = [knob for knob in met if knob.kind in _SETTINGS] + spoils[:1]
            self._count(used)
        return Troubles(tuple(used), spoils[0] if spoils else None)

    def take_event(self, operation: str, mailbox: str) -> str:
        """Give what becomes of an event in a mailbox that the operation is to tell: a kind, or nothing."""
        knob = self._take_one(_EVENTS, operation, {mailbox})
        return knob.kind if knob else ""

    def take_held(self, operation: str, mailboxes: Collection[str]) -> Knob | None:
        """Give what becomes of an answer that is held for mailboxes, if anything."""
        return self._take_one(_HELD, operation, mailboxes)

    def _take_one(self, kinds: Collection[str], operation: str, mailboxes: Collection[str]) -> Knob | None:
        with self._lock:
            for knob in self._knobs:
                if knob.kind in kinds and any(knob.meets(operation, mailbox) for mailbox in mailboxes):
                    self._count([knob])
                    return knob
            return None

    def _count(self, used: list[Knob]) -> None:
        self._knobs = [_counted(knob, used) for knob in self._knobs]
        self._knobs = [knob for knob in self._knobs if knob.count != 0]

    def _tell(self) -> None:
        if self.listener:
            self.listener()


def _counted(knob: Knob, used: list[Knob]) -> Knob:
    met = any(knob is one for one in used)
    return replace(knob, count=knob.count - 1) if met and knob.count is not None else knob


@dataclass(frozen=True)
class Troubles:
    """What becomes of one call: the settings it meets and the one thing that spoils it, if any."""

    met: tuple[Knob, ...]
    spoil: Knob | None

    @property
    def wait(self) -> float:
        """Give how long to wait, in seconds."""
        return sum(knob.milliseconds for knob in self.met if knob.kind == "latency") / 1000

    @property
    def drip(self) -> float | None:
        """Give the seconds between pieces, None when the answer does not drip."""
        found = [knob.milliseconds for knob in self.met if knob.kind == "drip"]
        return max(found) / 1000 if found else None

    @property
    def page_size(self) -> int | None:
        """Give the most entries of a page, None without a limit."""
        return min((knob.size for knob in self.met if knob.kind == "page_size"), default=None)

    @property
    def unreadable(self) -> dict[str, str]:
        """Give the items that cannot be read, with the error of each."""
        return {knob.item: knob.code or "ErrorItemCorrupt" for knob in self.met if knob.kind == "unreadable"}

    @property
    def stop_after(self) -> int | None:
        """Give the answers after which the rest of a batch is not worked on, None without."""
        return min((knob.size for knob in self.met if knob.kind == "batch_stopped"), default=None)

    @property
    def instead(self) -> EwsError | None:
        """Give the error in place of every answer of the batch."""
        if self.spoil and self.spoil.kind == "busy_item":
            return EwsError("ErrorServerBusy", values={"BackOffMilliseconds": str(self.spoil.milliseconds)})
        if self.spoil and self.spoil.kind == "busy_inner":
            return EwsError("ErrorInternalServerError", values={"InnerErrorResponseCode": "ErrorServerBusy"})
        if self.spoil and self.spoil.kind == "item_error":
            return EwsError(self.spoil.code or "ErrorInternalServerError")
        return None

    @property
    def fault(self) -> Fault | None:
        """Give the fault in place of the answer."""
        if self.spoil and self.spoil.kind == "busy_fault":
            return Fault("ErrorServerBusy", values={"BackOffMilliseconds": str(self.spoil.milliseconds)})
        if self.spoil and self.spoil.kind == "too_many_connections":
            return Fault("ErrorExceededConnectionCount")
        if self.spoil and self.spoil.kind == "fault":
            return Fault(self.spoil.code or "ErrorInternalServerError")
        return None
