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


DATA = Difference("changed", "ATTACH")
"""So often as an event had files in it: they are at Exchange afterwards, and links here."""


def unnamed(sent: bytes, served: bytes) -> list[Difference]:
    """Give what came back otherwise than it was sent, but for what is named."""
    files = sum(map(_has_data, read(sent).parts("VEVENT")))
    found = [one for one in compare(read(sent), read(served)) if one not in NAMED]
    for _file in range(min(files, found.count(DATA))):
        found.remove(DATA)
    return found


def _has_data(event: Component) -> int:
    files = event.all("ATTACH")
    return sum((one.parameter("ENCODING") or "").upper() == "BASE64" or one.value[:5] == "data:" for one in files)


def names_of(component: Component) -> set[str]:
    """Give the names of all properties and components in a component."""
    own = {one.name for one in component.properties}
    return own.union({component.name}, *map(names_of, component.children))


def check_refusal(body: bytes, refused: Refused) -> None:
    """Hold that a refusal names a property of the object."""
    said = set(re.findall(r"[A-Z][A-Z0-9-]+", str(refused)))
    assert said & (names_of(read(body)) - {"VEVENT", "VCALENDAR"}), f"{type(refused).__name__}: {refused}"
