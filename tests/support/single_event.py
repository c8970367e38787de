"""The mapping of a single event, for tests of fields: one item in, one out."""

from dataclasses import dataclass

from bridge.item import Content, Item, Uid
from bridge.mapping import series
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.context import Context
from bridge.mapping.document import Rendering


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client's PUT of a single event asks for; see `series.WantedSeries`."""

    uid: Uid
    content: Content


def to_item(obj: CalendarObject, context: Context, stored: Item | None) -> Wanted:
    """Give what a client asks for; ``stored`` is the item that is being replaced, None for a new one."""
    wanted = series.to_items(obj, context, (stored,) if stored else ())
    assert wanted.master is not None
    return Wanted(wanted.uid, wanted.master)


def to_ical(item: Item, context: Context, uid: Uid | None = None) -> Rendering:
    """Show an item to a client; ``uid`` replaces the item's own."""
    return series.to_ical((item,), context, uid)
