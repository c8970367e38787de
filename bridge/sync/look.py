"""Look at Exchange itself, and let the mirror know: where a write must not rest on what the mirror remembers."""

from collections.abc import Sequence

from bridge.errors import ExchangeFailed
from bridge.exchange import Deadline, Exchange
from bridge.ids import make_resource_name, parse_name_stamp
from bridge.item import Item, ItemId, ItemKind, Uid, Unreadable
from bridge.mapping.context import Context
from bridge.mapping.resource import instance_start
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, Name
from bridge.resource import Listed, Rendered
from bridge.sync.render import Renderer

READ = 20.0
"""Seconds for one reading call of a write."""


class Look:
    """Reads single resources anew, and applies what is found."""

    def __init__(self, exchange: Exchange, mirror: Mirror, renderer: Renderer) -> None:
        """Take the back end, the mirror, and what renders for it."""
        self._exchange = exchange
        self._mirror = mirror
        self._renderer = renderer

    def at(self, caller: Caller, ref: CalendarRef, context: Context, listed: Listed) -> Rendered | None:
        """Give a resource as it is at Exchange now, None when it is gone. Raises ExchangeFailed if nobody knows."""
        items = self.whole(caller, ref, [one.id for one in listed.items])
        if not items:
            self._mirror.remove(ref, listed.name)
            return None
        return self.apply(ref, context, listed.name, items)

    def whole(self, caller: Caller, ref: CalendarRef, ids: Sequence[ItemId]) -> tuple[Item, ...]:
        """Give the items of one resource: a master or single item with its changed occurrences, or instances.

        Empty when they are gone. Raises ExchangeFailed as `items` does.
        """
        read = {item.ref.id: item for item in self.items(caller, ref, ids)}
        first = next((item for item in read.values() if item.kind is not ItemKind.EXCEPTION), None)
        if first is None:
            return tuple(read.values())
        if instance_start(first) is not None:
            return tuple(item for item in read.values() if instance_start(item) is not None)
        listed = [one.ref.id for one in first.exceptions]
        missing = [one for one in listed if one not in read]
        read |= {item.ref.id: item for item in self.items(caller, ref, missing)}
        return (first, *(read[one] for one in listed if one in read))

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

    def apply(self, ref: CalendarRef, context: Context, name: Name, items: tuple[Item, ...]) -> Rendered:
        """Apply items as the resource of this name, under the UID it is served under."""
        rendered = self.rendered(ref, context, name, items)
        self._mirror.put(ref, rendered)
        return rendered

    def rendered(self, ref: CalendarRef, context: Context, name: Name, items: tuple[Item, ...]) -> Rendered:
        """Render items as the resource of this name, under the UID it is served under."""
        first = items[0]
        known = self._mirror.snapshot(ref).resources.get(name)
        ids = {item.ref.id for item in items}
        holds_it = known is not None and any(one.id in ids for one in known.items)
        served_uid = known.uid if known is not None and holds_it and known.uid != first.content.uid else None
        return self._renderer.rendered(ref, name, items, context, served_uid)

    def adopt(self, caller: Caller, ref: CalendarRef, context: Context, uid: Uid) -> bool:
        """Find an item of a UID that the mirror does not know yet and apply it; say whether there was one."""
        resources = self._mirror.snapshot(ref).resources
        held = {one.id for listed in resources.values() for one in listed.items}
        found = [item for item in self.find(caller, ref, uid) if item.ref.id not in held]
        if not found:
            return False
        stamped = parse_name_stamp(found[0].content.name_stamp, context.mailbox.address, uid)
        name = Name(stamped) if stamped else make_resource_name(uid)
        if instance_start(found[0]) is not None:
            others = (one for one in resources.values() if one.uid == uid and not one.index.has_master)
            home = next(others, None)
            beside = [one.id for one in home.items] if home else []
            items = self.whole(caller, ref, [*beside, *(item.ref.id for item in found)])
            name = home.name if home else name
        else:
            items = self.whole(caller, ref, [found[0].ref.id]) if found[0].exceptions else (found[0],)
        self.apply(ref, context, name, items)
        return True
