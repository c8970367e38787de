"""How Exchange is asked once, however many requests wait for the answer, and how long they do.

A request that waited in vain is answered from what is known, and whoever sent it does not wait again while the same
question is still being asked: an app sends many requests to see one calendar. What one request asks for in a row, of
several calendars, it waits for no longer than for one.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from cachetools import TTLCache

from bridge.errors import AccessDenied, BridgeError, ExchangeBusy, FolderMissing, MirrorFilling, Unavailable
from bridge.exchange import Waiters
from bridge.model import Viewer
from bridge.sync.freshness import Patience

LOG = logging.getLogger(__name__)

RETRY_FILLING = 5.0
"""Seconds after which a client may come back while something is read for the first time."""
AT_ONCE = 16
"""Questions that are asked side by side; the others wait for their turn."""
MOST_REMEMBERED = 10_000
"""Questions that failed."""


@dataclass(slots=True)
class _Spent:
    """How long (seconds) a request has waited so far."""

    seconds: float = 0.0


_REQUEST: ContextVar[_Spent | None] = ContextVar("_REQUEST", default=None)


@contextmanager
def one_request() -> Iterator[None]:
    """Let everything that this thread asks for meanwhile count as one request's."""
    before = _REQUEST.set(_Spent())
    try:
        yield
    finally:
        _REQUEST.reset(before)


@dataclass(eq=False)
class _Flight:
    """A question that is being asked.

    ``in_vain`` holds those who have waited for it long enough, ``then`` what is called when it is answered.
    """

    landed: bool = False
    error: Exception | None = None
    in_vain: set[Viewer] = field(default_factory=set)
    then: list[Callable[[Exception | None], None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Wait:
    """What a request waits for; see `Asking.bring`."""

    known: bool
    is_enough: Callable[[], bool]
    at_once: bool


class Asking:
    """Asks on threads of its own. Safe to use from many threads."""

    def __init__(self, waiters: Waiters, now: Callable[[], datetime], patience: Patience) -> None:
        """Take the bound on request threads that may wait, a clock that gives UTC, and how long they do."""
        self._waiters = waiters
        self._patience = patience
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking")
        self._moved = threading.Condition()
        self._flights: dict[Hashable, _Flight] = {}
        self._parts = 0
        self._failed: TTLCache[Hashable, BridgeError] = TTLCache(
            MOST_REMEMBERED, self._patience.pause, lambda: now().timestamp()
        )

    def bring(
        self,
        question: Hashable,
        ask: Callable[[], None],
        *,
        viewer: Viewer,
        known: bool,
        is_enough: Callable[[], bool] | None = None,
        at_once: bool = True,
    ) -> None:
        """Have the question asked, whose answer goes into the mirror, and wait for it.

        Where an answer is ``known`` already, trouble and a long wait end quietly: what is known is served. Else they
        raise Unavailable. What Exchange definitely says is raised in any case. ``is_enough`` says whether what has come
        so far will do; it is asked whenever `tell` says that something came. Unless that is so ``at_once``, the whole
        answer is waited for as long as if something were known.
        """
        is_enough = is_enough or _never
        try:
            self._wait(question, ask, viewer, _Wait(known, is_enough, at_once))
        except Unavailable as error:
            if not known and not is_enough():
                raise
            level = logging.INFO if isinstance(error, ExchangeBusy | MirrorFilling) else logging.WARNING
            LOG.log(level, "served as last known: %s", error)
        except BridgeError:
            raise
        except Exception:
            if not known:
                raise

    def start(self, question: Hashable, ask: Callable[[], None], then: Callable[[Exception | None], None]) -> bool:
        """Have it asked, and wait for nothing; ``then`` is told when it is answered, or what was wrong.

        Say whether it begins now; else it was being asked already. Raises ExchangeBusy when the bridge stops.
        """
        with self._moved:
            is_new = question not in self._flights
            self._start(question, ask).then.append(then)
            return is_new

    def tell(self) -> None:
        """Say that a part of some answer has come."""
        with self._moved:
            self._parts += 1
            self._moved.notify_all()

    def _wait(self, question: Hashable, ask: Callable[[], None], viewer: Viewer, wait: _Wait) -> None:
        with self._moved:
            failed: BridgeError | None = self._failed.get(question)
        if failed is not None:
            raise failed
        flight = self._start(question, ask)
        if wait.at_once and wait.is_enough():
            return
        seconds = self._left(viewer, known=wait.known)
        if seconds > 0:
            with self._waiters.waiting(viewer):
                self._stay(flight, seconds, wait)
        if flight.landed and flight.error is not None:
            raise flight.error
        if not flight.landed and not wait.is_enough():
            flight.in_vain.add(viewer)
            raise MirrorFilling("This is being read from Exchange; it takes a while.", RETRY_FILLING)

    def _left(self, viewer: Viewer, *, known: bool) -> float:
        """Give how long (seconds) somebody waits now: for what is known, less what the request has waited already."""
        with self._moved:
            if any(viewer in flight.in_vain for flight in self._flights.values()):
                return 0.0
        if not known:
            return self._patience.first
        spent = _REQUEST.get()
        return self._patience.known - (spent.seconds if spent is not None else 0.0)

    def _stay(self, flight: _Flight, seconds: float, wait: _Wait) -> None:
        begun = time.monotonic()
        if not wait.at_once:
            with self._moved:
                self._moved.wait_for(lambda: flight.landed, min(seconds, self._patience.known))
        seen = -1  # what came before we looked counts
        while not flight.landed and not wait.is_enough():
            with self._moved:
                left = max(0.0, begun + seconds - time.monotonic())
                if not self._moved.wait_for(lambda: flight.landed or self._parts != seen, left):  # noqa: B023 - called here
                    break
                seen = self._parts
        spent = _REQUEST.get()
        if spent is not None:
            spent.seconds += time.monotonic() - begun

    def _start(self, question: Hashable, ask: Callable[[], None]) -> _Flight:
        with self._moved:
            flight = self._flights.get(question)
            if flight is None:
                flight = _Flight()
                try:
                    self._pool.submit(self._run, question, ask, flight)
                except RuntimeError:
                    raise ExchangeBusy("The bridge is about to stop.", retry_after=5) from None
                self._flights[question] = flight
            return flight

    def _run(self, question: Hashable, ask: Callable[[], None], flight: _Flight) -> None:
        try:
            ask()
        except BridgeError as error:
            flight.error = error
        except Exception as error:  # noqa: BLE001 - it is told to whoever waits
            flight.error = error
            # The message may hold an event's content; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("Exchange was asked in vain for a reason of our own (%s)\n%s", type(error).__name__, where)  # noqa: TRY400
        finally:
            self._land(question, flight)

    def _land(self, question: Hashable, flight: _Flight) -> None:
        with self._moved:
            flight.landed = True
            self._flights.pop(question, None)
            if isinstance(flight.error, Unavailable | FolderMissing | AccessDenied):
                self._failed[question] = flight.error
            else:
                self._failed.pop(question, None)
            self._moved.notify_all()
        for then in flight.then:
            then(flight.error)

    def close(self) -> None:
        """Let running questions end their current call and take no new ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for question, flight in list(self._flights.items()):
            flight.error = ExchangeBusy("The bridge is about to stop.", retry_after=5)
            self._land(question, flight)


def _never() -> bool:
    return False
