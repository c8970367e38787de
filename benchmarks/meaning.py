"""What a calendar object says, read by code of its own, and in what two of them differ.

Shares no code with the bridge or a library, so that one mistake cannot cancel another. Reads as RFC 5545 3.1 and
RFC 6868 say, and besides what is seen in the field: bare LF, blank lines, a byte order mark, empty parameters.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LISTS = frozenset({"CATEGORIES", "RESOURCES"})
_TEXTS = frozenset(
    {"SUMMARY", "LOCATION", "DESCRIPTION", "COMMENT", "CONTACT", "NAME", "UID", "RELATED-TO", "STYLED-DESCRIPTION"}
)
_WORDS = frozenset({"CLASS", "TRANSP", "STATUS", "ACTION"})
_MOMENTS = frozenset({"EXDATE", "RDATE"})
_ADDRESSES = frozenset({"ATTENDEE", "ORGANIZER", "CALENDAR-ADDRESS"})
_WORD_PARAMETERS = frozenset(
    {"VALUE", "RELATED", "ROLE", "PARTSTAT", "CUTYPE", "RSVP", "ENCODING", "FBTYPE", "RELTYPE", "RANGE"}
)
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True)
class Property:
    """A property: ``value`` as it stands; parameters by name, their values decoded."""

    name: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    value: str

    def parameter(self, name: str) -> str | None:
        """Give the first value of a parameter."""
        return next((values[0] for key, values in self.parameters if key == name), None)

    def meaning(self) -> tuple[object, ...]:
        """Give what it says, in a form that is equal for two that say the same."""
        return self.name, frozenset(_parameter_meaning(*one) for one in self.parameters), self._value()

    def _value(self) -> object:  # noqa: PLR0911 - a form for each type
        value, kind = self.value, (self.parameter("VALUE") or "").upper()
        if self.name in _LISTS:
            return tuple(unescaped(part) for part in split(value, ","))
        if self.name in _WORDS:
            return value.strip().upper()
        if self.name in _ADDRESSES:
            return value.strip().casefold()
        if self.name in _MOMENTS:
            return frozenset(part.strip() for part in value.split(","))
        if self.name == "RRULE":
            return frozenset(part.strip().upper() for part in value.split(";"))
        if self.name == "DURATION" or kind == "DURATION" or (self.name == "TRIGGER" and not kind):
            return _duration(value)
        return unescaped(value) if self.name in _TEXTS and kind in {"", "TEXT"} else value


@dataclass(frozen=True)
class Component:
    """A component with its properties and what stands in it, in the author's order."""

    name: str
    properties: tuple[Property, ...]
    children: tuple["Component", ...]

    def all(self, name: str) -> list[Property]:
        """Give the properties of a name."""
        return [one for one in self.properties if one.name == name]

    def first(self, name: str) -> Property | None:
        """Give the first property of a name."""
        return next(iter(self.all(name)), None)

    def parts(self, name: str) -> list["Component"]:
        """Give the sub-components of a name."""
        return [one for one in self.children if one.name == name]

    def meaning(self) -> tuple[object, ...]:
        """Give what it says, whatever the order."""
        return self.name, frozenset(self.said().items())

    def said(self) -> Counter[tuple[object, ...]]:
        """Give the meanings of what stands in it."""
        said = Counter(one.meaning() for one in self.properties)
        said.update(one.meaning() for one in self.children)
        return said


def read(body: bytes) -> Component:
    """Read a calendar object. Raises ValueError for what is none."""
    root = _Open("")
    stack = [root]
    for line in unfolded(body):
        found = read_property(line)
        if found.name == "BEGIN":
            stack.append(_Open(found.value.strip().upper()))
        elif found.name == "END":
            ended = stack.pop()
            if not stack or ended.name != found.value.strip().upper():
                raise ValueError(f"END of what is not open: {line}")
            stack[-1].children.append(Component(ended.name, tuple(ended.properties), tuple(ended.children)))
        else:
            stack[-1].properties.append(found)
    if len(stack) != 1 or len(root.children) != 1 or root.properties:
        raise ValueError("not one component")
    return root.children[0]


class _Open:
    def __init__(self, name: str) -> None:
        self.name = name
        self.properties: list[Property] = []
        self.children: list[Component] = []


def unfolded(body: bytes) -> Iterator[str]:
    """Give the content lines."""
    joined = re.sub(rb"(\r\n|\n|\r)[ \t]", b"", body.removeprefix(b"\xef\xbb\xbf"))
    for line in re.split(rb"\r\n|\n|\r", joined):
        if line.strip():
            yield line.decode()


def read_property(line: str) -> Property:
    """Read one content line, character by character. Raises ValueError for what is none."""
    pieces = split(line, ":", most=2, quotes=True)
    if len(pieces) < 2:
        raise ValueError(f"no colon: {line}")
    name, *parameters = split(pieces[0], ";", quotes=True)
    pairs = [one.partition("=")[::2] for one in parameters if one]
    decoded = tuple((key.upper(), tuple(_decoded(one) for one in split(text, ",", quotes=True))) for key, text in pairs)
    return Property(name.upper(), decoded, pieces[1])


def split(text: str, mark: str, *, most: int = 0, quotes: bool = False) -> list[str]:
    """Split at a mark that is not escaped by a backslash, or with ``quotes`` not inside of quotes."""
    parts, is_quoted, skips = [""], False, False
    for place, character in enumerate(text):
        if not quotes and character == "\\" and not skips:
            skips = True
            parts[-1] += character
            continue
        is_quoted ^= quotes and character == '"'
        if character == mark and not is_quoted and not skips:
            if len(parts) + 1 == most:
                return [*parts, text[place + 1 :]]
            parts.append("")
        else:
            parts[-1] += character
        skips = False
    return parts


def unescaped(value: str) -> str:
    """Read TEXT."""
    return re.sub(r"\\([\\;,nN])", lambda one: "\n" if one[1] in "nN" else one[1], value)


def _decoded(value: str) -> str:
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return re.sub(r"\^[n^']", lambda one: {"n": "\n", "^": "^", "'": '"'}[one[0][1]], bare)


def _parameter_meaning(name: str, values: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return name, tuple(one.upper() for one in values) if name in _WORD_PARAMETERS else values


def _duration(value: str) -> object:
    found = _DURATION.fullmatch(value.strip().upper())
    if not found:
        return value
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    return sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds)


# --- comparison --------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Difference:
    """``how`` is ``lost``, ``gained`` or ``changed``; ``name`` is a property's or a component's."""

    how: str
    name: str

    def __str__(self) -> str:
        """Say it."""
        return f"{self.how} {self.name}"


def compare(sent: Component, served: Component) -> list[Difference]:
    """Give in what a served calendar object differs from what was sent, each event with its counterpart."""
    before, after = events(sent), events(served)
    found = [Difference("lost", f"VEVENT {key}") for key in before if key not in after]
    found += [Difference("gained", f"VEVENT {key}") for key in after if key not in before]
    for key in before.keys() & after.keys():
        found += compare_components(before[key], after[key])
    around = (Component("VCALENDAR", one.properties, _without(one, "VEVENT", "VTIMEZONE")) for one in (sent, served))
    return [*found, *compare_components(*around), *_zones(sent, served)]


def compare_components(before: Component, after: Component) -> list[Difference]:
    """Compare the properties and sub-components of two, in whatever order."""
    lost, gained = before.said() - after.said(), after.said() - before.said()
    names_lost, names_gained = (Counter(str(one[0]) for one in each.elements()) for each in (lost, gained))
    changed = names_lost & names_gained
    counted = {"changed": changed, "lost": names_lost - changed, "gained": names_gained - changed}
    return [Difference(how, name) for how, names in counted.items() for name in names.elements()]


def events(calendar: Component) -> Mapping[str, Component]:
    """Give the events by the value of their RECURRENCE-ID, the master by an empty one."""
    found: dict[str, Component] = {}
    for event in calendar.parts("VEVENT"):
        line = event.first("RECURRENCE-ID")
        key = f"{line.parameter('TZID') or ''}:{line.value.strip()}" if line else ""
        if key in found:
            raise ValueError(f"two events of {key or 'no RECURRENCE-ID'}")
        found[key] = event
    return found


def tzids(component: Component) -> set[str]:
    """Give every TZID that a parameter names."""
    own = {one.parameter("TZID") for one in component.properties} - {None}
    return {str(one).strip() for one in own}.union(*map(tzids, component.children))


def _without(component: Component, *names: str) -> tuple[Component, ...]:
    return tuple(one for one in component.children if one.name not in names)


def _zones(sent: Component, served: Component) -> list[Difference]:
    """Hold that every zone that is named is there, once, as RFC 5545 3.2.19 demands, where the sender had it so."""
    there = Counter(line.value.strip() for zone in served.parts("VTIMEZONE") for line in zone.all("TZID"))
    had = {line.value.strip() for zone in sent.parts("VTIMEZONE") for line in zone.all("TZID")}
    named = {tzid for event in served.parts("VEVENT") for tzid in tzids(event)}
    missing = [Difference("lost", "VTIMEZONE") for tzid in named & had if not there[tzid]]
    return missing + [Difference("gained", "VTIMEZONE") for number in there.values() if number > 1]
