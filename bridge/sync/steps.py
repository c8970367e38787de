"""Send the steps of a plan to Exchange, each once, and give what Exchange made of them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.errors import (
    AccessDenied,
    BridgeError,
    ExchangeFailed,
    ExchangeSays,
    ItemChanged,
    ItemMissing,
)
from bridge.exchange import Deadline, Deletion, Exchange
from bridge.item import Attribute, ChangeKey, Content, Item, ItemId, ItemKind, ItemRef
from bridge.mapping.series import WantedSeries
from bridge.mirror.mirror import Mirror
from bridge.resource import Listed
from bridge.state.intents import Intent
from bridge.sync.file_plan import FileStep
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import Create, Plan, Remove, Update, plan_rest

LOG = logging.getLogger(__name__)

WRITE = 30.0
"""Seconds for one writing call."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A PUT as judged by the mirror.

    ``there`` is the resource of its name and ``target`` the one it means, if any; ``stored`` are that one's items,
    ``plan`` makes them what is ``wanted``, and ``files`` says what is then to be done with their files, by what is
    known before.
    """

    there: Listed | None
    target: Listed | None
    stored: tuple[Item, ...]
    wanted: WantedSeries
    plan: Plan
    files: tuple[FileStep, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return self.plan.is_done and not self.files

    @property
    def replaced(self) -> Listed | None:
        """The resource that gives its items to the name of this PUT."""
        return self.target if self.target is not None and self.target is not self.there else None


class Steps:
    """Sends what a PUT has to do, for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, look: Look, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, what looks at Exchange, and what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
        self._look = look
        self._outcomes = outcomes

    def send(self, write: Write, judged: Judged, intent: Intent) -> tuple[Item, ...]:
        """Send the plan's steps, each once, and give the items as they are afterwards."""
        plan = judged.plan
        if plan.instances:
            return self._send_instances(write, judged, intent)
        if plan.item is None:
            # Several occurrences in one call are written whatever the change key; their numbers are of the old pattern.
            self._compare(write, [item.ref for item in judged.stored if item.kind is not ItemKind.EXCEPTION])
        if plan.is_done:
            return judged.stored
        ref = self._send_item(write, plan.item) if plan.item else judged.stored[0].ref
        if plan.item is not None:
            self._outcomes.advance(intent, "item written", ref)
        if isinstance(plan.item, Update) and plan.item.reshapes:
            # Servers differ in what they do to exceptions then: the rest is planned from what is read back.
            master = self._read_master(write, ref)
            if set(master.deleted) - judged.wanted.deleted:
                master = self._take_back_deletions(write, master, plan.item.content)
            if len(master.exceptions) < len(judged.stored) - 1:
                self._delete_split_off(write, master, judged.stored[1:])
            plan, ref = plan_rest(judged.wanted, master, judged.stored[1:]), master.ref
        touched = self._send_occurrences(write, ref, plan)
        ids = [ref.id, *(one.id for one in touched), *(item.ref.id for item in judged.stored[1:])]
        return self._read_back(write, list(dict.fromkeys(ids)), judged)

    def _send_instances(self, write: Write, judged: Judged, intent: Intent) -> tuple[Item, ...]:
        """Write instances that have no master, each an item of its own, and give them as they are afterwards.

        Nothing is written where any of them is not what the client has seen: a deletion knows no change key, and the
        first of several must not be written when the second is refused. What was done before a refusal is served.
        """
        self._compare(write, [item.ref for item in judged.stored])
        ids = [item.ref.id for item in judged.stored]
        try:
            for step in judged.plan.instances:
                if isinstance(step, Remove):
                    delete_item(self._exchange, write, step.stored.ref)
                else:
                    ids.append(self._send_item(write, step).id)
        except ExchangeSays:
            if judged.target is not None:
                self._look.at(write.caller, write.ref, write.context, judged.target)
            self._look.adopt(write.caller, write.ref, write.context, judged.wanted.uid)
            raise
        self._outcomes.advance(intent, "items written", ItemRef(ids[0], ChangeKey("")))
        return self._look.whole(write.caller, write.ref, list(dict.fromkeys(ids)))

    def _delete_split_off(self, write: Write, master: Item, exceptions: tuple[Item, ...]) -> None:
        """Delete the single items that some servers make of exceptions when their series is reshaped.

        They are those of its UID that were not known before and are what an exception was. What is still wanted of
        them is written anew as an exception.
        """
        known = {one.id for listed in self._mirror.snapshot(write.ref).resources.values() for one in listed.items}
        found = self._exchange.find(write.caller, write.ref, master.content.uid, Deadline.after(WRITE))
        new = [one.id for one in found if one.id not in known]
        were = [_appearance(one.content) for one in exceptions]
        for item in self._look.items(write.caller, write.ref, new):
            if item.kind is ItemKind.SINGLE and _appearance(item.content) in were:
                delete_item(self._exchange, write, item.ref)

    def _take_back_deletions(self, write: Write, master: Item, content: Content) -> Item:
        """Have a server forget which occurrences are deleted where it keeps that through a new pattern: by a detour."""
        attributes = frozenset({Attribute("recurrence")})
        for step in (replace(content, recurrence=None), content):
            ref = self._send_item(write, Update(master, step, attributes))
            master = self._read_master(write, ref)
        return master

    def _read_master(self, write: Write, ref: ItemRef) -> Item:
        """Read the series that was just reshaped. Raises ItemMissing."""
        found = self._look.items(write.caller, write.ref, [ref.id])
        if not found:
            raise ItemMissing("The series is not there any more.")
        return found[0]

    def _send_item(self, write: Write, step: Create | Update) -> ItemRef:
        deadline = Deadline.after(WRITE)
        if isinstance(step, Create):
            try:
                return self._exchange.create(write.caller, write.ref, step.content, deadline)
            except (ItemMissing, ItemChanged) as error:
                raise ExchangeFailed("Exchange did not make the event, and gave a reason that is none.") from error
        if not self._exchange.capabilities(write.caller, deadline).finds_conflicts:
            self._compare(write, [step.stored.ref])
        return self._exchange.update(write.caller, write.ref, step.stored.ref, step.content, step.attributes, deadline)

    def _send_occurrences(self, write: Write, master: ItemRef, plan: Plan) -> tuple[ItemRef, ...]:
        """Change and delete occurrences, each kind in one call; the first refusal among them is raised."""
        answers: list[ItemRef | ExchangeSays | None] = []
        if plan.writes:
            deadline = Deadline.after(WRITE)
            answers += self._exchange.update_occurrences(write.caller, write.ref, master, plan.writes, deadline)
        if plan.deletions:
            deadline = Deadline.after(WRITE)
            answers += self._exchange.delete_occurrences(write.caller, write.ref, master, plan.deletions, deadline)
        for answer in answers:
            if isinstance(answer, ExchangeSays):
                raise answer
        return tuple(answer for answer in answers if isinstance(answer, ItemRef))

    def _compare(self, write: Write, known: Sequence[ItemRef]) -> None:
        """Look for a conflict ourselves, where no change key finds it. Raises ItemChanged, ItemMissing."""
        found = self._look.items(write.caller, write.ref, [ref.id for ref in known])
        if len(found) < len(known):
            raise ItemMissing("An item is not there any more.")
        if {item.ref for item in found} != set(known):
            raise ItemChanged("An item was changed meanwhile.")

    def _read_back(self, write: Write, ids: list[ItemId], judged: Judged) -> tuple[Item, ...]:
        """Read what was written; where that fails, what was sent stands in for it until the next pull reads it.

        Where files are still to be attached nothing can stand in for it. Raises Unavailable then.
        """
        if judged.files:
            return self._look.whole(write.caller, write.ref, ids)
        try:
            items = self._look.whole(write.caller, write.ref, ids)
        except BridgeError as error:
            LOG.warning("a written item could not be read back yet: %s", error)
            items = ()
        return items or _as_sent(ids[0], judged)

    def read_again(self, write: Write, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Read items once more after their files were written; where that fails, they stand until the next pull."""
        ids = [item.ref.id for item in items]
        try:
            return self._look.whole(write.caller, write.ref, ids) or items
        except BridgeError as error:
            LOG.warning("an item could not be read back yet after its files were written: %s", error)
            return items


def delete_item(exchange: Exchange, write: Write, ref: ItemRef) -> None:
    """Delete an item; one that is gone already is deleted. Raises AccessDenied, Unavailable."""
    deadline = Deadline.after(WRITE)
    try:
        exchange.delete(write.caller, write.ref, ref, Deletion.TO_DELETED_ITEMS, deadline)
    except ItemMissing:
        LOG.debug("the item to be deleted was gone already")
    except AccessDenied:
        if write.ref.mailbox == write.ref.viewer.address:
            raise
        exchange.delete(write.caller, write.ref, ref, Deletion.SOFT, deadline)


def _appearance(content: Content) -> tuple[object, ...]:
    return content.subject, content.start, content.end, content.is_all_day


def _as_sent(item: ItemId, judged: Judged) -> tuple[Item, ...]:
    unread = ItemRef(item, ChangeKey(""))
    content = judged.wanted.master
    if content is None:
        return judged.stored
    if judged.stored:
        return (replace(judged.stored[0], ref=unread, content=content), *judged.stored[1:])
    return (Item(unread, content, kind=ItemKind.MASTER if content.recurrence else ItemKind.SINGLE),)
