"""What is remembered of resources that are gone, and for how long."""

from sqlalchemy import Connection, delete, select

from bridge.mirror.schema import graves
from bridge.model import Revision

MOST_GRAVES = 10_000
"""Graves kept of one calendar, some 250 bytes each. A client that was away for more removals than that starts over."""


def forget_oldest(connection: Connection, calendar: int) -> Revision:
    """Let the oldest graves of a calendar go where there are too many, those of one revision together.

    Gives the last revision whose graves went, 0 where none had to. Clients that stand before it cannot be told
    completely any more what was removed.
    """
    mine = graves.c.calendar == calendar
    beyond = select(graves.c.removed).where(mine).order_by(graves.c.removed.desc()).offset(MOST_GRAVES).limit(1)
    last: int | None = connection.execute(beyond).scalar_one_or_none()
    if last is None:
        return Revision(0)
    connection.execute(delete(graves).where(mine, graves.c.removed <= last))
    return Revision(last)
