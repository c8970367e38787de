"""Move an event to another place: another of the viewer's own calendars, or another name in the same one.

It is stamped with its new name first. So wherever a move breaks off, the event is found in one of the two calendars by
whoever reads them, under that name.
"""

from dataclasses import replace

from bridge.errors import (
    AccessDenied,
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
from bridge.mirror.mirror import Mirror
from bridge.model import Attribute, Item, ItemKind, ItemRef, Listed
from bridge.sync.look import Look
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.plan import check
from bridge.sync.push import make_refusal, require_readable
from bridge.sync.steps import WRITE, delete_item

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
        retried = self._outcomes.earlier(target)
        self._outcomes.earlier(source)
        here = self._mirror.snapshot(source.ref).resources.get(source.name)
        there = self._mirror.snapshot(target.ref).resources.get(target.name)
        if here is None and there is not None and retried is not None:
            return True
        if here is None:
            raise NotFound("There is no event of this name in this calendar.")
        check(source.conditions, here.etag)
        check(target.conditions, there.etag if there is not None else None)
        require_readable(here)
        self._check_uid(target, here, there, is_same=source.ref == target.ref)
        try:
            return self._carry_out(source, target, here, there)
        except (ItemChanged, ItemMissing) as error:
            raise PreconditionFailed("The event was changed or deleted at Exchange meanwhile.") from error
        except (AccessDenied, RequestRefused) as error:
            raise make_refusal(error, "bind") from error

    def _check_uid(self, target: Write, here: Listed, there: Listed | None, *, is_same: bool) -> None:
        """See that the UID will stand once in the target, and no name changes its UID (RFC 4791 5.3.2.1)."""
        if there is not None and (is_same or there.uid != here.uid):
            raise UidTaken("The event of that name has another UID.", there.name)
        if there is None and not is_same:
            others = self._mirror.snapshot(target.ref).resources.values()
            taken = next((one for one in others if one.uid == here.uid), None)
            if taken is not None:
                raise UidTaken("Another event of that calendar has this UID.", taken.name)

    def _carry_out(self, source: Write, target: Write, here: Listed, there: Listed | None) -> bool:
        items = self._look.whole(source.caller, source.ref, [ref.id for ref in here.items])
        if not items or items[0].ref.id not in {ref.id for ref in here.items}:
            raise ItemMissing("The event is not there any more.")
        uid = items[0].content.uid
        if source.ref == target.ref:
            with self._outcomes.intent(target, "update", uid, items[0].ref):
                self._stamp(target, items)
                self._apply(target, [item.ref for item in _own(items)], replaced=source)
            return True
        with (
            self._outcomes.intent(target, "create", uid, None),
            self._outcomes.intent(source, "delete", uid, items[0].ref),
        ):
            stamped = self._stamp(replace(target, ref=source.ref), items)
            moved = [
                self._exchange.move(source.caller, source.ref, ref, target.ref, Deadline.after(WRITE))
                for ref in stamped
            ]
            for ref in there.items if there is not None else ():
                delete_item(self._exchange, target, ref)
            self._apply(target, moved)
            self._mirror.remove(source.ref, source.name)
        return there is None

    def _stamp(self, write: Write, items: tuple[Item, ...]) -> list[ItemRef]:
        """Write the new name onto the items, but for exceptions, which have none; give them as they are then."""
        stamped = []
        for item in _own(items):
            stamp = make_name_stamp(write.name, write.context.mailbox.address, item.content.uid)
            content = replace(item.content, name_stamp=stamp)
            if content != item.content:
                deadline = Deadline.after(WRITE)
                ref = self._exchange.update(write.caller, write.ref, item.ref, content, _STAMP, deadline)
                stamped.append(ref)
            else:
                stamped.append(item.ref)
        return stamped

    def _apply(self, target: Write, refs: list[ItemRef], replaced: Write | None = None) -> None:
        items = self._look.whole(target.caller, target.ref, [ref.id for ref in refs])
        if not items:
            raise ItemMissing("The event is not there any more.")
        rendered = self._look.rendered(target.ref, target.context, target.name, items)
        self._mirror.put(target.ref, rendered, replaced=replaced.name if replaced is not None else None)


def need_own(mailbox: str, *refs_of: str) -> None:
    """Raise NotPermitted unless all these calendars are the viewer's own."""
    if any(owner != mailbox for owner in refs_of):
        raise NotPermitted("Events are moved between your own calendars only.", "bind")


def _own(items: tuple[Item, ...]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.EXCEPTION]
