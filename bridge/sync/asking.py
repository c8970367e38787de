"""How Exchange is asked once, however many requests wait for the answer, and how long they do.

A request that waited in vain is answered from what is known, and whoever sent it does not wait again while the same
question is still being asked: an app sends many requests to see one calendar. What one request asks for in a row, of
several calendars, it waits for no longer than for one.

A credential that Exchange refuses is told of at once, whether somebody waits or not, and what was to be asked with it
is not asked any more.
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

from bridge.errors import (
    AccessDenied,
    BridgeError,
    CredentialRefused,
    ExchangeBusy,
    FolderMissing,
    MirrorFilling,
    Unavailable,
)
from bridge.exchange import Waiters
from bridge.model import Caller, Viewer
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

    ``caller`` is as whom Exchange is asked, if it is. ``in_vain`` holds those who have waited for it long enough,
    ``then`` what is called when it is answered.
    """

    caller: Caller | None
    begun: bool = False
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

    def __init__(
        self,
        waiters: Waiters,
        now: Callable[[], datetime],
        patience: Patience,
        on_refused: Callable[[Caller], None],
    ) -> None:
        """Take the bound on request threads that may wait, a clock that gives UTC, and how long they do.

        ``on_refused`` hears of credentials that Exchange does not accept.
        """
        self._on_refused = on_refused
        self._waiters = waiters
        self._patience = patience
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking")
        self._moved = threading.Condition()
        self._flights: dict[Hashable, _Flight] = {}
        self._parts = 0
        self._is_closing = False
        self._failed: TTLCache[Hashable, BridgeError] = TTLCache(
            MOST_REMEMBERED, self._patience.pause, lambda: now().timestamp()
        )

    def bring(
        self,
        question: Hashable,
        ask: Callable[[], None],
        *,
        caller: Caller,
        known: bool,
        is_enough: Callable[[], bool] | None = None,
        at_once: bool = True,
        anew: bool = False,
    ) -> None:
        """Have the question asked, whose answer goes into the mirror, and wait for it.

        Where an answer is ``known`` already, trouble and a long wait end quietly: what is known is served. Else they
        raise Unavailable. What Exchange definitely says is raised in any case. ``is_enough`` says whether what has come
        so far will do; it is asked whenever `tell` says that something came. Unless that is so ``at_once``, the whole
        answer is waited for as long as if something were known. ``anew``: what was asked before
        will not do.
        """
        is_enough = is_enough or _never
        try:
            if anew and question in self._flights:
                self._wait(question, ask, caller, _Wait(known, is_enough, at_once))
            self._wait(question, ask, caller, _Wait(known, is_enough, at_once))
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

    def start(
        self,
        question: Hashable,
        ask: Callable[[], None],
        then: Callable[[Exception | None], None],
        caller: Caller | None = None,
    ) -> bool:
        """Have it asked, and wait for nothing; ``then`` is told when it is answered, or what was wrong.

        ``caller`` is as whom Exchange is asked, None where it is not. Say whether it begins now; else it was being
        asked already. Raises ExchangeBusy when the bridge stops.
        """
        with self._moved:
            is_new = question not in self._flights
            self._start(question, ask, caller).then.append(then)
            return is_new

    def tell(self) -> None:
        """Say that a part of some answer has come. Raises ExchangeBusy when the bridge stops."""
        if self._is_closing:
            raise _stopping()
        with self._moved:
            self._parts += 1
            self._moved.notify_all()

    def _wait(self, question: Hashable, ask: Callable[[], None], caller: Caller, wait: _Wait) -> None:
        if self._is_other_refused(self._stayed(question, ask, caller, wait), caller):
            flight = self._stayed(question, ask, caller, wait)
            if self._is_other_refused(flight, caller):
                raise ExchangeBusy("Exchange was asked with another password at the same time.", RETRY_FILLING)

    @staticmethod
    def _is_other_refused(flight: _Flight, caller: Caller) -> bool:
        """Say whether a credential was refused that is not this caller's: of an older password, or a service account.

        Raises what else was wrong.
        """
        if not flight.landed or flight.error is None:
            return False
        if isinstance(flight.error, CredentialRefused) and flight.caller != caller:
            return True
        raise flight.error

    def _stayed(self, question: Hashable, ask: Callable[[], None], caller: Caller, wait: _Wait) -> _Flight:
        """Have it asked and wait as long as may be. Raises MirrorFilling where that was in vain."""
        with self._moved:
            failed: BridgeError | None = self._failed.get(question)
        if failed is not None:
            raise failed
        flight, viewer = self._start(question, ask, caller), caller.viewer
        if wait.at_once and wait.is_enough():
            return flight
        seconds = self._left(viewer, known=wait.known)
        if seconds > 0:
            with self._waiters.waiting(viewer):
                self._stay(flight, seconds, wait)
        if not flight.landed and not wait.is_enough():
            flight.in_vain.add(viewer)
            raise MirrorFilling("This is being read from Exchange; it takes a while.", RETRY_FILLING)
        return flight

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

    def _start(self, question: Hashable, ask: Callable[[], None], caller: Caller | None) -> _Flight:
        with self._moved:
            flight = self._flights.get(question)
            if flight is None:
                flight = _Flight(caller)
                try:
                    self._pool.submit(self._run, question, ask, flight)
                except RuntimeError:
                    raise _stopping() from None
                self._flights[question] = flight
            return flight

    def _run(self, question: Hashable, ask: Callable[[], None], flight: _Flight) -> None:
        with self._moved:
            flight.begun = True
        try:
            if flight.error is None:
                ask()
        except CredentialRefused as error:
            flight.error = error
            self._refuse(flight.caller, error)
        except BridgeError as error:
            flight.error = error
        except Exception as error:  # noqa: BLE001 - it is told to whoever waits
            flight.error = error
            # The message may hold an event's content; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("Exchange was asked in vain for a reason of our own (%s)\n%s", type(error).__name__, where)  # noqa: TRY400
        finally:
            self._land(question, flight)

    def _refuse(self, caller: Caller | None, error: CredentialRefused) -> None:
        """Have nothing more asked with a credential that was refused."""
        if caller is None:
            return
        with self._moved:
            for flight in self._flights.values():
                if flight.caller is not None and not flight.begun and _is_same_account(flight.caller, caller):
                    flight.error = error
        try:
            self._on_refused(caller)
        except Unavailable as trouble:
            LOG.info("that a password is not accepted is noted later: %s", trouble)

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
        """Let running questions end their current part and take no new ones."""
        self._is_closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        for question, flight in list(self._flights.items()):
            flight.error = _stopping()
            self._land(question, flight)


def _stopping() -> ExchangeBusy:
    return ExchangeBusy("The bridge is about to stop.", retry_after=5)


def _is_same_account(one: Caller, other: Caller) -> bool:
    """Say whether both ask with the same user name and password, be it as another mailbox."""
    a, b = one.credential, other.credential
    return (a.username, a.password) == (b.username, b.password)


def _never() -> bool:
    return False
