"""How the Exchange in memory tells of changes: subscriptions, streams and windows.

Tests end streams (`end_streams`), break them (`break_streams`), let them beat (`beat`) and lose subscriptions (`lose`).
"""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memory_directory import MemoryDirectory
from memory_items import times_of
from memory_store import Folder

from bridge.errors import AccessDenied, BridgeError, ExchangeBusy, ExchangeUnreachable, RequestRefused
from bridge.exchange import Deadline, Notifications, Stream, Subscription, SubscriptionId, Woken
from bridge.item import ItemId
from bridge.model import CalendarRef, Caller, Credential, FolderId


@dataclass
class Watched:
    """A subscription: whose it is, on which folders, and what it has not told yet."""

    username: str
    how: Notifications
    folders: frozenset[FolderId]
    pending: set[FolderId] = field(default_factory=set)
    told: int = 0


class MemoryStream:
    """One end of a pair of sockets; whatever is told goes through the other end as bytes, so that a selector wakes."""

    def __init__(
        self, subscriptions: Sequence[SubscriptionId], credential: Credential, on_close: Callable[[], None]
    ) -> None:
        """Take which subscriptions it tells of, for whom, and what to do when it is closed."""
        self.subscriptions = frozenset(subscriptions)
        self.credential = credential
        self._reading, self._writing = socket.socketpair()
        self._reading.settimeout(0)
        self._told: list[Woken | BridgeError | None] = []
        self._on_close = on_close
        self._is_over = False
        self._heard_at = time.monotonic()

    def fileno(self) -> int:
        """See `bridge.exchange.Stream`."""
        return self._reading.fileno()

    def receive(self) -> tuple[Woken, ...]:
        """See `bridge.exchange.Stream`."""
        try:
            self._reading.recv(65536)
        except BlockingIOError:
            return ()
        self._heard_at = time.monotonic()
        told, self._told = self._told, []
        woken: list[Woken] = []
        for one in told:
            if isinstance(one, BridgeError):
                raise one
            if one is None:
                self._is_over = True
            else:
                woken.append(one)
        return tuple(woken)

    @property
    def is_over(self) -> bool:
        """See `bridge.exchange.Stream`."""
        return self._is_over

    @property
    def heard_at(self) -> float:
        """See `bridge.exchange.Stream`."""
        return self._heard_at

    def close(self) -> None:
        """See `bridge.exchange.Stream`."""
        self._reading.close()
        self._writing.close()
        self._on_close()

    def tell(self, *told: Woken | BridgeError | None) -> None:
        """Let the next `receive` give these, raise an error, or be over (None); nothing at all is a heartbeat."""
        self._told += told
        self._writing.send(b".")


class MemoryWatching(MemoryDirectory):
    """The verbs of watching, and of windows.

    A test sets ``notifications`` to what the server can do, ``most_streams`` to how many one user name may hold open
    (3 as in Exchange 2013) and puts into ``unwatchable`` the viewers who may not watch another's calendars.
    """

    def __init__(self, *, page_size: int = 512, finds_conflicts: bool = True, reshaping: str = "reset") -> None:
        """See `memory_store.MemoryStore`."""
        super().__init__(page_size=page_size, finds_conflicts=finds_conflicts, reshaping=reshaping)
        self.notifications = Notifications.NONE
        self.most_streams = 3
        self.unwatchable: set[str] = set()
        self.watched: dict[SubscriptionId, Watched] = {}
        self.streams: list[MemoryStream] = []
        self.on_touch = self._touched

    # --- what tests do -------------------------------------------------------------------------------

    def end_streams(self) -> None:
        """End every stream as announced."""
        for stream in list(self.streams):
            stream.tell(None)

    def break_streams(self, error: BridgeError | None = None) -> None:
        """Break every connection, or have an error told on it."""
        for stream in list(self.streams):
            stream.tell(error or ExchangeUnreachable("The connection to Exchange broke."))

    def beat(self) -> None:
        """Send a heartbeat on every stream."""
        for stream in list(self.streams):
            stream.tell()

    def lose(self, subscription: SubscriptionId) -> None:
        """Forget a subscription, as a server does that starts anew."""
        watched = self.watched.pop(subscription)
        for stream in list(self.streams):
            if subscription in stream.subscriptions:
                stream.tell(Woken(subscription, watched.folders, is_lost=True))

    # --- the verbs -----------------------------------------------------------------------------------

    def window(
        self, caller: Caller, calendar: CalendarRef, start: datetime, end: datetime, deadline: Deadline
    ) -> tuple[ItemId, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[ItemId, ...]:
            folder = self.folder(caller, calendar)
            return tuple(item.ref.id for item in folder.items.values() if times_of(item, start, end))

        return self.call("window", work)

    def subscribe(
        self, caller: Caller, calendars: Sequence[CalendarRef], how: Notifications, deadline: Deadline
    ) -> Subscription:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> Subscription:
            mailboxes = {calendar.mailbox for calendar in calendars}
            assert len(mailboxes) == 1, "a subscription is of one mailbox"
            if how not in {Notifications.PULL, self.notifications} or self.notifications is Notifications.NONE:
                raise RequestRefused("This server does not tell of changes.", "ErrorInvalidOperation")
            folders = frozenset(self.folder(caller, calendar).id for calendar in calendars)
            (mailbox,) = mailboxes
            if mailbox != caller.viewer.address and caller.viewer.address in self.unwatchable:
                raise AccessDenied("A delegate may not be told of changes.")
            id_ = SubscriptionId(f"Subscription-{next(self.numbers)}")
            self.watched[id_] = Watched(caller.credential.username, how, folders)
            return Subscription(id_, mailbox, "0" if how is Notifications.PULL else None)

        return self.call("subscribe", work)

    def unsubscribe(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            self.authenticate(caller.credential)
            self.watched.pop(subscription.id, None)

        self.call("unsubscribe", work)

    def listen(self, caller: Caller, subscriptions: Sequence[Subscription], minutes: int, deadline: Deadline) -> Stream:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> Stream:
            assert 1 <= minutes <= 30, "Exchange takes 1 to 30 minutes"
            self.authenticate(caller.credential)
            username = caller.credential.username
            if sum(one.credential.username == username for one in self.streams) >= self.most_streams:
                raise ExchangeBusy("Too many streams are open.", 60)
            stream = MemoryStream([one.id for one in subscriptions], caller.credential, lambda: self._closed(stream))
            self.streams.append(stream)
            for one in subscriptions:
                watched = self.watched.get(one.id)
                if watched is None or watched.username != username or watched.how is not Notifications.STREAM:
                    stream.tell(Woken(one.id, frozenset(), is_lost=True))
                elif watched.pending:
                    self._tell(one.id, watched)
            return stream

        return self.call("listen", work)

    def news(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> tuple[Subscription, Woken | None]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Subscription, Woken | None]:
            self.authenticate(caller.credential)
            watched = self.watched.get(subscription.id)
            is_own = watched is not None and watched.username == caller.credential.username
            if watched is None or not is_own or subscription.watermark != str(watched.told):
                return subscription, Woken(subscription.id, frozenset(), is_lost=True)
            if not watched.pending:
                return subscription, None
            woken = Woken(subscription.id, frozenset(watched.pending))
            watched.pending.clear()
            watched.told += 1
            return Subscription(subscription.id, subscription.mailbox, str(watched.told)), woken

        return self.call("news", work)

    def _touched(self, folder: Folder) -> None:
        for id_, watched in self.watched.items():
            if folder.id in watched.folders:
                watched.pending.add(folder.id)
                self._tell(id_, watched)

    def _tell(self, id_: SubscriptionId, watched: Watched) -> None:
        """Tell what is pending on a stream that is open; without one it stays for the next."""
        stream = next((one for one in self.streams if id_ in one.subscriptions), None)
        if stream is not None:
            stream.tell(Woken(id_, frozenset(watched.pending)))
            watched.pending.clear()

    def _closed(self, stream: MemoryStream) -> None:
        with self._lock:
            if stream in self.streams:
                self.streams.remove(stream)
