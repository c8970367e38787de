"""DAV:expand-property (RFC 3253 3.8): properties whose hrefs are answered with properties of what they lead to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from bridge.dav.multistatus import Property, Subject
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.xml import DAV, NAMESPACES, children, tags

DEEPEST = 4
"""How far hrefs are followed: from a person to a group, its members, and their groups."""
_HREF = re.compile(r"<D:href>([^<]*)</D:href>")


@dataclass(frozen=True, slots=True)
class Expansion:
    """The properties that are asked of a place, each with what is asked of the places its hrefs lead to."""

    properties: Mapping[str, "Expansion"]


Respond = Callable[[str, Expansion], str | None]
"""Gives the DAV:response of what an href leads to; None leaves the href as it is."""


def parse_expansion(root: etree._Element) -> Expansion:
    """Read a DAV:expand-property. Raises NotServed: 400 where it is malformed, 403 where it goes too deep."""
    return _parse(root, 0)


def expanding(
    table: Mapping[str, Property[Subject]], wanted: Expansion, respond: Respond
) -> Mapping[str, Property[Subject]]:
    """Give a table whose hrefs are answered as far as ``wanted`` asks for it."""
    followed = {name: each for name, each in wanted.properties.items() if name in table and each.properties}
    return {**table, **{name: _expanded(table[name], inside, respond) for name, inside in followed.items()}}


def _expanded(each: Property[Subject], inside: Expansion, respond: Respond) -> Property[Subject]:
    def replace(found: re.Match[str]) -> str:
        return respond(found[1], inside) or found[0]

    def value(subject: Subject) -> str | None:
        shown = each.value(subject)
        return None if shown is None else _HREF.sub(replace, shown)

    return Property(each.name, value, each.in_allprop)


def _parse(element: etree._Element, depth: int) -> Expansion:
    found: dict[str, Expansion] = {}
    for child in children(element):
        name = _name(child)
        if depth == DEEPEST:
            raise NotServed(403, f"An expand-property goes at most {DEEPEST} levels deep here.")
        found[name] = _parse(child, depth + 1)
    return Expansion(found)


def _name(element: etree._Element) -> str:
    if element.tag != f"{DAV}property":
        raise bad_request("An expand-property holds property elements.")
    try:
        name = etree.QName(element.get("namespace", "DAV:") or None, element.get("name", "").strip()).text
        # A namespace that is no URI would make an answer that no parser takes.
        etree.fromstring(f"<D:prop{NAMESPACES}>{tags(name)[2]}</D:prop>")
    except (ValueError, etree.XMLSyntaxError):
        raise bad_request("A property of an expand-property has the name of an element.") from None
    return name
