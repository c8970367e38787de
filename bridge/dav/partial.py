"""Partial retrieval (RFC 4791 9.6.1-9.6.4): the components and properties that C:calendar-data names, line by line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from bridge.dav.refusals import bad_request
from bridge.dav.xml import CALDAV, children

_LOGICAL_LINE = re.compile(rb"[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")
_HEAD = re.compile(rb'(?P<name>[\w-]+)(?:"[^"]*"|[^":])*:', re.ASCII)
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A C:comp: which properties of a component, and which components in it.

    None stands for all. ``properties`` says of each name, in upper case, whether its value is wanted too.
    """

    properties: Mapping[str, bool] | None = None
    components: Mapping[str, "Choice"] | None = field(default=None)


_EVERYTHING = Choice()


def parse_choice(element: etree._Element) -> Choice:
    """Read the C:comp that C:calendar-data holds, which names VCALENDAR. Raises NotServed (400)."""
    if _name(element) != "VCALENDAR":
        raise bad_request("The comp of a calendar-data is VCALENDAR.")
    return _choice(element, 0)


def cut(text: bytes, choice: Choice) -> bytes:
    """Give a resource's text with what is chosen of it."""
    return b"".join(_kept(text, choice))


def _choice(element: etree._Element, depth: int) -> Choice:
    if depth == _DEEPEST:
        raise bad_request("A comp of a calendar-data is too deep inside others.")
    properties: dict[str, bool] = {}
    components: dict[str, Choice] = {}
    has_all_properties = has_all_components = False
    for child in children(element):
        match str(child.tag).removeprefix(CALDAV):
            case "allprop":
                has_all_properties = True
            case "allcomp":
                has_all_components = True
            case "prop":
                properties[_name(child)] = child.get("novalue", "no") != "yes"
            case "comp":
                components[_name(child)] = _choice(child, depth + 1)
            case _:
                raise bad_request("A comp of a calendar-data holds prop, allprop, comp and allcomp.")
    return Choice(None if has_all_properties else properties, None if has_all_components else components)


def _name(element: etree._Element) -> str:
    name = element.get("name", "").strip().upper()
    if not name:
        raise bad_request(f"A {etree.QName(element).localname} of a calendar-data has a name.")
    return name


def _kept(text: bytes, choice: Choice) -> Iterator[bytes]:
    stack: list[Choice | None] = [Choice({}, {"VCALENDAR": choice})]
    for found in _LOGICAL_LINE.finditer(text):
        line = found[0]
        head = _HEAD.match(line)
        if head is None:
            continue
        name, around = head["name"].decode().upper(), stack[-1]
        if name == "BEGIN":
            inside = None if around is None else _inside(around, line[head.end() :].decode().strip().upper())
            stack.append(inside)
            if inside is not None:
                yield line
        elif name == "END":
            if stack.pop() is not None:
                yield line
        elif around is not None:
            if around.properties is None or around.properties.get(name):
                yield line
            elif name in around.properties:
                yield head[0] + b"\r\n"


def _inside(around: Choice, name: str) -> Choice | None:
    return _EVERYTHING if around.components is None else around.components.get(name)
