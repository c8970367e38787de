"""The table of fields, and the loops that go through it for one event, in both directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.item import Attribute
from bridge.mapping.attachments import Attachments
from bridge.mapping.availability import Availability
from bridge.mapping.body import Conference, Description
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Shown
from bridge.mapping.kept import Guarded, Kept, KeptLines, make_guard
from bridge.mapping.lines import blocks, parse_line, same
from bridge.mapping.original import Deleted, Original
from bridge.mapping.people import People
from bridge.mapping.recurrence import Rule
from bridge.mapping.reminder import Reminder
from bridge.mapping.sensitivity import Classification
from bridge.mapping.stamps import NO_STAMP, Priority, Revision, Stamp
from bridge.mapping.text import Categories, Identifier, OneLine
from bridge.mapping.times import Times

TIMES = Times()
_CONTENT_FIELDS: tuple[Field, ...] = (
    Identifier(),
    Original(),
    OneLine("SUMMARY", "subject"),
    TIMES,
    Rule(),
    Deleted(),
    OneLine("LOCATION", "location", also=frozenset({"GEO", "X-APPLE-STRUCTURED-LOCATION"})),
    Description(),
    Conference(),
    Classification(),
    Availability(),
    Categories(),
    Reminder(),
    Priority(),
    People(),
)
FIELDS: tuple[Field, ...] = (
    *_CONTENT_FIELDS,
    Attachments(),
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

_OWNED = frozenset(name for one in FIELDS for name in one.ical) - {"VALARM", "ATTACH"}
"""Of these two a part is kept by no field."""


# --- to the item -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """What a client's event asks for: the attributes of the content, the fields left as shown, what each had shown."""

    values: Mapping[str, Any]
    unchanged: frozenset[str]
    shown: Mapping[str, Sequence[str]]


def read_values(asked: Asked, before: Shown | None, old: KeptLines) -> Read:
    """Read a client's event.

    Where the client says of a field just what he was shown of ``before`` under what was kept for it in ``old``, the
    field's attributes stay as they are, so that saving an event as it was served changes nothing.
    """
    values: dict[str, Any] = {}
    unchanged: set[str] = set()
    shown = {one.name: field_lines(one, before, old) if before else () for one in FIELDS}
    for one in FIELDS:
        lines = shown[one.name]
        if before and one.rests_on <= unchanged and _is_as_shown(one, asked, lines, old):
            unchanged.add(one.name)
            values |= {name: getattr(before.item.content, name) for name in one.attributes}
        else:
            values |= one.to_item(replace(asked, lines=lines))
    return Read(values, frozenset(unchanged), shown)


def is_as_shown(event: Component, context: Context, unchanged: frozenset[str], old: KeptLines) -> bool:
    """Whether nothing of an event differs from what was shown, what no field owns included."""
    return len(unchanged) == len(FIELDS) and same(leftovers(event, context), [*more_lines(old)])


def _is_as_shown(one: Field, asked: Asked, lines: Sequence[str], old: KeptLines) -> bool:
    """Whether the client says of a field what he was shown, in zones whose rules are those he was shown, too."""
    timezones = (old if isinstance(old, Kept) else old.master).timezones
    own_zones = ((asked.obj.timezones.get(tzid), timezones.get(tzid)) for tzid in tzids(lines))
    return one.is_same(_taken(one, asked.event, asked.context), lines) and all(
        now is None or was is None or tuple(now.raw()) == was for now, was in own_zones
    )


def _taken(one: Field, event: Component, context: Context) -> list[str]:
    parts = one.take(event, context)
    return [raw for part in parts for raw in (part.raw() if isinstance(part, Component) else [part.raw])]


def keep_fields(event: Component, read: Read, written: Shown, behind: KeptLines) -> dict[str, Guarded]:
    """Keep the lines of fields that the item as it is written would not show, given what is kept ``behind`` it."""
    kept = {}
    for one in FIELDS:
        lines = one.worth_keeping(_taken(one, event, written.context), read.shown[one.name])
        if lines is None:
            continue
        is_shown = same(lines, field_lines(one, written, behind))
        if not is_shown or (lines and not one.shows_surely(written.item)):
            kept[one.name] = Guarded(make_guard(one.facts(written.item)), tuple(lines))
    return kept


def leftovers(event: Component, context: Context) -> tuple[str, ...]:
    """Give the lines of an event that no field takes, sub-components last."""
    taken = {part.number for one in FIELDS for part in one.take(event, context)}
    lines = [line.raw for line in event.lines if line.number not in taken]
    for child in event.children:
        if child.number not in taken:
            lines.extend(child.raw())
    return tuple(lines)


# --- to iCalendar ------------------------------------------------------------------------------------


def event_lines(shown: Shown, kept: KeptLines) -> list[str]:
    """Give the unfolded lines of an event, from BEGIN to END."""
    lines = [line for one in FIELDS for line in field_lines(one, shown, kept)]
    properties, components = _parted([*lines, *more_lines(kept)])
    return ["BEGIN:VEVENT", *properties, *components, "END:VEVENT"]


def more_lines(kept: KeptLines) -> list[str]:
    """Give the kept lines that no field owns (any more)."""
    return [line for block in blocks(kept.more) if _name(block[0]) not in _OWNED for line in block]


def field_lines(one: Field, shown: Shown, kept: KeptLines) -> Sequence[str]:
    """Give a field's lines: the client's own while they are good, else what it makes of the item and of them."""
    if not kept.holds(one.name):
        return one.to_ical(shown)
    lines = kept.lines_for(one.name, make_guard(one.facts(shown.item)))
    return one.merge(shown, kept.lines(one.name)) if lines is None else lines


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


def tzids(lines: Sequence[str]) -> list[str]:
    """Give the TZIDs that unfolded lines name, each once."""
    found = (parse_line(line).parameter("TZID") for line in lines if "TZID=" in line.upper())
    return list(dict.fromkeys(tzid.strip() for tzid in found if tzid))


def _name(line: str) -> str:
    return line.split(":", 1)[0].split(";", 1)[0].upper()
