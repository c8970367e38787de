"""What the bodies of PROPFIND, PROPPATCH, MKCALENDAR and MKCOL ask for; `bridge.dav.report_bodies` has the reports."""

from dataclasses import dataclass, field

from lxml import etree

from bridge.dav.multistatus import Kind, Selection
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.xml import CALDAV, DAV, Malformed, children, parse

MAX_XML = 8 * 1024 * 1024
"""Bytes of a request body that is XML: enough to name fifty thousand resources in a multiget."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing that a DAV:set or DAV:remove asks for: the property by Clark name; ``element`` is None to remove it."""

    name: str
    element: etree._Element | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The text to set, "" to remove the property."""
        return "" if self.element is None else (self.element.text or "")


@dataclass(frozen=True, slots=True)
class Making:
    """What a MKCALENDAR or an extended MKCOL asks for. ``answered_in`` is the root element of a refusal, prefixed."""

    instructions: tuple[Instruction, ...]
    answered_in: str


def parse_propfind(body: bytes) -> Selection:
    """Read a PROPFIND body; an empty one means allprop (RFC 4918 9.1). Raises NotServed (400)."""
    if not body.strip():
        return Selection(Kind.ALL)
    root = parse_body(body)
    if root.tag != f"{DAV}propfind":
        raise bad_request("The body of a PROPFIND is a DAV:propfind element.")
    selection = parse_selection(root)
    if selection is None:
        raise bad_request("A DAV:propfind holds one of prop, allprop and propname.")
    return selection


def parse_proppatch(body: bytes) -> tuple[Instruction, ...]:
    """Give what a PROPPATCH sets and removes, in its order (RFC 4918 9.2). Raises NotServed (400)."""
    root = parse_body(body)
    if root.tag != f"{DAV}propertyupdate":
        raise bad_request("The body of a PROPPATCH is a DAV:propertyupdate element.")
    instructions = _instructions(root)
    if not instructions:
        raise bad_request("A DAV:propertyupdate sets or removes at least one property.")
    return instructions


def parse_mkcalendar(body: bytes) -> Making:
    """Read the body of a MKCALENDAR, which may be empty (RFC 4791 5.3.1). Raises NotServed (400)."""
    if not body.strip():
        return Making((), "C:mkcalendar-response")
    root = parse_body(body)
    if root.tag != f"{CALDAV}mkcalendar":
        raise bad_request("The body of a MKCALENDAR is a C:mkcalendar element.")
    return Making(_set_only(root), "C:mkcalendar-response")


def parse_mkcol(body: bytes) -> Making:
    """Read the body of an extended MKCOL (RFC 5689 3).

    Raises NotServed: 400 where it is malformed, 403 where it does not ask for a calendar: there is nothing else here.
    """
    root = parse_body(body) if body.strip() else None
    if root is not None and root.tag != f"{DAV}mkcol":
        raise bad_request("The body of a MKCOL is a DAV:mkcol element.")
    instructions = () if root is None else _set_only(root)
    kinds = [each.element for each in instructions if each.name == f"{DAV}resourcetype"]
    made = {str(kind.tag) for element in kinds if element is not None for kind in children(element)}
    if made != {f"{DAV}collection", f"{CALDAV}calendar"}:
        raise NotServed(403, "The collections that are made here are calendars.", "<D:valid-resourcetype/>")
    return Making(tuple(each for each in instructions if each.name != f"{DAV}resourcetype"), "D:mkcol-response")


def parse_body(body: bytes) -> etree._Element:
    """Give the root element of a body. Raises NotServed (400)."""
    if not body.strip():
        raise bad_request("The request has no body.")
    try:
        return parse(body)
    except Malformed as problem:
        raise bad_request(str(problem)) from problem


def parse_selection(root: etree._Element) -> Selection | None:
    """Read prop, allprop with include, or propname; None when there is none or more than one of them."""
    prop, include = root.find(f"{DAV}prop"), root.find(f"{DAV}include")
    has_all, has_names = root.find(f"{DAV}allprop") is not None, root.find(f"{DAV}propname") is not None
    if [prop is not None, has_all, has_names].count(True) != 1 or (include is not None and not has_all):
        return None
    if prop is not None:
        return Selection(Kind.NAMED, _names(prop))
    if has_all:
        return Selection(Kind.ALL, () if include is None else _names(include))
    return Selection(Kind.NAMES)


def _instructions(root: etree._Element) -> tuple[Instruction, ...]:
    return tuple(
        Instruction(str(each.tag), each if instruction.tag == f"{DAV}set" else None)
        for instruction in children(root)
        if instruction.tag in {f"{DAV}set", f"{DAV}remove"}
        for prop in instruction.findall(f"{DAV}prop")
        for each in children(prop)
    )


def _set_only(root: etree._Element) -> tuple[Instruction, ...]:
    instructions = _instructions(root)
    if any(each.element is None for each in instructions):
        raise bad_request("What is made anew has no properties to remove.")
    return instructions


def _names(prop: etree._Element) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(child.tag) for child in children(prop)))
