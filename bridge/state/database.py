"""The state's database: never mended, moved or emptied by itself. What is wrong with it is said, and nothing starts.

One transaction writes at a time, whichever database it is, and sees all that those before it wrote; they are short.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from bridge.database import describe, for_writing, passes, store_of, troubles
from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.keys import Keys, SealBroken
from bridge.sealed import SealedColumn
from bridge.state.schema import MIGRATIONS, VERSION, metadata, versions

_PROBE = b"exchange-bridge state"
_STORE = "The bridge's state"


def _probe_place(keys: Keys) -> bytes:
    return keys.mac(_PROBE, "probe")


PROBE = SealedColumn(versions.c.probe, (_probe_place,), bytes.decode)


def state_exists(engine: Engine) -> bool:
    """Say whether there is a state already. Raises Unavailable where a server cannot be reached, OSError."""
    store = store_of(engine)
    try:
        return store.exists(engine)
    except DBAPIError as error:
        raise Unavailable(f"The state {store.name} cannot be opened now ({describe(error)}).") from error


class StateDatabase:
    """Transactions on the state. Safe to share between threads; made after the fork, as its engine is."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        """Open the database, made when absent. Raises ConfigurationInvalid when it is not ours to use as it is.

        Raises Unavailable where a server cannot be reached.
        """
        self._engine = engine
        self._writing_engine = for_writing(engine)
        self._store = store_of(engine)
        try:
            damage = self._store.find_damage(engine)
            if damage is not None:
                raise self._unusable(f"it is damaged ({damage}); put the backup in its place")
            with self._writing_engine.begin() as connection:
                self._store.prepare(connection)
                self._check(connection, keys)
        except DBAPIError as error:
            if self._store.is_for_hosts and passes(error):
                raise Unavailable(f"The state {self._store.name} cannot be opened now ({describe(error)}).") from error
            raise self._unusable(f"it cannot be opened ({describe(error)})") from error
        except OSError as error:
            raise self._unusable(f"it cannot be opened ({error.strerror})") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout. Raises Unavailable."""
        with troubles(_STORE), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are on the disk when this ends, or none of them. Raises Unavailable."""
        with troubles(_STORE), self._writing_engine.begin() as connection:
            yield connection

    def _check(self, connection: Connection, keys: Keys) -> None:
        if not inspect(connection).has_table(versions.name):
            metadata.create_all(connection)
            connection.execute(insert(versions).values(version=VERSION, probe=keys.seal(_PROBE, _probe_place(keys))))
            return
        row = connection.execute(select(versions)).one_or_none()
        if row is None or (row.version < VERSION and row.version not in MIGRATIONS):
            raise self._unusable("it is not a state of this bridge")
        if row.version > VERSION:
            raise self._unusable(f"a newer bridge made it (its version is {row.version}, this one knows {VERSION})")
        try:
            keys.open(row.probe, _probe_place(keys))
        except SealBroken:
            raise self._unusable(f"it was sealed with other keys; {self._advice()}") from None
        for version in range(row.version, VERSION):
            MIGRATIONS[version](connection)
        connection.execute(update(versions).values(version=VERSION))

    def _advice(self) -> str:
        if self._store.is_for_hosts:
            return "every host needs the one key file: copy it here from a host that runs, or from the backup"
        return "put the key file of its backup in place"

    def _unusable(self, why: str) -> ConfigurationInvalid:
        return ConfigurationInvalid([f"The state {self._store.name} cannot be used: {why}."])
