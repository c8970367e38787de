"""Properties that DAV clients store at calendars and homes and that Exchange has no place for, each viewer's own."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select

from bridge.errors import NotExpressible
from bridge.keys import Keys
from bridge.model import CalendarRef, FolderId, Viewer
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.schema import kept_properties as table

SEALED = SealedColumn(table.c.property, (b"kept property", table.c.place, table.c.name), json.loads)

MOST, LARGEST = 100, 64 * 1024
"""Properties of one place, and characters of one with its name."""


class KeptProperties:
    """Elements by name: what a client stored comes back to the same viewer as it was, in every process."""

    def __init__(self, database: StateDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def get(self, ref: CalendarRef) -> dict[str, str]:
        """Give the properties of a calendar: elements by Clark name. Raises SealBroken when one is damaged."""
        place = self._place(ref)
        query = select(table.c.name, table.c.property).where(table.c.place == place).order_by(table.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return dict(json.loads(self._keys.open(row.property, SEALED.bound(place, row.name))) for row in rows)

    def change(self, ref: CalendarRef, changes: Mapping[str, str | None]) -> None:
        """Store elements by Clark name, remove those of which None is told: all of them or none.

        Raises NotExpressible where it becomes too much.
        """
        place = self._place(ref)
        with self._database.writing() as connection:
            for name, element in changes.items():
                self._put(connection, place, name, element)
            count = connection.execute(select(func.count()).where(table.c.place == place)).scalar_one()
            if count > MOST:
                raise NotExpressible(f"At most {MOST} properties are kept at one place.")

    def drop(self, ref: CalendarRef) -> None:
        """Forget the properties of a calendar that is deleted."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.place == self._place(ref)))

    def _put(self, connection: Connection, place: bytes, name: str, element: str | None) -> None:
        key = self._keys.mac(place + name.encode("utf-8", "surrogatepass"), "state property name")
        connection.execute(delete(table).where(table.c.place == place, table.c.name == key))
        if element is None:
            return
        if len(name) + len(element) > LARGEST:
            raise NotExpressible(f"A property of more than {LARGEST} characters is not kept.")
        sealed = self._keys.seal(json.dumps([name, element]).encode("ascii"), SEALED.bound(place, key))
        connection.execute(insert(table).values(place=place, name=key, property=sealed))

    def _place(self, ref: CalendarRef) -> bytes:
        names = [ref.viewer.organisation, ref.viewer.address, ref.mailbox, ref.folder]
        return self._keys.mac(json.dumps(names).encode("ascii"), "state properties")


def home_of(viewer: Viewer) -> CalendarRef:
    """Give the place that stands for the viewer's home, which is no folder."""
    return CalendarRef(viewer, viewer.address, FolderId(""))
