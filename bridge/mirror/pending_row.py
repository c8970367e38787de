"""Items that are to be read again, each not before its time."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from bridge.database import to_microseconds
from bridge.item import ItemId
from bridge.mirror.calendar_row import CalendarRow
from bridge.mirror.schema import pending
from bridge.mirror.seals import CalendarSeals

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of an item that the next pull reads, unless it is named to it."""

_ONE = (pending.c.calendar == bindparam("in_calendar"), pending.c.item == bindparam("of"))


def settle(connection: Connection, calendar: CalendarRow, items: Iterable[bytes]) -> None:
    """Forget that these items, given by their keys, are to be read again."""
    told = [{"in_calendar": calendar.id, "of": item} for item in items]
    if told:
        connection.execute(delete(pending).where(*_ONE), told)


def postpone(
    connection: Connection, seals: CalendarSeals, calendar: CalendarRow, due: Iterable[tuple[ItemId, datetime]]
) -> None:
    """Note items that are to be read again, and when. What was noted of them before is replaced."""
    times = {seals.item(item): (item, to_microseconds(at)) for item, at in due}
    settle(connection, calendar, times)
    told = [
        {"calendar": calendar.id, "item": key, "due": at, "label": seals.seal_item(key, item)}
        for key, (item, at) in times.items()
    ]
    if told:
        connection.execute(insert(pending), told)


def find_due(connection: Connection, seals: CalendarSeals, calendar: CalendarRow, now: datetime) -> tuple[ItemId, ...]:
    """Give the items whose time has come, the longest due first."""
    query = (
        select(pending.c.item, pending.c.label)
        .where(pending.c.calendar == calendar.id, pending.c.due <= to_microseconds(now))
        .order_by(pending.c.due, pending.c.item)
    )
    return tuple(seals.open_item(key, label) for key, label in connection.execute(query))
