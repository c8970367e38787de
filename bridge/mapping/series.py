"""A resource both ways: a single event, a series with its exceptions, or instances that came without their master."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from bridge.errors import InvalidCalendarObject
from bridge.item import Attribute, ChangeKey, Content, Item, ItemId, ItemKind, ItemRef, Uid
from bridge.mapping.attachments import WantedFiles, keys_of, read_files
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.document import own_timezones, span_of, write_document, zones_of
from bridge.mapping.field import Asked, Shown
from bridge.mapping.kept import Inherited, Kept, KeptException, KeptLines, parse_kept, write_kept
from bridge.mapping.limits import check_limits
from bridge.mapping.lines import same
from bridge.mapping.original import Deleted, find_override, read_deleted, read_original, read_override
from bridge.mapping.people import has_people, invites, is_organizer
from bridge.mapping.personal import Key, Personal, find_start, show
from bridge.mapping.recurrence import Rule, make_series, read_rule
from bridge.mapping.resource import (
    Resource,
    inside,
    instance_start,
    instances_index,
    make_occurrence,
    make_resource,
    make_shown,
    under,
)
from bridge.mapping.series_zone import settle_zone
from bridge.mapping.table import Read, event_lines, is_as_shown, keep_fields, leftovers, read_values
from bridge.mapping.times import Times
from bridge.mapping.values import write_utc
from bridge.model import IndexRecord
from bridge.occurrences import Series

_NO_ITEM = ItemRef(ItemId(""), ChangeKey(""))


@dataclass(frozen=True, slots=True)
class WantedSeries:
    """What a client's PUT asks for.

    ``master`` is a single event or the master of a series, None for instances without one, which stand in
    ``instances``. ``exceptions`` has the full content of each occurrence that shall differ from the pattern, and of
    each that is an exception at Exchange already and stays an occurrence; ``deleted`` what shall not be there. All by
    original start (UTC), as Exchange tells it where it does. ``name_stamp`` is None in all of them, but for exceptions
    that are there, which keep theirs as they keep ``kept``. ``is_organizer``: the event names no ORGANIZER, or one of
    the mailbox's addresses. ``has_people``: it names an ORGANIZER or ATTENDEEs, which are kept and never sent.
    ``files`` has what shall become of the files of each event, by original start, None for the master.
    """

    uid: Uid
    is_organizer: bool
    has_people: bool
    master: Content | None
    exceptions: Mapping[datetime, Content] = field(default_factory=dict)
    deleted: frozenset[datetime] = frozenset()
    instances: Mapping[datetime, Content] = field(default_factory=dict)
    files: Mapping[datetime | None, WantedFiles] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rendering:
    """The bytes a client is served, and the index record that goes with them."""

    text: bytes = field(repr=False)
    index: IndexRecord


# --- to iCalendar ------------------------------------------------------------------------------------


def to_ical(
    items: tuple[Item, ...],
    context: Context,
    uid: Uid | None = None,
    personal: Personal | None = None,
    apart: Iterable[Key] = (),
) -> Rendering:
    """Show a resource: a single event, or a master and then its exceptions, or instances without a master.

    ``uid`` replaces the items' own. ``personal`` is given for the viewer of another's calendar, and shown in place of
    what is personal to the owner. ``apart`` are occurrences to be shown as events of their own whatever they are.
    Equal items give equal bytes.
    """
    uid = uid or items[0].content.uid
    if instance_start(items[0]) is not None:
        return _instances_to_ical(items, context, uid, personal)
    resource = make_resource(items, context, uid)
    series = resource.shown.series
    parts = personal.parts_of(series) if personal else {}
    wished = {*parts, *(start for key in apart if (start := find_start(series, key)))}
    starts = sorted({*resource.overrides, *(wished - set(resource.master.deleted))})
    events = [event_lines(resource.shown, resource.kept)]
    events += [event_lines(*resource.override(original)) for original in starts]
    if personal is not None:
        own = [personal.whole, *(parts.get(start, personal.alarms) for start in starts)]
        events = [show(event, lines) for event, lines in zip(events, own, strict=True)]
    index = resource.index()
    zones = zones_of(item.content for item in (resource.master, *resource.exceptions.values()))
    return Rendering(write_document(resource.kept, events, span_of(index), zones), index)


def _instances_to_ical(items: tuple[Item, ...], context: Context, uid: Uid, personal: Personal | None) -> Rendering:
    instances = _instances(items, uid)
    kept = [parse_kept(item.content.kept) for item in instances.values()]
    shown = [make_shown(item, context, one) for item, one in zip(instances.values(), kept, strict=True)]
    events = [event_lines(one, its) for one, its in zip(shown, kept, strict=True)]
    if personal is not None:
        events = [show(event, personal.part(start, event)) for start, event in zip(instances, events, strict=True)]
    timezones = {tzid: lines for one in reversed(kept) for tzid, lines in one.timezones.items()}
    around = Kept(calendar=kept[0].calendar, timezones=timezones)
    index = instances_index(instances.items(), context)
    zones = zones_of(item.content for item in items)
    return Rendering(write_document(around, events, span_of(index), zones), index)


def _instances(items: Sequence[Item], uid: Uid) -> dict[datetime, Item]:
    """Give instances by original start, in order."""
    found = {instance_start(item) or item.content.start: under(item, uid) for item in items}
    return {start: replace(item, original_start=start) for start, item in sorted(found.items())}


# --- to the items ------------------------------------------------------------------------------------


def changed(old: Content, new: Content) -> frozenset[Attribute]:
    """Give the attributes in which two contents differ: what an update must write."""
    return frozenset(Attribute(one.name) for one in fields(Content) if getattr(old, one.name) != getattr(new, one.name))


def to_items(obj: CalendarObject, context: Context, stored: tuple[Item, ...]) -> WantedSeries:
    """Give what a client asks for; ``stored`` are the items that are being replaced, none for a new resource.

    They are a single event, or a master and then its exceptions, or instances. Where the client says what he was
    shown, all stays as it is. Raises Refused kinds, NotExpressible among them.
    """
    is_organized = is_organizer(obj.event, context.mailbox)
    people = any(map(has_people, obj.events))
    are_instances = bool(stored) and instance_start(stored[0]) is not None
    if obj.master is None:
        instances, files = _to_instances(obj, context, stored if are_instances else ())
        return WantedSeries(obj.uid, is_organized, people, None, instances=instances, files=files)
    before = make_resource(stored, context, obj.uid) if stored and not are_instances else None
    wanted = _read(obj, obj.master, context, before)
    uid = stored[0].content.uid if before else obj.uid
    told = before.told if before else {}
    return WantedSeries(
        obj.uid,
        is_organized,
        people,
        replace(wanted.content, uid=uid),
        {told.get(start, start): replace(content, uid=uid) for start, content in wanted.exceptions.items()},
        frozenset(told.get(start, start) for start in wanted.deleted),
        files={start and told.get(start, start): one for start, one in wanted.files.items()},
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    content: Content
    exceptions: Mapping[datetime, Content]
    deleted: frozenset[datetime]
    files: Mapping[datetime | None, WantedFiles]


@dataclass(frozen=True, slots=True)
class _Master:
    """A master or single event as it is written. ``is_unchanged``: the client says what he was shown of it."""

    obj: CalendarObject
    event: Component
    before: Resource | None
    shown: Shown
    kept: Kept
    is_unchanged: bool


def _read(obj: CalendarObject, event: Component, context: Context, before: Resource | None) -> _Wanted:
    asked = Asked(obj, context, before.master if before else None)
    old = before.kept if before else Kept()
    read = read_values(asked, before.shown if before else None, old)
    content = replace(Content(**read.values), kept=None)
    if before is None or not {Times.name, Rule.name} <= read.unchanged:
        content = settle_zone(content, asked)
    series = make_series(content)
    overrides = _overrides(obj, context, series, before)
    deleted = _deleted(asked, series, before, read.unchanged) - overrides.keys()
    item = replace(before.master, content=content) if before else Item(_NO_ITEM, content)
    item = replace(item, kind=ItemKind.MASTER if series else ItemKind.SINGLE, deleted=tuple(sorted(deleted)))
    shown = make_shown(item, context, old, event.get("DTSTART"))
    kept = Kept(keep_fields(event, read, shown, Kept()), leftovers(event), obj.more, mailed=_mailed(asked, old))
    is_unchanged = before is not None and is_as_shown(event, read.unchanged, old) and same(obj.more, old.calendar)
    master = _Master(obj, event, before, shown, kept, is_unchanged)
    return _with_exceptions(master, overrides, deleted)


def _overrides(
    obj: CalendarObject, context: Context, series: Series | None, before: Resource | None
) -> dict[datetime, Component]:
    found: dict[datetime, Component] = {}
    for event in obj.overrides:
        if series is None:
            raise InvalidCalendarObject(f"The event of line {event.number} changes an occurrence of what is no series.")
        asked = Asked(obj, context, override=event)
        original = find_override(asked, series)
        if original is None and before and _is_second(asked, before):
            continue  # it was there for the time that it had, and goes with the rule
        original = original or read_override(asked, series)
        if original in found:
            raise InvalidCalendarObject(f"The event of line {event.number} changes an occurrence a second time.")
        found[original] = event
    return found


def _is_second(asked: Asked, before: Resource) -> bool:
    series = before.shown.series
    return series is not None and find_override(asked, series) in before.seconds


def _deleted(
    asked: Asked, series: Series | None, before: Resource | None, unchanged: frozenset[str]
) -> frozenset[datetime]:
    """Give what is deleted: by EXDATE, and what the rule leaves out and Exchange's pattern does not."""
    if series is None:
        return frozenset()
    if before and {Times.name, Rule.name, Deleted.name} <= unchanged:
        return frozenset(before.master.deleted)
    ruled = read_rule(asked)
    numbers = [series.number_on(day) for day in ruled.left_out] if ruled else []
    return frozenset(series.at(number) for number in numbers if number) | set(read_deleted(asked, series))


def _with_exceptions(master: _Master, overrides: Mapping[datetime, Component], deleted: frozenset[datetime]) -> _Wanted:
    before, series = master.before, master.shown.series
    files = _read_files(master, overrides)
    contents: dict[datetime, Content] = {}
    kept: dict[str, KeptException] = {}
    # One more that says what the pattern has says nothing
    is_unchanged = master.is_unchanged and before is not None and overrides.keys() >= set(before.overrides)
    for original, event in overrides.items():
        content, own, is_as_before = _read_override(master, event, original)
        is_unchanged = is_unchanged and is_as_before
        contents[original] = content
        if own != KeptException():
            kept[write_utc(original)] = own
    stays = before.exceptions if before else {}
    for original, item in stays.items():
        if original not in contents and original not in deleted and series and series.find(original):
            pattern = make_occurrence(master.shown, original).content
            contents[original] = replace(pattern, name_stamp=item.content.name_stamp, kept=item.content.kept)
            files[original] = WantedFiles(files[None].links)
    exceptions = {
        original: content
        for original, content in sorted(contents.items())
        if original in stays
        or files[original].are_brought
        or content != make_occurrence(master.shown, original).content
    }
    content = master.shown.item.content
    if series and not is_unchanged:
        check_limits(series, content, exceptions, deleted)
    text = before.master.content.kept if before and is_unchanged else _write_kept(master, kept)
    return _Wanted(replace(content, kept=text), exceptions, deleted, files)


def _read_files(master: _Master, overrides: Mapping[datetime, Component]) -> dict[datetime | None, WantedFiles]:
    before = master.before
    known = keys_of([before.master, *before.exceptions.values()]) if before else frozenset()
    files: dict[datetime | None, WantedFiles] = {None: read_files(master.event, known)}
    files.update((original, read_files(event, known)) for original, event in overrides.items())
    return files


def _read_override(master: _Master, event: Component, original: datetime) -> tuple[Content, KeptException, bool]:
    """Give the content of a changed occurrence, what is kept for it, and whether it is as it was shown."""
    before = master.before if master.before and master.before.has(original) else None
    stored = before.exceptions.get(original) if before else None
    context = inside(master.shown)
    if before:
        shown, old = before.override(original)
    else:
        shown, old = replace(master.shown, item=make_occurrence(master.shown, original)), _behind(master)
    asked = Asked(master.obj, context, shown.item, event)
    read = read_values(asked, shown, old)
    content = replace(Content(**read.values), recurrence=None, name_stamp=None, kept=None)
    if stored and Times.name in read.unchanged:
        content = replace(content, start_zone=stored.content.start_zone, end_zone=stored.content.end_zone)
    else:  # an occurrence is in its series' zone
        whole = master.shown.item.content
        content = replace(content, start_zone=whole.start_zone, end_zone=whole.end_zone)
    item = replace(shown.item, content=content, original_start=original)
    own = _own(event, read, replace(master.shown, item=item, context=context), master)
    if stored:
        content = replace(content, name_stamp=stored.content.name_stamp, kept=stored.content.kept)
    return content, own, is_as_shown(event, read.unchanged, old)


def _own(event: Component, read: Read, shown: Shown, master: _Master) -> KeptException:
    more = leftovers(event)
    return KeptException(keep_fields(event, read, shown, _behind(master)), None if more == master.kept.more else more)


def _behind(master: _Master) -> KeptLines:
    return Inherited(master.kept)


def _write_kept(master: _Master, exceptions: Mapping[str, KeptException]) -> str | None:
    kept = replace(master.kept, exceptions=dict(sorted(exceptions.items())))
    groups = [kept.fields, *(one.fields for one in exceptions.values())]
    lines = [line for group in groups for one in group.values() for line in one.lines]
    lines += [*kept.more, *(line for one in exceptions.values() for line in one.more or ())]
    content, series = master.shown.item.content, master.shown.series
    index = IndexRecord(
        content.start,
        content.end,
        zone_id=content.start_zone.id,
        recurrence=series.recurrence if series else None,
        zone_definition=content.start_zone.definition,
    )
    timezones = own_timezones(master.obj, lines, span_of(index), zones_of([content]))
    return write_kept(replace(kept, timezones=timezones))


def _mailed(asked: Asked, old: Kept) -> str | None:
    """Say who invites the attendees: the client those that it names, and nobody anew those that Exchange has."""
    before = asked.stored
    if before is not None and before.content.attendees:
        return old.mailed
    return "client" if any(invites(event, asked.context.mailbox) for event in asked.obj.events) else None


# --- to instances without a master -------------------------------------------------------------------


def _to_instances(
    obj: CalendarObject, context: Context, stored: tuple[Item, ...]
) -> tuple[dict[datetime, Content], dict[datetime | None, WantedFiles]]:
    before = _instances(stored, obj.uid)
    around = parse_kept(next(iter(before.values())).content.kept).calendar if before else ()
    found: dict[datetime, Content] = {}
    files: dict[datetime | None, WantedFiles] = {}
    for event in obj.overrides:
        asked = Asked(obj, context, override=event)
        original = read_original(asked)
        if original in found:
            raise InvalidCalendarObject(f"The event of line {event.number} is the same instance a second time.")
        item = before.get(original)
        content = _to_instance(replace(asked, stored=item), original, is_around_unchanged=same(obj.more, around))
        uid = next((one.content.uid for one in stored if instance_start(one) == original), obj.uid)
        found[original] = replace(content, uid=uid)
        files[original] = read_files(event, keys_of(stored))
    return found, files


def _to_instance(asked: Asked, original: datetime, *, is_around_unchanged: bool) -> Content:
    before = asked.stored
    old = parse_kept(before.content.kept) if before else Kept()
    shown_before = make_shown(before, asked.context, old) if before else None
    read = read_values(asked, shown_before, old)
    content = replace(Content(**read.values), kept=None)
    item = replace(before or Item(_NO_ITEM, content), content=content, original_start=original)
    shown = make_shown(item, asked.context, old, asked.event.get("DTSTART"))
    kept = keep_fields(asked.event, read, shown, Kept())
    more = leftovers(asked.event)
    if before and is_around_unchanged and is_as_shown(asked.event, read.unchanged, old):
        return replace(content, kept=before.content.kept)
    lines = [*(line for one in kept.values() for line in one.lines), *more]
    timezones = own_timezones(asked.obj, lines, (min(content.start, original), content.end.year), zones_of([content]))
    whole = Kept(kept, more, asked.obj.more, timezones, _mailed(asked, old), original=write_utc(original))
    return replace(content, kept=write_kept(whole))
