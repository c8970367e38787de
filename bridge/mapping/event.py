"""A single event: the table of its fields, and the loops that go through it in both directions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from bridge.mapping.availability import Availability, effective_status
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Shown
from bridge.mapping.kept import Guarded, Kept, make_guard, parse_kept, write_kept
from bridge.mapping.lines import blocks, fold, parse_line, same
from bridge.mapping.people import People, has_people, is_organizer
from bridge.mapping.reminder import Reminder
from bridge.mapping.sensitivity import Classification
from bridge.mapping.stamps import NO_STAMP, Priority, Revision, Stamp
from bridge.mapping.text import Categories, Description, Identifier, OneLine
from bridge.mapping.times import Times, is_place, midnights
from bridge.mapping.vtimezone import write_vtimezone
from bridge.model import Attribute, ChangeKey, Content, IndexRecord, Item, ItemId, ItemRef, Uid
from bridge.zones import resolve_tzid

PRODID = "-//exchange-caldav-bridge//EN"

_CONTENT_FIELDS: tuple[Field, ...] = (
    Identifier(),
    OneLine("SUMMARY", "subject"),
    Times(),
    OneLine("LOCATION", "location", also=frozenset({"GEO", "X-APPLE-STRUCTURED-LOCATION"})),
    Description(),
    Classification(),
    Availability(),
    Categories(),
    Reminder(),
)
FIELDS: tuple[Field, ...] = (
    *_CONTENT_FIELDS,
    People(),
    Priority(),
    Revision(),
    Stamp("DTSTAMP", "modified", _CONTENT_FIELDS, without=NO_STAMP),
    Stamp("CREATED", "created", ()),
    Stamp("LAST-MODIFIED", "modified", _CONTENT_FIELDS),
)
"""All that is mapped; what none of these owns is kept."""

NOT_OWNED: Mapping[Attribute, str] = {
    Attribute("name_stamp"): "the client's name for the resource: whoever writes the item sets it",
    Attribute("kept"): "what no field owns: written from all fields at once",
}
"""The attributes of `Content` that no field owns, and why."""

_OWNED = frozenset(name for one in FIELDS for name in one.ical) - {"VALARM"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client's PUT asks for.

    ``content.name_stamp`` is None; ``content.kept`` is set. ``is_organizer``: the event names no ORGANIZER, or one of
    the mailbox's addresses. ``has_people``: it names an ORGANIZER or ATTENDEEs, which are kept and never sent.
    """

    uid: Uid
    content: Content
    is_organizer: bool
    has_people: bool


@dataclass(frozen=True, slots=True)
class Rendering:
    """The bytes a client is served, and the index record that goes with them."""

    text: bytes = field(repr=False)
    index: IndexRecord


# --- to the item -------------------------------------------------------------------------------------


def to_item(obj: CalendarObject, context: Context, stored: Item | None) -> Wanted:
    """Give what a client asks for; ``stored`` is the item that is being replaced, None for a new one.

    Where the client says of a field just what ``stored`` shows, the field's attributes stay as they are, so that saving
    an event as it was served changes nothing. Raises Refused kinds, NotExpressible among them.
    """
    before = _under(stored, obj.uid) if stored else None
    old = parse_kept(before.content.kept) if before else Kept()
    asked = Asked(obj, context, before)
    values: dict[str, object] = {}
    for one in FIELDS:
        if before and _is_as_shown(one, obj, Shown(before, context), old):
            values |= {name: getattr(before.content, name) for name in one.attributes}
        else:
            values |= one.to_item(asked)
    content = Content(**values)  # type: ignore[arg-type] # the fields own each attribute once, which a test holds
    written = replace(before, content=content) if before else Item(ItemRef(ItemId(""), ChangeKey("")), content)
    kept = _keep(obj, Shown(written, context))
    text = write_kept(kept)
    if before and kept == _good(old, Shown(before, context)):
        text = before.content.kept
    content = replace(content, kept=text, uid=stored.content.uid if stored else obj.uid)
    return Wanted(obj.uid, content, is_organizer(obj.event, context.mailbox), has_people(obj.event))


def changed(old: Content, new: Content) -> frozenset[Attribute]:
    """Give the attributes in which two contents differ: what an update must write."""
    return frozenset(Attribute(one.name) for one in fields(Content) if getattr(old, one.name) != getattr(new, one.name))


def _under(item: Item, uid: Uid) -> Item:
    return item if item.content.uid == uid else replace(item, content=replace(item.content, uid=uid))


def _is_as_shown(one: Field, obj: CalendarObject, before: Shown, old: Kept) -> bool:
    """Whether the client says of a field what he was shown, in zones whose rules are those he was shown, too."""
    lines = _lines_of(one, before, old)
    own_zones = ((obj.timezones.get(tzid), old.timezones.get(tzid)) for tzid in _tzids(lines))
    return same(_taken(one, obj.event), lines) and all(
        now is None or was is None or tuple(now.raw()) == was for now, was in own_zones
    )


def _taken(one: Field, event: Component) -> list[str]:
    return [raw for part in one.take(event) for raw in (part.raw() if isinstance(part, Component) else [part.raw])]


def _keep(obj: CalendarObject, written: Shown) -> Kept:
    """Keep what the item as it is written would not show."""
    kept_fields = {}
    for one in FIELDS:
        lines = _taken(one, obj.event)
        if (lines or not one.is_required) and not same(lines, one.to_ical(written)):
            kept_fields[one.name] = Guarded(make_guard(one.facts(written.item)), tuple(lines))
    more = _leftovers(obj.event)
    people = kept_fields.get(People.name)
    mailed = "client" if people and any(line.upper().startswith("ATTENDEE") for line in people.lines) else None
    lines = [*(line for guarded in kept_fields.values() for line in guarded.lines), *more]
    return Kept(kept_fields, more, obj.more, _own_timezones(obj, lines, written.item.content), mailed)


def _leftovers(event: Component) -> tuple[str, ...]:
    """Give the lines of an event that no field takes, sub-components last."""
    taken = {part.number for one in FIELDS for part in one.take(event)}
    lines = [line.raw for line in event.lines if line.number not in taken]
    for child in event.children:
        if child.number not in taken:
            lines.extend(child.raw())
    return tuple(lines)


def _own_timezones(obj: CalendarObject, lines: Sequence[str], content: Content) -> dict[str, tuple[str, ...]]:
    """Give the client's VTIMEZONEs that these lines need and that we would not write ourselves."""
    needed = {}
    for tzid in _tzids(lines):
        component = obj.timezones.get(tzid)
        if component is None or (resolve_tzid(tzid) == tzid and is_place(tzid)):
            continue
        raw = tuple(component.raw())
        if raw != _written_timezone(tzid, content):
            needed[tzid] = raw
    return needed


def _good(kept: Kept, shown: Shown) -> Kept:
    """Give what of it a client is shown."""
    good = {
        one.name: kept.fields[one.name]
        for one in FIELDS
        if one.name in kept.fields and _lines_kept(one, shown.item, kept) is not None
    }
    used = set(_tzids(line for one in FIELDS for line in _lines_of(one, shown, kept))) | set(_tzids(kept.more))
    timezones = {tzid: lines for tzid, lines in kept.timezones.items() if tzid in used}
    return Kept(good, kept.more, kept.calendar, timezones, kept.mailed if People.name in good else None)


# --- to iCalendar ------------------------------------------------------------------------------------


def to_ical(item: Item, context: Context, uid: Uid | None = None) -> Rendering:
    """Show an item to a client; ``uid`` replaces the item's own. Equal items give equal bytes."""
    shown = Shown(_under(item, uid) if uid else item, context)
    content = shown.item.content
    kept = parse_kept(content.kept)
    lines = [line for one in FIELDS for line in _lines_of(one, shown, kept)]
    lines += (line for block in blocks(kept.more) if _name(block[0]) not in _OWNED for line in block)
    properties, components = _parted(lines)
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", *kept.calendar]
    for tzid in _tzids(properties):
        head += kept.timezones.get(tzid) or _written_timezone(tzid, content)
    text = fold([*head, "BEGIN:VEVENT", *properties, *components, "END:VEVENT", "END:VCALENDAR"])
    return Rendering(text, _index(shown))


def _lines_of(one: Field, shown: Shown, kept: Kept) -> Sequence[str]:
    """Give a field's lines: the client's own while they are good, else what it makes of the item."""
    lines = _lines_kept(one, shown.item, kept)
    return one.to_ical(shown) if lines is None else lines


def _lines_kept(one: Field, item: Item, kept: Kept) -> Sequence[str] | None:
    return kept.lines_for(one.name, make_guard(one.facts(item))) if one.name in kept.fields else None


def _parted(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part properties from sub-components, which come last (RFC 5545 3.6.1)."""
    properties: list[str] = []
    components: list[str] = []
    depth = 0
    for line in lines:
        depth += line.startswith("BEGIN:")
        (components if depth else properties).append(line)
        depth -= line.startswith("END:")
    return properties, components


def _tzids(lines: Iterator[str] | Sequence[str]) -> list[str]:
    found = (parse_line(line).parameter("TZID") for line in lines if "TZID=" in line.upper())
    return list(dict.fromkeys(tzid.strip() for tzid in found if tzid))


def _written_timezone(tzid: str, content: Content) -> tuple[str, ...]:
    name = resolve_tzid(tzid)
    return write_vtimezone(tzid, name, content.start.year, content.end.year) if name else ()


def _name(line: str) -> str:
    return line.split(":", 1)[0].split(";", 1)[0].upper()


def _index(shown: Shown) -> IndexRecord:
    content = shown.item.content
    start, end = midnights(content, shown.context) if content.is_all_day else (content.start, content.end)
    return IndexRecord(start, end, content.is_all_day, effective_status(shown.item), zone_id=content.start_zone.id)
