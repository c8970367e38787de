"""What is personal to the viewer of another's calendar: his alarms, and what he has dismissed and snoozed.

An item at Exchange has one reminder, and it rings at the owner. On a calendar that is another's these lines are
therefore neither written to the item nor taken from it: each viewer has his own, kept elsewhere as one JSON text. A PUT
is read as if it said the owner's in their place (`with_owners`), and what is shown says the viewer's (`show`).
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bridge.errors import NotExpressible
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked
from bridge.mapping.lines import blocks, same
from bridge.mapping.moment import read_moment
from bridge.mapping.values import parse_date, parse_date_time, write_date, write_utc
from bridge.occurrences import Series

LIMIT = 64 * 1024
"""Bytes of the JSON text."""
_VERSION = 1

_ALARM = "VALARM"
_NAMES = frozenset(
    {
        "X-MOZ-LASTACK",
        "X-MOZ-SNOOZE-TIME",
        "X-MOZ-GENERATION",
        "ACKNOWLEDGED",
        "X-APPLE-DEFAULT-ALARM",
        "X-APPLE-LOCAL-DEFAULT-ALARM",
        "X-WR-ALARMUID",
        "X-EVOLUTION-ALARM-UID",
    }
)
"""Properties of the event itself. Evolution, KOrganizer, DAVx5 and Apple write the like into the alarm (RFC 9074 6)."""
_SNOOZED = "X-MOZ-SNOOZE-TIME-"
"""Thunderbird's for one occurrence, whose time follows."""
STAMPS = frozenset({"DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE"})
"""What an app writes anew with whatever it changes."""

Key = str
"""Which occurrence is meant: its original start, a date or a UTC time as RFC 5545 writes them; empty for the whole."""


@dataclass(frozen=True, slots=True)
class Personal:
    """Unfolded lines: ``whole`` of the event or series, ``parts`` of single occurrences.

    An occurrence that is not among the parts has the alarms of the whole. What was acknowledged of the whole it has
    not: a client that finds it there takes it for the occurrence's own, and goes by it when it is long outdated.
    """

    whole: tuple[str, ...] = ()
    parts: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The alarms of the whole."""
        return tuple(line for block in blocks(self.whole) if _name(block[0]) == _ALARM for line in block)

    def parts_of(self, series: Series | None) -> dict[datetime, tuple[str, ...]]:
        """Give the parts by the original starts that the series has now."""
        found = ((find_start(series, key), lines) for key, lines in self.parts.items())
        return {start: lines for start, lines in found if start is not None}

    def part(self, original: datetime, event: Iterable[str]) -> tuple[str, ...]:
        """Give the lines of an instance that has no master; ``event`` is how it is shown."""
        written = next((line.rpartition(":")[2] for line in event if _name(line) == "RECURRENCE-ID"), "")
        return next((self.parts[key] for key in (write_utc(original), written) if key in self.parts), self.alarms)


def find_start(series: Series | None, key: Key) -> datetime | None:
    """Give the original start that is meant, None where there is none; the day decides where the series was moved."""
    if series is None:
        return None
    if "T" in key:
        moment = parse_date_time(key)[0].replace(tzinfo=UTC)
        number = series.number_on(moment.astimezone(series.zone).date()) or series.find(moment)
    else:
        number = series.number_on(parse_date(key))
    return None if number is None else series.at(number)


# --- what a client says ------------------------------------------------------------------------------


def keys_of(obj: CalendarObject, context: Context) -> tuple[Key, ...]:
    """Tell which occurrences a client has an event of their own for. Raises InvalidCalendarData."""
    return tuple(_key(event, obj, context) for event in obj.overrides)


def take_personal(obj: CalendarObject, context: Context) -> Personal:
    """Give what is personal of what a client says. Raises InvalidCalendarData."""
    whole = _personal(obj.master) if obj.master else ()
    inherited = Personal(whole).alarms
    parts = ((_key(event, obj, context), _personal(event)) for event in obj.overrides)
    return Personal(whole, {key: lines for key, lines in parts if not same(lines, inherited)})


def with_owners(obj: CalendarObject, context: Context, owners: CalendarObject | None) -> CalendarObject:
    """Give what a client says, with what is the owner's in place of all that is personal.

    ``owners`` is how the owner is shown the same, each of the client's occurrences there too; None for what is new.
    Raises InvalidCalendarData.
    """
    return _swap(obj, context, owners, _is_personal)


def with_stamps(obj: CalendarObject, context: Context, owners: CalendarObject) -> CalendarObject:
    """Give what a client says with the stamps that the owner is shown: who changes nothing else changes nothing.

    Raises InvalidCalendarData.
    """
    return _swap(obj, context, owners, STAMPS.__contains__)


def _swap(
    obj: CalendarObject, context: Context, owners: CalendarObject | None, is_meant: Callable[[str], bool]
) -> CalendarObject:
    theirs = {_key(event, owners, context): event for event in owners.events} if owners else {}

    def swapped(event: Component) -> Component:
        source = theirs.get(_key(event, obj, context)) or theirs.get("")
        taken = [*(line.number for line in event.lines), *(child.number for child in event.children)]
        numbers = itertools.count(min(0, *taken) - 1, -1)  # of no line of the client's, and each its own
        lines = [line for line in event.lines if not is_meant(line.name)]
        children = [child for child in event.children if not is_meant(child.name)]
        if source is not None:
            lines += [replace(line, number=next(numbers)) for line in source.lines if is_meant(line.name)]
            children += [replace(child, number=next(numbers)) for child in source.children if is_meant(child.name)]
        return replace(event, lines=tuple(lines), children=tuple(children))

    master = swapped(obj.master) if obj.master else None
    return replace(obj, master=master, overrides=tuple(map(swapped, obj.overrides)))


def _key(event: Component, obj: CalendarObject, context: Context) -> Key:
    line = event.get("RECURRENCE-ID")
    if line is None:
        return ""
    moment = read_moment(line, Asked(obj, context, override=event))
    return write_date(moment.local) if moment.is_date else write_utc(moment.instant)


def _personal(event: Component) -> tuple[str, ...]:
    lines = [line.raw for line in event.lines if _is_personal(line.name)]
    alarms = (child.raw() for child in event.children if _is_personal(child.name))
    return (*lines, *itertools.chain.from_iterable(alarms))


# --- what a client is shown --------------------------------------------------------------------------


def show(event: Sequence[str], personal: Sequence[str]) -> list[str]:
    """Give an event's unfolded lines, from BEGIN to END, with these in place of all that is personal."""
    begin, *inside, end = event
    lines = [line for block in blocks(inside) if not _is_personal(_name(block[0])) for line in block]
    at = next((number for number, line in enumerate(lines) if line.startswith("BEGIN:")), len(lines))
    own = list(blocks(personal))
    properties = [line for block in own if len(block) == 1 for line in block]
    alarms = [line for block in own if len(block) > 1 for line in block]
    return [begin, *lines[:at], *properties, *lines[at:], *alarms, end]


def _is_personal(name: str) -> bool:
    return name == _ALARM or name in _NAMES or name.startswith(_SNOOZED)


def _name(line: str) -> str:
    name, _, value = line.partition(":")
    return value.upper() if name == "BEGIN" else name.split(";", 1)[0].upper()


# --- as it is kept -----------------------------------------------------------------------------------


def write_personal(personal: Personal) -> str | None:
    """Give the text of it, None where there is nothing. Raises NotExpressible when it is larger than ``LIMIT``."""
    if not personal.whole and not personal.parts:
        return None
    text = json.dumps(
        {"v": _VERSION, "whole": personal.whole, "parts": dict(sorted(personal.parts.items()))},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    if (size := len(text.encode())) > LIMIT:
        raise NotExpressible(f"The alarms of this event take {size} bytes; on another's calendar {LIMIT} are kept.")
    return text


def parse_personal(text: str | None) -> Personal:
    """Read such a text; there is nothing in what is none of this version."""
    value = json.loads(text) if text else {}
    if value.get("v") != _VERSION:
        return Personal()
    return Personal(tuple(value["whole"]), {key: tuple(lines) for key, lines in value["parts"].items()})
