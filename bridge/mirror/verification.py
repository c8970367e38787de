"""Whether the mirror holds together: everything opens, and says of itself what the rows around it say. Reads only.

What is found is told as a table and a sentence, never with what is in it.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridge.errors import BridgeError
from bridge.ids import make_etag
from bridge.item import ItemId
from bridge.keys import Keys
from bridge.mirror.database import PROBE
from bridge.mirror.schema import calendars, graves, items, pending, resources
from bridge.mirror.seals import (
    BLOCKS,
    CALENDARS,
    CURSOR,
    FACTS,
    GRAVE,
    HEAD,
    PENDING,
    TEXT,
    item_key,
    name_key,
    uid_key,
)
from bridge.model import Name
from bridge.resource import Listed
from bridge.sealed import SealedColumn, Transactions, count_broken

Findings = Counter[tuple[str, str]]
"""How often something is wrong, by table and what."""


def verify_mirror(database: Transactions, keys: Keys, told: Callable[[int], None]) -> Findings:
    """Look through the whole mirror; ``told`` hears how many more events were looked at. Raises Unavailable.

    Each calendar is looked at as it is at one moment, so that it may be written meanwhile.
    """
    found: Findings = Counter()
    with database.reading() as connection:
        for column in (PROBE, CURSOR, CALENDARS, BLOCKS):
            _, broken = count_broken(connection, column, keys)
            found[column.table.name, f"{column.column.name} cannot be read"] += broken
        for table in (resources, items, graves, pending):
            query = select(func.count()).where(table.c.calendar.not_in(select(calendars.c.id)))
            found[table.name, "it is of no calendar"] += connection.execute(query).scalar_one()
        numbers = connection.execute(select(calendars.c.id)).scalars().all()
    for number in numbers:
        with database.reading() as connection:
            row = connection.execute(select(calendars).where(calendars.c.id == number)).one_or_none()
            if row is not None:
                told(_CalendarCheck(connection, keys, row, found).run())
    return +found  # without what was found not once


def count_events(database: Transactions) -> int:
    """Give how many events `verify_mirror` will look at, nearly. Raises Unavailable."""
    with database.reading() as connection:
        count: int = connection.execute(select(func.count()).select_from(resources)).scalar_one()
    return count


class _CalendarCheck:
    """One calendar being looked through, within one transaction."""

    def __init__(self, connection: Connection, keys: Keys, calendar: Row[Any], found: Findings) -> None:
        self._connection = connection
        self._keys = keys
        self._calendar = calendar
        self._found = found
        self._owners: dict[bytes, bytes] = {}

    def run(self) -> int:
        """Count what is wrong, and give how many resources there are."""
        if self._calendar.horizon > self._calendar.revision:
            self._tell("calendars", "its horizon is ahead of its revision")
        for item, name, generation in self._rows(items, items.c.item, items.c.name, items.c.generation):
            self._owners[item] = name
            if generation > self._calendar.generation:
                self._tell("items", "it was seen by a listing that has not begun")
        names = set()
        columns = resources.c
        for row in self._rows(resources, *(column for column in columns if column is not columns.calendar)):
            names.add(row.name)
            self._check_resource(row)
        for name in self._owners.values():
            if name not in names:
                self._tell("items", "it belongs to no resource")
        for row in self._rows(graves, *graves.c):
            self._check_grave(row)
        for row in self._rows(pending, *pending.c):
            item = self._open(PENDING, row.label, row.item)
            if item is not None and item_key(self._keys, self._calendar.key, ItemId(item[0])) != row.item:
                self._tell("pending", "its key is not that of its item")
        return len(names)

    def _check_resource(self, row: Row[Any]) -> None:
        calendar = self._calendar
        if row.serial > calendar.serial or max(row.created, row.pushed) > calendar.revision:
            self._tell("resources", "it was written later than its calendar")
        self._open(FACTS, row.facts, row.name)
        listed: Listed | None = self._open(HEAD, row.head, row.name)
        text: bytes | None = self._open(TEXT, row.text, row.name)
        if listed is None:
            return
        if name_key(self._keys, calendar.key, listed.name) != row.name:
            self._tell("resources", "its key is not that of its name")
        if uid_key(self._keys, calendar.key, listed.uid) != row.uid:
            self._tell("resources", "its UID's key is not that of its UID")
        if not row.created <= listed.revision <= calendar.revision:
            self._tell("resources", "its revision is not between its first and its calendar's")
        if text is not None and (listed.etag != make_etag(text) or listed.size != len(text)):
            self._tell("resources", "its ETag or size is not that of its text")
        if not listed.items:
            self._tell("resources", "it has no item")
        if any(self._owners.get(item_key(self._keys, calendar.key, ref.id)) != row.name for ref in listed.items):
            self._tell("resources", "an item of it is not known to be its own")

    def _check_grave(self, row: Row[Any]) -> None:
        if not row.created <= row.removed <= self._calendar.revision:
            self._tell("graves", "it ended before it began, or later than its calendar")
        label = self._open(GRAVE, row.label, row.name)
        if label is not None and name_key(self._keys, self._calendar.key, Name(label[0])) != row.name:
            self._tell("graves", "its key is not that of its name")

    def _open(self, column: SealedColumn, sealed: bytes, key: bytes) -> Any:
        """Give what stands in a column, decoded; None, and told, where it cannot be read."""
        try:
            return column.decode(self._keys.open(sealed, column.bound(self._calendar.key, key)))
        except (BridgeError, ValueError, KeyError, TypeError):
            self._tell(column.table.name, f"{column.column.name} cannot be read")
            return None

    def _rows(self, table: Any, *columns: Any) -> Any:
        query = select(*columns).where(table.c.calendar == self._calendar.id)
        return self._connection.execute(query.execution_options(yield_per=100))

    def _tell(self, table: str, what: str) -> None:
        self._found[table, what] += 1
