"""How many calls may be under way at once, and who must wait: for each mailbox and for the whole organisation.

Exchange counts calls under way for each account (EWSMaxConcurrency: 10 in 2010, 27 since 2013) and, once it throttles,
names a wait; asking before it is over makes it longer (EWS throttling in Exchange).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NewType

from bridge.errors import ExchangeBusy
from bridge.exchange import Deadline

AccountKey = NewType("AccountKey", str)
"""Whose budget a call counts against: stands for the user name, and is fit for a log."""

CALLS_PER_ACCOUNT = 4
CALLS_PER_ORGANISATION = 20


@dataclass(slots=True)
class _Account:
    places: threading.BoundedSemaphore
    users: int = 0
    busy_until: float = field(default=float("-inf"))


class Budget:
    """The places for calls to one organisation. Safe to use from many threads."""

    def __init__(
        self,
        per_account: int = CALLS_PER_ACCOUNT,
        per_organisation: int = CALLS_PER_ORGANISATION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take how many calls may be under way; ``clock`` gives seconds and tells when a back-off has passed."""
        self._per_account = per_account
        self._organisation = threading.BoundedSemaphore(per_organisation)
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[AccountKey, _Account] = {}

    @contextmanager
    def place(self, key: AccountKey, deadline: Deadline) -> Iterator[None]:
        """Hold a place for one call, waiting for it until the deadline.

        Raises ExchangeBusy, with the time that is left of it, while Exchange's back-off for the account lasts, and
        when no place came free; nothing was sent then.
        """
        with self._account(key) as account:
            self._refuse_while_busy(account)
            with _held(account.places, deadline), _held(self._organisation, deadline):
                # A call that was under way while this one waited may have been told to back off
                self._refuse_while_busy(account)
                yield

    def back_off(self, key: AccountKey, seconds: float) -> None:
        """Let no call of the account go out for this many seconds from now."""
        until = self._clock() + seconds
        with self._account(key) as account, self._lock:
            account.busy_until = max(account.busy_until, until)

    @contextmanager
    def _account(self, key: AccountKey) -> Iterator[_Account]:
        """Give the account's record; it is dropped when nobody uses it and nothing of it needs to be known."""
        with self._lock:
            account = self._accounts.setdefault(key, _Account(threading.BoundedSemaphore(self._per_account)))
            account.users += 1
        try:
            yield account
        finally:
            with self._lock:
                account.users -= 1
                now = self._clock()
                for other in [k for k, a in self._accounts.items() if not a.users and a.busy_until <= now]:
                    del self._accounts[other]

    def _refuse_while_busy(self, account: _Account) -> None:
        left = account.busy_until - self._clock()
        if left > 0:
            raise ExchangeBusy("Exchange asked to be left alone for a while.", left)


@contextmanager
def _held(places: threading.BoundedSemaphore, deadline: Deadline) -> Iterator[None]:
    if not places.acquire(timeout=deadline.remaining()):
        raise ExchangeBusy("Too many calls to Exchange are under way.", retry_after=5)
    try:
        yield
    finally:
        places.release()
