"""The filter of a calendar-query (RFC 4791 9.7), as nouns that decide.

What the listing tells (component, time, UID) is decided from it; only for the rest is a resource's text read, and
parsed only where its bytes do not rule it out. `bridge.dav.filter_grammar` reads filters.
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.dav.collations import Collation, fold_unicode
from bridge.dav.subject import Subject, lines_of
from bridge.dav.time_range import TimeRange
from bridge.mapping.component import Component
from bridge.mapping.lines import Line
from bridge.model import Name
from bridge.resource import Listed

InRange = Mapping[TimeRange, Container[Name]]
"""For each time range of a filter's events the names of the resources that take place in it."""

_MAY_BE_ESCAPED = re.compile(r"[\\;,:\"^\r\n\t]")


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text-match (RFC 4791 9.7.5): a part of the text, compared under a collation."""

    part: str
    collation: Collation
    is_negated: bool = False

    def holds(self, text: str) -> bool:
        """Say whether the text matches."""
        return (self.collation(self.part) in self.collation(text)) != self.is_negated

    def clue(self) -> "Clue | None":
        """Give what must stand in a resource's bytes where this holds; None where nothing need stand there."""
        if self.is_negated:
            return None
        # Under i;unicode-casemap two texts that are not ASCII may be equal without sharing a byte.
        ascii_only = self.collation is fold_unicode
        pieces = _MAY_BE_ESCAPED.split(self.collation(self.part))
        longest = max((piece for piece in pieces if piece.isascii() or not ascii_only), key=len, default="")
        return Clue(longest.encode().lower(), ascii_only) if longest else None


@dataclass(frozen=True, slots=True)
class Clue:
    """Bytes without which a filter cannot hold, in lower case; with ``ascii_only`` that is so of ASCII texts alone."""

    needle: bytes
    ascii_only: bool = False

    def is_in(self, lowered: bytes) -> bool:
        """Say whether the filter may hold for a resource, of its unfolded bytes in lower case."""
        return self.needle in lowered or (self.ascii_only and not lowered.isascii())


@dataclass(frozen=True, slots=True)
class ParameterFilter:
    """A param-filter (RFC 4791 9.7.3)."""

    name: str
    is_absent: bool = False
    match: TextMatch | None = None

    def holds(self, line: Line) -> bool:
        """Say whether a property passes: of several values one suffices."""
        values = [value for key, each in line.parameters if key == self.name for value in each]
        if self.is_absent or not values:
            return self.is_absent and not values
        return self.match is None or any(self.match.holds(value) for value in values)


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A prop-filter (RFC 4791 9.7.2). One property must pass all of it."""

    name: str
    is_absent: bool = False
    time_range: TimeRange | None = None
    match: TextMatch | None = None
    parameters: tuple[ParameterFilter, ...] = ()

    @property
    def is_of_uid(self) -> bool:
        """Whether the UID of the listing decides it."""
        return self.name == "UID" and self.time_range is None and not self.parameters

    def holds_uid(self, uid: str) -> bool:
        """Decide it by the UID, which every event has."""
        return not self.is_absent and (self.match is None or self.match.holds(uid))

    def holds(self, component: Component, subject: Subject) -> bool:
        """Say whether a component passes."""
        lines = component.all(self.name)
        if self.is_absent or not lines:
            return self.is_absent and not lines
        return any(self._holds(line, subject) for line in lines)

    def _holds(self, line: Line, subject: Subject) -> bool:
        if self.match is not None and not self.match.holds(line.text):
            return False
        if self.time_range is not None:
            instant = subject.instant(line)
            if instant is None or not self.time_range.holds(instant):
                return False
        return all(each.holds(line) for each in self.parameters)

    def clues(self) -> Iterator[Clue]:
        """Give what must stand in a resource's bytes where this holds."""
        if self.is_absent:
            return
        yield Clue(f"\n{self.name.lower()}".encode())
        matches = (self.match, *(each.match for each in self.parameters if not each.is_absent))
        yield from (clue for match in matches if match is not None and (clue := match.clue()) is not None)


@dataclass(frozen=True, slots=True)
class ComponentFilter:
    """A comp-filter (RFC 4791 9.7.1). One component must pass all of it: its time, its properties, what is in it."""

    name: str
    is_absent: bool = False
    time_range: TimeRange | None = None
    properties: tuple[PropertyFilter, ...] = ()
    components: tuple["ComponentFilter", ...] = ()

    def decide(self, listed: Listed, in_range: InRange) -> bool | None:
        """Say whether a resource passes, as far as the listing tells; None where the text must be read."""
        if self.name == "VTIMEZONE":
            return None
        if listed.index.component != self.name or self.is_absent:
            return self.is_absent and listed.index.component != self.name
        if self.time_range is not None and listed.name not in in_range[self.time_range]:
            return False
        if not all(each.holds_uid(listed.uid) for each in self.properties if each.is_of_uid):
            return False
        return True if not self.components and all(each.is_of_uid for each in self.properties) else None

    def holds(self, parent: Component, subject: Subject, within: TimeRange | None = None) -> bool:
        """Say whether a component's children pass; ``within`` is the time range of the component itself."""
        found = [child for child in parent.children if child.name == self.name]
        if self.is_absent:
            return not found
        return any(self._holds(child, parent, subject, within) for child in found)

    def _holds(self, component: Component, parent: Component, subject: Subject, within: TimeRange | None) -> bool:
        if not all(each.holds(component, subject) for each in self.properties):
            return False
        if self.time_range is None:
            is_in_time = True
        elif self.name == "VALARM":
            is_in_time = subject.rings(parent, component, self.time_range, within)
        else:
            is_in_time = subject.takes_place(component, self.time_range)
        return is_in_time and all(each.holds(component, subject, self.time_range) for each in self.components)

    def clues(self) -> Iterator[Clue]:
        """Give what must stand in a resource's bytes where this holds."""
        if not self.is_absent:
            yield Clue(f"\nbegin:{self.name.lower()}".encode())
            for wanted in self.properties:
                yield from wanted.clues()
            for inside in self.components:
                yield from inside.clues()

    def names(self) -> Iterator[str]:
        """Give the names of the properties that it looks at."""
        yield from (wanted.name for wanted in self.properties)
        for inside in self.components:
            yield from inside.names()


@dataclass(frozen=True, slots=True)
class Filter:
    """A whole filter: of the VCALENDAR every part must hold."""

    parts: tuple[ComponentFilter, ...]
    properties: tuple[PropertyFilter, ...] = ()
    lines: re.Pattern[bytes] = field(init=False, repr=False, compare=False)
    """Finds the lines that it looks at."""
    _clues: tuple[Clue, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Gather once what it looks at, and the clues."""
        names = [*(wanted.name for wanted in self.properties), *(name for part in self.parts for name in part.names())]
        object.__setattr__(self, "lines", lines_of(names))
        found = [clue for wanted in self.properties for clue in wanted.clues()]
        found += [clue for part in self.parts for clue in part.clues()]
        object.__setattr__(self, "_clues", tuple(dict.fromkeys(found)))

    @property
    def ranges(self) -> tuple[TimeRange, ...]:
        """The time ranges of events: what passes takes place in each."""
        return tuple(each.time_range for each in self.parts if each.name == "VEVENT" and each.time_range is not None)

    def uid_sought(self) -> TextMatch | None:
        """Give what a filter looks for in the UID of events, if that is all it looks for; None for other filters."""
        if self.properties or len(self.parts) != 1:
            return None
        only = self.parts[0]
        if only.name != "VEVENT" or only.is_absent or only.time_range or only.components or len(only.properties) != 1:
            return None
        (sought,) = only.properties
        is_it = sought.is_of_uid and not sought.is_absent and sought.match is not None and not sought.match.is_negated
        return sought.match if is_it else None

    def decide(self, listed: Listed, in_range: InRange) -> bool | None:
        """Say whether a resource passes, as far as the listing tells; None where the text must be read."""
        verdicts = [part.decide(listed, in_range) for part in self.parts]
        if False in verdicts:
            return False
        return None if self.properties or None in verdicts else True

    def may_hold(self, text: bytes) -> bool:
        """Say whether an unfolded text may pass: what is sought stands somewhere in it. Costs a tenth of parsing it."""
        lowered = text.lower()
        return all(clue.is_in(lowered) for clue in self._clues)

    def holds(self, subject: Subject) -> bool:
        """Say whether a resource passes, by its text and its time."""
        calendar = subject.calendar
        return all(each.holds(calendar, subject) for each in self.properties) and all(
            part.holds(subject.time_zones if part.name == "VTIMEZONE" else calendar, subject) for part in self.parts
        )
