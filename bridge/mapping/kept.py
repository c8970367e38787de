"""What Exchange has no place for, kept beside the item as one JSON text and given back whole.

Two kinds of lines are kept: those that no field owns, and a field's own lines where its rendering of the item would not
say what the client wrote. The latter come with a *guard*, a hash of the facts the field stands on: they are given back
while Exchange's facts are what they were. When somebody has changed the event elsewhere, the field shows that instead.
Anything unreadable is taken for nothing kept: the text may come with a copied item, or from a newer version.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
class Kept:
    """All that is kept for an event, as unfolded lines.

    ``fields`` by the field's name; ``more`` what no field owns; ``calendar`` what stands around the event;
    ``timezones`` by TZID; ``mailed`` who invites the attendees: ``client``, or None when there are none to invite.
    """

    fields: Mapping[str, Guarded] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    timezones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mailed: str | None = None

    def lines_for(self, name: str, guard: str) -> tuple[str, ...] | None:
        """Give a field's kept lines while they are good, else None."""
        guarded = self.fields.get(name)
        return guarded.lines if guarded and guarded.guard == guard else None


def make_guard(facts: Sequence[object]) -> str:
    """Give the guard of a field's facts."""
    return hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:12]


def write_kept(kept: Kept) -> str | None:
    """Give the text of a `Kept`, None for an empty one. Raises NotExpressible when it is larger than ``LIMIT``."""
    if kept == Kept():
        return None
    value: dict[str, Any] = {"v": _VERSION}
    if kept.fields:
        value["fields"] = {name: [one.guard, *one.lines] for name, one in kept.fields.items()}
    if kept.more:
        value["more"] = kept.more
    if kept.calendar:
        value["calendar"] = kept.calendar
    if kept.timezones:
        value["timezones"] = kept.timezones
    if kept.mailed:
        value["mailed"] = kept.mailed
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
        fields = {name: Guarded(one[0], _lines(one[1:])) for name, one in value.get("fields", {}).items()}
        timezones = {name: _lines(one) for name, one in value.get("timezones", {}).items()}
        more, calendar = _lines(value.get("more", ())), _lines(value.get("calendar", ()))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return Kept()
    mailed = value.get("mailed")
    return Kept(fields, more, calendar, timezones, mailed if isinstance(mailed, str) else None)


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
    block = max((block for group in groups for block in blocks(group)), key=lambda block: sum(map(len, block)))
    first = block[0].removeprefix("BEGIN:")
    return first.split(":", 1)[0].split(";", 1)[0].upper()
