"""The state's database: never mended, moved or emptied by itself. What is wrong with it is said, and nothing starts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError

from bridge.database import find_damage, for_writing, troubles
from bridge.errors import ConfigurationInvalid
from bridge.keys import Keys, SealBroken
from bridge.sealed import SealedColumn
from bridge.state.schema import MIGRATIONS, VERSION, metadata, versions

_PROBE = b"exchange-bridge state"
_STORE = "The bridge's state"


def _probe_place(keys: Keys) -> bytes:
    return keys.mac(_PROBE, "probe")


PROBE = SealedColumn(versions.c.probe, (_probe_place,), bytes.decode)


class StateDatabase:
    """Transactions on the state. Safe to share between threads; made after the fork, as its engine is."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        """Open the database, made when absent. Raises ConfigurationInvalid when it is not ours to use as it is."""
        self._engine = engine
        self._writing_engine = for_writing(engine)
        self._place = engine.url.render_as_string(hide_password=True)
        try:
            damage = find_damage(engine)
            if damage is not None:
                raise self._unusable(f"it is damaged ({damage}); put the backup in its place")
            with self._writing_engine.begin() as connection:
                self._check(connection, keys)
        except DatabaseError as error:
            raise self._unusable(f"it cannot be opened ({error.orig})") from error
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
            raise self._unusable("it was sealed with other keys; put the key file of its backup in place") from None
        for version in range(row.version, VERSION):
            MIGRATIONS[version](connection)
        connection.execute(update(versions).values(version=VERSION))

    def _unusable(self, why: str) -> ConfigurationInvalid:
        return ConfigurationInvalid([f"The state {self._place} cannot be used: {why}."])
