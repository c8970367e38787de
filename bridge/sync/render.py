"""From items to resources: what each is called, under which UID it is served, and its bytes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from bridge.ids import make_derived_uid, make_etag, make_resource_name, parse_name_stamp
from bridge.item import Entry, Item, ItemId, ItemKind, ItemRef, Missing, Outline, Uid, Unreadable
from bridge.mapping.context import Context
from bridge.mapping.document import Rendering
from bridge.mapping.personal import parse_personal
from bridge.mapping.placeholder import to_placeholder
from bridge.mapping.series import to_ical
from bridge.model import CalendarRef, Name
from bridge.resource import Listed, Rendered
from bridge.state.personal_lines import PersonalLines

Render = Callable[[Name, tuple[Item, ...], Context, Uid | None], Rendered]
"""Renders a resource of one calendar; see `Renderer.rendered`."""


class Renderer:
    """Renders resources as their viewer is shown them: on another's calendar with what is personal to him."""

    def __init__(self, personal: PersonalLines) -> None:
        """Take what is personal to the viewers of others' calendars."""
        self._personal = personal

    def personal(self, ref: CalendarRef, uid: Uid) -> str | None:
        """Give what is personal to the viewer of another's event, as it is kept now; None on his own calendar."""
        return None if ref.is_own else self._personal.get(ref, uid)

    def keep_personal(self, ref: CalendarRef, uid: Uid, text: str | None) -> None:
        """Keep what is personal to the viewer of another's event; nothing on his own calendar."""
        if not ref.is_own:
            self._personal.put(ref, uid, text)

    def many(self, ref: CalendarRef) -> Render:
        """Give what renders many resources of a calendar: what is personal is read once for all. Raises Unavailable."""
        return partial(self._rendered, ref, ({} if ref.is_own else self._personal.all(ref)).get)

    def rendered(
        self,
        ref: CalendarRef,
        name: Name,
        items: tuple[Item, ...],
        context: Context,
        served_uid: Uid | None = None,
    ) -> Rendered:
        """Render the items of one resource: a single event; a master and its changed occurrences; or lone instances.

        ``served_uid`` overrides the items' own UID. The feed names no exceptions: their master stands for their
        version. Raises Unavailable.
        """
        return self._rendered(ref, partial(self.personal, ref), name, items, context, served_uid)

    @staticmethod
    def _rendered(
        ref: CalendarRef,
        personal_of: Callable[[Uid], str | None],
        name: Name,
        items: tuple[Item, ...],
        context: Context,
        served_uid: Uid | None = None,
    ) -> Rendered:
        uid = served_uid or items[0].content.uid
        personal = None if ref.is_own else parse_personal(personal_of(uid))
        rendering = to_ical(items, context.of(name), uid, personal)
        versions = tuple(item.ref for item in items if item.kind is not ItemKind.EXCEPTION) or (items[0].ref,)
        return _rendered(name, uid, rendering, versions, items)


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


class Naming:
    """Gives each item of one batch its name and served UID, by what the mirror and the batch already hold."""

    def __init__(
        self,
        resources: Mapping[Name, Listed],
        former: Mapping[Uid, Name],
        context: Context,
        leaving: Iterable[ItemId],
    ) -> None:
        """Take the living resources, the last names of UIDs that are gone, and the items that this batch removes."""
        self.context = context
        self._resources = resources
        self._former = former
        self._leaving = frozenset(leaving)
        self._holders = {ref.id: name for name, listed in resources.items() for ref in listed.items}
        self._by_uid = {listed.uid: name for name, listed in resources.items()}
        self._given: dict[Name, AbstractSet[ItemId]] = {}
        self._uids: dict[Uid, AbstractSet[ItemId]] = {}

    def holder(self, item: ItemId) -> Name | None:
        """Give the living resource that an item belongs to."""
        return self._holders.get(item)

    def home(self, instance: Item) -> Name | None:
        """Give the living resource that an instance without a master belongs to, or is a part of from now on."""
        name = self.holder(instance.ref.id) or self._by_uid.get(instance.content.uid)
        return None if name is None or self._resources[name].index.has_master else name

    def held(self, name: Name) -> frozenset[ItemId]:
        """Give the items of a living resource that stay."""
        return frozenset(ref.id for ref in self._resources[name].items) - self._leaving

    def rivals(self, found: Iterable[Item | Unreadable | Missing]) -> list[ItemId]:
        """Give the other items of the resources, and of the UIDs, that these belong to.

        They are further instances, a second item of a UID, or one that Exchange replaced.
        """
        items = [one for one in found if isinstance(one, Item)]
        read = {one.ref.id for one in items}
        names = {self._by_uid.get(one.content.uid) for one in items} | {self.holder(one.ref.id) for one in items}
        refs = {item: None for name in names if name is not None for item in sorted(self.held(name) - read)}
        return list(refs)

    def name(self, items: Sequence[Item]) -> tuple[Name, Uid]:
        """Give the name and the UID under which a resource of these items is served."""
        ids = frozenset(item.ref.id for item in items)
        first = items[0]
        known = next((name for item in items if (name := self.holder(item.ref.id)) is not None), None)
        uid = self._served_uid(first, known, ids)
        wished = parse_name_stamp(first.content.name_stamp, self.context.mailbox.address, first.content.uid)
        # Exchange deletes and recreates an item when a meeting is answered: the UID's resource stays the one it was.
        former = self._former.get(uid) if known is None else None
        for candidate in (wished, known, self._by_uid.get(uid), former, make_resource_name(uid)):
            if candidate is not None and self._is_free(Name(candidate), ids):
                return self._give(Name(candidate), uid, ids)
        return self._give(make_resource_name(self._derived(first)), uid, ids)

    def placeholder(self, entry: Entry) -> tuple[Name, Uid]:
        """Give the name and UID for an item that cannot be read."""
        ids = frozenset({entry.ref.id})
        known = self.holder(entry.ref.id)
        if known is not None:
            return self._give(known, self._resources[known].uid, ids)
        uid = unreadable_uid(entry)
        if not self._is_uid_free(uid, ids):
            uid = make_derived_uid(uid, entry.ref.id)
        return self._give(make_resource_name(uid), uid, ids)

    def _served_uid(self, item: Item, known: Name | None, ids: AbstractSet[ItemId]) -> Uid:
        if known is not None and self._resources[known].uid == self._derived(item):
            return self._resources[known].uid
        own = item.content.uid
        return own if self._is_uid_free(own, ids) else self._derived(item)

    @staticmethod
    def _derived(item: Item) -> Uid:
        apart = item.created.isoformat() if item.created else item.ref.id
        return make_derived_uid(item.content.uid, apart)

    def _is_uid_free(self, uid: Uid, ids: AbstractSet[ItemId]) -> bool:
        if self._uids.get(uid, ids) != ids:
            return False
        holder = self._by_uid.get(uid)
        return holder is None or self.held(holder) <= ids

    def _is_free(self, name: Name, ids: AbstractSet[ItemId]) -> bool:
        return self._given.get(name, ids) == ids and (name not in self._resources or self.held(name) <= ids)

    def _give(self, name: Name, uid: Uid, ids: AbstractSet[ItemId]) -> tuple[Name, Uid]:
        self._given[name] = ids
        self._uids[uid] = ids
        return name, uid
