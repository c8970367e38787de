"""What Exchange has no place for, kept beside the item as one JSON text and given back whole.

Two kinds of lines are kept: those that no field owns, and a field's own lines where its rendering of the item would not
say what the client wrote. The latter come with a *guard*, a hash of the facts the field stands on: they are given back
while Exchange's facts are what they were. When somebody has changed the event elsewhere, the field shows that instead.
An exception's are kept with its master, by RECURRENCE-ID; what none of its own says, the master's says.
Anything unreadable is taken for nothing kept: the text may come with a copied item, or from a newer version.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.errors import NotExpressible
from bridge.mapping.lines import blocks, is_line

LIMIT = 64 * 1024
"""Bytes of the JSON text: what a named property holds without becoming a burden on every read of the item."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Guarded:
    """A field's own lines, and the guard they are good under."""

    guard: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptException:
    """What is kept for one exception; ``more`` is None where it is the master's."""

    fields: Mapping[str, Guarded] = field(default_factory=dict)
    more: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept for an event, as unfolded lines.

    ``fields`` by the field's name; ``more`` what no field owns; ``calendar`` what stands around the event;
    ``timezones`` by TZID; ``mailed`` who invites the attendees: ``client``, or None when there are none to invite;
    ``exceptions`` by original start, written as UTC; ``original`` is such a start, that of an instance which has no
    master.
    """

    fields: Mapping[str, Guarded] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    timezones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mailed: str | None = None
    exceptions: Mapping[str, KeptException] = field(default_factory=dict)
    original: str | None = None

    def holds(self, name: str) -> bool:
        """Whether there are lines of this field, good or not."""
        return name in self.fields

    def lines_for(self, name: str, guard: str) -> tuple[str, ...] | None:
        """Give a field's kept lines while they are good, else None."""
        guarded = self.fields.get(name)
        return guarded.lines if guarded and guarded.guard == guard else None

    def lines(self, name: str) -> tuple[str, ...]:
        """Give a field's kept lines, good or not."""
        guarded = self.fields.get(name)
        return guarded.lines if guarded else ()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What is kept for an exception, the master's lines standing behind its own.

    A meeting moved in Outlook has the attendees that the client named for all of it, and an exception's lines say
    everything anew, since they replace the master's (RFC 5545 3.8.4.4).
    """

    master: Kept
    own: KeptException = KeptException()

    @property
    def more(self) -> tuple[str, ...]:
        """What no field owns."""
        return self.master.more if self.own.more is None else self.own.more

    def holds(self, name: str) -> bool:
        """Whether there are lines of this field, good or not."""
        return name in self.own.fields or self.master.holds(name)

    def lines_for(self, name: str, guard: str) -> tuple[str, ...] | None:
        """Give a field's kept lines while they are good, else None."""
        guarded = self.own.fields.get(name)
        return guarded.lines if guarded and guarded.guard == guard else self.master.lines_for(name, guard)

    def lines(self, name: str) -> tuple[str, ...]:
        """Give a field's kept lines, good or not."""
        guarded = self.own.fields.get(name)
        return guarded.lines if guarded else self.master.lines(name)


KeptLines = Kept | Inherited
"""What is kept for one component."""


def make_guard(facts: Sequence[object]) -> str:
    """Give the guard of a field's facts."""
    return hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:12]


def write_kept(kept: Kept) -> str | None:
    """Give the text of a `Kept`, None for an empty one. Raises NotExpressible when it is larger than ``LIMIT``."""
    if kept == Kept():
        return None
    value: dict[str, Any] = {"v": _VERSION}
    if kept.fields:
        value["fields"] = _write_fields(kept.fields)
    if kept.more:
        value["more"] = kept.more
    if kept.calendar:
        value["calendar"] = kept.calendar
    if kept.timezones:
        value["timezones"] = kept.timezones
    if kept.mailed:
        value["mailed"] = kept.mailed
    if kept.exceptions:
        value["exceptions"] = {start: _write_exception(one) for start, one in kept.exceptions.items()}
    if kept.original:
        value["original"] = kept.original
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if (size := len(text.encode())) > LIMIT:
        raise NotExpressible(
            f"{_largest(kept)} and what else Exchange has no place for take {size} bytes; at most {LIMIT} are kept."
        )
    return text


def parse_kept(text: str | None) -> Kept:
    """Read the text of a `Kept`; an empty one for what is none of ours."""
    if not text:
        return Kept()
    try:
        value = json.loads(text)
        if value["v"] != _VERSION:
            return Kept()
        fields = _parse_fields(value.get("fields", {}))
        timezones = {name: _lines(one) for name, one in value.get("timezones", {}).items()}
        more, calendar = _lines(value.get("more", ())), _lines(value.get("calendar", ()))
        exceptions = {start: _parse_exception(one) for start, one in value.get("exceptions", {}).items()}
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return Kept()
    mailed, original = (one if isinstance(one := value.get(name), str) else None for name in ("mailed", "original"))
    return Kept(fields, more, calendar, timezones, mailed, exceptions, original)


def without(kept: Kept, names: AbstractSet[str]) -> Kept:
    """Give what is kept but for the lines of these fields, of exceptions too."""

    def left(fields: Mapping[str, Guarded]) -> dict[str, Guarded]:
        return {name: guarded for name, guarded in fields.items() if name not in names}

    exceptions = {start: replace(one, fields=left(one.fields)) for start, one in kept.exceptions.items()}
    telling = {start: one for start, one in exceptions.items() if one != KeptException()}
    return replace(kept, fields=left(kept.fields), exceptions=telling)


def _write_fields(fields: Mapping[str, Guarded]) -> dict[str, list[str]]:
    return {name: [one.guard, *one.lines] for name, one in fields.items()}


def _parse_fields(value: Mapping[str, Any]) -> dict[str, Guarded]:
    return {name: Guarded(one[0], _lines(one[1:])) for name, one in value.items()}


def _write_exception(kept: KeptException) -> dict[str, Any]:
    fields: dict[str, Any] = {"fields": _write_fields(kept.fields)} if kept.fields else {}
    return fields if kept.more is None else fields | {"more": kept.more}


def _parse_exception(value: Mapping[str, Any]) -> KeptException:
    more = value.get("more")
    return KeptException(_parse_fields(value.get("fields", {})), None if more is None else _lines(more))


def _lines(value: Sequence[str]) -> tuple[str, ...]:
    """Check that these are lines and whole components, so that they cannot break out of the event."""
    depth = 0
    for line in value:
        if not isinstance(line, str) or not is_line(line):
            raise ValueError
        depth += line.startswith("BEGIN:") - line.startswith("END:")
        if depth < 0:
            raise ValueError
    if depth or isinstance(value, str):
        raise ValueError
    return tuple(value)


def _largest(kept: Kept) -> str:
    """Give the name of the largest property or component."""
    groups = [one.lines for one in kept.fields.values()] + [kept.more, kept.calendar, *kept.timezones.values()]
    for exception in kept.exceptions.values():
        groups += [*(one.lines for one in exception.fields.values()), exception.more or ()]
    block = max((block for group in groups for block in blocks(group)), key=lambda block: sum(map(len, block)))
    first = block[0].removeprefix("BEGIN:")
    return first.split(":", 1)[0].split(";", 1)[0].upper()
