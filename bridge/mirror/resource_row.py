"""Rows of resources, read in batches and written in batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from bridge.item import Item
from bridge.mirror.schema import graves, items, resources
from bridge.mirror.seals import CalendarSeals
from bridge.model import Revision
from bridge.resource import Listed

_CHUNK = 500  # keys in one query; databases bound the number of parameters


class Write(Enum):
    """What of a row has to be written."""

    NOTHING = "nothing"
    MARK = "mark"
    """When it was pushed, and nothing else."""
    QUIET = "quiet"
    """What clients do not read: change keys and facts."""
    WHOLE = "whole"
    NEW = "new"
    BURY = "bury"


@dataclass(slots=True)
class ResourceRow:
    """A resource within one writing transaction. ``text`` and ``facts`` are set when they are to be written."""

    key: bytes
    listed: Listed
    created: Revision
    pushed: Revision
    sealed_facts: bytes = b""
    text: bytes = b""
    facts: tuple[Item, ...] | None = None
    write: Write = Write.NOTHING


def load_rows(
    connection: Connection, seals: CalendarSeals, calendar: int, condition: ColumnElement[bool]
) -> Iterator[ResourceRow]:
    """Give the living resources of a calendar that fulfil the condition."""
    query = select(
        resources.c.name, resources.c.head, resources.c.created, resources.c.pushed, resources.c.facts
    ).where(resources.c.calendar == calendar, condition)
    for key, head, created, pushed, facts in connection.execute(query):
        yield ResourceRow(key, seals.open_head(key, head), Revision(created), Revision(pushed), facts)


def chunks(keys: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut keys into as many as one query takes."""
    iterator = iter(keys)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


# --- writing -----------------------------------------------------------------------------------------

_ROW = (resources.c.calendar == bindparam("in_calendar"), resources.c.name == bindparam("of"))
_ITEM = (items.c.calendar == bindparam("in_calendar"), items.c.item == bindparam("of"))


class RowWriter:
    """Writes the rows of one calendar at one serial and revision, each kind of statement once for all of them."""

    def __init__(self, connection: Connection, seals: CalendarSeals, calendar: int, serial: int) -> None:
        self._connection = connection
        self._seals = seals
        self._calendar = calendar
        self._serial = serial

    def bury(self, rows: Sequence[ResourceRow], revision: Revision, *, is_pushed: bool) -> None:
        """Remove resources, and keep in mind when they lived."""
        self._many(delete(resources).where(*_ROW), [self._of(row.key) for row in rows])
        told = [
            {
                "calendar": self._calendar,
                "name": row.key,
                "removed": revision,
                "created": row.created,
                "uid": self._seals.uid(row.listed.uid),
                "is_pushed": is_pushed,
                "label": self._seals.seal_name(row.key, row.listed.name),
            }
            for row in rows
        ]
        self._many(insert(graves), told)

    def write(self, rows: Iterable[ResourceRow]) -> None:
        """Write each row as it asks for."""
        told: dict[Write, list[dict[str, Any]]] = {write: [] for write in Write}
        for row in rows:
            told[row.write].append(self._columns(row))
        self._many(insert(resources), told[Write.NEW])
        for write in (Write.WHOLE, Write.QUIET, Write.MARK):
            if told[write]:
                names = told[write][0].keys() - {"in_calendar", "of"}
                statement = update(resources).where(*_ROW).values({name: bindparam(name) for name in names})
                self._many(statement, told[write])

    def assign(self, owners: Iterable[tuple[bytes, bytes | None]], generation: int) -> None:
        """Note which resource each item belongs to, None for none, as seen by this full listing."""
        told = list(owners)
        self._many(delete(items).where(*_ITEM), [self._of(item) for item, _ in told])
        belonging = [
            {"calendar": self._calendar, "item": item, "name": name, "generation": generation}
            for item, name in told
            if name is not None
        ]
        self._many(insert(items), belonging)

    def _columns(self, row: ResourceRow) -> dict[str, Any]:
        columns: dict[str, Any] = {"pushed": row.pushed}
        if row.write is Write.NEW:
            columns |= {"calendar": self._calendar, "name": row.key, "created": row.created}
        else:
            columns |= self._of(row.key)
        if row.write in {Write.NEW, Write.WHOLE, Write.QUIET}:
            columns["serial"] = self._serial
            columns["head"] = self._seals.seal_head(row.key, row.listed)
            columns["facts"] = row.sealed_facts if row.facts is None else self._seals.seal_facts(row.key, row.facts)
        if row.write in {Write.NEW, Write.WHOLE}:
            columns["uid"] = self._seals.uid(row.listed.uid)
            columns["text"] = self._seals.seal_text(row.key, row.text)
        return columns

    def _of(self, key: bytes) -> dict[str, Any]:
        return {"in_calendar": self._calendar, "of": key}

    def _many(self, statement: Any, parameters: list[dict[str, Any]]) -> None:
        if parameters:
            self._connection.execute(statement, parameters)
