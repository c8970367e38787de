"""One reader per element of an item: what it tells is put under its attribute's name, unless something is there.

So of what is there twice the first counts, and what makes no sense counts as not told.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from bridge.ews.bodies import is_plain_body
from bridge.ews.named_properties import from_property
from bridge.ews.people import from_attendees, from_mailbox
from bridge.ews.series import instance_date
from bridge.ews.times import from_zone
from bridge.ews.xml import Element, from_boolean, from_instant, type_text
from bridge.item import AttendeeRole, ChangeKey, ItemId, ItemRef

Found = dict[str, Any]
Read = Callable[[Found, Element], None]
_Enum = TypeVar("_Enum", bound=StrEnum)


def read_text(key: str) -> Read:
    """Read a text as it is."""

    def read(found: Found, element: Element) -> None:
        found.setdefault(key, element.text or "")

    return read


def read_flag(key: str) -> Read:
    """Read a boolean."""

    def read(found: Found, element: Element) -> None:
        found.setdefault(key, from_boolean(element.text))

    return read


def read_choice(key: str, kind: type[_Enum]) -> Read:
    """Read one of the names of a kind; a name that is not known to us counts as not told."""
    by_name: Mapping[str, _Enum] = MappingProxyType({member.value: member for member in kind})

    def read(found: Found, element: Element) -> None:
        member = by_name.get((element.text or "").strip())
        if member is not None:
            found.setdefault(key, member)

    return read


def read_number(key: str) -> Read:
    """Read a whole number."""

    def read(found: Found, element: Element) -> None:
        text = (element.text or "").strip()
        if text.removeprefix("-").isdecimal():
            found.setdefault(key, int(text))

    return read


def read_instant(key: str) -> Read:
    """Read an instant."""

    def read(found: Found, element: Element) -> None:
        try:
            found.setdefault(key, from_instant(element.text))
        except ValueError:
            return

    return read


def read_categories(found: Found, element: Element) -> None:
    """Read the categories."""
    found.setdefault("categories", tuple(text for text in (child.text for child in element) if text))


def read_reference(found: Found, element: Element) -> None:
    """Read id and change key."""
    id_, key = element.get("Id"), element.get("ChangeKey")
    if id_ and key:
        found.setdefault("ref", ItemRef(ItemId(id_), ChangeKey(key)))


def read_zone(key: str) -> Read:
    """Read a time zone, and keep the element: the rules in it may matter when the rest of the item is known."""

    def read(found: Found, element: Element) -> None:
        found.setdefault(key, from_zone(element))
        found.setdefault(f"{key}_element", element)

    return read


def read_property(found: Found, element: Element) -> None:
    """Read one of our named properties, the plain text of the body, or the date inside the global object id."""
    ours = from_property(element)
    if ours is not None:
        found.setdefault(*ours)
    elif is_plain_body(element):
        found.setdefault("plain_body", type_text(element, "Value"))
    else:
        day = instance_date(element)
        if day is not None:
            found.setdefault("instance_date", day)


def read_organizer(found: Found, element: Element) -> None:
    """Read the organizer."""
    person = from_mailbox(element)
    if person is not None:
        found.setdefault("organizer", person)


def read_attendees(role: AttendeeRole) -> Read:
    """Read the people of one of the item's lists."""

    def read(found: Found, element: Element) -> None:
        found.setdefault("attendees", []).extend(from_attendees(element, role))

    return read


def keep_element(key: str) -> Read:
    """Keep the element, to be read when the rest of the item is known."""

    def read(found: Found, element: Element) -> None:
        found.setdefault(key, element)

    return read
