"""One calendar's row: how far its mirror is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bridge.database import from_microseconds, to_microseconds
from bridge.ids import make_epoch
from bridge.mirror.batch import Status
from bridge.mirror.schema import calendars, watchers
from bridge.mirror.seals import CalendarSeals
from bridge.model import Epoch, Revision
from bridge.resource import Window


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """The row as it stands in the table; ``cursor`` is sealed, ``pulled_at`` in microseconds since 1970.

    Who stands at a revision before ``horizon`` cannot be told any more all that was removed since. ``rendering`` stands
    for the URL that all texts were rendered for. ``watcher`` is a process and ``heard_at`` its last sign of life, in
    microseconds since 1970.
    """

    id: int
    epoch: Epoch
    revision: Revision
    serial: int
    generation: int
    is_listing: bool
    pulled_at: int | None
    cursor: bytes | None
    horizon: Revision
    rendering: bytes | None = None
    window: Window | None = None
    total: int | None = None
    watcher: str | None = None
    is_quiet: bool = False
    heard_at: int | None = None

    @property
    def last_pull(self) -> datetime | None:
        """When Exchange was last asked and answered whole."""
        return None if self.pulled_at is None else from_microseconds(self.pulled_at)

    @property
    def quiet_at(self) -> datetime | None:
        """When it was last certain that nothing has changed since the last pull; None where nobody can tell."""
        is_known = self.is_quiet and self.watcher is not None and self.heard_at is not None
        return from_microseconds(self.heard_at) if is_known and self.heard_at is not None else None

    def status(self, seals: CalendarSeals) -> Status:
        """Give what `sync` wants to know of it."""
        return Status(
            epoch=self.epoch,
            revision=self.revision,
            cursor=seals.open_cursor(self.cursor),
            pulled_at=self.last_pull,
            is_listing=self.is_listing,
            window=self.window,
        )


_COLUMNS = (
    calendars.c.id,
    calendars.c.epoch,
    calendars.c.revision,
    calendars.c.serial,
    calendars.c.generation,
    calendars.c.is_listing,
    calendars.c.pulled_at,
    calendars.c.cursor,
    calendars.c.horizon,
    calendars.c.rendering,
    calendars.c.window_start,
    calendars.c.window_end,
    calendars.c.window_at,
    calendars.c.total,
    calendars.c.watcher,
    calendars.c.is_quiet,
    watchers.c.heard_at,
)
_WITH_WATCHER = calendars.outerjoin(watchers, watchers.c.id == calendars.c.watcher)


def find_calendar(connection: Connection, seals: CalendarSeals, *, lock: bool = False) -> CalendarRow | None:
    """Give the calendar's row by one indexed look-up. ``lock`` keeps other writers of it away until the end."""
    query = select(*_COLUMNS).select_from(_WITH_WATCHER).where(calendars.c.key == seals.calendar)
    row = connection.execute(query.with_for_update(of=calendars) if lock else query).one_or_none()
    if row is None:
        return None
    number, epoch, revision, serial, generation, is_listing, pulled_at, cursor, horizon, rendering, *rest = row
    start, end, read_at, total, watcher, is_quiet, heard_at = rest
    window = None
    if start is not None:
        window = Window(from_microseconds(start), from_microseconds(end), from_microseconds(read_at))
    return CalendarRow(
        number,
        Epoch(epoch.decode()),
        Revision(revision),
        serial,
        generation,
        is_listing,
        pulled_at,
        cursor,
        Revision(horizon),
        rendering,
        window,
        total,
        watcher,
        is_quiet,
        heard_at,
    )


def add_calendar(connection: Connection, seals: CalendarSeals) -> None:
    """Begin a mirror from nothing: with an epoch of its own, and everything still to be listed."""
    connection.execute(
        insert(calendars).values(
            key=seals.calendar,
            viewer=seals.viewer,
            epoch=make_epoch().encode(),
            revision=0,
            serial=0,
            generation=0,
            is_listing=False,
        )
    )


def write_calendar(connection: Connection, row: CalendarRow) -> None:
    """Write how far the mirror is now; who watches stays as it is."""
    window = row.window
    connection.execute(
        update(calendars)
        .where(calendars.c.id == row.id)
        .values(
            revision=row.revision,
            serial=row.serial,
            generation=row.generation,
            is_listing=row.is_listing,
            pulled_at=row.pulled_at,
            cursor=row.cursor,
            horizon=row.horizon,
            rendering=row.rendering,
            window_start=None if window is None else to_microseconds(window.start),
            window_end=None if window is None else to_microseconds(window.end),
            window_at=None if window is None else to_microseconds(window.read_at),
            total=row.total,
        )
    )
