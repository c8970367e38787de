"""What the simulator remembers of the calls it had: counts, refusals, its own invalid answers."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

RECENT = 500


@dataclass(frozen=True)
class Seen:
    """One call as recorded: operation, the mailbox it asked for, who asked, the HTTP status, the outcome.

    `login` is who logged in: a service account where `viewer` was impersonated, else the same.
    """

    operation: str
    mailbox: str
    viewer: str
    status: int
    outcome: str
    login: str


@dataclass
class Records:
    """The counts and lists. `invalid_answers` must stay empty; `refused` is what was not understood."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    logins: Counter[str] = field(default_factory=Counter)
    failed_logins: Counter[str] = field(default_factory=Counter)
    recent: deque[Seen] = field(default_factory=lambda: deque(maxlen=RECENT))
    invalid_answers: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, seen: Seen) -> None:
        """Count a call."""
        with self._lock:
            self.calls[seen.operation, seen.mailbox] += 1
            self.recent.append(seen)

    def login(self, login: str, *, good: bool) -> None:
        """Count a login, by the address it led to or by what was typed."""
        with self._lock:
            (self.logins if good else self.failed_logins)[login] += 1

    def refuse(self, what: str) -> None:
        """Remember something that was refused because it was not understood."""
        with self._lock:
            self.refused.append(what)

    def spoil(self, what: str) -> None:
        """Remember an answer of our own that breaks the schema."""
        with self._lock:
            self.invalid_answers.append(what)

    def total(self, operation: str = "", mailbox: str = "") -> int:
        """Give the number of calls, of an operation and for a mailbox if named."""
        with self._lock:
            return sum(n for (op, box), n in self.calls.items() if operation in {"", op} and mailbox in {"", box})

    def by_operation(self) -> dict[str, dict[str, int]]:
        """Give the counts: operation, mailbox, number."""
        with self._lock:
            table: dict[str, dict[str, int]] = {}
            for (operation, mailbox), number in sorted(self.calls.items()):
                table.setdefault(operation, {})[mailbox] = number
            return table

    def reset(self) -> None:
        """Forget the counts and the recent calls; refusals and invalid answers stay."""
        with self._lock:
            self.calls.clear()
            self.logins.clear()
            self.failed_logins.clear()
            self.recent.clear()
