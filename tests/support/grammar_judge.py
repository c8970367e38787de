"""What may become of a drawn calendar object on its way through the bridge and back: nothing but what is named here."""

import re
from collections.abc import Mapping

from bridge.errors import Refused

from meaning import Component, Difference, Property, compare, read

NAMED: Mapping[Difference, str] = {
    Difference("gained", "CREATED"): "Exchange's own, where the client says none",
    Difference("gained", "LAST-MODIFIED"): "Exchange's own, where the client says none",
    Difference("changed", "PRODID"): "RFC 5545 3.7.3: of the product that made the object, and that is the bridge",
}
"""The only changes there may be, and why."""


FILE = Difference("changed", "ATTACH")
"""So often as an event had files in it: they are at Exchange afterwards, and links here."""
INHERITED = Difference("gained", "ATTACH")
"""An occurrence that is none of its own at Exchange has the files of its series."""
STYLED = ("X-ALT-DESC", "STYLED-DESCRIPTION")
LONG = 10_000
"""A form of the text that is longer comes back in the bridge's own form of it, as DESCRIPTION."""


def unnamed(sent: bytes, served: bytes) -> list[Difference]:
    """Give what came back otherwise than it was sent, but for what is named."""
    before = read(sent)
    found = [one for one in compare(before, read(served)) if one not in NAMED]
    events = before.parts("VEVENT")
    files = {bool(one.all("RECURRENCE-ID")): sum(map(_is_data, one.all("ATTACH"))) for one in events}
    for event in events:
        _take(found, *[FILE] * sum(map(_is_data, event.all("ATTACH"))))
        if event.all("RECURRENCE-ID"):
            _take(found, *[INHERITED] * files.get(False, 0))
        for name in STYLED:
            if any(len(one.value) > LONG for one in event.all(name)):
                _take(found, Difference("lost", name), Difference("gained", "DESCRIPTION"))
    return found


def _take(found: list[Difference], *named: Difference) -> None:
    for one in named:
        if one in found:
            found.remove(one)


def _is_data(attachment: Property) -> bool:
    given = {(attachment.parameter(name) or "").upper() for name in ("ENCODING", "VALUE")}
    return bool(given & {"BASE64", "B", "BINARY"}) or attachment.value[:5].lower() == "data:"


def names_of(component: Component) -> set[str]:
    """Give the names of all properties and components in a component."""
    own = {one.name for one in component.properties}
    return own.union({component.name}, *map(names_of, component.children))


def check_refusal(body: bytes, refused: Refused) -> None:
    """Hold that a refusal names a property of the object."""
    said = set(re.findall(r"[A-Z][A-Z0-9-]+", str(refused)))
    assert said & (names_of(read(body)) - {"VEVENT", "VCALENDAR"}), f"{type(refused).__name__}: {refused}"
