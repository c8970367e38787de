"""Components (RFC 5545 3.4, 3.6): the tree of BEGIN and END."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.errors import InvalidCalendarData
from bridge.mapping.lines import Line, parse_line, unfold

_NAME = re.compile(r"[A-Z0-9-]+", re.ASCII)
_MARKS = frozenset({"BEGIN", "END"})
_DEEPEST = 8
"""VCALENDAR, VEVENT, VALARM and a VLOCATION in it are four; anything near eight is not a calendar."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component: its properties and its sub-components, each in the author's order."""

    name: str
    lines: tuple[Line, ...]
    children: tuple["Component", ...]
    number: int

    def all(self, name: str) -> tuple[Line, ...]:
        """Give every property of this name."""
        return tuple(line for line in self.lines if line.name == name)

    def get(self, name: str) -> Line | None:
        """Give the first property of this name, None when it is absent."""
        return next((line for line in self.lines if line.name == name), None)

    def raw(self) -> Iterator[str]:
        """Give the unfolded lines from BEGIN to END."""
        yield f"BEGIN:{self.name}"
        for line in self.lines:
            yield line.raw
        for child in self.children:
            yield from child.raw()
        yield f"END:{self.name}"


class _Open:
    """A component whose END has not come yet."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.lines: list[Line] = []
        self.children: list[Component] = []


def read_components(body: bytes) -> tuple[Component, ...]:
    """Read the outermost components of a body. Raises InvalidCalendarData naming the line that is wrong."""
    return build_components(unfold(body))


def build_components(lines: Iterable[tuple[int, str]]) -> tuple[Component, ...]:
    """Read the outermost components of unfolded lines with their numbers. Raises InvalidCalendarData."""
    done: list[Component] = []
    stack: list[_Open] = []
    for number, raw in lines:
        mark, _, name = raw.partition(":")
        if mark not in _MARKS:
            line = parse_line(raw, number)
            mark, name = line.name, line.value
        if mark == "BEGIN":
            stack.append(_begin(name.strip().upper(), number, len(stack)))
        elif not stack:
            raise InvalidCalendarData(f"Line {number} stands outside of BEGIN:VCALENDAR and END:VCALENDAR.")
        elif mark == "END":
            ended = _end(stack.pop(), name.strip().upper(), number)
            (stack[-1].children if stack else done).append(ended)
        else:
            stack[-1].lines.append(line)
    if stack:
        raise InvalidCalendarData(f"The {stack[-1].name} begun in line {stack[-1].number} does not end.")
    return tuple(done)


def _begin(name: str, number: int, depth: int) -> _Open:
    if not _NAME.fullmatch(name):
        raise InvalidCalendarData(f"Line {number} begins a component without a name.")
    if depth == _DEEPEST:
        raise InvalidCalendarData(f"Line {number} begins a component too deep inside others.")
    return _Open(name, number)


def _end(begun: _Open, name: str, number: int) -> Component:
    if begun.name != name:
        raise InvalidCalendarData(f"Line {number} ends another component than the {begun.name} of line {begun.number}.")
    return Component(begun.name, tuple(begun.lines), tuple(begun.children), begun.number)
