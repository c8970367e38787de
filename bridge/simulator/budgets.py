"""What an account may have at once: calls under way, held streams, subscriptions.

Sources: [D] EWS throttling, [D] how to maintain affinity: what a service account does by impersonation is charged
to a copy of the impersonated account's budget, one copy for all service accounts.
"""

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Payer:
    """Whose budget a call is charged to; `by_service` is the copy that service accounts impersonating him share."""

    address: str
    by_service: bool = False


class Budgets:
    """What is under way, by payer and kind. Safe between threads."""

    def __init__(self) -> None:
        self._used: Counter[tuple[Payer, str]] = Counter()
        self._lock = threading.Lock()

    def take(self, payer: Payer, kind: str, limit: int) -> bool:
        """Charge one more, if that keeps within `limit` (0: there is none); tell whether it did."""
        with self._lock:
            if limit and self._used[payer, kind] >= limit:
                return False
            self._used[payer, kind] += 1
            return True

    def used(self, payer: Payer, kind: str) -> int:
        """Give how much is under way."""
        with self._lock:
            return self._used[payer, kind]

    def give_back(self, payer: Payer, kind: str) -> None:
        """End what was charged."""
        with self._lock:
            self._used[payer, kind] -= 1
            if not self._used[payer, kind]:
                del self._used[payer, kind]
