"""CLASS (RFC 5545 3.8.1.3) and Sensitivity (MS-OXCMAIL 2.2.3.2.6; MS-OXCICAL 2.1.3.1.1.20.4)."""

from collections.abc import Mapping
from typing import Any

from bridge.item import Item, Sensitivity
from bridge.mapping.field import Asked, Field, Shown, attributes

_TO_ITEM = {
    "PUBLIC": Sensitivity.NORMAL,
    "PRIVATE": Sensitivity.PRIVATE,
    "CONFIDENTIAL": Sensitivity.CONFIDENTIAL,
    "PERSONAL": Sensitivity.PERSONAL,
}
_TO_ICAL = {
    Sensitivity.PRIVATE: "PRIVATE",
    Sensitivity.CONFIDENTIAL: "CONFIDENTIAL",
    # CLASS has no value for it, and clients show a value they do not know as public.
    Sensitivity.PERSONAL: "PRIVATE",
}


class Classification(Field):
    """CLASS."""

    name = "CLASS"
    ical = frozenset({"CLASS"})
    attributes = attributes("sensitivity")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the class; one that is not known is private, as RFC 5545 demands."""
        line = asked.event.get("CLASS")
        value = line.value.strip().upper() if line else ""
        return {"sensitivity": _TO_ITEM.get(value, Sensitivity.PRIVATE) if value else Sensitivity.NORMAL}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the class, nothing for a public event."""
        value = _TO_ICAL.get(shown.item.content.sensitivity)
        return [f"CLASS:{value}"] if value else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the sensitivity."""
        return (item.content.sensitivity,)
