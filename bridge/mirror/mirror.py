"""The mirror: reads that ask Exchange nothing, and the two ways in, a page of the feed and a push read back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Engine, delete, insert, select

from bridge.database import from_microseconds, to_microseconds
from bridge.errors import MirrorFilling
from bridge.item import Item, ItemId, Uid
from bridge.keys import Keys
from bridge.mirror.apply import apply_batch, start_listing
from bridge.mirror.batch import Applied, Batch, FolderListing, Status
from bridge.mirror.busy_months import BusyMonths
from bridge.mirror.calendar_row import (
    CalendarRow,
    add_calendar,
    find_calendar,
    write_calendar,
)
from bridge.mirror.change import Change
from bridge.mirror.database import MirrorDatabase
from bridge.mirror.overview import FirstPulls, read_first_pulls
from bridge.mirror.pending_row import AT_ONCE, find_due, postpone, settle
from bridge.mirror.reading import (
    find_former,
    read_heads,
    read_removed,
    read_rendered,
    read_texts,
)
from bridge.mirror.schema import busy_months, calendars, folder_listings
from bridge.mirror.seals import CalendarSeals, mailbox_key, open_calendars, seal_calendars, viewer_key
from bridge.mirror.snapshots import Held, Snapshots, empty
from bridge.mirror.viewers import Viewers
from bridge.mirror.watching import Watching
from bridge.model import Address, Calendar, CalendarRef, Epoch, Name, Revision, Viewer
from bridge.resource import Listed, Rendered, Snapshot


class Mirror:
    """What Exchange last told us of every viewer's calendars, in one database.

    Safe to share between threads; several processes may use one database. Build it after the fork, with an engine of
    the process's own, whose owner disposes of it. Every method raises Unavailable when the database cannot be used now,
    and MirrorFilling when it was found damaged and is being built anew.
    """

    def __init__(self, engine: Engine, keys: Keys, memory: int = 64 * 2**20) -> None:
        """Open the database, built anew where it cannot be read. ``memory`` bounds the decoded calendars, in bytes."""
        self._database = MirrorDatabase(engine, keys)
        self._keys = keys
        self._memory = Snapshots(memory)
        self.busy_months = BusyMonths(self._database, keys)
        self.viewers = Viewers(self._database, keys)
        self.watching = Watching(self._database, keys)

    # --- one calendar: reading ---

    def status(self, ref: CalendarRef) -> Status:
        """Say how far the mirror is. A calendar asked about for the first time gets its epoch here."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (_, calendar):
            return calendar.status(seals)

    def snapshot(self, ref: CalendarRef) -> Snapshot:
        """Give the calendar. Its resources are decoded when somebody looks at them: what this process does not hold."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (_, calendar):
            held = self._memory.get(ref)
        known = held.resources if held is not None and _is_current(held, calendar) else None

        @cache
        def load() -> Mapping[Name, Listed]:
            return known if known is not None else self._resources(ref, calendar.epoch)

        return Snapshot(
            ref, calendar.epoch, calendar.revision, calendar.last_pull, load, calendar.window, calendar.quiet_at
        )

    def _resources(self, ref: CalendarRef, epoch: Epoch) -> Mapping[Name, Listed]:
        """Give the resources as they are now. Raises MirrorFilling where the mirror was begun anew since that epoch."""
        seals = CalendarSeals(self._keys, ref)
        gate = self._memory.gate(ref)
        with gate.lock, self._reading(seals) as (connection, calendar):
            if calendar.epoch != epoch:
                raise MirrorFilling("This calendar is being read from Exchange again.", retry_after=5)
            held = self._memory.get(ref)
            if held is None or not _is_current(held, calendar):
                held = _load(connection, seals, calendar, held)
                self._memory.put(ref, held)
            return held.resources

    def removed(self, ref: CalendarRef, epoch: Epoch, since: Revision) -> dict[Name, Revision] | None:
        """Give the names that lived at a revision and were removed after it, with the revision they went at.

        Some may live again. None where the calendar has another epoch by now, or when it is not known any more what was
        removed since.
        """
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (connection, calendar):
            if calendar.epoch != epoch or since < calendar.horizon:
                return None
            return dict(read_removed(connection, seals, calendar, since))

    def texts(self, ref: CalendarRef, names: Iterable[Name]) -> dict[Name, bytes]:
        """Give the bytes served for these resources; what is not there is left out."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (connection, calendar):
            return read_texts(connection, seals, calendar, names)

    def read(self, ref: CalendarRef, name: Name) -> Rendered | None:
        """Give one resource whole."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (connection, calendar):
            return read_rendered(connection, seals, calendar, name)

    def former_names(self, ref: CalendarRef, uids: Iterable[Uid]) -> dict[Uid, Name]:
        """Give, for each UID that has one, the name it was last served under, if nothing has taken it since.

        Exchange deletes and creates anew when a meeting is answered: the resource stays the one it was.
        """
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (connection, calendar):
            return find_former(connection, seals, calendar, uids)

    def due(self, ref: CalendarRef, now: datetime) -> tuple[ItemId, ...]:
        """Give the pending items whose time to be read again has come, the longest due first."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (connection, calendar):
            return find_due(connection, seals, calendar, now)

    # --- one calendar: writing ---

    def note_total(self, ref: CalendarRef, total: int) -> None:
        """Note how many items Exchange says there are, for telling how far a first pull is."""
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            write_calendar(connection, replace(calendar, total=total))

    def begin_listing(self, ref: CalendarRef) -> None:
        """Start a full listing: the cursor is None, and its last page will sweep what it has not named."""
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            write_calendar(connection, start_listing(calendar))

    def apply(self, ref: CalendarRef, batch: Batch) -> Applied:
        """Take in a page of the change feed, all of it in one transaction. Raises CursorMoved.

        Only what has changed is written, and only what a client would read as changed gets the next revision.
        """
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            return apply_batch(connection, seals, calendar, batch)

    def put(self, ref: CalendarRef, rendered: Rendered, replaced: Name | None = None) -> Revision:
        """Take in what was read back after a push; ``replaced`` is the resource that goes because of it.

        Pages asked before are not taken for it any more; see `Applied`. Its items are due to be read again until a
        page names them: Exchange tells nobody of the deletion of an item that his cursor has never known.
        """
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            change = Change(connection, seals, calendar, is_push=True)
            names = [rendered.name] if replaced is None else [rendered.name, replaced]
            ids = [item.id for item in rendered.items]
            change.load(names, ids=ids)
            row = change.resources.get(seals.name(replaced)) if replaced is not None else None
            if row is not None and replaced != rendered.name:
                change.remove(row)
            change.put(rendered)
            change.settle()
            change.write()
            postpone(connection, seals, calendar, [(item, AT_ONCE) for item in ids])
            return change.revision

    def remove(self, ref: CalendarRef, name: Name) -> Revision:
        """Take in that a push deleted a resource. One that is not there changes nothing."""
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            change = Change(connection, seals, calendar, is_push=True)
            change.load([name])
            row = change.resources.get(seals.name(name))
            if row is None:
                return calendar.revision
            change.remove(row)
            change.settle()
            change.write()
            settle(connection, calendar, [seals.item(item.id) for item in row.listed.items])
            return change.revision

    # --- one calendar: rendering ---

    def is_rendered_for(self, ref: CalendarRef, url: str) -> bool:
        """Say whether the texts are those for clients that reach the calendar by this URL."""
        seals = CalendarSeals(self._keys, ref)
        with self._reading(seals) as (_, calendar):
            return calendar.rendering == seals.rendering(url)

    def render(
        self,
        ref: CalendarRef,
        names: Iterable[Name],
        render: Callable[[Listed, tuple[Item, ...]], Rendered | None],
    ) -> None:
        """Render resources anew from what Exchange last told of them; None leaves one as it is."""
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            change = Change(connection, seals, calendar)
            change.load(names)
            for row in change.resources.values():
                facts = seals.open_facts(row.key, row.sealed_facts)
                rendered = render(row.listed, facts) if facts else None
                if rendered is not None:
                    change.rewrite(row, rendered)
            change.write()

    def note_rendering(self, ref: CalendarRef, url: str) -> None:
        """Note that all texts are for clients that reach the calendar by this URL."""
        seals = CalendarSeals(self._keys, ref)
        with self._writing(seals) as (connection, calendar):
            write_calendar(connection, replace(calendar, rendering=seals.rendering(url)))

    # --- viewers ---

    def first_pulls(self) -> FirstPulls:
        """Give how far the calendars are, all together, that are being read for the first time."""
        with self._database.reading() as connection:
            return read_first_pulls(connection)

    def calendars(self, viewer: Viewer, mailbox: Address) -> FolderListing | None:
        """Give the calendar folders of a mailbox as last listed to the viewer."""
        key = mailbox_key(self._keys, viewer, mailbox)
        query = select(folder_listings.c.listing, folder_listings.c.listed_at).where(
            folder_listings.c.viewer == viewer_key(self._keys, viewer), folder_listings.c.mailbox == key
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            return FolderListing(open_calendars(self._keys, key, row.listing), from_microseconds(row.listed_at))

    def put_calendars(
        self, viewer: Viewer, mailbox: Address, listing: tuple[Calendar, ...], asked_at: datetime
    ) -> None:
        """Note the calendar folders of a mailbox as Exchange listed them to the viewer who asked at that time.

        What was asked later stays. The mirrors of the viewer's calendars that are not listed any more go.
        """
        key = mailbox_key(self._keys, viewer, mailbox)
        row = {"viewer": viewer_key(self._keys, viewer), "mailbox": key}
        here = (folder_listings.c.viewer == row["viewer"], folder_listings.c.mailbox == key)
        with self._database.writing(row["viewer"]) as connection:
            former = connection.execute(select(folder_listings).where(*here)).one_or_none()
            if former is not None and former.listed_at > to_microseconds(asked_at):
                return
            connection.execute(delete(folder_listings).where(*here))
            sealed = seal_calendars(self._keys, key, listing)
            connection.execute(
                insert(folder_listings).values(**row, listed_at=to_microseconds(asked_at), listing=sealed)
            )
            listed = {calendar.ref for calendar in listing}
            known = open_calendars(self._keys, key, former.listing) if former is not None else ()
            gone = [calendar.ref for calendar in known if calendar.ref not in listed]
            keys = [CalendarSeals(self._keys, ref).calendar for ref in gone]
            connection.execute(delete(calendars).where(calendars.c.key.in_(keys)))

    def drop(self, ref: CalendarRef) -> None:
        """Remove what a viewer was told of a calendar that is gone."""
        seals = CalendarSeals(self._keys, ref)
        with self._database.writing(seals.calendar) as connection:
            connection.execute(delete(calendars).where(calendars.c.key == seals.calendar))

    def forget(self, viewer: Viewer) -> None:
        """Remove everything a viewer was told. What he asks for next begins with a new epoch."""
        key = viewer_key(self._keys, viewer)
        with self._database.writing() as connection:
            connection.execute(delete(calendars).where(calendars.c.viewer == key))
            connection.execute(delete(folder_listings).where(folder_listings.c.viewer == key))
            connection.execute(delete(busy_months).where(busy_months.c.viewer == key))
        self._memory.forget(viewer)

    # --- transactions ---

    @contextmanager
    def _reading(self, seals: CalendarSeals) -> Iterator[tuple[Connection, CalendarRow]]:
        with self._database.reading() as connection:
            calendar = find_calendar(connection, seals)
            if calendar is not None:
                yield connection, calendar
                return
        with self._writing(seals) as (connection, calendar):
            yield connection, calendar

    @contextmanager
    def _writing(self, seals: CalendarSeals) -> Iterator[tuple[Connection, CalendarRow]]:
        with self._database.writing(seals.calendar) as connection:
            calendar = find_calendar(connection, seals, lock=True)
            if calendar is None:
                add_calendar(connection, seals)
                calendar = find_calendar(connection, seals, lock=True)
            if calendar is None:
                raise LookupError("a row is not there right after it was added")
            yield connection, calendar


def _is_current(held: Held, calendar: CalendarRow) -> bool:
    return held.epoch == calendar.epoch and held.serial == calendar.serial


def _can_catch_up(held: Held, calendar: CalendarRow) -> bool:
    return held.epoch == calendar.epoch and held.serial <= calendar.serial and held.revision >= calendar.horizon


def _load(connection: Connection, seals: CalendarSeals, calendar: CalendarRow, held: Held | None) -> Held:
    if held is None or not _can_catch_up(held, calendar):
        held = empty(calendar.epoch)
    changed = read_heads(connection, seals, calendar, held.serial)
    removed = (name for name, _ in read_removed(connection, seals, calendar, held.revision))
    return held.advance(calendar.serial, calendar.revision, changed, removed)
