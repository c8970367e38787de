"""How a calendar looks: the elements that clients set (Apple's, RFC 4791 5.2.1), and the noun that Exchange keeps."""

from collections.abc import Mapping

from lxml import etree

from bridge.dav.kept import text_of
from bridge.dav.patch import COLOUR, DESCRIPTION, ORDER
from bridge.model import CalendarLook

LOOKS = frozenset({COLOUR, ORDER, DESCRIPTION})
"""The properties that are a calendar's look."""


def to_look(elements: Mapping[str, str]) -> CalendarLook:
    """Read the look out of elements by name; they are as `patch_calendar` lets them through."""
    told = {name: text_of(elements[name]).strip() for name in LOOKS if name in elements}
    order = told.get(ORDER) or None
    return CalendarLook(told.get(COLOUR) or None, None if order is None else int(order), told.get(DESCRIPTION) or None)


def to_elements(look: CalendarLook) -> dict[str, str]:
    """Give the elements of a look by name."""
    told = {COLOUR: look.colour, ORDER: look.order, DESCRIPTION: look.description}
    return {name: _element(name, str(value)) for name, value in told.items() if value is not None}


def beside(kept: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give what is still to be kept where Exchange has the look: of it only what says more, as Apple's colours do."""
    return {
        name: None if name in LOOKS and (element is None or not etree.fromstring(element).attrib) else element
        for name, element in kept.items()
    }


def _element(name: str, value: str) -> str:
    element = etree.Element(name)
    element.text = value
    return etree.tostring(element, encoding="unicode")
