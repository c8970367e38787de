"""How calendars come to be watched: claimed before other processes, subscribed to, and listened to on one stream.

Everything here calls Exchange or the database and is done away from the thread that watches; it is told in `Wanted`
what is wanted and tells in `Opened` what came of it.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bridge.errors import AccessDenied, BridgeError, CredentialRefused, FolderMissing, RequestRefused, Unavailable
from bridge.exchange import Deadline, Exchange, Notifications, Stream, Subscription
from bridge.mirror.watching import Watching
from bridge.model import Address, CalendarRef, Caller, FolderId, Viewer
from bridge.sync.watched import Channel, Unit

LOG = logging.getLogger(__name__)

CALL = 30.0
"""Seconds for one call."""
MINUTES = 9
"""How long a stream is asked for. A new one proves the credential anew: within the ten minutes that a login counts."""

Callers = Callable[[Viewer], Caller | None]
"""Gives as whom Exchange is asked for somebody, None where that cannot be any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of one unit. ``asker`` is as whom Exchange is asked; the rest is as in `Unit`."""

    asker: Viewer
    refs: tuple[CalendarRef, ...]
    how: Notifications | None
    subscription: Subscription | None
    subscribed: frozenset[FolderId]

    @classmethod
    def of(cls, channel: Channel, unit: Unit) -> "Wanted":
        """Give what is wanted of a unit, as it is now."""
        asker = channel.viewer or unit.owner
        return cls(asker, tuple(unit.places), unit.how, unit.subscription, unit.subscribed)


@dataclass(frozen=True, slots=True)
class OpenedUnit:
    """What came of a unit. ``woken`` are folders that may have changed, empty for all; None where none has."""

    how: Notifications | None
    subscription: Subscription | None = None
    subscribed: frozenset[FolderId] = frozenset()
    claimed: frozenset[CalendarRef] = frozenset()
    woken: frozenset[FolderId] | None = None


@dataclass(slots=True)
class Opened:
    """What came of it all. ``caller`` is the last that was asked as; ``is_nobody``: there is nobody to ask as."""

    units: dict[Address, OpenedUnit] = field(default_factory=dict)
    stream: Stream | None = None
    error: BridgeError | None = None
    caller: Caller | None = None
    is_nobody: bool = False


class Opener:
    """Opens channels. Safe to use from many threads."""

    def __init__(
        self,
        exchange: Exchange,
        watching: Watching,
        callers: Callers,
        now: Callable[[], datetime],
        process: str,
        on_refused: Callable[[Caller], None],
    ) -> None:
        """Take the back end, the notes for other processes, as whom it is asked, a UTC clock, our own id.

        ``on_refused`` hears of a refused credential before anything else happens, so that nobody asks with it again.
        """
        self._on_refused = on_refused
        self._exchange = exchange
        self._watching = watching
        self._callers = callers
        self._now = now
        self._process = process

    def open(self, wanted: Mapping[Address, Wanted]) -> Opened:
        """Claim, subscribe and listen, for the units of one channel by their mailboxes."""
        opened = Opened()
        try:
            self._open(wanted, opened)
        except BridgeError as error:
            self._fail(opened, error)
        return opened

    def news(self, mailbox: Address, wanted: Wanted) -> Opened:
        """Ask whether a unit has changed whose subscription does not say so by itself."""
        opened = Opened()
        try:
            opened.caller = self._callers(wanted.asker)
            if opened.caller is None or wanted.subscription is None:
                opened.is_nobody = opened.caller is None
                return opened
            subscription, woken = self._exchange.news(opened.caller, wanted.subscription, Deadline.after(CALL))
            told = None if woken is None else (frozenset() if woken.is_lost else woken.folders)
            kept = None if woken is not None and woken.is_lost else subscription
            opened.units[mailbox] = OpenedUnit(wanted.how, kept, wanted.subscribed, woken=told)
        except BridgeError as error:
            self._fail(opened, error)
        return opened

    def give_up(self, wanted: Wanted) -> None:
        """Let go of a subscription."""
        caller = self._callers(wanted.asker)
        if caller is not None and wanted.subscription is not None:
            try:
                self._exchange.unsubscribe(caller, wanted.subscription, Deadline.after(CALL))
            except BridgeError as error:
                self._note_refused(caller, error)
                LOG.info("a subscription is left to end by itself: %s", error)

    def _fail(self, opened: Opened, error: BridgeError) -> None:
        opened.error = error
        if opened.caller is not None:
            self._note_refused(opened.caller, error)

    def _note_refused(self, caller: Caller, error: BridgeError) -> None:
        if isinstance(error, CredentialRefused):
            with suppress(Unavailable):  # what can be forgotten without the database is
                self._on_refused(caller)

    def _open(self, wanted: Mapping[Address, Wanted], opened: Opened) -> None:
        every = [ref for unit in wanted.values() for ref in unit.refs]
        claimed = self._watching.claim(every, self._process, self._now())
        for mailbox, unit in wanted.items():
            ours = frozenset(unit.refs) & claimed
            if not ours:
                opened.units[mailbox] = OpenedUnit(unit.how)
                continue
            opened.caller = self._callers(unit.asker)
            if opened.caller is None:
                opened.is_nobody = True
                return
            opened.units[mailbox] = self._subscribed(opened.caller, unit, ours)
        self._listen(wanted, opened)

    def _subscribed(self, caller: Caller, unit: Wanted, ours: frozenset[CalendarRef]) -> OpenedUnit:
        how = unit.how or self._exchange.capabilities(caller, Deadline.after(CALL)).notifications
        if how is Notifications.NONE:
            return OpenedUnit(how, claimed=ours, woken=frozenset())
        by_folder = {ref.folder: ref for ref in ours}
        subscription, folders = unit.subscription, frozenset(by_folder)
        if subscription is None or unit.subscribed != folders:
            if subscription is not None:
                self.give_up(unit)
            try:
                calendars = list(by_folder.values())
                subscription = self._exchange.subscribe(caller, calendars, how, Deadline.after(CALL))
            except FolderMissing:
                return OpenedUnit(None, claimed=ours, woken=frozenset())  # a pull tells which
            except (AccessDenied, RequestRefused) as error:
                LOG.info("Exchange does not tell of a mailbox's changes, it is asked now and then: %s", error)
                return OpenedUnit(Notifications.NONE, claimed=ours, woken=frozenset())
        return OpenedUnit(how, subscription, folders, ours, frozenset())

    def _listen(self, wanted: Mapping[Address, Wanted], opened: Opened) -> None:
        telling = {
            mailbox: unit.subscription
            for mailbox, unit in opened.units.items()
            if unit.how is Notifications.STREAM and unit.subscription is not None
        }
        if not telling:
            return
        opened.caller = self._callers(wanted[next(iter(telling))].asker)
        if opened.caller is None:
            opened.is_nobody = True
            return
        try:
            opened.stream = self._exchange.listen(opened.caller, list(telling.values()), MINUTES, Deadline.after(CALL))
        except (AccessDenied, RequestRefused) as error:
            LOG.info("Exchange does not hold connections for us, it is asked now and then: %s", error)
            for mailbox in telling:
                claimed = opened.units[mailbox].claimed
                opened.units[mailbox] = OpenedUnit(Notifications.NONE, claimed=claimed, woken=frozenset())
