"""What was asked of Exchange: counted by operation and by account, and one log line a call. Never any content."""

import logging
import threading
from collections import Counter
from dataclasses import dataclass

from bridge.ews.budget import AccountKey

_log = logging.getLogger("bridge.ews")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that has ended. ``outcome`` is ``ok`` or the name of our error; sizes are in bytes."""

    operation: str
    account: AccountKey
    seconds: float
    sent: int
    received: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Tallied:
    """The sums so far: calls by (operation, outcome) and by account, seconds by operation."""

    calls: dict[tuple[str, str], int]
    accounts: dict[AccountKey, int]
    seconds: dict[str, float]


class Tally:
    """Counts calls. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._accounts: Counter[AccountKey] = Counter()
        self._seconds: dict[str, float] = {}

    def add(self, call: Call) -> None:
        """Count the call and log it: at DEBUG when it went well, else at INFO."""
        with self._lock:
            self._calls[call.operation, call.outcome] += 1
            self._seconds[call.operation] = self._seconds.get(call.operation, 0.0) + call.seconds
            # Names that Exchange has not answered are anybody's guesses; they get no counter, which would grow for ever
            if call.outcome == "ok" or (call.account in self._accounts and call.outcome != "CredentialRefused"):
                self._accounts[call.account] += 1
        _log.log(
            logging.DEBUG if call.outcome == "ok" else logging.INFO,
            "call operation=%s account=%s ms=%.0f sent=%d received=%d outcome=%s",
            call.operation,
            call.account,
            call.seconds * 1000,
            call.sent,
            call.received,
            call.outcome,
        )

    def tallied(self) -> Tallied:
        """Give the sums so far."""
        with self._lock:
            return Tallied(dict(self._calls), dict(self._accounts), dict(self._seconds))
