"""Write one event of a client's to Exchange, and serve what Exchange made of it.

The rules are those of ``docs/architecture.md``, section Push: the intent is committed before the step, a step is sent
once, what became of a lost answer is found out by reading, and then the item is read back and applied.
"""

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
from bridge.exchange import Exchange
from bridge.item import Item
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.series import to_items
from bridge.mirror.mirror import Mirror
from bridge.model import ANY_ETAG, Listed, Rendered, Stored
from bridge.state.intents import Intent
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import check, find_target, make_plan
from bridge.sync.render import make_rendered
from bridge.sync.steps import Judged, Steps
from bridge.sync.traces import are_ours
from bridge.sync.zones import Zones


class Pusher:
    """Writes events to Exchange for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, look: Look, outcomes: Outcomes, zones: Zones) -> None:
        """Take the back end, the mirror, what looks at Exchange, what keeps the intents, and the server's zones."""
        self._mirror = mirror
        self._look = look
        self._outcomes = outcomes
        self._zones = zones
        self._steps = Steps(exchange, mirror, look, outcomes)

    def put(self, write: Write) -> Stored:
        """Write the resource. Raises Refused and its kinds before anything is sent, Unavailable."""
        wanted = parse(write.body or b"")
        server = self._zones.known_for(write.caller, wanted, write.context)
        write = replace(write, context=replace(write.context, server=server))
        earlier = self._outcomes.earlier(write)
        try:
            return self._put(write, wanted)
        except PreconditionFailed:
            if earlier is None or not self._is_begun(write, wanted, earlier):
                raise
        stored = self._put(replace(write, begun=earlier), wanted)
        return replace(stored, created=earlier.operation == "create")

    def _put(self, write: Write, wanted: CalendarObject, *, again: bool = False) -> Stored:
        judged = self._judge(write, wanted)
        if judged.plan.is_done and not self._is_still(write, judged.target):
            judged = self._judge(write, wanted)
        if judged.plan.is_done:
            return self._stored(write, created=False)
        try:
            return self._carry_out(write, wanted, judged)
        except (ItemChanged, ItemMissing):
            if again or judged.target is None or not self._may_go_on(write, judged.target):
                raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from None
            return self._put(write, wanted, again=True)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error, "write-content" if judged.there is not None else "bind") from error

    def _judge(self, write: Write, body: CalendarObject) -> Judged:
        """Hold the PUT against the mirror. Raises Refused and its kinds."""
        snapshot = self._mirror.snapshot(write.ref)
        target = find_target(snapshot, write.name, to_items(body, write.context, ()))
        there = snapshot.resources.get(write.name)
        if write.begun is None:
            check(write.conditions, there.etag if there else None)
        stored = read_stored(self._mirror, write, target) if target else ()
        wanted = to_items(body, write.context, stored)
        return Judged(there, target, stored, wanted, make_plan(write.name, wanted, stored, write.context))

    def _is_still(self, write: Write, target: Listed | None) -> bool:
        """Look whether Exchange holds what the mirror says: saying that nothing is to do rests on that."""
        if target is None:
            return False
        now = self._look.at(write.caller, write.ref, write.context, target)
        return now is not None and now.etag == target.etag

    def _carry_out(self, write: Write, wanted: CalendarObject, judged: Judged) -> Stored:
        """Commit the intent, judge once more under its lock, send the steps, and apply what Exchange made of them."""
        known = judged.stored[0].ref if judged.stored else None
        operation = write.begun.operation if write.begun else ("update" if known else "create")
        with self._outcomes.intent(write, operation, judged.wanted.uid, known, judged.stored) as intent:
            if judged.plan.creates:
                # A mirror that is some seconds old must not make a second event of one UID.
                self._look.adopt(write.caller, write.ref, write.context, judged.wanted.uid)
            judged = self._judge(write, wanted)
            if not judged.plan.is_done:
                items = self._steps.send(write, judged, intent)
                rendered = self._render(write, items, judged)
                self._mirror.put(write.ref, rendered, replaced=judged.replaced.name if judged.replaced else None)
        return self._stored(write, created=judged.there is None)

    def _render(self, write: Write, items: tuple[Item, ...], judged: Judged) -> Rendered:
        served = judged.replaced or judged.there
        served_uid = served.uid if served is not None and served.uid != items[0].content.uid else None
        return make_rendered(write.name, items, write.context, served_uid)

    # --- what is there -------------------------------------------------------------------------------

    def _is_begun(self, write: Write, body: CalendarObject, earlier: Intent) -> bool:
        """Say whether what is there is what the earlier try found or has made of it, and nobody else's change."""
        rendered = self._mirror.read(write.ref, write.name)
        if rendered is None or not rendered.facts:
            return False
        wanted = to_items(body, write.context, rendered.facts)
        plan = make_plan(write.name, wanted, rendered.facts, write.context)
        return are_ours(plan, wanted, rendered.facts, earlier.before)

    def _stored(self, write: Write, *, created: bool) -> Stored:
        rendered = self._mirror.read(write.ref, write.name)
        same = rendered is not None and rendered.text == write.body
        return Stored(created, rendered.etag if rendered is not None and same else None)

    def _may_go_on(self, write: Write, target: Listed) -> bool:
        """Look at the item; say whether the client, by its conditions, wants its change all the same."""
        now = self._look.at(write.caller, write.ref, write.context, target)
        wanted = write.conditions.if_match
        return wanted is None or (now is not None and (now.etag == target.etag or ANY_ETAG in wanted))


def require_readable(listed: Listed) -> None:
    """Raise Unavailable for an item that nobody could show the client: it may be something else than it seems."""
    if not listed.is_readable:
        raise ExchangeFailed("This event could not be read from Exchange yet, so it is neither changed nor deleted.")


def read_stored(mirror: Mirror, write: Write, listed: Listed) -> tuple[Item, ...]:
    """Give the items of a resource as last read. Raises Unavailable where they are not known."""
    require_readable(listed)
    rendered = mirror.read(write.ref, listed.name)
    if rendered is None or not rendered.facts:
        raise ExchangeFailed("The bridge's memory of this event was just lost; it is being read again.")
    return rendered.facts


def make_refusal(error: AccessDenied | RequestRefused, privilege: str) -> BridgeError:
    """Give what the client is told when Exchange definitely refuses a write."""
    if isinstance(error, AccessDenied):
        return NotPermitted("Exchange does not let you change this calendar.", privilege)
    return NotExpressible(f"Exchange refuses this event ({error.code}).")
