"""Subscriptions: who is told of what happens where, and what is waiting to be told.

Sources: [D] Subscribe, GetEvents and GetStreamingEvents with their remarks, responsecode, how to maintain affinity;
`rules` and `fixed_rules` for the rest.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bridge.simulator.budgets import Payer
from bridge.simulator.faults import Faults
from bridge.simulator.happenings import Happening
from bridge.simulator.identifiers import parse_watermark, subscription_id, watermark
from bridge.simulator.rules import Personality, rank
from bridge.simulator.store import Store
from bridge.simulator.trouble import EwsError

AT_ONCE = 50  # [D] GetEvents, remarks: the first 50 events of the queue
_KEPT = 1000  # events that a new subscription can begin at
_HOST = "exchange.example.com"


@dataclass(frozen=True)
class Notice:
    """A happening with its number among all that happened, of which its watermark is made."""

    number: int
    happening: Happening


@dataclass(frozen=True)
class Wish:
    """What a subscription is to be: `folders` None for all of the mailbox, `minutes` that it lives unused.

    `server` is the one of several that knows it.
    """

    owner: str
    payer: Payer
    mailbox: str
    folders: frozenset[int] | None
    kinds: frozenset[str]
    minutes: int
    is_streaming: bool = False
    server: str = ""


class Holder(Protocol):
    """What holds an answer open for a streaming subscription."""

    def wake(self) -> None:
        """Look whether there is something to tell."""

    def refuse(self, subscription: "Subscription", code: str) -> None:
        """Tell that error of the subscription, which is told nothing more."""

    def drop(self) -> None:
        """End at once, without a word."""


@dataclass(eq=False)
class Subscription:
    """A subscription: `told` is the number of the last event told, `used` when it was last asked for."""

    id: str
    wish: Wish
    told: int
    used: datetime
    queue: deque[Notice] = field(default_factory=deque)
    missed: str = ""
    stream: Holder | None = None

    def meets(self, happening: Happening) -> bool:
        """Tell whether it is to be told of that."""
        wish = self.wish
        if happening.mailbox != wish.mailbox or f"{happening.kind}Event" not in wish.kinds:
            return False
        return wish.folders is None or not wish.folders.isdisjoint(happening.folders)

    @property
    def has_news(self) -> bool:
        """Tell whether there is something to tell."""
        return bool(self.missed or self.queue)

    def take(self) -> Sequence[Notice]:
        """Give the next events, which are told now; the error in their place where some were missed."""
        if self.missed:
            code, self.missed = self.missed, ""
            self.queue.clear()
            raise EwsError(code)
        taken = [self.queue.popleft() for _ in range(min(AT_ONCE, len(self.queue)))]
        self.told = taken[-1].number if taken else self.told
        return taken


class Subscriptions:
    """All subscriptions of a server. What asks them holds the store's lock.

    `allowed` is none, pull or streaming, each more than the one before.
    """

    def __init__(self, store: Store, personality: Personality, faults: Faults) -> None:
        self.database = store.guid("database")
        self.allowed = personality.rules.notifications
        self._store = store
        self._rules = personality.rules
        self._missed = "ErrorMissedNotificationEvents"
        if personality.level < rank("Exchange2010_SP1"):  # [D] responsecode
            self._missed = "ErrorEventNotFound"
        self._faults = faults
        self._all: dict[str, Subscription] = {}
        self._expired: set[str] = set()
        self._number = 1
        self._log: deque[Notice] = deque(maxlen=_KEPT)
        store.teller.listener = self._hear

    @property
    def alive(self) -> tuple[Subscription, ...]:
        """Give those that are alive, oldest first."""
        with self._store.lock:
            self._expire()
            return tuple(self._all.values())

    def mailbox_of(self, named: str) -> str:
        """Give the mailbox of a subscription, nothing where there is no such one."""
        subscription = self._all.get(named)
        return subscription.wish.mailbox if subscription else ""

    def watermark(self, number: int) -> str:
        """Give the watermark of an event's number."""
        return watermark(self.database, number)

    def subscribe(self, wish: Wish, resumed: str = "") -> Subscription:
        """Give a new subscription, which is told what happens after the watermark `resumed`, else from now on."""
        limit = self._rules.max_subscriptions
        if limit and sum(other.wish.payer == wish.payer for other in self.alive) >= limit:
            raise EwsError("ErrorExceededSubscriptionCount")
        moment = self._store.clock()
        told = self._resumed(resumed) if resumed else self._number
        named = subscription_id(_HOST, self._store.random.randbytes(16), moment)
        subscription = Subscription(named, wish, told, moment)
        for notice in self._log if resumed else ():
            if notice.number > told and subscription.meets(notice.happening):
                self._queue(subscription, notice)
        self._all[subscription.id] = subscription
        return subscription

    def find(self, named: str, owner: str, server: str = "") -> Subscription:
        """Give the subscription of an id, whose timer begins anew; its owner alone may ask, at the server it is at."""
        self._expire()
        if named in self._expired:
            self._expired.discard(named)
            raise EwsError("ErrorExpiredSubscription")
        subscription = self._all.get(named)
        if subscription is None or subscription.wish.server != server:
            raise EwsError("ErrorSubscriptionNotFound")
        if subscription.wish.owner != owner:
            raise EwsError("ErrorSubscriptionAccessDenied")
        subscription.used = self._store.clock()
        return subscription

    def unsubscribe(self, named: str, owner: str, server: str = "") -> None:
        """End a subscription; what holds an answer for it is told."""
        subscription = self.find(named, owner, server)
        del self._all[named]
        if subscription.stream:
            subscription.stream.refuse(subscription, "ErrorSubscriptionUnsubscribed")

    def pull(self, named: str, owner: str, mark: str, server: str = "") -> tuple[Subscription, Sequence[Notice]]:
        """Give the next events after the watermark told last; rule `watermark_told_last`."""
        subscription = self.find(named, owner, server)
        if subscription.wish.is_streaming:
            raise EwsError("ErrorInvalidSubscription")
        if parse_watermark(self.database, mark) != subscription.told:
            raise EwsError("ErrorInvalidWatermark")
        try:
            return subscription, subscription.take()
        except EwsError as error:
            if error.code == "ErrorEventNotFound":  # [D] responsecode: the subscription is also deleted
                del self._all[named]
            raise

    def lose(self) -> None:
        """Forget all, as a server does that is restarted; held answers end without a word."""
        with self._store.lock:
            for subscription in tuple(self._all.values()):
                if subscription.stream:
                    subscription.stream.drop()
            self._all.clear()
            self._expired.clear()

    def wake(self) -> None:
        """Have everything that holds an answer look around."""
        with self._store.lock:
            for subscription in tuple(self._all.values()):
                if subscription.stream:
                    subscription.stream.wake()

    def _hear(self, happening: Happening) -> None:
        self._number += 1
        notice = Notice(self._number, happening)
        self._log.append(notice)
        for subscription in self._all.values():
            if subscription.meets(happening):
                self._deliver(subscription, notice)

    def _deliver(self, subscription: Subscription, notice: Notice) -> None:
        operation = "GetStreamingEvents" if subscription.wish.is_streaming else "GetEvents"
        address = self._store.mailboxes[subscription.wish.mailbox].owner.address
        fate = self._faults.take_event(operation, address)
        if fate == "lost_events":
            return
        if fate == "missed_events":
            subscription.missed = self._missed
        self._queue(subscription, notice)
        if subscription.stream:
            subscription.stream.wake()

    def _queue(self, subscription: Subscription, notice: Notice) -> None:
        if len(subscription.queue) >= self._rules.event_queue_limit:
            subscription.missed = self._missed
        else:
            subscription.queue.append(notice)

    def _resumed(self, mark: str) -> int:
        """Give the number of a watermark to begin at; one that is too old, or of the future, is invalid (assumed)."""
        number = parse_watermark(self.database, mark)
        oldest = self._log[0].number if self._log else self._number + 1
        if not oldest - 1 <= number <= self._number:
            raise EwsError("ErrorInvalidWatermark")
        return number

    def _expire(self) -> None:
        moment = self._store.clock()
        for subscription in tuple(self._all.values()):
            unused = moment - subscription.used
            if not subscription.stream and unused > timedelta(minutes=subscription.wish.minutes):
                del self._all[subscription.id]
                self._expired.add(subscription.id)
