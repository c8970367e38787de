"""Fields of short texts: UID, SUMMARY, LOCATION, CATEGORIES."""

from collections.abc import Mapping
from typing import Any

from bridge.item import Item
from bridge.mapping.field import Asked, Field, Shown, attributes
from bridge.mapping.lines import escape, split_list

_LONGEST = 255
"""Characters of a subject, a location, a category: longer ones are cut or refused by servers (MS-OXOCAL 2.2.1.4)."""


class Identifier(Field):
    """UID."""

    name = "UID"
    ical = frozenset({"UID"})
    attributes = attributes("uid")
    is_required = True

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the UID."""
        return {"uid": asked.obj.uid}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the UID."""
        return [f"UID:{escape(shown.item.content.uid)}"]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the UID."""
        return (item.content.uid,)


class OneLine(Field):
    """A text that Exchange holds on one line of limited length.

    ``also`` are properties that say the same in another way: they go stale when somebody changes the text.
    """

    def __init__(self, name: str, attribute: str, also: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.ical = frozenset({name}) | also
        self.attributes = attributes(attribute)
        self._attribute = attribute

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the text, on one line and cut; the client's own lines are kept where that changes it."""
        line = asked.event.get(self.name)
        return {self._attribute: _shorten(_one_line(line.text)) if line else ""}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the text, nothing for an empty one."""
        text = self._text(shown.item)
        return [f"{self.name}:{escape(text)}"] if text else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the text."""
        return (self._text(item),)

    def _text(self, item: Item) -> str:
        text: str = getattr(item.content, self._attribute)
        return text.strip()


class Categories(Field):
    """CATEGORIES, in as many lines as the client likes."""

    name = "CATEGORIES"
    ical = frozenset({"CATEGORIES"})
    attributes = attributes("categories")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take each category once, in order."""
        found = (part for line in asked.event.all("CATEGORIES") for part in split_list(line.value))
        cleaned = (_shorten(_one_line(part)) for part in found)
        return {"categories": tuple(dict.fromkeys(part for part in cleaned if part))}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write one line."""
        categories = shown.item.content.categories
        return ["CATEGORIES:" + ",".join(map(escape, categories))] if categories else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the set: servers give it in an order of their own."""
        return tuple(sorted(item.content.categories))


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")).strip()


def _shorten(text: str) -> str:
    """Cut a text; Exchange counts UTF-16 code units."""
    return text.encode("utf-16-le")[: 2 * _LONGEST].decode("utf-16-le", "ignore").rstrip()
