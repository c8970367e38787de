"""What a write has to do, decided before anything is sent. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import NotExpressible, PreconditionFailed, UidTaken
from bridge.exchange import OccurrenceWrite
from bridge.ids import make_name_stamp
from bridge.item import Attribute, Content, Item
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.context import Context
from bridge.mapping.people import is_organizer
from bridge.mapping.personal import keys_of, with_owners, with_stamps
from bridge.mapping.resource import instance_start
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.model import ETag, Mailbox, Name
from bridge.occurrences import Series, zone_of
from bridge.resource import ANY_ETAG, Conditions, Listed, Snapshot

RESHAPES = frozenset(map(Attribute, ("recurrence", "start", "end", "start_zone", "end_zone", "is_all_day")))
"""Attributes of a master after whose change servers differ in what becomes of exceptions and deletions."""

_FOR_A_FILE = frozenset({Attribute("subject")})
"""Written, though it is what it was, to make an exception of an occurrence that gets a file: only that can hold one."""

MOST_INSTANCES = 100
"""Instances without a master that one resource may hold: each is an item of its own, and a call."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create the item at Exchange: a single event, or a master."""

    content: Content


@dataclass(frozen=True, slots=True)
class Update:
    """Write these attributes of the item's new content."""

    stored: Item
    content: Content
    attributes: frozenset[Attribute]

    @property
    def reshapes(self) -> bool:
        """Whether exceptions and deletions may be others afterwards, so that the rest is planned from what is read."""
        series = self.stored.content.recurrence is not None or self.content.recurrence is not None
        return series and bool(self.attributes & RESHAPES)


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the item of an instance that has no master."""

    stored: Item


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one PUT, in their order: the item itself, then changed occurrences, then deleted ones.

    Or, where there is no master, what becomes of each instance.
    """

    item: Create | Update | None = None
    writes: tuple[OccurrenceWrite, ...] = ()
    deletions: tuple[int, ...] = ()
    instances: tuple[Create | Update | Remove, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return self.item is None and not self.writes and not self.deletions and not self.instances

    @property
    def creates(self) -> bool:
        """Whether an item comes into being."""
        return any(isinstance(step, Create) for step in (self.item, *self.instances))


def check(conditions: Conditions, etag: ETag | None) -> None:
    """Hold a write's conditions against the resource's ETag, None where there is no resource (RFC 9110 13.1).

    Raises PreconditionFailed.
    """
    wanted, unwanted = conditions.if_match, conditions.if_none_match
    if wanted is not None and (etag is None or not ({etag, ANY_ETAG} & wanted)):
        raise PreconditionFailed("The event was changed or deleted meanwhile: its ETag is not the one in If-Match.")
    if unwanted is not None and etag is not None and ({etag, ANY_ETAG} & unwanted):
        raise PreconditionFailed("There is already an event of this name: If-None-Match forbids to replace it.")


def find_target(snapshot: Snapshot, name: Name, body: CalendarObject, mailbox: Mailbox) -> Listed | None:
    """Give the resource that a PUT of this name means: the one of that name, or an invitation filed before it.

    Exchange files an invitation before the client accepts it; the client then PUTs the same UID under a name of
    its own. That PUT means the item which is there. Raises UidTaken where a UID would stand twice, or a
    resource would change its UID (RFC 4791 5.3.2.1).
    """
    target = snapshot.resources.get(name)
    if target is not None:
        if target.uid != body.uid:
            raise UidTaken("The event of this name has another UID, which cannot be changed.", name)
        return target
    other = next((one for one in snapshot.resources.values() if one.uid == body.uid), None)
    if other is not None and is_organizer(body.events, mailbox):
        raise UidTaken("Another event of this calendar has this UID.", other.name)
    return other


def plan_others(
    name: Name, body: CalendarObject, stored: tuple[Item, ...], context: Context
) -> tuple[WantedSeries, Plan]:
    """Decide the same of a PUT to another's calendar: what is personal to the owner stays as it is.

    ``body`` is as the viewer says. Raises Refused kinds.
    """
    apart = keys_of(body, context)
    owners = parse(to_ical(stored, context.of(name), body.uid, apart=apart).text) if stored else None
    meant = with_owners(body, context, owners)
    for each in (with_stamps(meant, context, owners), meant) if owners else (meant,):
        wanted = to_items(each, context, stored)
        plan = make_plan(name, wanted, stored, context)
        if plan.is_done:
            break
    return wanted, plan


def make_plan(name: Name, wanted: WantedSeries, stored: tuple[Item, ...], context: Context) -> Plan:
    """Decide what makes the items what the client wants, under the name it gives. Raises NotExpressible."""
    if wanted.master is None:
        return Plan(instances=tuple(_plan_instances(name, wanted, stored, context)))
    if stored and instance_start(stored[0]) is not None:
        raise NotExpressible("RRULE: single occurrences of this series stand in the calendar without it; delete them.")
    master = stored[0] if stored else None
    content = _stamped(name, wanted.master, master, context)
    step = _plan_item(name, content, master, context)
    if isinstance(step, Update) and step.reshapes:
        return Plan(step, *_plan_occurrences(wanted, content, (), frozenset()))
    known = stored[1:]
    gone = frozenset(master.deleted) if master else frozenset()
    writes, deletions = _plan_occurrences(wanted, content, known, gone)
    if master is not None and gone - wanted.deleted and content.recurrence is not None:
        # Exchange takes a deletion back only when the pattern is written again, which it treats as a new one.
        again = step.attributes if isinstance(step, Update) else frozenset()
        step = Update(master, content, again | {Attribute("recurrence")})
        writes, deletions = _plan_occurrences(wanted, content, (), frozenset())
    return Plan(step, writes, deletions)


def plan_rest(wanted: WantedSeries, master: Item, known: tuple[Item, ...]) -> Plan:
    """Decide what is left to do after the master was reshaped, from what was read back of it."""
    listed = {one.original_start for one in master.exceptions}
    kept = tuple(one for one in known if one.original_start in listed)
    writes, deletions = _plan_occurrences(wanted, master.content, kept, frozenset(master.deleted))
    return Plan(None, writes, deletions)


def _stamped(name: Name, content: Content, master: Item | None, context: Context) -> Content:
    uid = master.content.uid if master is not None else content.uid
    return replace(content, uid=uid, name_stamp=make_name_stamp(name, context.mailbox.address, uid))


def _plan_item(name: Name, content: Content, master: Item | None, context: Context) -> Create | Update | None:
    if master is None:
        return Create(content)
    attributes = changed(master.content, content)
    if attributes <= {Attribute("name_stamp")} and _needs_no_stamp(master, name, context):
        return None
    return Update(master, content, attributes)


def _needs_no_stamp(stored: Item, name: Name, context: Context) -> bool:
    """Say whether the item has this stamp, or a new mirror would give it this name anyway."""
    own = make_name_stamp(name, context.mailbox.address, stored.content.uid)
    return stored.content.name_stamp in {None, own}


def _plan_instances(
    name: Name, wanted: WantedSeries, stored: tuple[Item, ...], context: Context
) -> Iterator[Create | Update | Remove]:
    """Plan for instances without a master, each an item of its own. What takes time away comes last."""
    there = {instance_start(item): item for item in stored}
    if None in there:
        raise NotExpressible("RECURRENCE-ID without the event it belongs to, which Exchange holds: send it whole.")
    if len(wanted.instances) > MOST_INSTANCES:
        raise NotExpressible(f"RECURRENCE-ID: more than {MOST_INSTANCES} occurrences without the event they belong to.")
    for start, content in wanted.instances.items():
        item = there.get(start)
        step = _plan_item(name, _stamped(name, content, item, context), item, context)
        if step is not None:
            yield step
    yield from (Remove(item) for start, item in there.items() if start not in wanted.instances)


def _plan_occurrences(
    wanted: WantedSeries, content: Content, known: tuple[Item, ...], gone: frozenset[datetime]
) -> tuple[tuple[OccurrenceWrite, ...], tuple[int, ...]]:
    if content.recurrence is None:
        return (), ()
    exceptions = {item.original_start: item for item in known if item.original_start is not None}
    writes = tuple(_changes(wanted, content, exceptions))
    deletions = tuple(sorted(_index(content, start) for start in wanted.deleted - gone))
    return writes, deletions


def _changes(wanted: WantedSeries, master: Content, exceptions: Mapping[datetime, Item]) -> Iterator[OccurrenceWrite]:
    for start in sorted(set(wanted.exceptions) | (set(exceptions) - wanted.deleted)):
        plain = _plain(master, start)
        there = exceptions.get(start)
        before = there.content if there else plain
        after = _in_zones_of(before, replace(wanted.exceptions.get(start, plain), uid=before.uid))
        attributes = _of_an_occurrence(changed(before, after))
        files = wanted.files.get(start)
        if not attributes and there is None and files is not None and files.new:
            attributes = _FOR_A_FILE
        if attributes:
            yield OccurrenceWrite(_index(master, start), after, attributes, there.ref if there else None)


def _in_zones_of(before: Content, after: Content) -> Content:
    """Give an occurrence in the zones it has where their ids are the same: their rules are its master's to tell."""
    start, end = (
        was if was.id == now.id else now
        for was, now in ((before.start_zone, after.start_zone), (before.end_zone, after.end_zone))
    )
    return replace(after, start_zone=start, end_zone=end)


def _of_an_occurrence(attributes: frozenset[Attribute]) -> frozenset[Attribute]:
    """Leave out what only a master carries."""
    return attributes - frozenset(map(Attribute, ("uid", "recurrence", "name_stamp", "kept")))


def _plain(master: Content, start: datetime) -> Content:
    """Give the content of an occurrence that is as the pattern has it."""
    end = _series(master).end(start, master.end)
    return replace(master, start=start, end=end, recurrence=None, kept=None)


def _index(master: Content, start: datetime) -> int:
    index = _series(master).find(start)
    if index is None:
        raise NotExpressible("RECURRENCE-ID or EXDATE names a time at which the series has no occurrence.")
    return index


def _series(master: Content) -> Series:
    if master.recurrence is None:
        raise ValueError("a single event has no occurrences")
    zone = zone_of(master.start_zone, master.start, master.recurrence, is_all_day=master.is_all_day)
    return Series(master.recurrence, master.start, zone, master.is_all_day)
