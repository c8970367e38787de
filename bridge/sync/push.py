"""Write one event of a client's to Exchange, and serve what Exchange made of it.

The rules are those of ``docs/architecture.md``, section Push: the intent is committed before the step, a step is sent
once, what became of a lost answer is found out by reading, and then the item is read back and applied.
"""

import logging
from dataclasses import dataclass, replace

from bridge.errors import (
    AccessDenied,
    BridgeError,
    ExchangeFailed,
    ItemChanged,
    ItemMissing,
    NotExpressible,
    NotPermitted,
    PreconditionFailed,
    RequestRefused,
)
from bridge.exchange import Deadline, Exchange
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.event import to_item
from bridge.mirror.mirror import Mirror
from bridge.model import ANY_ETAG, ChangeKey, Item, ItemRef, Listed, Rendered, Stored
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import Create, Update, check, find_target, make_plan

LOG = logging.getLogger(__name__)

WRITE = 30.0
"""Seconds for one writing call."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A PUT as judged by the mirror: the resource of its name and the one it means, if any, and what is to be done."""

    there: Listed | None
    target: Listed | None
    plan: Create | Update

    @property
    def is_done(self) -> bool:
        """Whether the item is as the client wants already."""
        return isinstance(self.plan, Update) and not self.plan.attributes

    @property
    def replaced(self) -> Listed | None:
        """The resource that gives its item to the name of this PUT."""
        return self.target if self.target is not None and self.target is not self.there else None


class Pusher:
    """Writes events to Exchange for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, look: Look, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, what looks at Exchange, and what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
        self._look = look
        self._outcomes = outcomes

    def put(self, write: Write) -> Stored:
        """Write the resource. Raises Refused and its kinds before anything is sent, Unavailable."""
        wanted = parse(write.body or b"")
        earlier = self._outcomes.earlier(write)
        try:
            return self._put(write, wanted)
        except PreconditionFailed:
            if earlier is not None and self._is_as_wanted(write, wanted):
                return self._stored(write, created=earlier.operation == "create")
            raise

    def _put(self, write: Write, wanted: CalendarObject, *, again: bool = False) -> Stored:
        judged = self._judge(write, wanted)
        if judged.is_done and not self._is_still(write, judged.target):
            judged = self._judge(write, wanted)
        if judged.is_done:
            return self._stored(write, created=False)
        try:
            return self._carry_out(write, wanted, judged)
        except (ItemChanged, ItemMissing):
            if again or judged.target is None or not self._may_go_on(write, judged.target):
                raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from None
            return self._put(write, wanted, again=True)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error) from error

    def _judge(self, write: Write, wanted: CalendarObject) -> Judged:
        """Hold the PUT against the mirror. Raises Refused and its kinds."""
        snapshot = self._mirror.snapshot(write.ref)
        target = find_target(snapshot, write.name, to_item(wanted, write.context, None))
        there = snapshot.resources.get(write.name)
        check(write.conditions, there.etag if there else None)
        stored = self._stored_item(write, target) if target else None
        plan = make_plan(write.name, to_item(wanted, write.context, stored), stored, write.context)
        return Judged(there, target, plan)

    def _is_still(self, write: Write, target: Listed | None) -> bool:
        """Look whether Exchange holds what the mirror says: saying that nothing is to do rests on that."""
        if target is None:
            return False
        now = self._look.at(write.caller, write.ref, write.context, target)
        return now is not None and now.etag == target.etag

    def _carry_out(self, write: Write, wanted: CalendarObject, judged: Judged) -> Stored:
        """Commit the intent, judge once more under its lock, send the step, and apply what Exchange made of it."""
        known = judged.plan.stored.ref if isinstance(judged.plan, Update) else None
        operation = "update" if known else "create"
        with self._outcomes.intent(write, operation, judged.plan.content.uid, known):
            if known is None:
                # A mirror that is some seconds old must not make a second event of one UID.
                self._look.adopt(write.caller, write.ref, write.context, judged.plan.content.uid)
            judged = self._judge(write, wanted)
            if not judged.is_done:
                ref = self._send(write, judged.plan)
                item = self._read_back(write, ref, judged.plan)
                rendered = self._render(write, item, judged)
                self._mirror.put(write.ref, rendered, replaced=judged.replaced.name if judged.replaced else None)
        return self._stored(write, created=judged.there is None)

    def _render(self, write: Write, item: Item, judged: Judged) -> Rendered:
        rendered = self._look.rendered(write.ref, write.context, write.name, item)
        if judged.replaced is None or judged.replaced.uid == item.content.uid:
            return rendered
        return self._look.rendered(write.ref, write.context, judged.replaced.name, item)

    def _send(self, write: Write, plan: Create | Update) -> ItemRef:
        deadline = Deadline.after(WRITE)
        if isinstance(plan, Create):
            try:
                return self._exchange.create(write.caller, write.ref, plan.content, deadline)
            except (ItemMissing, ItemChanged) as error:
                raise ExchangeFailed("Exchange did not make the event, and gave a reason that is none.") from error
        if not self._exchange.capabilities(write.caller, deadline).finds_conflicts:
            self._compare(write, plan.stored.ref)
        return self._exchange.update(write.caller, write.ref, plan.stored.ref, plan.content, plan.attributes, deadline)

    def _compare(self, write: Write, known: ItemRef) -> None:
        """Look for a conflict ourselves, where the server takes any change key. Raises ItemChanged, ItemMissing."""
        found = self._look.items(write.caller, write.ref, [known.id])
        if not found:
            raise ItemMissing("The item is not there any more.")
        if found[0].ref != known:
            raise ItemChanged("The item was changed meanwhile.")

    def _read_back(self, write: Write, ref: ItemRef, plan: Create | Update) -> Item:
        """Read the written item; where that fails, what was sent stands in for it until the next pull reads it."""
        try:
            found = self._look.items(write.caller, write.ref, [ref.id])
        except BridgeError as error:
            LOG.warning("a written item could not be read back yet: %s", error)
            found = ()
        if found:
            return found[0]
        unread = ItemRef(ref.id, ChangeKey(""))
        if isinstance(plan, Create):
            return Item(unread, plan.content)
        return replace(plan.stored, ref=unread, content=plan.content)

    # --- what is there -------------------------------------------------------------------------------

    def _stored_item(self, write: Write, listed: Listed) -> Item:
        require_readable(self._mirror, write, listed)
        rendered = self._mirror.read(write.ref, listed.name)
        if rendered is None or not rendered.facts:
            raise ExchangeFailed("The bridge's memory of this event was just lost; it is being read again.")
        return rendered.facts[0]

    def _is_as_wanted(self, write: Write, wanted: CalendarObject) -> bool:
        """Say whether the resource is what the client wants already: its earlier try was carried out."""
        rendered = self._mirror.read(write.ref, write.name)
        if rendered is None or not rendered.facts:
            return False
        stored = rendered.facts[0]
        plan = make_plan(write.name, to_item(wanted, write.context, stored), stored, write.context)
        return isinstance(plan, Update) and not plan.attributes

    def _stored(self, write: Write, *, created: bool) -> Stored:
        rendered = self._mirror.read(write.ref, write.name)
        same = rendered is not None and rendered.text == write.body
        return Stored(created, rendered.etag if rendered is not None and same else None)

    def _may_go_on(self, write: Write, target: Listed) -> bool:
        """Look at the item; say whether the client, by its conditions, wants its change all the same."""
        now = self._look.at(write.caller, write.ref, write.context, target)
        wanted = write.conditions.if_match
        return wanted is None or (now is not None and (now.etag == target.etag or ANY_ETAG in wanted))


def require_readable(mirror: Mirror, write: Write, listed: Listed) -> None:
    """Refuse to change or delete what nobody could show the client: it may be something else than it seems.

    Raises NotExpressible for a series, which is not held yet, and Unavailable for what could not be read.
    """
    if listed.is_readable:
        return
    rendered = mirror.read(write.ref, listed.name)
    if rendered is not None and rendered.facts:
        raise NotExpressible("RRULE: this is a series, which cannot be changed through the bridge yet.")
    raise ExchangeFailed("This event could not be read from Exchange yet, so it is neither changed nor deleted.")


def make_refusal(error: AccessDenied | RequestRefused, privilege: str = "write-content") -> BridgeError:
    """Give what the client is told when Exchange definitely refuses a write."""
    if isinstance(error, AccessDenied):
        return NotPermitted("Exchange does not let you change this calendar.", privilege)
    return NotExpressible(f"Exchange refuses this event ({error.code}).")
