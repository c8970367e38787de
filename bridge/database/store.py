"""What a store asks of its database beyond SQL, whichever kind it is."""

from collections.abc import Callable, Hashable
from typing import Protocol, cast

from sqlalchemy import Connection, Engine

_STORE, WRITES, KEYS = "store", "writes", "keys"
"""Execution options: the `Store` of an engine; whether a transaction will write, and what of."""


class Store(Protocol):
    """One database of one store: a file of SQLite's, or a schema of PostgreSQL's."""

    @property
    def name(self) -> str:
        """How an administrator knows it. No password is in it."""

    @property
    def is_for_hosts(self) -> bool:
        """Whether several hosts may share it."""

    def exists(self, engine: Engine) -> bool:
        """Say whether anything was ever stored there."""

    def prepare(self, connection: Connection) -> None:
        """Make what tables need to stand in, within a writing transaction."""

    def find_damage(self, engine: Engine, *, thorough: bool = False) -> str | None:
        """Give what is wrong with all of it, as far as the kind of database can tell; None when nothing is.

        It takes a while where all of it has to be read; ``thorough`` takes longer.
        """

    def check(self, connection: Connection, check: Callable[[Connection], None]) -> Hashable:
        """Have the database of a new connection looked at, and made where it is absent, with everybody else kept out.

        Gives which database it is, for `begin_anew`.
        """

    def identify(self, engine: Engine) -> Hashable | None:
        """Give which database is there now, None when there is none."""

    def begin_anew(self, engine: Engine, which: Hashable | None) -> str | None:
        """Make room for a new database, and give what became of the old one, as the end of a sentence.

        None, and nothing is done, where it is not that one any more: somebody else was quicker.
        """


def keep_store(engine: Engine, store: Store) -> None:
    """Note whose engine this is."""
    engine.update_execution_options(**{_STORE: store})


def store_of(engine: Engine) -> Store:
    """Give the store's database, of an engine that was made here."""
    return cast("Store", engine.get_execution_options()[_STORE])


def for_writing(engine: Engine) -> Engine:
    """Give the engine for transactions that write: one at a time, the next one waits. Its connections are the same."""
    return engine.execution_options(**{WRITES: True})


def naming(connection: Connection, *keys: bytes) -> Connection:
    """Say before a writing transaction of what alone it writes: others of other keys may then write beside it.

    Where a database has one writer at a time anyway, this changes nothing.
    """
    return connection.execution_options(**{KEYS: keys}) if keys else connection
