"""Look at Exchange itself, and let the mirror know: where a write must not rest on what the mirror remembers."""

from collections.abc import Sequence

from bridge.errors import ExchangeFailed
from bridge.exchange import Deadline, Exchange
from bridge.ids import make_resource_name, parse_name_stamp
from bridge.mapping.context import Context
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, Item, ItemId, Listed, Name, Rendered, Uid, Unreadable
from bridge.sync.render import make_rendered

READ = 20.0
"""Seconds for one reading call of a write."""


class Look:
    """Reads single resources anew, and applies what is found."""

    def __init__(self, exchange: Exchange, mirror: Mirror) -> None:
        """Take the back end and the mirror."""
        self._exchange = exchange
        self._mirror = mirror

    def at(self, caller: Caller, ref: CalendarRef, context: Context, listed: Listed) -> Rendered | None:
        """Give a resource as it is at Exchange now, None when it is gone. Raises ExchangeFailed if nobody knows."""
        items = self.items(caller, ref, [one.id for one in listed.items])
        if not items:
            self._mirror.remove(ref, listed.name)
            return None
        return self.apply(ref, context, listed.name, items[0])

    def find(self, caller: Caller, ref: CalendarRef, uid: Uid) -> tuple[Item, ...]:
        """Give the items of a UID that Exchange holds in the calendar. Raises ExchangeFailed as `items` does."""
        refs = self._exchange.find(caller, ref, uid, Deadline.after(READ))
        return self.items(caller, ref, [one.id for one in refs])

    def items(self, caller: Caller, ref: CalendarRef, ids: Sequence[ItemId]) -> tuple[Item, ...]:
        """Give those of the items that are there. Raises ExchangeFailed where one is there and cannot be read."""
        found = self._exchange.get(caller, ref, ids, Deadline.after(READ)) if ids else ()
        if any(isinstance(one, Unreadable) for one in found):
            raise ExchangeFailed("Exchange cannot give this event at this moment.")
        return tuple(one for one in found if isinstance(one, Item))

    def apply(self, ref: CalendarRef, context: Context, name: Name, item: Item) -> Rendered:
        """Apply an item as the resource of this name, under the UID it is served under."""
        rendered = self.rendered(ref, context, name, item)
        self._mirror.put(ref, rendered)
        return rendered

    def rendered(self, ref: CalendarRef, context: Context, name: Name, item: Item) -> Rendered:
        """Render an item as the resource of this name, under the UID it is served under."""
        known = self._mirror.snapshot(ref).resources.get(name)
        holds_it = known is not None and any(one.id == item.ref.id for one in known.items)
        served_uid = known.uid if known is not None and holds_it and known.uid != item.content.uid else None
        return make_rendered(name, item, context, served_uid)

    def adopt(self, caller: Caller, ref: CalendarRef, context: Context, uid: Uid) -> bool:
        """Find items of a UID that the mirror does not know yet and apply them; say whether there was one."""
        held = {one.id for listed in self._mirror.snapshot(ref).resources.values() for one in listed.items}
        found = [item for item in self.find(caller, ref, uid) if item.ref.id not in held]
        for item in found[:1]:
            stamped = parse_name_stamp(item.content.name_stamp, context.mailbox.address, uid)
            self.apply(ref, context, Name(stamped) if stamped else make_resource_name(uid), item)
        return bool(found)
