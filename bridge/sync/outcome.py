"""What becomes of a write: its intent, the lock of the resource, and how an interrupted one is found out by reading."""

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.errors import CredentialRefused, ExchangeSays, FolderMissing, Refused, Unavailable, WriteUnderWay
from bridge.ids import parse_name_stamp
from bridge.item import AttachedFile, AttachmentId, Item, ItemId, ItemRef, Uid
from bridge.mapping.context import Context
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarName, CalendarRef, Caller, Name
from bridge.resource import Conditions
from bridge.state.intents import Intent, Intents, IntentStands
from bridge.state.liveness import Liveness
from bridge.sync.look import Look
from bridge.sync.traces import make_traces

LOG = logging.getLogger(__name__)

UNCLEAR = "unclear"
"""The step of an intent whose last call nobody answered: whoever comes next finds out by reading."""
DONE = "done"
"""The outcome of an intent whose steps were all answered."""
MOVE, MOVE_OVER = "move", "move over"
"""The operations of an intent at the place to which an event is moved: nothing is there, or what is replaced."""
RETRY = 2.0
UNDER_WAY = "Another change of this event is being written."
REMEMBERED = timedelta(hours=1)
"""How long a finished write is remembered for a client that did not hear its answer."""


_Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Write:
    """One PUT or DELETE: who writes what, where, and on which conditions. ``body`` is None for a DELETE.

    ``begun`` is an earlier try of the same that was carried out in part, so that its own traces must not stop it.
    ``calendars`` gives those of the viewer's home, to which links in the body may lead; ``fetched`` holds the files
    that were read from Exchange meanwhile.
    ``may_write``: Exchange lets the viewer change the calendar.
    """

    caller: Caller
    ref: CalendarRef
    context: Context
    name: Name
    body: bytes | None
    conditions: Conditions
    begun: Intent | None = None
    calendars: Callable[[], Mapping[CalendarName, CalendarRef]] = field(default=dict, compare=False)
    fetched: dict[AttachmentId, AttachedFile] = field(default_factory=dict, compare=False, repr=False)
    may_write: bool = True

    @property
    def target(self) -> str:
        """A hash of who wants what: a retry is the same viewer's, and asks for the same."""
        wanted = b"DELETE" if self.body is None else b"PUT" + self.body
        return hashlib.sha256(self.ref.viewer.address.encode() + b" " + wanted).hexdigest()

    @property
    def base(self) -> str:
        """The conditions, as one text: a retry sets the same."""
        parts = (self.conditions.if_match, self.conditions.if_none_match)
        return "|".join("-" if part is None else ",".join(sorted(part)) for part in parts)


class Outcomes:
    """Keeps the intents of writes and settles those that were interrupted."""

    def __init__(
        self,
        look: Look,
        mirror: Mirror,
        intents: Intents,
        processes: Liveness,
        now: Callable[[], datetime],
    ) -> None:
        """Take what looks at Exchange, the mirror, the intents, the processes that may hold them, and a UTC clock."""
        self._look = look
        self._mirror = mirror
        self._intents = intents
        self._processes = processes
        self._now = now
        self._busy: set[int] = set()
        self._left: list[Intent] = []
        self._beginning: Counter[_Place] = Counter()
        self._lock = threading.Lock()
        processes.when_back(self.note_left)

    @contextmanager
    def intent(
        self, write: Write, operation: str, uid: Uid, item: ItemRef | None, stored: tuple[Item, ...] = ()
    ) -> Iterator[Intent]:
        """Commit an intent and hold it while its steps run; it is finished when the block ends.

        ``stored`` are the items as they are before the first step, for writes whose retries tell their traces by them.
        A refusal or a definite answer drops it, anything else leaves it to be found out: so do answers that are none
        to the step, for one before it may have been carried out. Raises WriteUnderWay where the resource, or another
        of this UID, is being written.
        """
        intent = self._begin_busily(write, operation, uid, item, stored)
        try:
            yield intent
            now = self._now()
            self._intents.finish(intent, DONE, now)
            self._intents.expire(now - REMEMBERED)
        except IntentStands:  # others did not know this process to live for a while, and one of them took it over
            raise WriteUnderWay(UNDER_WAY, RETRY) from None
        except BaseException as error:
            if not (_is_definite(error) and self._is_dropped(intent)):
                with self._lock:
                    self._left.append(intent)
                self.note_left()
            raise
        finally:
            with self._lock:
                self._busy.discard(intent.id)

    def _is_dropped(self, intent: Intent) -> bool:
        """Drop an intent; say whether that was possible now."""
        try:
            self._intents.drop(intent)
        except (Unavailable, IntentStands):
            return False
        return True

    def note_left(self) -> None:
        """Note of writes that broke off that nobody knows their outcome: whoever comes next finds it out.

        While the state is away, that waits until it is back, or until this process next writes.
        """
        with self._lock:
            left, self._left = self._left, []
        while left:
            try:
                self._intents.advance(left[0], UNCLEAR)
            except IntentStands:
                pass
            except Unavailable:
                break
            left.pop(0)
        with self._lock:
            self._left += left

    def _begin_busily(
        self, write: Write, operation: str, uid: Uid, item: ItemRef | None, stored: tuple[Item, ...]
    ) -> Intent:
        """Commit an intent that nobody takes for deserted, not even before its number is known here."""
        place = _place(write.ref, write.name)
        with self._lock:
            self._beginning[place] += 1
        try:
            intent = self._begin(write, operation, uid, item, stored)
            with self._lock:
                self._busy.add(intent.id)
        finally:
            with self._lock:
                self._beginning -= Counter([place])
        return intent

    def _begin(self, write: Write, operation: str, uid: Uid, item: ItemRef | None, stored: tuple[Item, ...]) -> Intent:
        try:
            intent = self._intents.begin(
                write.ref,
                write.name,
                operation=operation,
                target=write.target,
                base=write.base,
                uid=uid,
                item=item,
                now=self._now(),
                before=write.begun.before if write.begun else make_traces(stored),
            )
        except IntentStands:
            raise WriteUnderWay(UNDER_WAY, RETRY) from None
        # Two names of one UID at once: both are committed before either looks, so that the later one gives way.
        if any(one.uid == uid and one.id < intent.id for one in self._intents.standing(write.ref)):
            self._intents.drop(intent)
            raise WriteUnderWay(UNDER_WAY, RETRY)
        return intent

    def advance(self, intent: Intent, step: str, item: ItemRef) -> None:
        """Note how far the intent has come, and the item as it is now."""
        self._intents.advance(intent, step, item)

    def earlier(self, write: Write) -> Intent | None:
        """Settle an earlier write of this name; give it when it asked for the same as this one: this is its retry.

        One that was done, in a process that lives, was answered as such: what comes again then is a new request, held
        against its own conditions (RFC 9110 13.1.2). Raises WriteUnderWay while somebody is busy with it, Unavailable
        where Exchange cannot be read.
        """
        self.note_left()
        last = self._intents.last(write.ref, write.name)
        if last is None:
            return None
        if last.is_open:
            self.settle(write.caller, write.ref, write.context, last)
        elif last.outcome == DONE and self._processes.is_alive(last.owner):
            return None
        return last if (last.target, last.base) == (write.target, write.base) else None

    def is_deserted(self, intent: Intent) -> bool:
        """Say whether nobody is busy with an open intent any more."""
        if intent.owner == self._processes.own_id:
            with self._lock:
                return intent.id not in self._busy and _place(intent.ref, intent.name) not in self._beginning
        return intent.step == UNCLEAR or not self._processes.is_alive(intent.owner)

    def settle_deserted(self, caller: Caller, ref: CalendarRef, context: Context) -> None:
        """Settle the writes of a calendar that nobody is busy with any more. Raises CredentialRefused."""
        for intent in self._intents.standing(ref):
            if self.is_deserted(intent):
                try:
                    self.settle(caller, ref, context, intent)
                except CredentialRefused:
                    raise
                except Exception as error:  # noqa: BLE001 - one that cannot be cleared up must not hold the calendar
                    LOG.warning("an interrupted write is cleared up later (%s)", type(error).__name__)

    def settle(self, caller: Caller, ref: CalendarRef, context: Context, intent: Intent) -> None:
        """Read what an interrupted write left at Exchange, apply it, and close the intent. Sends nothing again.

        Raises WriteUnderWay while somebody is busy with it, Unavailable where Exchange cannot be read.
        """
        if not self.is_deserted(intent):
            raise WriteUnderWay(UNDER_WAY, RETRY)
        try:
            self._settle(caller, ref, context, self._intents.advance(self._intents.take_over(intent), UNCLEAR))
        except IntentStands:
            raise WriteUnderWay(UNDER_WAY, RETRY) from None

    def _settle(self, caller: Caller, ref: CalendarRef, context: Context, intent: Intent) -> None:
        items = self._look.whole(caller, ref, list(self._touched(caller, ref, context, intent)))
        if items:
            self._look.apply(ref, context, intent.name, items)
        else:
            self._mirror.remove(ref, intent.name)
        if intent.ref != ref:
            self._have_read_again(intent.ref, intent.name)
        self._intents.finish(intent, "settled", self._now())

    def _have_read_again(self, ref: CalendarRef, name: Name) -> None:
        """Have a resource rendered anew for the viewer whose write it was: what is personal to him may be stored."""
        rendered = self._mirror.read(ref, name)
        if rendered is not None:
            self._mirror.put(ref, rendered)

    def _touched(self, caller: Caller, ref: CalendarRef, context: Context, intent: Intent) -> Iterator[ItemId]:
        """Give the items that an interrupted write may have written, each once."""
        resources = self._mirror.snapshot(ref).resources
        known = resources.get(intent.name)
        ids = [intent.item.id] if intent.item else []
        ids += [one.id for one in known.items] if known else []
        is_moved = intent.operation in {MOVE, MOVE_OVER}
        is_new = intent.operation == "create" or is_moved
        if intent.uid is not None and (is_new or (known and not known.index.has_master)):
            found = self._look.find(caller, ref, intent.uid)
            held = {one.id for listed in resources.values() for one in listed.items}
            for item in found:
                # What is moved bears its former name at first
                if _bears(item, intent.name, context) or (is_moved and item.ref.id not in held):
                    ids.append(item.ref.id)
        yield from dict.fromkeys(ids)


def _is_definite(error: BaseException) -> bool:
    """Say whether nothing was sent, or Exchange's answer is one to the step itself."""
    return isinstance(error, ExchangeSays | Refused) and not isinstance(error, CredentialRefused | FolderMissing)


def _place(ref: CalendarRef, name: Name) -> _Place:
    """Give a resource's place, the same for all who see the calendar."""
    return (ref.mailbox, ref.folder, name)


def _bears(item: Item, name: Name, context: Context) -> bool:
    return parse_name_stamp(item.content.name_stamp, context.mailbox.address, item.content.uid) == name
