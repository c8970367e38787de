"""What Exchange says of the item itself: DTSTAMP, CREATED, LAST-MODIFIED, SEQUENCE, PRIORITY.

A client's own values are given back while the event is as the client wrote it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.errors import InvalidCalendarData
from bridge.item import Importance, Item
from bridge.mapping.field import Asked, Field, Shown, ShownField, attributes
from bridge.mapping.values import write_utc

NO_STAMP = "19700101T000000Z"
"""DTSTAMP of an item whose server does not tell when it was changed: fixed, so that equal items give equal bytes."""

_MIDDLE, _LOWEST = 5, 9
_OUTLOOK_IMPORTANCE = {"0": Importance.LOW, "2": Importance.HIGH}


class Stamp(ShownField):
    """A time at which something was done with the item, shown whatever the client left out.

    ``content`` are the fields whose change outdates it; ``without`` is shown where the server does not tell.
    """

    is_required = True

    def __init__(self, name: str, attribute: str, content: Sequence[Field], *, without: str | None = None) -> None:
        self.name = name
        self.ical = frozenset({name})
        self._without = without
        self._attribute = attribute
        self._content = content

    def to_ical(self, shown: Shown) -> list[str]:
        """Write the time where the server tells."""
        moment: datetime | None = getattr(shown.item, self._attribute)
        written = write_utc(moment) if moment else self._without
        return [f"{self.name}:{written}"] if written else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on all that those fields stand on."""
        return tuple(fact for field in self._content for fact in field.facts(item))


class Revision(ShownField):
    """SEQUENCE, from the appointment's sequence number."""

    name = "SEQUENCE"
    ical = frozenset({"SEQUENCE", "X-MICROSOFT-CDO-APPT-SEQUENCE"})

    def to_ical(self, shown: Shown) -> list[str]:
        """Write it where it is not 0, the default."""
        return [f"SEQUENCE:{shown.item.sequence}"] if shown.item.sequence else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the sequence number."""
        return (item.sequence,)


class Priority(Field):
    """PRIORITY (RFC 5545 3.8.1.9: 1 to 4 is high, 6 to 9 low) and Importance, as MS-OXCICAL 2.1.3.1.1.20.17 has it."""

    name = "PRIORITY"
    ical = frozenset({"PRIORITY", "X-MICROSOFT-CDO-IMPORTANCE"})
    attributes = attributes("importance")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the priority; what Outlook says of importance where there is none. Raises InvalidCalendarData."""
        line, outlook = asked.event.get("PRIORITY"), asked.event.get("X-MICROSOFT-CDO-IMPORTANCE")
        if line is None:
            said = outlook.value.strip() if outlook else ""
            return {"importance": _OUTLOOK_IMPORTANCE.get(said, Importance.NORMAL)}
        try:
            value = int(line.value)
        except ValueError:
            value = -1
        if not 0 <= value <= _LOWEST:
            raise InvalidCalendarData(f"PRIORITY in line {line.number} is not a number from 0 to {_LOWEST}.")
        if value in {0, _MIDDLE}:
            return {"importance": Importance.NORMAL}
        return {"importance": Importance.HIGH if value < _MIDDLE else Importance.LOW}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write what is not normal."""
        value = {Importance.HIGH: 1, Importance.LOW: 9}.get(shown.item.content.importance)
        return [f"PRIORITY:{value}"] if value else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the importance."""
        return (item.content.importance,)
