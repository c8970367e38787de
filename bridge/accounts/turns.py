"""One at a time for each key: what two threads would ask Exchange at once is asked by one, and the other looks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bridge.errors import ExchangeTimedOut
from bridge.exchange import Deadline


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class Turns:
    """Locks by key that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        """Take nothing: every key starts free."""
        self._turns: dict[str, _Turn] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, key: str, deadline: Deadline) -> Iterator[None]:
        """Hold the key's turn. Raises ExchangeTimedOut when it does not come before the deadline."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.users += 1
        try:
            if not turn.lock.acquire(timeout=deadline.remaining()):
                raise ExchangeTimedOut("Another login of the same account still waits for Exchange.", retry_after=5)
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[key]
