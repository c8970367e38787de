"""What is personal to the viewers of others' calendars, each event's by its UID: Exchange has no place for it.

The text is its owner's to read (`bridge.mapping.personal`). An event that Exchange deletes and creates anew keeps it.
"""

import json
import logging
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from bridge.database import to_microseconds
from bridge.item import Uid
from bridge.keys import Keys, SealBroken
from bridge.model import CalendarRef
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.schema import personal_lines as table

SEALED = SealedColumn(table.c.lines, (b"personal", table.c.place, table.c.resource), json.loads)

LOG = logging.getLogger(__name__)

GONE = timedelta(days=30)
"""How long an event is not there before what was personal of it is forgotten."""


class PersonalLines:
    """Texts by viewer, calendar and UID; a change counts at once in every process."""

    def __init__(self, database: StateDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def get(self, ref: CalendarRef, uid: Uid) -> str | None:
        """Give what is personal to the viewer of this event. What is damaged is taken for nothing, and logged."""
        place, resource = self._key(ref, uid)
        query = select(table.c.lines).where(table.c.place == place, table.c.resource == resource)
        with self._database.reading() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        opened = self._open(place, resource, sealed) if sealed is not None else None
        return None if opened is None else opened[1]

    def all(self, ref: CalendarRef) -> dict[Uid, str]:
        """Give what is personal to the viewer of all events of a calendar, without what is damaged."""
        return dict(one for _, one in self._rows(ref) if one is not None)

    def put(self, ref: CalendarRef, uid: Uid, text: str | None) -> None:
        """Keep a text in place of any former one, None for nothing."""
        place, resource = self._key(ref, uid)
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.place == place, table.c.resource == resource))
            if text is not None:
                sealed = self._keys.seal(json.dumps([uid, text]).encode("ascii"), SEALED.bound(place, resource))
                connection.execute(insert(table).values(place=place, resource=resource, lines=sealed))

    def sweep(self, ref: CalendarRef, living: AbstractSet[Uid], now: datetime) -> None:
        """Note which events are not there, and forget what was personal of those that have been gone for `GONE`.

        ``living`` are the UIDs of the calendar as it was last read whole.
        """
        opened = self._rows(ref)
        gone = [row for row, one in opened if one is not None and one[0] not in living]
        back = [row.resource for row, one in opened if one is not None and one[0] in living and row.gone_at is not None]
        new = [row.resource for row in gone if row.gone_at is None]
        limit = to_microseconds(now - GONE)
        if not back and not new and not any(row.gone_at <= limit for row in gone):
            return
        here = table.c.place == self._place(ref)
        with self._database.writing() as connection:
            connection.execute(update(table).where(here, table.c.resource.in_(back)).values(gone_at=None))
            noted = update(table).where(here, table.c.resource.in_(new), table.c.gone_at.is_(None))
            connection.execute(noted.values(gone_at=to_microseconds(now)))
            connection.execute(delete(table).where(here, table.c.gone_at <= limit))

    def _rows(self, ref: CalendarRef) -> list[tuple[Any, tuple[Uid, str] | None]]:
        place = self._place(ref)
        query = select(table.c.resource, table.c.gone_at, table.c.lines).where(table.c.place == place)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [(row, self._open(place, row.resource, row.lines)) for row in rows]

    def _open(self, place: bytes, resource: bytes, sealed: bytes) -> tuple[Uid, str] | None:
        try:
            uid, text = json.loads(self._keys.open(sealed, SEALED.bound(place, resource)))
        except SealBroken:
            LOG.warning("what is personal to the viewer of an event is damaged in the state and is not shown")
            return None
        return Uid(uid), text

    def _key(self, ref: CalendarRef, uid: Uid) -> tuple[bytes, bytes]:
        place = self._place(ref)
        return place, self._keys.mac(place + uid.encode("utf-8", "surrogatepass"), "state personal event")

    def _place(self, ref: CalendarRef) -> bytes:
        names = [ref.viewer.organisation, ref.viewer.address, ref.mailbox, ref.folder]
        return self._keys.mac(json.dumps(names).encode("ascii"), "state personal")
