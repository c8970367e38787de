"""A single event, or a series with its changed and deleted occurrences, as a client wants it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import InvalidCalendarObject
from bridge.item import ChangeKey, Content, Item, ItemId, ItemKind, ItemRef
from bridge.mapping.attachments import WantedFiles, keys_of, read_files
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.document import own_timezones, span_of, zones_of
from bridge.mapping.field import Asked, Shown
from bridge.mapping.kept import Inherited, Kept, KeptException, KeptLines, write_kept
from bridge.mapping.limits import check_limits
from bridge.mapping.lines import same
from bridge.mapping.original import Deleted, find_override, read_deleted, read_override
from bridge.mapping.people import invites
from bridge.mapping.recurrence import Rule, make_series, read_rule
from bridge.mapping.resource import (
    Resource,
    inside,
    make_occurrence,
    make_shown,
)
from bridge.mapping.series_zone import settle_zone
from bridge.mapping.table import Read, is_as_shown, keep_fields, leftovers, read_values
from bridge.mapping.times import Times
from bridge.mapping.values import write_utc
from bridge.occurrences import Series
from bridge.resource import IndexRecord

NO_ITEM = ItemRef(ItemId(""), ChangeKey(""))
"""Of what is not at Exchange yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there shall be: the event or master, its exceptions and deletions by original start, the files of each."""

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


def read_event(obj: CalendarObject, event: Component, context: Context, before: Resource | None) -> Wanted:
    """Read a client's event or master, with the overrides that come along; ``before`` is what is being replaced.

    Raises Refused kinds.
    """
    asked = Asked(obj, context, before.master if before else None)
    old = before.kept if before else Kept()
    read = read_values(asked, before.shown if before else None, old)
    content = replace(Content(**read.values), kept=None)
    if before is None or not {Times.name, Rule.name} <= read.unchanged:
        content = settle_zone(content, asked)
    series = make_series(content)
    overrides = _overrides(obj, context, series, before)
    deleted = _deleted(asked, series, before, read.unchanged) - overrides.keys()
    item = replace(before.master, content=content) if before else Item(NO_ITEM, content)
    item = replace(item, kind=ItemKind.MASTER if series else ItemKind.SINGLE, deleted=tuple(sorted(deleted)))
    shown = make_shown(item, context, old, event.get("DTSTART"))
    kept = Kept(keep_fields(event, read, shown, Kept()), leftovers(event, context), obj.more, mailed=mailed(asked, old))
    is_unchanged = (
        before is not None and is_as_shown(event, context, read.unchanged, old) and same(obj.more, old.calendar)
    )
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


def _with_exceptions(master: _Master, overrides: Mapping[datetime, Component], deleted: frozenset[datetime]) -> Wanted:
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
    return Wanted(replace(content, kept=text), exceptions, deleted, files)


def _read_files(master: _Master, overrides: Mapping[datetime, Component]) -> dict[datetime | None, WantedFiles]:
    before = master.before
    known = keys_of([before.master, *before.exceptions.values()]) if before else frozenset()
    files: dict[datetime | None, WantedFiles] = {None: read_files(master.event, master.shown.context, known)}
    files.update((original, read_files(event, master.shown.context, known)) for original, event in overrides.items())
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
    return content, own, is_as_shown(event, context, read.unchanged, old)


def _own(event: Component, read: Read, shown: Shown, master: _Master) -> KeptException:
    more = leftovers(event, shown.context)
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


def mailed(asked: Asked, old: Kept) -> str | None:
    """Say who invites the attendees: the client those that it names, and nobody anew those that Exchange has."""
    before = asked.stored
    if before is not None and before.content.attendees:
        return old.mailed
    return "client" if any(invites(event, asked.context.mailbox) for event in asked.obj.events) else None
