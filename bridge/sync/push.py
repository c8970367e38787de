"""Write one event of a client's to Exchange, and serve what Exchange made of it.

The rules are those of ``docs/architecture.md``, section Push: the intent is committed before the step, a step is sent
once, what became of a lost answer is found out by reading, and then the item is read back and applied. Of another's
calendar, what is personal to the viewer is kept when the rest is written, or when nothing else is to be.
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
from bridge.exchange import Deadline, Exchange
from bridge.item import ChangeKey, Item, ItemKind, ItemRef
from bridge.mirror.mirror import Mirror
from bridge.resource import ANY_ETAG, Listed, Stored
from bridge.state.intents import Intent
from bridge.sync.files import Files
from bridge.sync.judging import Body, Judge, read_body
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.render import Renderer
from bridge.sync.steps import Judged, Steps, delete_item
from bridge.sync.zones import CALL, Zones


class Pusher:
    """Writes events to Exchange for one organisation."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        renderer: Renderer,
        look: Look,
        outcomes: Outcomes,
        files: Files,
        *,
        zones: Zones,
    ) -> None:
        """Take the back end, the mirror, what renders, looks, keeps the intents, handles files, and asks for zones."""
        self._exchange = exchange
        self._mirror = mirror
        self._renderer = renderer
        self._look = look
        self._outcomes = outcomes
        self._files = files
        self._zones = zones
        self._judge = Judge(mirror, files)
        self._steps = Steps(exchange, mirror, look, outcomes)

    def put(self, write: Write) -> Stored:
        """Write the resource. Raises Refused and its kinds before anything is sent, Unavailable."""
        body = read_body(write)
        write = self._informed(write, body)
        earlier = self._outcomes.earlier(write)
        try:
            return self._put(write, body)
        except PreconditionFailed:
            if earlier is None or not self._judge.is_begun(write, body, earlier):
                raise
        stored = self._put(replace(write, begun=earlier), body)
        return replace(stored, created=earlier.operation == "create")

    def _informed(self, write: Write, body: Body) -> Write:
        """Give the write with what the mapping must know of the server. Raises Unavailable."""
        context = replace(write.context, server=self._zones.known_for(write.caller, body.event, write.context))
        if b"WORKINGELSEWHERE" in (write.body or b"").upper():
            told = self._exchange.capabilities(write.caller, Deadline.after(CALL))
            context = replace(context, has_working_elsewhere=told.has_working_elsewhere)
        return replace(write, context=context)

    def _put(self, write: Write, body: Body, *, again: bool = False) -> Stored:
        judged = self._judge.judge(write, body)
        if judged.is_done and not self._is_still(write, judged.target):
            judged = self._judge.judge(write, body)
        if judged.is_done and self._renderer.personal(write.ref, judged.wanted.uid) == body.personal:
            return self._stored(write, created=False)
        try:
            return self._carry_out(write, body, judged)
        except (ItemChanged, ItemMissing):
            if again or judged.target is None or not self._may_go_on(write, judged.target):
                raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from None
            return self._put(write, body, again=True)
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error, "write-content" if judged.there is not None else "bind") from error

    def _is_still(self, write: Write, target: Listed | None) -> bool:
        """Look whether Exchange holds what the mirror says: saying that nothing is to do rests on that."""
        if target is None:
            return False
        now = self._look.at(write.caller, write.ref, write.context, target)
        return now is not None and now.etag == target.etag

    def _carry_out(self, write: Write, body: Body, judged: Judged) -> Stored:
        """Commit the intent, judge once more under its lock, send the steps, and apply what Exchange made of them."""
        known = judged.stored[0].ref if judged.stored else None
        operation = write.begun.operation if write.begun else ("update" if known else "create")
        with self._outcomes.intent(write, operation, judged.wanted.uid, known, judged.stored) as intent:
            if judged.plan.creates:
                # A mirror that is some seconds old must not make a second event of one UID.
                self._look.adopt(write.caller, write.ref, write.context, judged.wanted.uid)
            judged = self._judge.judge(write, body)
            if not judged.is_done:
                items = self._steps.send(write, judged, intent)
                self._apply(write, body, judged, self._send_files(write, judged, intent, items))
            elif not write.ref.is_own:
                self._apply(write, body, judged, judged.stored)
        return self._stored(write, created=judged.there is None)

    def _send_files(self, write: Write, judged: Judged, intent: Intent, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Do what is to be done with the files of items that were just written, and give the items as they are then."""
        steps = self._files.plan(write, judged.wanted, items, judged.stored)
        if not steps:
            return items
        try:
            self._files.send(write, steps)
        except (AccessDenied, RequestRefused):
            # The client is told that its event was refused: half of it must not stay
            for item in _made(write, judged, items):
                delete_item(self._exchange, write, item.ref)
            raise
        except (ItemChanged, ItemMissing) as error:
            # The event itself is written: a retry finds out what became of it, and goes on or is told
            raise ExchangeFailed("An event was changed at Exchange while its files were written.") from error
        self._outcomes.advance(intent, "files written", ItemRef(items[0].ref.id, ChangeKey("")))
        return self._steps.read_again(write, items)

    def _apply(self, write: Write, body: Body, judged: Judged, items: tuple[Item, ...]) -> None:
        """Keep what is personal, then let the mirror know: what is served of it is never lost again."""
        served = judged.replaced or judged.there
        served_uid = served.uid if served is not None and served.uid != items[0].content.uid else None
        self._renderer.keep_personal(write.ref, served_uid or items[0].content.uid, body.personal)
        rendered = self._renderer.rendered(write.ref, write.name, items, write.context, served_uid)
        self._mirror.put(write.ref, rendered, replaced=judged.replaced.name if judged.replaced else None)

    def _stored(self, write: Write, *, created: bool) -> Stored:
        rendered = self._mirror.read(write.ref, write.name)
        same = rendered is not None and rendered.text == write.body
        return Stored(created, rendered.etag if rendered is not None and same else None)

    def _may_go_on(self, write: Write, target: Listed) -> bool:
        """Look at the item; say whether the client, by its conditions, wants its change all the same."""
        now = self._look.at(write.caller, write.ref, write.context, target)
        wanted = write.conditions.if_match
        return wanted is None or (now is not None and (now.etag == target.etag or ANY_ETAG in wanted))


def _made(write: Write, judged: Judged, items: tuple[Item, ...]) -> list[Item]:
    """Give the items that this write, or the earlier try that it goes on with, has made."""
    is_all_new = write.begun is not None and write.begun.operation == "create"
    before = set() if is_all_new else {one.ref.id for one in judged.stored}
    return [one for one in items if one.kind is not ItemKind.EXCEPTION and one.ref.id not in before]


def make_refusal(error: AccessDenied | RequestRefused, privilege: str = "write-content") -> BridgeError:
    """Give what the client is told when Exchange definitely refuses a write."""
    if isinstance(error, AccessDenied):
        return NotPermitted("Exchange does not let you change this calendar.", privilege)
    return NotExpressible(f"Exchange refuses this event ({error.code}).")
