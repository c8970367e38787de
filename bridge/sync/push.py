"""Write one event of a client's to Exchange, and serve what Exchange made of it.

The rules are those of ``docs/architecture.md``, section Push: the intent is committed before the step, a step is sent
once, what became of a lost answer is found out by reading, and then the item is read back and applied. Of another's
calendar, what is personal to the viewer is kept when the rest is written, or when nothing else is to be.
"""

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
from bridge.exchange import Exchange
from bridge.item import Item, Uid
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.personal import take_personal, with_owners, write_personal
from bridge.mapping.series import WantedSeries, to_items
from bridge.mirror.mirror import Mirror
from bridge.model import ANY_ETAG, CalendarRef, Listed, Stored
from bridge.state.intents import Intent
from bridge.state.personal_lines import PersonalLines
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import Plan, check, find_target, make_plan, plan_others
from bridge.sync.render import Renderer
from bridge.sync.steps import Judged, Steps
from bridge.sync.traces import are_ours


@dataclass(frozen=True, slots=True)
class _Body:
    """What a client says. Of another's calendar, what is personal to the viewer stands apart, as one text."""

    event: CalendarObject
    personal: str | None = None


class Pusher:
    """Writes events to Exchange for one organisation."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        personal: PersonalLines,
        renderer: Renderer,
        look: Look,
        outcomes: Outcomes,
    ) -> None:
        """Take the back end, the mirror, what is personal to viewers, what renders, looks, and keeps the intents."""
        self._mirror = mirror
        self._personal = personal
        self._renderer = renderer
        self._look = look
        self._outcomes = outcomes
        self._steps = Steps(exchange, mirror, look, outcomes)

    def put(self, write: Write) -> Stored:
        """Write the resource. Raises Refused and its kinds before anything is sent, Unavailable."""
        body = _read(write)
        earlier = self._outcomes.earlier(write)
        try:
            return self._put(write, body)
        except PreconditionFailed:
            if earlier is None or not self._is_begun(write, body, earlier):
                raise
        stored = self._put(replace(write, begun=earlier), body)
        return replace(stored, created=earlier.operation == "create")

    def _put(self, write: Write, body: _Body, *, again: bool = False) -> Stored:
        judged = self._judge(write, body)
        if judged.plan.is_done and not self._is_still(write, judged.target):
            judged = self._judge(write, body)
        if judged.plan.is_done and self._kept(write.ref, judged.wanted.uid) == body.personal:
            return self._stored(write, created=False)
        try:
            return self._carry_out(write, body, judged)
        except (ItemChanged, ItemMissing):
            if again or judged.target is None or not self._may_go_on(write, judged.target):
                raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from None
            return self._put(write, body, again=True)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error) from error

    def _judge(self, write: Write, body: _Body) -> Judged:
        """Hold the PUT against the mirror. Raises Refused and its kinds."""
        snapshot = self._mirror.snapshot(write.ref)
        there = snapshot.resources.get(write.name)
        if there is None and not write.may_write:
            raise _may_not_write()
        target = find_target(snapshot, write.name, to_items(body.event, write.context, ()))
        if write.begun is None:
            check(write.conditions, there.etag if there else None)
        stored = read_stored(self._mirror, write, target) if target else ()
        wanted, plan = _plan(write, body, stored)
        if not plan.is_done and not write.may_write:
            raise _may_not_write()
        return Judged(there, target, stored, wanted, plan)

    def _is_still(self, write: Write, target: Listed | None) -> bool:
        """Look whether Exchange holds what the mirror says: saying that nothing is to do rests on that."""
        if target is None:
            return False
        now = self._look.at(write.caller, write.ref, write.context, target)
        return now is not None and now.etag == target.etag

    def _carry_out(self, write: Write, body: _Body, judged: Judged) -> Stored:
        """Commit the intent, judge once more under its lock, send the steps, and apply what Exchange made of them."""
        known = judged.stored[0].ref if judged.stored else None
        operation = write.begun.operation if write.begun else ("update" if known else "create")
        with self._outcomes.intent(write, operation, judged.wanted.uid, known, judged.stored) as intent:
            if judged.plan.creates:
                # A mirror that is some seconds old must not make a second event of one UID.
                self._look.adopt(write.caller, write.ref, write.context, judged.wanted.uid)
            judged = self._judge(write, body)
            if not judged.plan.is_done:
                self._apply(write, body, judged, self._steps.send(write, judged, intent))
            elif not write.ref.is_own:
                self._apply(write, body, judged, judged.stored)
        return self._stored(write, created=judged.there is None)

    def _apply(self, write: Write, body: _Body, judged: Judged, items: tuple[Item, ...]) -> None:
        """Keep what is personal, then let the mirror know: what is served of it is never lost again."""
        served = judged.replaced or judged.there
        served_uid = served.uid if served is not None and served.uid != items[0].content.uid else None
        if not write.ref.is_own:
            self._personal.put(write.ref, served_uid or items[0].content.uid, body.personal)
        rendered = self._renderer.rendered(write.ref, write.name, items, write.context, served_uid)
        self._mirror.put(write.ref, rendered, replaced=judged.replaced.name if judged.replaced else None)

    # --- what is there -------------------------------------------------------------------------------

    def _kept(self, ref: CalendarRef, uid: Uid) -> str | None:
        """Give what is personal to the viewer of another's event, as it is kept now."""
        return None if ref.is_own else self._personal.get(ref, uid)

    def _is_begun(self, write: Write, body: _Body, earlier: Intent) -> bool:
        """Say whether what is there is what the earlier try found or has made of it, and nobody else's change."""
        rendered = self._mirror.read(write.ref, write.name)
        if rendered is None or not rendered.facts:
            return False
        wanted, plan = _plan(write, body, rendered.facts)
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


def _read(write: Write) -> _Body:
    """Read the body. Raises Refused kinds."""
    obj = parse(write.body or b"")
    if write.ref.is_own:
        return _Body(obj)
    personal = write_personal(take_personal(obj, write.context))
    return _Body(with_owners(obj, write.context, None), personal)


def _plan(write: Write, body: _Body, stored: tuple[Item, ...]) -> tuple[WantedSeries, Plan]:
    if not write.ref.is_own:
        return plan_others(write.name, body.event, stored, write.context)
    wanted = to_items(body.event, write.context, stored)
    return wanted, make_plan(write.name, wanted, stored, write.context)


def _may_not_write() -> NotPermitted:
    return NotPermitted("You may read this calendar, not change it.", "write-content")


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


def make_refusal(error: AccessDenied | RequestRefused, privilege: str = "write-content") -> BridgeError:
    """Give what the client is told when Exchange definitely refuses a write."""
    if isinstance(error, AccessDenied):
        return NotPermitted("Exchange does not let you change this calendar.", privilege)
    return NotExpressible(f"Exchange refuses this event ({error.code}).")
