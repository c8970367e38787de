"""From items to resources: what each is called, under which UID it is served, and its bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.ids import make_derived_uid, make_etag, make_resource_name, parse_name_stamp
from bridge.mapping.context import Context
from bridge.mapping.event import Rendering, to_ical
from bridge.mapping.placeholder import to_placeholder
from bridge.model import Entry, Item, ItemId, ItemRef, Name, Outline, Rendered, Uid


def make_rendered(name: Name, item: Item, context: Context, served_uid: Uid | None = None) -> Rendered:
    """Render one item as the resource of this name; ``served_uid`` overrides the item's own UID."""
    rendering = to_ical(item, context, served_uid)
    return _rendered(name, served_uid or item.content.uid, rendering, (item.ref,), (item,))


def make_placeholder(name: Name, uid: Uid, ref: ItemRef, outline: Outline | None) -> Rendered:
    """Render an item that cannot be read, so that its time stays blocked (architecture, law 3)."""
    return _rendered(name, uid, to_placeholder(uid, outline), (ref,), (), is_readable=False)


def _rendered(
    name: Name,
    uid: Uid,
    rendering: Rendering,
    items: tuple[ItemRef, ...],
    facts: tuple[Item, ...],
    *,
    is_readable: bool = True,
) -> Rendered:
    return Rendered(
        name=name,
        uid=uid,
        text=rendering.text,
        etag=make_etag(rendering.text),
        index=rendering.index,
        items=items,
        facts=facts,
        is_readable=is_readable,
    )


def unreadable_uid(entry: Entry) -> Uid:
    """Give a UID for an item that says none: stable while the item stays where it is."""
    if entry.outline is not None and entry.outline.uid:
        return entry.outline.uid
    return make_derived_uid(Uid("unreadable"), entry.ref.id)


@dataclass
class Naming:
    """Gives each item of one batch its name and served UID, by what the mirror and the batch already hold.

    ``holder`` tells the living resource of an item, ``named`` that of a UID, ``former`` the last name of a UID that
    is gone, ``is_taken`` whether a living resource has the name. ``leaving`` are items that this batch removes.
    """

    holder: Mapping[ItemId, Name]
    items_of: Callable[[Name], tuple[ItemRef, ...] | None]
    uid_of: Callable[[Name], Uid | None]
    named: Callable[[Uid], Name | None]
    former: Callable[[Uid], Name | None]
    context: Context
    leaving: frozenset[ItemId]
    _given: dict[Name, ItemId] = field(default_factory=dict)
    _uids: dict[Uid, ItemId] = field(default_factory=dict)

    def name(self, item: Item) -> tuple[Name, Uid]:
        """Give the name and the UID under which the item is served."""
        known = self.holder.get(item.ref.id)
        uid = self._served_uid(item, known)
        wished = parse_name_stamp(item.content.name_stamp, self.context.mailbox.address, item.content.uid)
        former = self.former(uid) if known is None else None
        for candidate in (wished, known, self._successor(uid), former, make_resource_name(uid)):
            if candidate is not None and self._is_free(Name(candidate), item.ref.id):
                return self._give(Name(candidate), uid, item.ref.id)
        derived = make_derived_uid(uid, item.ref.id)
        return self._give(make_resource_name(derived), uid, item.ref.id)

    def placeholder(self, entry: Entry) -> tuple[Name, Uid]:
        """Give the name and UID for an item that cannot be read."""
        known = self.holder.get(entry.ref.id)
        if known is not None:
            return self._give(known, self.uid_of(known) or unreadable_uid(entry), entry.ref.id)
        uid = unreadable_uid(entry)
        if not self._is_uid_free(uid, entry.ref.id):
            uid = make_derived_uid(uid, entry.ref.id)
        return self._give(make_resource_name(uid), uid, entry.ref.id)

    def _served_uid(self, item: Item, known: Name | None) -> Uid:
        if known is not None:
            served = self.uid_of(known)
            if served is not None and served == self._derived(item):
                return served
        own = item.content.uid
        return own if self._is_uid_free(own, item.ref.id) else self._derived(item)

    @staticmethod
    def _derived(item: Item) -> Uid:
        apart = item.created.isoformat() if item.created else item.ref.id
        return make_derived_uid(item.content.uid, apart)

    def _is_uid_free(self, uid: Uid, item: ItemId) -> bool:
        if self._uids.get(uid, item) != item:
            return False
        holder = self.named(uid)
        return holder is None or self._stays_only(holder, item)

    def _successor(self, uid: Uid) -> Name | None:
        """Give the living resource of this UID: it is one resource when Exchange deletes and recreates its item."""
        return self.named(uid)

    def _is_free(self, name: Name, item: ItemId) -> bool:
        return self._given.get(name, item) == item and self._stays_only(name, item)

    def _stays_only(self, name: Name, item: ItemId) -> bool:
        refs = self.items_of(name)
        return refs is None or all(ref.id == item or ref.id in self.leaving for ref in refs)

    def _give(self, name: Name, uid: Uid, item: ItemId) -> tuple[Name, Uid]:
        self._given[name] = item
        self._uids[uid] = item
        return name, uid
