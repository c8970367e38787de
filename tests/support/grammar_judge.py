"""What may become of a drawn calendar object on its way through the bridge and back: nothing but what is named here."""

import re
from collections.abc import Mapping

from bridge.errors import Refused

from meaning import Component, Difference, compare, read

NAMED: Mapping[Difference, str] = {
    Difference("gained", "CREATED"): "Exchange's own, where the client says none",
    Difference("gained", "LAST-MODIFIED"): "Exchange's own, where the client says none",
    Difference("changed", "PRODID"): "RFC 5545 3.7.3: of the product that made the object, and that is the bridge",
}
"""The only changes there may be, and why."""


LENIENT: Mapping[Difference, str] = {
    Difference("changed", "DTEND"): "such servers write the start's zone over the end's: the same moment in that zone",
}
"""The changes there may be besides where the server is one that poses as Exchange."""


def unnamed(sent: bytes, served: bytes, *, lenient: bool = False) -> list[Difference]:
    """Give what came back otherwise than it was sent, but for what is named."""
    named = {**NAMED, **LENIENT} if lenient else NAMED
    return [one for one in compare(read(sent), read(served)) if one not in named]


def names_of(component: Component) -> set[str]:
    """Give the names of all properties and components in a component."""
    own = {one.name for one in component.properties}
    return own.union({component.name}, *map(names_of, component.children))


def check_refusal(body: bytes, refused: Refused) -> None:
    """Hold that a refusal names a property of the object."""
    said = set(re.findall(r"[A-Z][A-Z0-9-]+", str(refused)))
    assert said & (names_of(read(body)) - {"VEVENT", "VCALENDAR"}), f"{type(refused).__name__}: {refused}"
