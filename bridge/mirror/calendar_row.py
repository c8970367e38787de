"""One calendar's row: how far its mirror is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bridge.database import from_microseconds
from bridge.ids import make_epoch
from bridge.mirror.batch import Status
from bridge.mirror.schema import calendars
from bridge.mirror.seals import CalendarSeals
from bridge.model import Epoch, Revision


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """The row as it stands in the table; ``cursor`` is sealed, ``pulled_at`` in microseconds since 1970.

    Who stands at a revision before ``horizon`` cannot be told any more all that was removed since. ``rendering`` stands
    for the URL that all texts were rendered for.
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

    @property
    def last_pull(self) -> datetime | None:
        """When Exchange was last asked and answered whole."""
        return None if self.pulled_at is None else from_microseconds(self.pulled_at)

    def status(self, seals: CalendarSeals) -> Status:
        """Give what `sync` wants to know of it."""
        return Status(
            epoch=self.epoch,
            revision=self.revision,
            cursor=seals.open_cursor(self.cursor),
            pulled_at=self.last_pull,
            is_listing=self.is_listing,
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
)


def find_calendar(connection: Connection, seals: CalendarSeals, *, lock: bool = False) -> CalendarRow | None:
    """Give the calendar's row by one indexed look-up. ``lock`` keeps other writers of it away until the end."""
    query = select(*_COLUMNS).where(calendars.c.key == seals.calendar)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    number, epoch, revision, serial, generation, is_listing, pulled_at, cursor, horizon, rendering = row
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
    """Write how far the mirror is now."""
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
        )
    )
