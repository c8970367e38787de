"""How many calls may be under way at once, and who must wait: for each mailbox and for the whole organisation.

Exchange counts calls under way for each account (EWSMaxConcurrency: 10 in 2010, 27 since 2013) and, once it throttles,
names a wait; asking before it is over makes it longer (EWS throttling in Exchange).

HTTP 503 is said by IIS, where requests queue, before it is known who asks: everybody shall wait then. A front end says
it too where one mailbox's server is gone, so it takes two accounts that are told so to hold everybody up.
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
LONGEST_FOR_ALL = 30.0
"""Seconds that everybody waits at most for what some were told."""


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
        self._server_busy: dict[AccountKey, float] = {}
        self._all_busy_until = float("-inf")

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

    def back_off_server(self, key: AccountKey, seconds: float) -> None:
        """Hold up the account by what was not said of it; with a second one that is told so, everybody for a while."""
        self.back_off(key, seconds)
        now = self._clock()
        with self._lock:
            told = {other: until for other, until in self._server_busy.items() if until > now}
            self._server_busy = told | {key: now + min(seconds, LONGEST_FOR_ALL)}
            if len(self._server_busy) > 1:
                self._all_busy_until = max(self._all_busy_until, *self._server_busy.values())

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
        left = max(account.busy_until, self._all_busy_until) - self._clock()
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
