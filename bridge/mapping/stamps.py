"""What Exchange says of the item itself: DTSTAMP, CREATED, LAST-MODIFIED, SEQUENCE, PRIORITY.

A client's own values are given back while the event is as the client wrote it.
"""

from collections.abc import Sequence
from datetime import datetime

from bridge.item import Importance, Item
from bridge.mapping.field import Field, Shown, ShownField
from bridge.mapping.values import write_utc

NO_STAMP = "19700101T000000Z"
"""DTSTAMP of an item whose server does not tell when it was changed: fixed, so that equal items give equal bytes."""


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


class Priority(ShownField):
    """PRIORITY (RFC 5545 3.8.1.9: 1 to 4 is high, 6 to 9 low) from Importance."""

    name = "PRIORITY"
    ical = frozenset({"PRIORITY", "X-MICROSOFT-CDO-IMPORTANCE"})

    def to_ical(self, shown: Shown) -> list[str]:
        """Write what is not normal."""
        value = {Importance.HIGH: 1, Importance.LOW: 9}.get(shown.item.content.importance)
        return [f"PRIORITY:{value}"] if value else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the importance."""
        return (item.content.importance,)
