"""One thread that waits for sockets and messages, and helpers that do for it what takes its time."""

import logging
import selectors
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

LOG = logging.getLogger(__name__)

TICK = 1.0
"""Seconds after which the thread looks round, whatever happens."""
AT_ONCE = 8
"""Helpers that ask Exchange."""
BRIEF_AT_ONCE = 4
"""Helpers for what takes no long time: it does not wait behind a slow Exchange."""


class Readable(Protocol):
    """What can be waited for."""

    def fileno(self) -> int:
        """Give the descriptor that is selected for reading."""


class Loop:
    """Runs what it is given, one thing after the other, on a thread of its own. Safe to call from many threads."""

    def __init__(self, name: str, on_tick: Callable[[], None]) -> None:
        """Take the name of the threads, and what is done every second. `start` begins."""
        self._on_tick = on_tick
        self._inbox: deque[Callable[[], None]] = deque()
        self._is_closing = False
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.settimeout(0)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._helpers = ThreadPoolExecutor(BRIEF_AT_ONCE, thread_name_prefix=name)
        self._askers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"{name}-asks")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def post(self, message: Callable[[], None]) -> None:
        """Have something done by the thread, soon."""
        self._inbox.append(message)
        with suppress(OSError):  # full: it will wake anyhow; closed: nobody is there any more
            self._bell.send(b".")

    def do(self, work: Callable[[], None]) -> None:
        """Have something brief done by a helper; it is not to touch what belongs to the thread."""
        with suppress(RuntimeError):  # the helpers are gone
            self._helpers.submit(_guarded, work)

    def ask(self, work: Callable[[], None]) -> None:
        """Have something done that waits for Exchange, as `do` does."""
        with suppress(RuntimeError):
            self._askers.submit(_guarded, work)

    def listen(self, readable: Readable, on_ready: Callable[[], None]) -> None:
        """Have the thread call this whenever there is something to be read. To be called by the thread."""
        self._selector.register(readable, selectors.EVENT_READ, on_ready)

    def forget(self, readable: Readable) -> None:
        """Listen no more. To be called by the thread."""
        self._selector.unregister(readable)

    @property
    def is_closing(self) -> bool:
        """Whether it is about to end: messages may not be heard any more."""
        return self._is_closing

    def close(self, last: Callable[[], None]) -> None:
        """Have this done as the last thing, and end. What helpers still tell is heard, too, in the calling thread."""

        def end() -> None:
            self._is_closing = True
            last()

        self.post(end)
        self._thread.join()
        for helpers in (self._askers, self._helpers):
            helpers.shutdown(wait=True, cancel_futures=True)
        while self._inbox:
            _guarded(self._inbox.popleft())
        for one in (self._selector, self._bell, self._ear):
            one.close()

    def _run(self) -> None:
        tick_at = time.monotonic()
        while not self._is_closing:
            for key, _ in self._selector.select(max(0.0, tick_at - time.monotonic())):
                if key.data is None:
                    self._ear.recv(4096)
                else:
                    _guarded(key.data)
            while self._inbox and not self._is_closing:
                _guarded(self._inbox.popleft())
            if time.monotonic() >= tick_at:
                _guarded(self._on_tick)
                tick_at = time.monotonic() + TICK


def _guarded(work: Callable[[], None]) -> None:
    """Do something; what is wrong with it must not end everything else."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - told below, without a message, which may hold an event's content
        where = "".join(traceback.format_tb(error.__traceback__))
        LOG.error("work in the background went wrong (%s)\n%s", type(error).__name__, where)  # noqa: TRY400
