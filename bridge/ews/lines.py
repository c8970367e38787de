"""The kept connections to one organisation: taken for a call, given back after it, closed after any trouble.

There is nothing to wait for here: a call that finds no idle connection opens one, and `budget` bounds how many calls
there are. So no queue can fill up with broken connections and block for ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NewType

from bridge.ews.line import Endpoint, Line
from bridge.exchange import Deadline

Owner = NewType("Owner", bytes)
"""For whom a connection may be used, as something that tells nothing of him."""
ANYBODY = Owner(b"")
"""Of an authentication that goes with every request: the connection is proved for nobody."""


class Lines:
    """The idle connections of one organisation, the latest used first. Safe to use from many threads.

    They are kept apart by owner, because an authentication may be bound to its connection (NTLM).
    """

    def __init__(self, endpoint: Endpoint, limit: int) -> None:
        """Take how many connections are kept at most while idle."""
        self._endpoint = endpoint
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: list[tuple[Owner, Line]] = []
        self._is_closed = False

    @contextmanager
    def line(self, owner: Owner, deadline: Deadline) -> Iterator[Line]:
        """Hold a connection of the owner's for one call.

        Raises ExchangeUnreachable, ExchangeTimedOut when none can be made.
        """
        line = self._idle_line(owner) or Line(self._endpoint, deadline)
        try:
            yield line
        finally:
            self._give_back(owner, line)

    def close(self) -> None:
        """Close every idle connection, and those in use when they come back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for _, line in idle:
            line.close()

    def _idle_line(self, owner: Owner) -> Line | None:
        while True:
            with self._lock:
                own = [place for place, (its, _) in enumerate(self._idle) if its == owner]
                if not own:
                    return None
                _, line = self._idle.pop(own[-1])
            if line.is_alive:
                return line
            line.close()

    def _give_back(self, owner: Owner, line: Line) -> None:
        """Keep the line; of too many the one that has been idle longest goes."""
        with self._lock:
            if line.is_reusable and not self._is_closed:
                self._idle.append((owner, line))
                if len(self._idle) <= self._limit:
                    return
                _, line = self._idle.pop(0)
        line.close()
