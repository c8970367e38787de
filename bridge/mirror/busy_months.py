"""What Exchange told of mailboxes' time, by the month, for each viewer: an old answer is better than none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from bridge.database import from_microseconds, to_microseconds
from bridge.keys import Keys
from bridge.mirror.database import MirrorDatabase
from bridge.mirror.resource_row import chunks
from bridge.mirror.schema import busy_months
from bridge.mirror.seals import mailbox_key, month_key, open_blocks, seal_blocks, viewer_key
from bridge.model import Address, Block, Viewer

MOST_OF_A_VIEWER = 5_000
"""Months of mailboxes kept for one viewer, the latest asked: of a hundred people for four years."""

MailboxMonth = tuple[Address, int]
"""A mailbox, and a month as ``year * 12 + month - 1`` of UTC."""


@dataclass(frozen=True, slots=True)
class BusyMonth:
    """A mailbox's blocks that touch one month, and when Exchange told them (UTC, to the microsecond)."""

    asked_at: datetime
    blocks: tuple[Block, ...]


class BusyMonths:
    """The months, sealed for their viewer. Safe to share between threads, as `Mirror` is."""

    def __init__(self, database: MirrorDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def get(self, viewer: Viewer, wanted: Iterable[MailboxMonth]) -> dict[MailboxMonth, BusyMonth]:
        """Give the months that are kept, however old. Raises Unavailable where the mirror cannot be used now."""
        keys = {month_key(self._keys, viewer, *each): each for each in wanted}
        found = {}
        with self._database.reading() as connection:
            for chunk in chunks(keys):
                query = select(busy_months.c.month, busy_months.c.asked_at, busy_months.c.blocks)
                for key, asked_at, sealed in connection.execute(query.where(busy_months.c.month.in_(chunk))):
                    found[keys[key]] = BusyMonth(from_microseconds(asked_at), open_blocks(self._keys, key, sealed))
        return found

    def put(self, viewer: Viewer, told: Mapping[MailboxMonth, BusyMonth], refused: Iterable[Address] = ()) -> None:
        """Keep these months in place of what was kept of them, and of the mailboxes that are refused nothing any more.

        Raises Unavailable where the mirror cannot be used now.
        """
        owner = viewer_key(self._keys, viewer)
        rows: list[dict[str, Any]] = []
        for each, month in told.items():
            key = month_key(self._keys, viewer, *each)
            place = {"viewer": owner, "mailbox": mailbox_key(self._keys, viewer, each[0]), "month": key}
            sealed = seal_blocks(self._keys, key, month.blocks)
            rows.append({**place, "asked_at": to_microseconds(month.asked_at), "blocks": sealed})
        gone = [mailbox_key(self._keys, viewer, mailbox) for mailbox in refused]
        with self._database.writing(owner) as connection:
            connection.execute(delete(busy_months).where(busy_months.c.mailbox.in_(gone)))
            for chunk in chunks(row["month"] for row in rows):
                connection.execute(delete(busy_months).where(busy_months.c.month.in_(chunk)))
            if rows:
                connection.execute(insert(busy_months), rows)
                _prune(connection, owner)


def _prune(connection: Connection, owner: bytes) -> None:
    query = select(busy_months.c.month).where(busy_months.c.viewer == owner)
    oldest = query.order_by(busy_months.c.asked_at.desc(), busy_months.c.month).offset(MOST_OF_A_VIEWER)
    for chunk in chunks(connection.execute(oldest).scalars().all()):
        connection.execute(delete(busy_months).where(busy_months.c.month.in_(chunk)))
