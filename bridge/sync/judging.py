"""What a PUT means, held against the mirror: what is wanted, and what makes it so. Nothing is sent here."""

from dataclasses import dataclass

from bridge.errors import ExchangeFailed, MirrorFilling, NotPermitted
from bridge.item import Item
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.personal import take_personal, with_owners, write_personal
from bridge.mapping.series import WantedSeries, to_items
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef
from bridge.resource import Listed, Snapshot
from bridge.state.intents import Intent
from bridge.sync.files import Files
from bridge.sync.outcome import Write
from bridge.sync.plan import Plan, Update, check, find_target, make_plan, plan_others
from bridge.sync.steps import Judged
from bridge.sync.traces import are_ours


@dataclass(frozen=True, slots=True)
class Body:
    """What a client says. Of another's calendar, what is personal to the viewer stands apart, as one text."""

    event: CalendarObject
    personal: str | None = None


def read_body(write: Write) -> Body:
    """Read what a client sends. Raises Refused kinds."""
    obj = parse(write.body or b"")
    if write.ref.is_own:
        return Body(obj)
    personal = write_personal(take_personal(obj, write.context))
    return Body(with_owners(obj, write.context, None), personal)


class Judge:
    """Judges writes for one organisation."""

    def __init__(self, mirror: Mirror, files: Files) -> None:
        """Take the mirror, and what knows of files."""
        self._mirror = mirror
        self._files = files

    def judge(self, write: Write, body: Body) -> Judged:
        """Hold a PUT against the mirror. Raises Refused and its kinds, Unavailable."""
        snapshot = read_whole(self._mirror, write.ref)
        there = snapshot.resources.get(write.name)
        if not write.may_write and (there is None or there.uid != body.event.uid):
            raise _may_not_write("bind" if there is None else "write-content")
        target = find_target(snapshot, write.name, body.event, write.context.mailbox)
        if write.begun is None:
            check(write.conditions, there.etag if there else None)
        stored = read_stored(self._mirror, write, target) if target else ()
        wanted, plan = self._plan(write, body, stored)
        files = self._files.judge(write, wanted, stored)
        if isinstance(plan.item, Update) and plan.item.reshapes:
            self._files.check_reshaping(write, wanted, stored)
        judged = Judged(there, target, stored, wanted, plan, files)
        if not judged.is_done and not write.may_write:
            raise _may_not_write("write-content")
        return judged

    def is_begun(self, write: Write, body: Body, earlier: Intent) -> bool:
        """Say whether what is there is what an earlier try found or has made of it, and nobody else's change."""
        rendered = self._mirror.read(write.ref, write.name)
        if rendered is None or not rendered.facts:
            return False
        wanted, plan = self._plan(write, body, rendered.facts)
        are_strange = self._files.are_strange(write, wanted, rendered.facts, earlier.before)
        return not are_strange and are_ours(plan, wanted, rendered.facts, earlier.before)

    def _plan(self, write: Write, body: Body, stored: tuple[Item, ...]) -> tuple[WantedSeries, Plan]:
        if write.ref.is_own:
            wanted = to_items(body.event, write.context, stored)
            plan = make_plan(write.name, wanted, stored, write.context)
        else:
            wanted, plan = plan_others(write.name, body.event, stored, write.context)
        return self._files.bring(write, wanted, stored), plan


def read_whole(mirror: Mirror, ref: CalendarRef) -> Snapshot:
    """Give a calendar that a write is held against. Raises Unavailable where the mirror was lost since it was pulled.

    Of what is not in it, nobody knows then whether it is gone.
    """
    snapshot = mirror.snapshot(ref)
    if not snapshot.is_complete:
        raise MirrorFilling("This calendar is being read from Exchange again.", retry_after=5)
    return snapshot


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


def _may_not_write(privilege: str) -> NotPermitted:
    return NotPermitted("You may read this calendar, not change it.", privilege)
