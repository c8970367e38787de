"""Instances that came without their master: single occurrences of a series that is not in the calendar, both ways."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bridge.errors import InvalidCalendarObject
from bridge.item import Content, Item, Uid
from bridge.mapping.attachments import WantedFiles, keys_of, read_files
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.context import Context
from bridge.mapping.document import Rendering, own_timezones, span_of, write_document, zones_of
from bridge.mapping.field import Asked
from bridge.mapping.kept import Kept, parse_kept, write_kept
from bridge.mapping.lines import same
from bridge.mapping.original import read_original
from bridge.mapping.personal import Personal, show
from bridge.mapping.resource import (
    instance_start,
    instances_index,
    make_shown,
    under,
)
from bridge.mapping.table import event_lines, is_as_shown, keep_fields, leftovers, read_values
from bridge.mapping.values import write_utc
from bridge.mapping.wanted import NO_ITEM, mailed


def show_instances(items: tuple[Item, ...], context: Context, uid: Uid, personal: Personal | None) -> Rendering:
    """Show instances, each an event of its own; see `bridge.mapping.series.to_ical`."""
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


def read_instances(
    obj: CalendarObject, context: Context, stored: tuple[Item, ...]
) -> tuple[dict[datetime, Content], dict[datetime | None, WantedFiles]]:
    """Give what a client asks of each instance by its original start, and of its files. Raises Refused kinds."""
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
        content = _read_instance(replace(asked, stored=item), original, is_around_unchanged=same(obj.more, around))
        uid = next((one.content.uid for one in stored if instance_start(one) == original), obj.uid)
        found[original] = replace(content, uid=uid)
        files[original] = read_files(event, context, keys_of(stored))
    return found, files


def _read_instance(asked: Asked, original: datetime, *, is_around_unchanged: bool) -> Content:
    before = asked.stored
    old = parse_kept(before.content.kept) if before else Kept()
    shown_before = make_shown(before, asked.context, old) if before else None
    read = read_values(asked, shown_before, old)
    content = replace(Content(**read.values), kept=None)
    item = replace(before or Item(NO_ITEM, content), content=content, original_start=original)
    shown = make_shown(item, asked.context, old, asked.event.get("DTSTART"))
    kept = keep_fields(asked.event, read, shown, Kept())
    more = leftovers(asked.event, asked.context)
    if before and is_around_unchanged and is_as_shown(asked.event, asked.context, read.unchanged, old):
        return replace(content, kept=before.content.kept)
    lines = [*(line for one in kept.values() for line in one.lines), *more]
    timezones = own_timezones(asked.obj, lines, (min(content.start, original), content.end.year), zones_of([content]))
    whole = Kept(kept, more, asked.obj.more, timezones, mailed(asked, old), original=write_utc(original))
    return replace(content, kept=write_kept(whole))


def _instances(items: Sequence[Item], uid: Uid) -> dict[datetime, Item]:
    """Give instances by original start, in order."""
    found = {instance_start(item) or item.content.start: under(item, uid) for item in items}
    return {start: replace(item, original_start=start) for start, item in sorted(found.items())}
