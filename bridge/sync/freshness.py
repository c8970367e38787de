"""When a calendar is pulled before it is served: one policy, with an injected clock.

For now: a calendar pulled within ``fresh`` seconds is served as it is; else it is pulled first, and a request waits for
that no longer than a deadline. Several requests for one calendar wait for the same pull, and a pull that outlives the
requests that wait for it goes on behind them.
"""

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import BridgeError, ExchangeBusy, MirrorFilling, Unavailable
from bridge.exchange import Waiters
from bridge.model import CalendarRef

LOG = logging.getLogger(__name__)

WAIT_KNOWN = 10.0
"""Seconds a request waits for a pull of a calendar that the mirror holds whole."""
WAIT_FIRST = 20.0
"""Seconds a request waits for the first pull of a calendar."""
RETRY_FILLING = 5.0
"""Seconds after which a client may come back while a first pull is under way."""
PULLS_AT_ONCE = 8


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


class Pulls:
    """Runs pulls on threads of their own, one at a time for each calendar."""

    def __init__(self, waiters: Waiters) -> None:
        """Take the bound on request threads that may wait."""
        self._waiters = waiters
        self._pool = ThreadPoolExecutor(PULLS_AT_ONCE, thread_name_prefix="pull")
        self._lock = threading.Lock()
        self._running: dict[CalendarRef, Future[None]] = {}

    def bring_up_to_date(self, ref: CalendarRef, pull: Callable[[], None], *, known: bool) -> None:
        """Have the calendar pulled and wait for it.

        Where the mirror is ``known`` to be whole, trouble and a long wait end quietly: what is known is served. Else
        they raise Unavailable.
        """
        running = self._start(ref, pull)
        try:
            with self._waiters.waiting():
                running.result(timeout=WAIT_KNOWN if known else WAIT_FIRST)
        except WaitedTooLong:
            if not known:
                raise MirrorFilling(
                    "This calendar is being read from Exchange for the first time.", RETRY_FILLING
                ) from None
        except Unavailable as error:
            if not known:
                raise
            level = logging.INFO if isinstance(error, ExchangeBusy) else logging.WARNING
            LOG.log(level, "served from the mirror: %s", error)

    def _start(self, ref: CalendarRef, pull: Callable[[], None]) -> Future[None]:
        with self._lock:
            running = self._running.get(ref)
            if running is None:
                running = self._pool.submit(self._run, ref, pull)
                self._running[ref] = running
            return running

    def _run(self, ref: CalendarRef, pull: Callable[[], None]) -> None:
        try:
            pull()
        except BridgeError:
            raise
        except Exception as error:
            # The message may hold an event's content; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("a pull failed for a reason of our own (%s)\n%s", type(error).__name__, where)  # noqa: TRY400
            raise
        finally:
            with self._lock:
                self._running.pop(ref, None)

    def close(self) -> None:
        """Let running pulls end their current call and take no new ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)
