"""What a row of the table is: a field, owner of iCalendar names and of attributes of an item, in both directions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.item import Attribute, Item
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.lines import Line, same
from bridge.occurrences import Series

Part = Line | Component


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for; ``stored`` is the item that is being replaced, None for a new one.

    ``override`` is set where it is not the object's master that is meant, but one of its other events. ``lines`` are
    what a field showed the client of the item that is replaced.
    """

    obj: CalendarObject
    context: Context
    stored: Item | None = None
    override: Component | None = None
    lines: Sequence[str] = ()

    @property
    def event(self) -> Component:
        """The client's event."""
        return self.override or self.obj.event


@dataclass(frozen=True, slots=True)
class Shown:
    """An item that is to be shown to a client.

    Of a series, and of a part of one: ``series`` is its pattern, and ``start_line`` its DTSTART as it is shown, whose
    form RECURRENCE-ID and EXDATE follow (RFC 5545 3.8.4.4).
    """

    item: Item
    context: Context
    series: Series | None = None
    start_line: Line | None = None


class Field(ABC):
    """One property, or several that cannot be told apart.

    ``name`` is the field's name in `Kept`, never renamed: stored items carry it. ``ical`` are the properties it owns,
    among them those that go stale when its attributes change. ``attributes`` are those of `Content` it owns; a field
    that only shows owns none. ``is_required``: its property stands in every event, whatever the client left out.
    ``rests_on`` names the fields without whose lines its own cannot be understood.
    """

    name: str
    ical: frozenset[str]
    attributes: frozenset[Attribute] = frozenset()
    is_required = False
    rests_on: frozenset[str] = frozenset()

    def take(self, event: Component, context: Context) -> Sequence[Part]:  # noqa: ARG002 - names are enough for most
        """Give the parts of a client's event that are this field's."""
        return [line for line in event.lines if line.name in self.ical]

    @abstractmethod
    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Give all of ``attributes`` as the client asks for; the default where he says nothing. Raises Refused."""

    @abstractmethod
    def to_ical(self, shown: Shown) -> Sequence[str]:
        """Give the unfolded lines that show the item."""

    def worth_keeping(self, lines: Sequence[str], was: Sequence[str]) -> Sequence[str] | None:  # noqa: ARG002 - as sent
        """Give what to keep where a client says these lines of what was shown to him as those; None for nothing.

        No lines are kept as none: the client left out what the item would show.
        """
        return None if self.is_required and not lines else lines

    def shows_surely(self, item: Item) -> bool:  # noqa: ARG002 - most do
        """Whether every server gives back what this field shows of an item that is written."""
        return True

    def merge(self, shown: Shown, lines: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - most fields begin anew
        """Give the lines that show an item which was changed at Exchange since a client wrote these lines for it."""
        return self.to_ical(shown)

    @abstractmethod
    def facts(self, item: Item) -> tuple[object, ...]:
        """Give what of the item this field stands on, in a form that does not change when Exchange tidies it up.

        Lines of a client's that are kept for this field are good while these facts are what they were.
        """

    def is_same(self, lines: Sequence[str], shown: Sequence[str]) -> bool:
        """Whether a client's unfolded lines of this field say what he was shown."""
        return same(lines, shown)


class ShownField(Field):
    """A field that Exchange alone decides: it is shown, and what a client says of it is kept."""

    def to_item(self, asked: Asked) -> Mapping[str, Any]:  # noqa: ARG002 - the signature is a Field's
        """Write nothing."""
        return {}


def attributes(*names: str) -> frozenset[Attribute]:
    """Name attributes of `Content`."""
    return frozenset(Attribute(name) for name in names)
