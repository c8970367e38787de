"""What becomes of a write: its intent, the lock of the resource, and how an interrupted one is found out by reading."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import ExchangeSays, WriteUnderWay
from bridge.exchange import Deadline, Exchange
from bridge.ids import parse_name_stamp
from bridge.mapping.context import Context
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, Conditions, Item, ItemRef, Missing, Name, Uid, Unreadable
from bridge.state.intents import Intent, Intents, IntentStands
from bridge.state.processes import Processes
from bridge.sync.render import make_rendered

READ = 20.0
"""Seconds for one reading call of a write."""
UNCLEAR = "unclear"
"""The step of an intent whose last call nobody answered: whoever comes next finds out by reading."""
RETRY = 2.0
REMEMBERED = timedelta(hours=1)
"""How long a finished write is remembered for a client that did not hear its answer."""


@dataclass(frozen=True, slots=True)
class Write:
    """One PUT or DELETE: who writes what, where, and on which conditions. ``body`` is None for a DELETE."""

    caller: Caller
    ref: CalendarRef
    context: Context
    name: Name
    body: bytes | None
    conditions: Conditions

    @property
    def target(self) -> str:
        """A hash of what the client wants: a retry asks for the same."""
        return hashlib.sha256(b"DELETE" if self.body is None else b"PUT" + self.body).hexdigest()

    @property
    def base(self) -> str:
        """The conditions, as one text: a retry sets the same."""
        parts = (self.conditions.if_match, self.conditions.if_none_match)
        return "|".join("-" if part is None else ",".join(sorted(part)) for part in parts)


class Outcomes:
    """Keeps the intents of writes and settles those that were interrupted."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        intents: Intents,
        processes: Processes,
        now: Callable[[], datetime],
    ) -> None:
        """Take the back end, the mirror, the intents with the processes that may hold them, and a UTC clock."""
        self._exchange = exchange
        self._mirror = mirror
        self._intents = intents
        self._processes = processes
        self._now = now

    def begin(self, write: Write, operation: str, uid: Uid, item: ItemRef | None) -> Intent:
        """Commit the intent before its first step. Raises WriteUnderWay where the resource is being written."""
        try:
            return self._intents.begin(
                write.ref,
                write.name,
                operation=operation,
                target=write.target,
                base=write.base,
                uid=uid,
                item=item,
                now=self._now(),
            )
        except IntentStands:
            raise WriteUnderWay("Another change of this event is being written.", RETRY) from None

    @contextmanager
    def under(self, intent: Intent) -> Iterator[None]:
        """Run the steps of an intent: a definite answer drops it, anything else leaves it to be found out."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, ExchangeSays):
                self._intents.drop(intent)
            else:
                self._intents.advance(intent, UNCLEAR)
            raise

    def finish(self, intent: Intent, outcome: str) -> None:
        """Close the intent; it is remembered for a while, for a client that did not hear the answer."""
        now = self._now()
        self._intents.finish(intent, outcome, now)
        self._intents.expire(now - REMEMBERED)

    def earlier(self, write: Write) -> Intent | None:
        """Settle an earlier write of this name; give it when it asked for the same as this one: this is its retry.

        Raises WriteUnderWay while a living process is busy with it, Unavailable where Exchange cannot be read.
        """
        last = self._intents.last(write.ref, write.name)
        if last is None:
            return None
        if last.closed_at is None:
            self.settle(write.caller, write.ref, write.context, last)
        return last if (last.target, last.base) == (write.target, write.base) else None

    def is_deserted(self, intent: Intent) -> bool:
        """Say whether nobody is busy with an open intent any more."""
        return intent.step == UNCLEAR or not self._processes.is_alive(intent.owner)

    def settle(self, caller: Caller, ref: CalendarRef, context: Context, intent: Intent) -> None:
        """Read what an interrupted write left at Exchange, apply it, and close the intent. Sends nothing again."""
        if not self.is_deserted(intent):
            raise WriteUnderWay("Another change of this event is being written.", RETRY)
        try:
            self._settle(caller, ref, context, self._intents.advance(self._intents.take_over(intent), UNCLEAR))
        except IntentStands:
            raise WriteUnderWay("Another change of this event is being written.", RETRY) from None

    def _settle(self, caller: Caller, ref: CalendarRef, context: Context, intent: Intent) -> None:
        found = self._read(caller, ref, intent)
        ours = [one for one in found if isinstance(one, Item) and _is_ours(one, intent, context)]
        if ours:
            known = self._mirror.read(ref, intent.name)
            served_uid = known.uid if known and known.uid != ours[0].content.uid else None
            self._mirror.put(ref, make_rendered(intent.name, ours[0], context, served_uid))
        elif all(isinstance(one, Missing) for one in found):
            self._mirror.remove(ref, intent.name)
        self.finish(intent, "settled")

    def _read(self, caller: Caller, ref: CalendarRef, intent: Intent) -> tuple[Item | Unreadable | Missing, ...]:
        ids = [intent.item.id] if intent.item else []
        if intent.operation == "create" and intent.uid is not None:
            there = self._exchange.find(caller, ref, intent.uid, Deadline.after(READ))
            ids += [one.id for one in there if one.id not in ids]
        return self._exchange.get(caller, ref, ids, Deadline.after(READ)) if ids else ()


def _is_ours(item: Item, intent: Intent, context: Context) -> bool:
    """Say whether the item is the one the intent wrote: the one it changed, or one that bears its name."""
    if intent.item is not None and item.ref.id == intent.item.id:
        return True
    stamped = parse_name_stamp(item.content.name_stamp, context.mailbox.address, item.content.uid)
    return stamped == intent.name
