"""A resource both ways: a single event, a series with its exceptions, or instances that came without their master."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from bridge.item import Attribute, Content, Item, Uid
from bridge.mapping.attachments import WantedFiles
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.context import Context
from bridge.mapping.document import Rendering, span_of, write_document, zones_of
from bridge.mapping.instances import read_instances, show_instances
from bridge.mapping.personal import Key, Personal, find_start, show
from bridge.mapping.resource import (
    instance_start,
    make_resource,
)
from bridge.mapping.table import event_lines
from bridge.mapping.wanted import read_event


@dataclass(frozen=True, slots=True)
class WantedSeries:
    """What a client's PUT asks for.

    ``master`` is a single event or the master of a series, None for instances without one, which stand in
    ``instances``. ``exceptions`` has the full content of each occurrence that shall differ from the pattern, and of
    each that is an exception at Exchange already and stays an occurrence; ``deleted`` what shall not be there. All by
    original start (UTC), as Exchange tells it where it does. ``name_stamp`` is None in all of them, but for exceptions
    that are there, which keep theirs as they keep ``kept``. ``files`` has what shall become of the files of each event,
    by original start, None for the master.
    """

    uid: Uid
    master: Content | None
    exceptions: Mapping[datetime, Content] = field(default_factory=dict)
    deleted: frozenset[datetime] = frozenset()
    instances: Mapping[datetime, Content] = field(default_factory=dict)
    files: Mapping[datetime | None, WantedFiles] = field(default_factory=dict)


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
        return show_instances(items, context, uid, personal)
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


# --- to the items ------------------------------------------------------------------------------------


def changed(old: Content, new: Content) -> frozenset[Attribute]:
    """Give the attributes in which two contents differ: what an update must write."""
    return frozenset(Attribute(one.name) for one in fields(Content) if getattr(old, one.name) != getattr(new, one.name))


def to_items(obj: CalendarObject, context: Context, stored: tuple[Item, ...]) -> WantedSeries:
    """Give what a client asks for; ``stored`` are the items that are being replaced, none for a new resource.

    They are a single event, or a master and then its exceptions, or instances. Where the client says what he was
    shown, all stays as it is. Raises Refused kinds, NotExpressible among them.
    """
    are_instances = bool(stored) and instance_start(stored[0]) is not None
    if obj.master is None:
        instances, files = read_instances(obj, context, stored if are_instances else ())
        return WantedSeries(obj.uid, None, instances=instances, files=files)
    before = make_resource(stored, context, obj.uid) if stored and not are_instances else None
    wanted = read_event(obj, obj.master, context, before)
    uid = stored[0].content.uid if before else obj.uid
    told = before.told if before else {}
    return WantedSeries(
        obj.uid,
        replace(wanted.content, uid=uid),
        {told.get(start, start): replace(content, uid=uid) for start, content in wanted.exceptions.items()},
        frozenset(told.get(start, start) for start in wanted.deleted),
        files={start and told.get(start, start): one for start, one in wanted.files.items()},
    )
