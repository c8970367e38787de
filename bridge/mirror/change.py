"""One writing transaction on one calendar: what it does to resources, worked out in memory and written at its end."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, select

from bridge.item import ItemId, Uid
from bridge.mirror.calendar_row import CalendarRow, write_calendar
from bridge.mirror.grave_row import forget_oldest
from bridge.mirror.resource_row import ResourceRow, RowWriter, Write, chunks, load_rows
from bridge.mirror.schema import items, resources
from bridge.mirror.seals import CalendarSeals
from bridge.model import Name, Revision
from bridge.resource import Listed, Rendered


class Change:
    """Puts and removes resources. Whatever it is asked about must have been loaded first.

    An item belongs to one resource. A resource that loses its last item, by whatever way, goes.
    """

    def __init__(
        self, connection: Connection, seals: CalendarSeals, calendar: CalendarRow, *, is_push: bool = False
    ) -> None:
        """Take the row as it was locked. A push takes a revision of its own, even when clients read nothing new.

        Only so can a page that was asked before be told from one that was asked after.
        """
        self.calendar = calendar
        self.resources: dict[bytes, ResourceRow] = {}
        self._connection = connection
        self._seals = seals
        self._is_push = is_push
        self._owners: dict[bytes, bytes] = {}
        self._claims: dict[bytes, bytes | None] = {}
        self._before = calendar.revision
        self._revision = calendar.revision
        if is_push:
            self._raise_revision()

    @property
    def revision(self) -> Revision:
        """The revision of the calendar when this is written."""
        return self._revision

    def load(self, names: Iterable[Name] = (), uids: Iterable[Uid] = (), ids: Iterable[ItemId] = ()) -> None:
        """Load the resources of these names and UIDs, and those that these items belong to."""
        self.load_items({self._seals.item(item) for item in ids})
        self._load_resources({self._seals.name(name) for name in names})
        for chunk in chunks({self._seals.uid(uid) for uid in uids}):
            self._keep(load_rows(self._connection, self._seals, self.calendar.id, resources.c.uid.in_(chunk)))

    def load_items(self, keys: Iterable[bytes]) -> None:
        """Load the resources that these items belong to."""
        for chunk in chunks(keys):
            query = select(items.c.item, items.c.name).where(
                items.c.calendar == self.calendar.id, items.c.item.in_(chunk)
            )
            self._owners.update((item, name) for item, name in self._connection.execute(query))
        self._load_resources(set(self._owners.values()))

    def owner(self, item: bytes) -> ResourceRow | None:
        """Give the resource that an item belongs to."""
        key = self._claims[item] if item in self._claims else self._owners.get(item)
        return None if key is None else self.resources.get(key)

    def put(self, rendered: Rendered) -> None:
        """Make the resource what is rendered: one that is new, changed, or the same."""
        if not rendered.items:
            raise ValueError("a resource has at least one item")
        key = self._seals.name(rendered.name)
        row = self.resources.get(key)
        if row is None:
            row = ResourceRow(key, _list(rendered, self._raise_revision()), self._revision, Revision(0))
            row.text, row.facts, row.write = rendered.text, rendered.facts, Write.NEW
            self.resources[key] = row
        else:
            self._replace(row, rendered)
        if self._is_push:
            row.pushed = self._revision
            row.write = Write.MARK if row.write is Write.NOTHING else row.write
        self._claims.update({self._seals.item(ref.id): key for ref in rendered.items})

    def rewrite(self, row: ResourceRow, rendered: Rendered) -> None:
        """Give a resource another text made from the same facts; which items it has stays as it is."""
        if row.listed.etag != rendered.etag:
            row.listed = replace(_list(rendered, self._raise_revision()), items=row.listed.items)
            row.text = rendered.text
            row.write = Write.WHOLE

    def remove(self, row: ResourceRow) -> None:
        """Remove a resource and all that it holds."""
        for ref in row.listed.items:
            self.drop(self._seals.item(ref.id))

    def drop(self, item: bytes) -> None:
        """Take an item from the resource it belongs to."""
        self._claims[item] = None

    def settle(self) -> tuple[ResourceRow, ...]:
        """Bury what has no item left. Gives the resources that lost some item to somebody and still have others."""
        shrunk = []
        for row in self.resources.values():
            left = tuple(ref for ref in row.listed.items if self._belongs(self._seals.item(ref.id), row.key))
            if not left:
                self._raise_revision()
                row.write = Write.NOTHING if row.write is Write.NEW else Write.BURY
            elif left != row.listed.items:
                row.listed = replace(row.listed, items=left)
                row.write = Write.QUIET if row.write in {Write.NOTHING, Write.MARK} else row.write
                shrunk.append(row)
        return tuple(shrunk)

    def write(self) -> None:
        """Write everything, and the calendar's row as `calendar` is now."""
        rows = [row for row in self.resources.values() if row.write is not Write.NOTHING]
        serial = self.calendar.serial + 1 if rows else self.calendar.serial
        writer = RowWriter(self._connection, self._seals, self.calendar.id, serial)
        buried = [row for row in rows if row.write is Write.BURY]
        writer.bury(buried, self._revision, is_pushed=self._is_push)
        writer.write(row for row in rows if row.write is not Write.BURY)
        writer.assign(self._claims.items(), self.calendar.generation)
        calendar = replace(self.calendar, revision=self._revision, serial=serial)
        if buried:
            horizon = forget_oldest(self._connection, calendar.id)
            calendar = replace(calendar, horizon=max(horizon, calendar.horizon))
        write_calendar(self._connection, calendar)

    def _replace(self, row: ResourceRow, rendered: Rendered) -> None:
        for ref in row.listed.items:
            item = self._seals.item(ref.id)
            if self._belongs(item, row.key):
                self._claims[item] = None
        if row.write is Write.NEW or row.listed.etag != rendered.etag:
            row.listed, row.text, row.facts = _list(rendered, self._raise_revision()), rendered.text, rendered.facts
            row.write = Write.NEW if row.write is Write.NEW else Write.WHOLE
            return
        listed = _list(rendered, row.listed.revision)
        facts = self._seals.open_facts(row.key, row.sealed_facts) if row.facts is None else row.facts
        if listed != row.listed or facts != rendered.facts:
            row.listed, row.facts = listed, rendered.facts
            row.write = Write.QUIET if row.write is Write.NOTHING else row.write

    def _belongs(self, item: bytes, key: bytes) -> bool:
        return (self._claims[item] if item in self._claims else self._owners.get(item, key)) == key

    def _raise_revision(self) -> Revision:
        self._revision = Revision(self._before + 1)
        return self._revision

    def _load_resources(self, keys: set[bytes]) -> None:
        for chunk in chunks(keys - self.resources.keys()):
            self._keep(load_rows(self._connection, self._seals, self.calendar.id, resources.c.name.in_(chunk)))

    def _keep(self, rows: Iterable[ResourceRow]) -> None:
        for row in rows:
            self.resources.setdefault(row.key, row)


def _list(rendered: Rendered, revision: Revision) -> Listed:
    return Listed(
        name=rendered.name,
        uid=rendered.uid,
        etag=rendered.etag,
        size=len(rendered.text),
        index=rendered.index,
        revision=revision,
        items=rendered.items,
        is_readable=rendered.is_readable,
    )
