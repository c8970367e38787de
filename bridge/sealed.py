"""What stands sealed in a database: which columns, bound to what; sealed anew with a newer key, and looked through.

The state and the mirror each have one table of their sealed columns. Each value is bound to its place, so that it opens
nowhere else; a column says what its place is made of.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Row,
    Select,
    Table,
    bindparam,
    func,
    inspect,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError

from bridge.database import describe, for_writing, is_damage, store_of, troubles
from bridge.errors import BridgeError, ConfigurationInvalid
from bridge.keys import Keys, SealBroken

PAGE = 50
"""Values sealed anew in one transaction, so that others never wait long to write."""

Part = bytes | Column[Any] | Callable[[Keys], bytes]
"""What a place is made of: a constant, a column of the row or of the row it belongs to, or what only the keys tell."""


class Transactions(Protocol):
    """A database, by its transactions."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state of the database throughout. Raises Unavailable."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Give a connection whose changes are made together or not at all. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, what each is bound to, in this order, and how one is read once it is open.

    ``decode`` raises BridgeError, ValueError, KeyError or TypeError for what cannot stand there.
    """

    column: Column[Any]
    parts: tuple[Part, ...]
    decode: Callable[[bytes], object]

    @property
    def table(self) -> Table:
        """The table it is a column of."""
        table: Table = self.column.table
        return table

    def bound(self, *values: bytes) -> bytes:
        """Give the place for the values of the columns it is made of, in their order."""
        given = iter(values)
        return b"".join(part if isinstance(part, bytes) else next(given) for part in self.parts)

    def columns(self) -> tuple[Column[Any], ...]:
        """Give the columns that the place is made of."""
        return tuple(part for part in self.parts if isinstance(part, Column))

    def place(self, keys: Keys, told: Iterable[bytes]) -> bytes:
        """Give the place of a row, given what it has in `columns`."""
        given = iter(told)
        pieces = []
        for part in self.parts:
            if isinstance(part, Column):
                pieces.append(next(given))
            else:
                pieces.append(part if isinstance(part, bytes) else part(keys))
        return b"".join(pieces)

    def source(self) -> FromClause:
        """Give the table with those that its place is told by."""
        source: FromClause = self.table
        for other in {column.table for column in self.columns()} - {self.table}:
            source = source.join(other)
        return source


@dataclass(frozen=True, slots=True)
class SealedSchema:
    """What a database of ours is called, the table that tells its version, the version that is known, and all columns.

    The first column is the probe: sealed with every key file, so that a wrong one is noticed.
    """

    name: str
    versions: Table
    version: int
    columns: tuple[SealedColumn, ...]


class StoreAtRest:
    """A database of ours as it is: opening it makes nothing, mends nothing and takes nothing along to a newer version.

    It is for commands beside a running bridge. The engine is its owner's to dispose of.
    """

    def __init__(self, schema: SealedSchema, engine: Engine, keys: Keys) -> None:
        self.schema = schema
        self.name = schema.name
        self._keys = keys
        self._engine = engine
        self._store = store_of(engine)
        self._writing_engine = for_writing(engine)

    def find_damage(self) -> str | None:
        """Read all of it and give what is wrong with it as a database, None when nothing is. Raises Unavailable."""
        with troubles(f"The {self.name}"):
            return self._store.find_damage(self._engine, thorough=True)

    def exists(self) -> bool:
        """Say whether there is one. Raises Unavailable."""
        with troubles(f"The {self.name}"):
            return self._store.exists(self._engine)

    def check(self) -> None:
        """Raise ConfigurationInvalid where it is not ours to use, with why. Raises Unavailable."""
        schema = self.schema
        with self.reading() as connection:
            if not inspect(connection).has_table(schema.versions.name):
                raise self._unusable("there is nothing in it yet; start the bridge once")
            row = connection.execute(select(schema.versions)).one_or_none()
        if row is None:
            raise self._unusable("it does not say its version")
        if row.version != schema.version:
            theirs = f"its version is {row.version}, this program knows {schema.version}"
            raise self._unusable(f"{theirs}; the bridge takes an older one along when it starts")
        try:
            self._keys.open(row.probe, schema.columns[0].place(self._keys, ()))
        except SealBroken:
            raise self._unusable("it is sealed with other keys") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state throughout. Raises Unavailable, ConfigurationInvalid for damage."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are made together. Raises Unavailable, ConfigurationInvalid for damage."""
        with self._told(), self._writing_engine.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with troubles(f"The {self.name}"):
                yield
        except DBAPIError as error:
            if not is_damage(error):
                raise
            raise self._unusable(f"it is damaged ({describe(error)})") from error

    def _unusable(self, why: str) -> ConfigurationInvalid:
        return ConfigurationInvalid([f"The {self.name} {self._store.name} cannot be used: {why}."])


# --- a newer key -------------------------------------------------------------------------------------


def count_stale(connection: Connection, columns: Iterable[SealedColumn], mark: bytes) -> int:
    """Count the values that are not sealed with the key of the mark (`Keys.mark`)."""
    counts = (select(func.count()).select_from(one.table).where(_is_stale(one, mark)) for one in columns)
    return sum(connection.execute(query).scalar_one() for query in counts)


def reseal(database: Transactions, sealed: SealedColumn, keys: Keys, told: Callable[[int], None]) -> int:
    """Seal what is not sealed with the newest key with it, beside others who read and write.

    A value that somebody writes meanwhile stays as he wrote it. ``told`` hears how many more values were looked at.
    What was done stays done, wherever this breaks off. Gives how many values could not be opened: they stay.
    Raises Unavailable.
    """
    mark, broken = keys.mark, 0
    identity = _identity(sealed)
    after: tuple[Any, ...] | None = None
    while True:
        with database.reading() as connection:
            rows = connection.execute(_page(sealed, mark, after)).all()
        if not rows:
            return broken
        renewed = []
        for row in rows:
            known, old, told_place = _split(row, identity)
            place = sealed.place(keys, told_place)
            try:
                renewed.append({**_keys_of(known), "old": old, "new": keys.seal(keys.open(old, place), place)})
            except SealBroken:
                broken += 1
        if renewed:
            began = time.monotonic()
            with database.writing() as connection:
                connection.execute(_replacement(sealed), renewed)
            time.sleep(time.monotonic() - began)  # who waits to write only looks now and then whether he may
        told(len(rows))
        after = tuple(rows[-1][: len(identity)])
        if not identity:
            return broken


def _is_stale(sealed: SealedColumn, mark: bytes) -> ColumnElement[bool]:
    """Give the condition that a value does not begin with the mark; bytes compare in order in every database."""
    column = sealed.column
    behind = mark[:-1] + bytes((mark[-1] + 1,))  # the mark ends with a letter or digit
    return or_(column < mark, column >= behind)


def _identity(sealed: SealedColumn) -> tuple[Column[Any], ...]:
    return tuple(sealed.table.primary_key.columns)


def _page(sealed: SealedColumn, mark: bytes, after: tuple[Any, ...] | None) -> Select[Any]:
    """Ask for the next stale values in the order of their rows."""
    identity = _identity(sealed)
    query = select(*identity, sealed.column, *sealed.columns()).select_from(sealed.source())
    query = query.where(_is_stale(sealed, mark)).order_by(*identity).limit(PAGE)
    if after is None or not identity:
        return query
    last = [literal(value, column.type) for value, column in zip(after, identity, strict=True)]
    return query.where(identity[0] > last[0] if len(last) == 1 else tuple_(*identity) > tuple_(*last))


def _split(row: Row[Any], identity: tuple[Column[Any], ...]) -> tuple[tuple[Any, ...], bytes, tuple[bytes, ...]]:
    known = len(identity)
    return tuple(row[:known]), row[known], tuple(row[known + 1 :])


def _keys_of(known: tuple[Any, ...]) -> dict[str, Any]:
    return {f"key_{number}": value for number, value in enumerate(known)}


def _replacement(sealed: SealedColumn) -> Any:
    """Give the statement that writes a value where the old one still stands."""
    here = [column == bindparam(f"key_{number}") for number, column in enumerate(_identity(sealed))]
    unchanged = sealed.column == bindparam("old")
    return update(sealed.table).where(*here, unchanged).values({sealed.column: bindparam("new")})


# --- looking through ---------------------------------------------------------------------------------


def count_broken(connection: Connection, sealed: SealedColumn, keys: Keys) -> tuple[int, int]:
    """Open and decode every value of a column; give how many there are, and how many cannot be read."""
    query = select(sealed.column, *sealed.columns()).select_from(sealed.source()).where(sealed.column.is_not(None))
    values = broken = 0
    for value, *told in connection.execute(query.execution_options(yield_per=PAGE)):
        values += 1
        try:
            sealed.decode(keys.open(value, sealed.place(keys, told)))
        except (BridgeError, ValueError, KeyError, TypeError):
            broken += 1
    return values, broken
