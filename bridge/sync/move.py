"""Move an event to another place: another of the viewer's own calendars, or another name in the same one.

Both places are under an intent. What is to be replaced is deleted first (RFC 4918 9.9.3), then the items go over, then
they are stamped with their new name: so whoever finds a move broken off sees by reading the two calendars how far it
came, and the client's retry does the rest.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    ExchangeFailed,
    ItemChanged,
    ItemMissing,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    RequestRefused,
    UidTaken,
)
from bridge.exchange import Deadline, Exchange
from bridge.ids import make_name_stamp
from bridge.item import Attribute, Item, ItemId, ItemKind
from bridge.mapping.resource import instance_start
from bridge.mirror.mirror import Mirror
from bridge.resource import Listed
from bridge.state.intents import Intent
from bridge.sync.judging import read_whole, require_readable
from bridge.sync.look import Look
from bridge.sync.outcome import DONE, MOVE, MOVE_OVER, Outcomes, Write
from bridge.sync.plan import check
from bridge.sync.push import make_refusal
from bridge.sync.steps import WRITE, delete_item

LOG = logging.getLogger(__name__)

_STAMP = frozenset({Attribute("name_stamp")})


class Mover:
    """Moves events for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, look: Look, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, what looks at Exchange, and what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
        self._look = look
        self._outcomes = outcomes

    def move(self, source: Write, target: Write) -> bool:
        """Move the resource; say whether there was none at the target. Each has its own conditions.

        Raises NotFound, PreconditionFailed, UidTaken, NotPermitted, Unavailable.
        """
        earlier = self._outcomes.earlier(target)
        self._outcomes.earlier(source)
        here, there = self._listed(source), self._listed(target)
        try:
            if here is None and there is not None and earlier is not None:
                self._finish(target, there)
                return earlier.operation != MOVE_OVER
            here = self._judge(source, target, earlier)
            with self._intents(source, target, here, earlier) as operation:
                self._carry_out(source, target, earlier)
        except (ItemChanged, ItemMissing) as error:
            raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from error
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error, "bind") from error
        return operation != MOVE_OVER

    # --- judging -------------------------------------------------------------------------------------

    def _listed(self, write: Write) -> Listed | None:
        return read_whole(self._mirror, write.ref).resources.get(write.name)

    def _judge(self, source: Write, target: Write, earlier: Intent | None) -> Listed:
        """Hold the MOVE against the mirror, and give what is to be moved. Raises Refused and its kinds."""
        here, there = self._listed(source), self._listed(target)
        if here is None:
            raise NotFound("There is no event of this name in this calendar.")
        if not _is_half_moved(here, there, earlier):
            check(source.conditions, here.etag)
            check(target.conditions, there.etag if there is not None else None)
        require_readable(here)
        self._check_uid(target, here, there, is_same=source.ref == target.ref)
        return here

    def _check_uid(self, target: Write, here: Listed, there: Listed | None, *, is_same: bool) -> None:
        """See that the UID will stand once in the target, and no name changes its UID (RFC 4791 5.3.2.1)."""
        if there is not None and (is_same or there.uid != here.uid):
            raise UidTaken("The event of that name has another UID.", there.name)
        if there is None and not is_same:
            others = read_whole(self._mirror, target.ref).resources.values()
            taken = next((one for one in others if one.uid == here.uid), None)
            if taken is not None:
                raise UidTaken("Another event of that calendar has this UID.", taken.name)

    @contextmanager
    def _intents(self, source: Write, target: Write, here: Listed, earlier: Intent | None) -> Iterator[str]:
        """Hold the intents of both places; gives the operation of the target's."""
        there = self._listed(target)
        operation = MOVE if there is None else MOVE_OVER
        if earlier is not None and earlier.outcome != DONE and (there is None or _is_half_moved(here, there, earlier)):
            operation = earlier.operation
        if source.ref == target.ref:
            with self._outcomes.intent(target, "update", here.uid, here.items[0]):
                yield operation
            return
        with (
            self._outcomes.intent(target, operation, here.uid, None),
            self._outcomes.intent(source, "delete", here.uid, here.items[0]),
        ):
            yield operation

    # --- doing ---------------------------------------------------------------------------------------

    def _carry_out(self, source: Write, target: Write, earlier: Intent | None) -> None:
        """Send the steps under the intents, and apply what Exchange made of them."""
        here = self._judge(source, target, earlier)
        found = self._look.at(source.caller, source.ref, source.context, here)
        if found is None:
            raise ItemMissing("The event is not there any more.")
        if source.conditions.if_match is not None and found.etag != here.etag:
            raise PreconditionFailed("The event was changed at Exchange meanwhile.")
        if source.ref == target.ref:
            self._stamp(target, found.facts)
            self._apply(target, [item.ref.id for item in found.facts], replaced=source)
            return
        # A mirror that is some seconds old must not bring a second event of one UID into the calendar.
        self._look.adopt(target.caller, target.ref, target.context, found.facts[0].content.uid)
        here = self._judge(source, target, earlier)
        kept = self._make_room(target, found.facts, is_half_moved=_is_half_moved(here, self._listed(target), earlier))
        ids = [*kept, *self._send(source, target, found.facts)]
        self._stamp(target, self._look.whole(target.caller, target.ref, ids))
        self._apply(target, ids)
        self._mirror.remove(source.ref, source.name)

    def _make_room(self, target: Write, moving: tuple[Item, ...], *, is_half_moved: bool) -> list[ItemId]:
        """Delete what is to be replaced; give the instances that an earlier try has brought there already."""
        there = self._listed(target)
        if there is None:
            return []
        kept = []
        starts = {instance_start(item) for item in moving}
        for item in self._look.items(target.caller, target.ref, [ref.id for ref in there.items]):
            if is_half_moved and instance_start(item) not in starts:
                kept.append(item.ref.id)
            else:
                delete_item(self._exchange, target, item.ref)
        if not kept:
            self._mirror.remove(target.ref, target.name)
        return kept

    def _send(self, source: Write, target: Write, moving: tuple[Item, ...]) -> list[ItemId]:
        """Move the items, and give what they are called now. Exceptions go with their series."""
        moved = []
        for item in _own(moving):
            try:
                deadline = Deadline.after(WRITE)
                ref = self._exchange.move(source.caller, source.ref, item.ref, target.ref, deadline)
            except AnswerUnusable:
                # It may have been moved all the same: not every server tells the new id
                LOG.info("the new id of a moved item was not told: it is looked for")
                return self._moved(target, moving)
            moved.append(ref.id)
        return moved

    def _moved(self, target: Write, moving: tuple[Item, ...]) -> list[ItemId]:
        found = self._look.find(target.caller, target.ref, moving[0].content.uid)
        if len(found) != len(_own(moving)):
            raise ExchangeFailed("Exchange does not tell what became of the event that was to be moved.")
        return [item.ref.id for item in found]

    def _finish(self, target: Write, there: Listed) -> None:
        """Do what an earlier try left to do in the target: the stamp."""
        items = self._look.whole(target.caller, target.ref, [ref.id for ref in there.items])
        if self._stamp(target, items):
            self._apply(target, [item.ref.id for item in items])

    def _stamp(self, write: Write, items: tuple[Item, ...]) -> bool:
        """Write the new name onto the items, but for exceptions, which have none; say whether that was needed."""
        is_needed = False
        for item in _own(items):
            stamp = make_name_stamp(write.name, write.context.mailbox.address, item.content.uid)
            if item.content.name_stamp != stamp:
                content = replace(item.content, name_stamp=stamp)
                deadline = Deadline.after(WRITE)
                self._exchange.update(write.caller, write.ref, item.ref, content, _STAMP, deadline)
                is_needed = True
        return is_needed

    def _apply(self, target: Write, ids: list[ItemId], replaced: Write | None = None) -> None:
        items = self._look.whole(target.caller, target.ref, ids)
        if not items:
            raise ExchangeFailed("Exchange has moved the event and does not find it.")
        rendered = self._look.rendered(target.ref, target.context, target.name, items)
        self._mirror.put(target.ref, rendered, replaced=replaced.name if replaced is not None else None)


def need_own(mailbox: str, source: str, target: str) -> None:
    """Raise NotPermitted unless both calendars, told by their mailboxes, are the viewer's own."""
    for owner, privilege in ((source, "unbind"), (target, "bind")):
        if owner != mailbox:
            raise NotPermitted("Events are moved between your own calendars only.", privilege)


def _own(items: tuple[Item, ...]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.EXCEPTION]


def _is_half_moved(here: Listed, there: Listed | None, earlier: Intent | None) -> bool:
    """Whether an earlier try has moved some of the instances: a resource of several items stands in both places."""
    is_begun = earlier is not None and earlier.outcome != DONE
    return is_begun and there is not None and there.uid == here.uid and not here.index.has_master
