"""When a calendar is pulled before it is served: one policy, with an injected clock; and how Exchange is asked once.

For now: a calendar pulled within ``fresh`` seconds is served as it is; else it is pulled first, and a request waits for
that no longer than a deadline. Several requests for one calendar wait for the same pull, and a pull that outlives the
requests that wait for it goes on behind them.
"""

import logging
import threading
import traceback
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import BridgeError, ExchangeBusy, MirrorFilling, Unavailable
from bridge.exchange import Waiters

LOG = logging.getLogger(__name__)

WAIT_KNOWN = 10.0
"""Seconds a request waits for news of what the mirror holds whole."""
WAIT_FIRST = 20.0
"""Seconds a request waits for what the mirror has never held."""
RETRY_FILLING = 5.0
"""Seconds after which a client may come back while something is read for the first time."""
PAUSE = timedelta(seconds=5)
"""How long a failure is remembered: so long, nobody waits for the same to fail again."""
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Policy:
    """How old a mirror may be when it is served; ``fresh`` in seconds, ``now`` gives UTC."""

    fresh: float
    now: Callable[[], datetime]

    def is_due(self, pulled_at: datetime | None, *, fresh: bool) -> bool:
        """Say whether a calendar pulled at that time is to be pulled first; ``fresh`` is the client's wish for new."""
        if pulled_at is None or fresh:
            return True
        return self.now() - pulled_at > timedelta(seconds=self.fresh)


class Asking:
    """Asks Exchange on threads of its own, the same question once at a time however many requests wait for it."""

    def __init__(self, waiters: Waiters, now: Callable[[], datetime]) -> None:
        """Take the bound on request threads that may wait, and a clock that gives UTC."""
        self._waiters = waiters
        self._now = now
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking")
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[None]] = {}
        self._failed: dict[Hashable, tuple[datetime, Unavailable]] = {}

    def bring(self, question: Hashable, ask: Callable[[], None], *, known: bool) -> None:
        """Have the question asked, whose answer goes into the mirror, and wait for it.

        Where an answer is ``known`` already, trouble and a long wait end quietly: what is known is served. Else they
        raise Unavailable. What Exchange definitely says is raised in any case.
        """
        try:
            self._wait(question, ask, WAIT_KNOWN if known else WAIT_FIRST)
        except Unavailable as error:
            if not known:
                raise
            level = logging.INFO if isinstance(error, ExchangeBusy | MirrorFilling) else logging.WARNING
            LOG.log(level, "served as last known: %s", error)
        except BridgeError:
            raise
        except Exception:
            if not known:
                raise

    def _wait(self, question: Hashable, ask: Callable[[], None], seconds: float) -> None:
        failed = self._failed.get(question)
        if failed is not None and self._now() - failed[0] < PAUSE:
            raise failed[1]
        running = self._start(question, ask)
        with self._waiters.waiting():
            try:
                running.result(timeout=seconds)
            except WaitedTooLong:
                raise MirrorFilling("This is being read from Exchange; it takes a while.", RETRY_FILLING) from None

    def _start(self, question: Hashable, ask: Callable[[], None]) -> Future[None]:
        with self._lock:
            running = self._running.get(question)
            if running is None:
                try:
                    running = self._pool.submit(self._run, question, ask)
                except RuntimeError:
                    raise ExchangeBusy("The bridge is about to stop.", retry_after=5) from None
                self._running[question] = running
            return running

    def _run(self, question: Hashable, ask: Callable[[], None]) -> None:
        try:
            ask()
            self._failed.pop(question, None)
        except BridgeError as error:
            if isinstance(error, Unavailable):
                self._failed[question] = (self._now(), error)
            raise
        except Exception as error:
            # The message may hold an event's content; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("Exchange was asked in vain for a reason of our own (%s)\n%s", type(error).__name__, where)  # noqa: TRY400
            raise
        finally:
            with self._lock:
                self._running.pop(question, None)

    def close(self) -> None:
        """Let running questions end their current call and take no new ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)
