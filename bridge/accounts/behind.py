"""Checks that go on behind the requests that gave rise to them: one at a time for each user name with its password."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong

from bridge.accounts.recent import Tag
from bridge.errors import LoginRefused, Unavailable

LOG = logging.getLogger(__name__)

AT_ONCE = 4


class Behind:
    """Runs checks on threads of its own. Safe to call from many threads."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="logins")
        self._running: dict[Tag, Future[None]] = {}
        self._lock = threading.Lock()

    def check(self, tag: Tag, check: Callable[[], object], seconds: float) -> None:
        """Have it checked, unless that is under way, and wait so long for it.

        Raises LoginRefused where the check has ended so by then; trouble is no news.
        """
        with self._lock:
            running = self._running.get(tag)
            if running is None:
                try:
                    running = self._running[tag] = self._pool.submit(self._run, tag, check)
                except RuntimeError:  # the bridge stops
                    return
        if seconds > 0:
            try:
                running.result(seconds)
            except (WaitedTooLong, CancelledError, Unavailable):
                return

    def close(self) -> None:
        """Let what is running end, and take nothing new."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, tag: Tag, check: Callable[[], object]) -> None:
        try:
            check()
        except LoginRefused:
            LOG.info("a password that was accepted before is not accepted any more")
            raise
        except Unavailable as error:
            LOG.info("a login is checked later: %s", error)
            raise
        finally:
            with self._lock:
                del self._running[tag]
