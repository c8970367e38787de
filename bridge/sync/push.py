"""Write one event of a client's to Exchange, and serve what Exchange made of it.

The rules are those of ``docs/architecture.md``, section Push: the intent is committed before the step, a step is sent
once, what became of a lost answer is found out by reading, and then the item is read back and applied.
"""

import logging
from dataclasses import replace

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
from bridge.ids import make_resource_name
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.event import to_item
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, ChangeKey, Item, ItemRef, Listed, Missing, Rendered, Stored, Uid, Unreadable
from bridge.state.intents import Intent
from bridge.sync.outcome import READ, Outcomes, Write
from bridge.sync.plan import Create, Update, check, find_target, make_plan
from bridge.sync.render import make_rendered

LOG = logging.getLogger(__name__)

WRITE = 30.0
"""Seconds for one writing call."""


class Pusher:
    """Writes events to Exchange for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, and what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
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
        asked = to_item(wanted, write.context, None)
        snapshot = self._mirror.snapshot(write.ref)
        target = find_target(snapshot, write.name, asked)
        if target is None and not asked.is_organizer and self._was_filed(write, asked.uid):
            snapshot = self._mirror.snapshot(write.ref)
            target = find_target(snapshot, write.name, asked)
        there = snapshot.resources.get(write.name)
        check(write.conditions, there.etag if there else None)
        stored = self._stored_item(write.ref, target) if target else None
        plan = make_plan(write.name, to_item(wanted, write.context, stored), stored, write.context)
        if isinstance(plan, Update) and not plan.attributes:
            return self._stored(write, created=False)
        try:
            intent, rendered = self._carry_out(write, plan, target)
        except (ItemChanged, ItemMissing):
            if again or self._changed_for_the_client(write, target):
                raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from None
            return self._put(write, wanted, again=True)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error) from error
        replaced = target.name if target is not None and target.name != write.name else None
        self._mirror.put(write.ref, rendered, replaced=replaced)
        self._outcomes.finish(intent, rendered.etag)
        return Stored(created=there is None, etag=rendered.etag if rendered.text == write.body else None)

    def _was_filed(self, write: Write, uid: Uid) -> bool:
        """Ask Exchange for an invitation that it may have filed since the last pull, and apply it if it is there."""
        refs = self._exchange.find(write.caller, write.ref, uid, Deadline.after(READ))
        found = (
            self._exchange.get(write.caller, write.ref, [ref.id for ref in refs], Deadline.after(READ)) if refs else ()
        )
        filed = next((one for one in found if isinstance(one, Item)), None)
        if filed is not None:
            self._mirror.put(write.ref, make_rendered(make_resource_name(uid), filed, write.context))
        return filed is not None

    def _carry_out(self, write: Write, plan: Create | Update, target: Listed | None) -> tuple[Intent, Rendered]:
        """Commit the intent, send the step, and read back what Exchange made of it."""
        known = plan.stored.ref if isinstance(plan, Update) else None
        intent = self._outcomes.begin(write, "update" if known else "create", plan.content.uid, known)
        with self._outcomes.under(intent):
            ref = self._send(write, plan)
            item = self._read_back(write, ref, plan)
            served_uid = target.uid if target and target.uid != item.content.uid else None
            return intent, make_rendered(write.name, item, write.context, served_uid)

    def _send(self, write: Write, plan: Create | Update) -> ItemRef:
        deadline = Deadline.after(WRITE)
        if isinstance(plan, Create):
            return self._exchange.create(write.caller, write.ref, plan.content, deadline)
        if not self._exchange.capabilities(write.caller, deadline).finds_conflicts:
            self._compare(write, plan.stored.ref, deadline)
        return self._exchange.update(write.caller, write.ref, plan.stored.ref, plan.content, plan.attributes, deadline)

    def _compare(self, write: Write, known: ItemRef, deadline: Deadline) -> None:
        """Look for a conflict ourselves, where the server takes any change key. Raises ItemChanged, ItemMissing."""
        (found,) = self._exchange.get(write.caller, write.ref, [known.id], deadline)
        if isinstance(found, Missing):
            raise ItemMissing("The item is not there any more.")
        if isinstance(found, Item) and found.ref != known:
            raise ItemChanged("The item was changed meanwhile.")

    def _read_back(self, write: Write, ref: ItemRef, plan: Create | Update) -> Item:
        """Read the written item; where that fails, what was sent stands in for it until the next pull reads it."""
        found: Item | Unreadable | Missing
        try:
            (found,) = self._exchange.get(write.caller, write.ref, [ref.id], Deadline.after(READ))
        except BridgeError as error:
            LOG.warning("a written item could not be read back yet: %s", error)
            found = Unreadable(ref.id, "not read back")
        if isinstance(found, Item):
            return found
        unread = ItemRef(ref.id, ChangeKey(""))
        if isinstance(plan, Create):
            return Item(unread, plan.content)
        return replace(plan.stored, ref=unread, content=plan.content)

    # --- what is there -------------------------------------------------------------------------------

    def _stored_item(self, ref: CalendarRef, listed: Listed) -> Item:
        require_readable(listed)
        rendered = self._mirror.read(ref, listed.name)
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

    def _changed_for_the_client(self, write: Write, target: Listed | None) -> bool:
        """Read the item anew and apply it; say whether a client that set If-Match would read something else."""
        if target is None:
            return True
        return read_anew(self._exchange, self._mirror, write, target) and write.conditions.if_match is not None


def require_readable(listed: Listed) -> None:
    """Raise Unavailable for an item that nobody could show the client: what is not seen is not changed or deleted."""
    if not listed.is_readable:
        raise ExchangeFailed("This event could not be read from Exchange yet, so it is neither changed nor deleted.")


def read_anew(exchange: Exchange, mirror: Mirror, write: Write, listed: Listed) -> bool:
    """Read a resource's item from Exchange and apply it; say whether a client would read something else now."""
    found = exchange.get(write.caller, write.ref, [ref.id for ref in listed.items], Deadline.after(READ))
    items = [one for one in found if isinstance(one, Item)]
    if not items:
        if all(isinstance(one, Missing) for one in found):
            mirror.remove(write.ref, listed.name)
        return True
    served_uid = listed.uid if listed.uid != items[0].content.uid else None
    rendered = make_rendered(listed.name, items[0], write.context, served_uid)
    mirror.put(write.ref, rendered)
    return rendered.etag != listed.etag


def make_refusal(error: AccessDenied | RequestRefused, privilege: str = "write-content") -> BridgeError:
    """Give what the client is told when Exchange definitely refuses a write."""
    if isinstance(error, AccessDenied):
        return NotPermitted("Exchange does not let you change this calendar.", privilege)
    return NotExpressible(f"Exchange refuses this event ({error.code}).")
