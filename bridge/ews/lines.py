"""The kept connections to one organisation: taken for a call, given back after it, closed after any trouble.

There is nothing to wait for here: a call that finds no idle connection opens one, and `budget` bounds how many calls
there are. So no queue can fill up with broken connections and block for ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.ews.line import Endpoint, Line
from bridge.exchange import Deadline


class Lines:
    """The idle connections of one organisation, the latest used first. Safe to use from many threads.

    Basic credentials go with every request, so a connection belongs to nobody. An authentication that is bound to
    its connection (NTLM) needs the connections kept apart by credential.
    """

    def __init__(self, endpoint: Endpoint, limit: int) -> None:
        """Take how many connections are kept at most while idle."""
        self._endpoint = endpoint
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._is_closed = False

    @contextmanager
    def line(self, deadline: Deadline) -> Iterator[Line]:
        """Hold a connection for one call. Raises ExchangeUnreachable, ExchangeTimedOut when none can be made."""
        line = self._idle_line() or Line(self._endpoint, deadline)
        try:
            yield line
        finally:
            self._give_back(line)

    def close(self) -> None:
        """Close every idle connection, and those in use when they come back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()

    def _idle_line(self) -> Line | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                line = self._idle.pop()
            if line.is_alive:
                return line
            line.close()

    def _give_back(self, line: Line) -> None:
        with self._lock:
            if line.is_reusable and not self._is_closed and len(self._idle) < self._limit:
                self._idle.append(line)
                return
        line.close()
