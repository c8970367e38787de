"""The port: the verbs a back end fulfils. EWS is the first back end; Microsoft Graph will be the second.

Nothing of EWS or Graph leaks through. Every verb takes a deadline for the whole call and raises only what
``bridge.errors`` names: `Unavailable` where the same may succeed later, `ExchangeSays` for a definite answer.
No verb sends mail to anyone.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol

from bridge.errors import ExchangeBusy, ExchangeSays
from bridge.item import (
    AttachedFile,
    AttachmentId,
    Attribute,
    Content,
    Cursor,
    Item,
    ItemId,
    ItemRef,
    Missing,
    Page,
    Uid,
    Unreadable,
)
from bridge.model import (
    Address,
    Availability,
    Calendar,
    CalendarRef,
    Caller,
    Credential,
    FolderId,
    Mailbox,
    NoAvailability,
)
from bridge.zone_definition import ZoneDefinition


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a call has ended, on `time.monotonic`'s scale (seconds)."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Give the deadline this many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Give the seconds left, never below zero."""
        return max(0.0, self.at - time.monotonic())


@dataclass(frozen=True, slots=True)
class OccurrenceWrite:
    """What one occurrence shall become: ``index`` counts the pattern's occurrences from 1, deleted ones too.

    ``known`` is the item where the occurrence is an exception already. ``changed`` names the attributes of the content.
    """

    index: int
    content: Content
    changed: frozenset[Attribute]
    known: ItemRef | None = None


class Deletion(Enum):
    """How an item is deleted."""

    TO_DELETED_ITEMS = "to deleted items"
    SOFT = "soft"
    """Into the mailbox's recoverable items: for delegates, who may not write to Deleted Items."""


class Notifications(Enum):
    """How a server tells that a calendar has changed."""

    NONE = "none"
    """It does not; whoever wants to know asks `Exchange.feed`."""
    PULL = "pull"
    """When asked, by `Exchange.news`."""
    STREAM = "stream"
    """By itself, on a connection that is held open by `Exchange.listen`."""


SubscriptionId = NewType("SubscriptionId", str)


@dataclass(frozen=True, slots=True)
class Subscription:
    """That one caller is told of changes in calendars of one mailbox.

    ``watermark`` says up to where it has been told, with `Notifications.PULL` alone.
    """

    id: SubscriptionId
    mailbox: Address
    watermark: str | None = None


@dataclass(frozen=True, slots=True)
class Woken:
    """Something has changed in these calendars; what, their feed tells.

    ``folders`` may name folders inside of those subscribed to, too; where it names none, any may have changed.
    ``is_lost``: the subscription is no more, or has missed something: subscribe anew and look at every calendar of it.
    """

    subscription: SubscriptionId
    folders: frozenset[FolderId]
    is_lost: bool = False


class Stream(Protocol):
    """A connection on which Exchange tells of changes by itself. For one thread, beside others in one selector."""

    def fileno(self) -> int:
        """Give the descriptor to be selected for reading."""

    def receive(self) -> tuple[Woken, ...]:
        """Give what was told since the last call, nothing where that was a heartbeat; never blocks.

        Raises Unavailable where the connection broke off or what came is unusable, ExchangeSays where Exchange
        refuses to go on. After either, and once `is_over`, it is only to be closed.
        """

    @property
    def is_over(self) -> bool:
        """Whether Exchange has ended it as it was asked to, after the minutes of `Exchange.listen`: open the next."""

    @property
    def heard_at(self) -> float:
        """When the last byte came, heartbeats too, on `time.monotonic`'s scale."""

    def close(self) -> None:
        """Close the connection; the subscriptions go on for a while."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a back end can do beyond the verbs.

    ``writes_silently``: a meeting can be written without mail (EWS: yes, Graph: no). ``chooses_uid``: a create keeps
    the UID it is given. ``finds_conflicts``: a stale change key is refused; where not, `sync` compares first.
    ``defines_zones``: the server tells its zones' rules, and takes a zone with rules of its own (Exchange 2007 does
    neither). ``has_working_elsewhere``: it knows that busy status (Exchange 2013 and newer do). ``notifications``: the
    best way it has to tell of changes, as its version promises; `Exchange.subscribe` may be refused all the same.
    """

    writes_silently: bool
    chooses_uid: bool
    finds_conflicts: bool
    defines_zones: bool = False
    has_working_elsewhere: bool = True
    notifications: Notifications = Notifications.NONE


class Waiters:
    """Bounds how many request threads wait on Exchange at once, so that others always find a free thread.

    Those who wait for the same mailbox have a smaller bound of their own, so that one never takes the places of all.
    """

    def __init__(self, limit: int, of_one: int | None = None) -> None:
        """Take how many may wait, and how many of these for one mailbox (None: all); the rest are refused at once."""
        self._limit = limit
        self._of_one = limit if of_one is None else of_one
        self._lock = threading.Lock()
        self._all = 0
        self._of: Counter[Hashable] = Counter()

    @contextmanager
    def waiting(self, whom: Hashable = None) -> Iterator[None]:
        """Hold a place while waiting on Exchange for somebody; None is nobody in particular.

        Raises ExchangeBusy at once when none is free. Who is refused is told to come back at a time of his own, so
        that a crowd does not come back as one.
        """
        self._take(whom)
        try:
            yield
        finally:
            self._give_back(whom)

    def _take(self, whom: Hashable) -> None:
        with self._lock:
            if self._all < self._limit and (whom is None or self._of[whom] < self._of_one):
                self._all += 1
                self._of[whom] += 1
                return
        again = random.uniform(5, 15)
        raise ExchangeBusy("Too many requests wait for Exchange at this moment.", again)

    def _give_back(self, whom: Hashable) -> None:
        with self._lock:
            self._all -= 1
            self._of[whom] -= 1
            if not self._of[whom]:
                del self._of[whom]


class Exchange(Protocol):
    """One organisation's Exchange. Safe to call from many threads."""

    def capabilities(self, caller: Caller, deadline: Deadline) -> Capabilities:
        """Say what the server can do; asked of it at most once per process."""

    def zone(self, caller: Caller, id_: str, deadline: Deadline) -> ZoneDefinition | None:
        """Give the server's own rules for a Windows id, by which it expands series; None where it does not know it.

        Only asked of servers whose `Capabilities` say that they tell.
        """

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        """Try the credential and give the mailbox it opens. Raises CredentialRefused."""

    def calendars(self, caller: Caller, mailbox: Address, deadline: Deadline) -> tuple[Calendar, ...]:
        """List the calendar folders of a mailbox that the viewer may see, the default one first.

        For another's mailbox these are the default calendar alone, with the viewer's rights on it, and ``mailbox`` may
        be any of its addresses: what is listed names the primary one, and the owner, where the server tells them.
        Folders inside Deleted Items are not listed. Raises FolderMissing or AccessDenied where nothing may be seen.
        """

    def feed(self, caller: Caller, calendar: CalendarRef, cursor: Cursor | None, deadline: Deadline) -> Page:
        """Give the page of changes after the cursor; None starts from nothing. Raises CursorExpired."""

    def get(
        self, caller: Caller, calendar: CalendarRef, ids: Sequence[ItemId], deadline: Deadline
    ) -> tuple[Item | Unreadable | Missing, ...]:
        """Read items whole, in the order of the ids; any number of ids, of occurrences too."""

    def find(self, caller: Caller, calendar: CalendarRef, uid: Uid, deadline: Deadline) -> tuple[ItemRef, ...]:
        """Find the items of a UID in the calendar by asking Exchange, not the mirror."""

    def create(self, caller: Caller, calendar: CalendarRef, content: Content, deadline: Deadline) -> ItemRef:
        """Create a single event, or a master where the content has a recurrence.

        Sent once; a lost answer raises Unavailable.
        """

    def update(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        content: Content,
        changed: frozenset[Attribute],
        deadline: Deadline,
    ) -> ItemRef:
        """Write the named attributes of the content. Raises ItemChanged when the change key is stale, ItemMissing."""

    def delete(self, caller: Caller, calendar: CalendarRef, ref: ItemRef, how: Deletion, deadline: Deadline) -> None:
        """Delete an item. Raises ItemMissing when it is not there, AccessDenied when this way is not allowed."""

    def update_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        writes: Sequence[OccurrenceWrite],
        deadline: Deadline,
    ) -> tuple[ItemRef | ExchangeSays, ...]:
        """Change occurrences of a series, all in one call; each is done or refused by itself and nothing is undone."""

    def delete_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        indexes: Sequence[int],
        deadline: Deadline,
    ) -> tuple[ExchangeSays | None, ...]:
        """Delete occurrences of a series by index, all in one call; None for each that is gone now.

        One that was deleted already is gone.
        """

    def attach(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, files: Sequence[AttachedFile], deadline: Deadline
    ) -> ItemRef:
        """Attach files to an item or a changed occurrence, in one call, sent once; give the item's new version.

        Raises ItemMissing, RequestRefused where one is too large for Exchange: some of them may be there then.
        May raise ItemChanged where the change key is stale.
        """

    def detach(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        attachments: Sequence[AttachmentId],
        deadline: Deadline,
    ) -> ItemRef:
        """Remove files of one item, in one call; one that is gone already is no error. Give the item's new version."""

    def attachment(
        self, caller: Caller, calendar: CalendarRef, attachment: AttachmentId, deadline: Deadline
    ) -> AttachedFile:
        """Fetch a file with its bytes; of an attached item or message its MIME form. Raises ItemMissing."""

    def availability(
        self,
        caller: Caller,
        mailboxes: Sequence[Address],
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> tuple[Availability | NoAvailability, ...]:
        """Ask when people are busy (UTC window of any length), in the order of the mailboxes, of any number."""

    def create_calendar(
        self, caller: Caller, display_name: str, stamp: str, deadline: Deadline, look: str | None = None
    ) -> FolderId:
        """Create a calendar in the caller's own mailbox; its listing will have the stamp and the look. Sent once.

        Raises RequestRefused where a calendar is called so already.
        """

    def rename_calendar(self, caller: Caller, calendar: CalendarRef, display_name: str, deadline: Deadline) -> None:
        """Give a calendar another display name. Raises FolderMissing, AccessDenied, RequestRefused."""

    def set_look(self, caller: Caller, calendar: CalendarRef, look: str | None, deadline: Deadline) -> None:
        """Write a calendar's look, opaque here; None takes it away.

        Raises FolderMissing, AccessDenied, RequestRefused.
        """

    def delete_calendar(self, caller: Caller, calendar: CalendarRef, deadline: Deadline) -> None:
        """Delete a calendar to Deleted Items, with its events. Raises FolderMissing, AccessDenied, RequestRefused."""

    def move(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, target: CalendarRef, deadline: Deadline
    ) -> ItemRef:
        """Move an event to another calendar of the mailbox; its id changes. Sent once. Raises ItemMissing."""

    def people(self, caller: Caller, text: str, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Give whom the directory knows whose name or address begins so; at most a hundred."""

    def rooms(self, caller: Caller, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Give the rooms that the directory lists as such; none where the server keeps no lists of them."""

    def window(
        self, caller: Caller, calendar: CalendarRef, start: datetime, end: datetime, deadline: Deadline
    ) -> tuple[ItemId, ...]:
        """Give what takes place in a window (UTC, end exclusive, of any length): each id once, in no order.

        They are of single events, and in place of occurrences of their masters. What goes while it is asked may be
        left out.
        """

    def subscribe(
        self, caller: Caller, calendars: Sequence[CalendarRef], how: Notifications, deadline: Deadline
    ) -> Subscription:
        """Ask to be told of changes in calendars of one mailbox, by PULL or STREAM.

        Raises AccessDenied where a delegate may not be told, FolderMissing, RequestRefused where the server does not
        do this at all or for no more calendars, ExchangeBusy where one of its limits is reached.
        """

    def unsubscribe(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> None:
        """Ask to be told no more; a subscription that is gone already is no error."""

    def listen(self, caller: Caller, subscriptions: Sequence[Subscription], minutes: int, deadline: Deadline) -> Stream:
        """Open a connection on which 1 to 200 subscriptions by STREAM are told, for 1 to 30 minutes.

        All of them were made with the credential's user name, be it as another mailbox. The deadline bounds the opening
        alone. What came with it waits for the first `Stream.receive`, to be called at once: a selector does not tell of
        that. Raises ExchangeBusy, here or out of `Stream.receive`, where as many are open as the server allows.
        """

    def news(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> tuple[Subscription, Woken | None]:
        """Ask what a subscription by PULL has to tell: its next state, and what has changed, None for nothing.

        A subscription that Exchange does not know any more is told as lost.
        """

    def close(self) -> None:
        """Give back connections."""
