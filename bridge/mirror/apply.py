"""How one page of the change feed becomes part of the mirror, and what a push meanwhile keeps from it."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from sqlalchemy import Connection, select, update

from bridge.database import to_microseconds
from bridge.item import ItemId
from bridge.mirror.batch import Applied, Batch, CursorMoved
from bridge.mirror.calendar_row import CalendarRow
from bridge.mirror.change import Change
from bridge.mirror.pending_row import postpone, settle
from bridge.mirror.resource_row import ResourceRow, chunks
from bridge.mirror.schema import graves, items
from bridge.mirror.seals import CalendarSeals
from bridge.model import Name


def start_listing(calendar: CalendarRow) -> CalendarRow:
    """Give the row as it is when a full listing starts: whatever the listing does not see will go at its end."""
    return replace(calendar, generation=calendar.generation + 1, is_listing=True, cursor=None)


def apply_batch(connection: Connection, seals: CalendarSeals, calendar: CalendarRow, batch: Batch) -> Applied:
    """Take a page in, within a transaction in which the calendar's row is locked. Raises CursorMoved."""
    if seals.open_cursor(calendar.cursor) != batch.asked_from:
        raise CursorMoved("Another pull of this calendar was quicker.")
    if batch.asked_from is None and batch.window is None and not calendar.is_listing:
        calendar = start_listing(calendar)
    return _Application(connection, seals, calendar, batch).run()


class _Application:
    """One batch being applied. ``_stale`` holds names, ``_again`` the items to be read again because of them."""

    def __init__(self, connection: Connection, seals: CalendarSeals, calendar: CalendarRow, batch: Batch) -> None:
        self._connection = connection
        self._seals = seals
        self._batch = batch
        self._change = Change(connection, seals, calendar)
        self._put: set[bytes] = set()
        self._gone = {seals.item(item) for item in batch.removed}
        self._stale: dict[Name, None] = {}  # as an ordered set
        self._again: dict[ItemId, None] = {}

    def run(self) -> Applied:
        batch, change = self._batch, self._change
        change.load(
            names=(rendered.name for rendered in batch.puts),
            uids=(rendered.uid for rendered in batch.puts),
            ids=[ref.id for rendered in batch.puts for ref in rendered.items] + list(batch.removed),
        )
        self._take_puts()
        self._take_removals()
        if change.calendar.is_listing:
            self._see()
            if batch.is_last:
                self._sweep()
        for row in change.settle():
            if row.key not in self._put:  # it shows what it has lost until it is rendered again
                self._call_stale(row)
        self._write()
        return Applied(change.revision, tuple(self._stale))

    def _take_puts(self) -> None:
        buried = self._graves_of_pushes()
        ahead = [row for row in self._change.resources.values() if self._is_pushed_since(row)]
        for rendered in self._batch.puts:
            key, uid = self._seals.name(rendered.name), self._seals.uid(rendered.uid)
            ids = {ref.id for ref in rendered.items}
            pushed = [row for row in ahead if row.key == key or row.listed.uid == rendered.uid or _holds(row, ids)]
            if pushed or not buried.isdisjoint((key, uid)):
                self._stale[rendered.name] = None
                self._again.update((item, None) for item in ids)
                for row in pushed:
                    self._call_stale(row)
            else:
                self._change.put(rendered)
                self._put.add(key)

    def _take_removals(self) -> None:
        for item in tuple(self._gone):
            row = self._change.owner(item)
            if row is not None and self._is_pushed_since(row):
                self._call_stale(row)
                self._gone.discard(item)
            elif row is not None:
                self._change.drop(item)

    def _see(self) -> None:
        """Mark what the listing named: items that are known, that could not be read, or that a push is ahead with."""
        batch, calendar = self._batch, self._change.calendar
        named = [*batch.seen, *(item for item, _ in batch.pending), *self._again]
        for chunk in chunks({self._seals.item(item) for item in named}):
            self._connection.execute(
                update(items)
                .where(items.c.calendar == calendar.id, items.c.item.in_(chunk))
                .values(generation=calendar.generation)
            )

    def _sweep(self) -> None:
        """Drop the items that the listing, which ends with this page, has not named."""
        calendar = self._change.calendar
        query = select(items.c.item).where(items.c.calendar == calendar.id, items.c.generation < calendar.generation)
        unseen = {row.item for row in self._connection.execute(query)}
        unseen -= {self._seals.item(ref.id) for rendered in self._batch.puts for ref in rendered.items}
        self._change.load_items(unseen)
        for item in unseen:
            self._change.drop(item)
        self._gone |= unseen

    def _write(self) -> None:
        batch, change = self._batch, self._change
        calendar = replace(change.calendar, cursor=self._seals.seal_cursor(batch.cursor))
        if batch.window is not None:
            calendar = replace(calendar, window=batch.window)
        if batch.is_last:
            calendar = replace(calendar, is_listing=False, pulled_at=to_microseconds(batch.now), window=None)
        change.calendar = calendar
        change.write()
        settle(self._connection, calendar, self._gone | {self._seals.item(item) for item in batch.settled})
        again = [(item, batch.now) for item in self._again]
        postpone(self._connection, self._seals, calendar, [*again, *batch.pending])

    def _call_stale(self, row: ResourceRow) -> None:
        self._stale[row.listed.name] = None
        self._again.update((ref.id, None) for ref in row.listed.items)

    def _is_pushed_since(self, row: ResourceRow) -> bool:
        return row.pushed > self._batch.read_from

    def _graves_of_pushes(self) -> set[bytes]:
        """Give the keys of the names and UIDs that pushes have removed since the page was asked."""
        query = select(graves.c.name, graves.c.uid).where(
            graves.c.calendar == self._change.calendar.id,
            graves.c.removed > self._batch.read_from,
            graves.c.is_pushed,
        )
        return {key for row in self._connection.execute(query) for key in row}


def _holds(row: ResourceRow, ids: AbstractSet[ItemId]) -> bool:
    return any(ref.id in ids for ref in row.listed.items)
