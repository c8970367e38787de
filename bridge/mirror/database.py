"""The mirror's database: built anew when it is damaged, of a version that is not known, or sealed with other keys.

A file that is set aside keeps its name with ``.damaged-`` and the time behind it, tables of a server are dropped.
Nothing is lost: Exchange has it all.
"""

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from bridge.database import describe, for_writing, is_damage, naming, store_of, troubles
from bridge.errors import ConfigurationInvalid, MirrorFilling, Unavailable
from bridge.keys import Keys, SealBroken
from bridge.mirror.codec import Undecodable
from bridge.mirror.schema import MIGRATIONS, VERSION, metadata, versions
from bridge.sealed import SealedColumn

_log = logging.getLogger(__name__)

_PROBE = b"exchange-bridge mirror"
_STORE = "The calendars' store"
_CHECKED = "mirror"  # in a pooled connection's info: it was checked, and which database it has open


def _probe_place(keys: Keys) -> bytes:
    return keys.mac(_PROBE, "probe")


PROBE = SealedColumn(versions.c.probe, (_probe_place,), bytes.decode)


class _Unusable(Exception):
    """There is no mirror that these keys and this version can read."""


class MirrorDatabase:
    """Transactions on the mirror. Safe to share between threads; made after the fork, as its engine is."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        """Open it. Raises ConfigurationInvalid where that is not allowed, Unavailable."""
        self._engine = engine
        self._writing_engine = for_writing(engine)
        self._keys = keys
        self._was_there = False  # and has not been set aside since
        self._store = store_of(engine)
        try:
            with self.reading():
                pass
        except DBAPIError as error:
            problem = f"The mirror {self._store.name} cannot be used ({describe(error)})."
            raise ConfigurationInvalid([problem]) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the mirror throughout. Raises Unavailable, MirrorFilling."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self, *keys: bytes) -> Iterator[Connection]:
        """Give a connection whose changes are made together, or not at all if anything is raised.

        One writes at a time; the next one waits. Who names keys writes only what belongs to them, the key of a
        calendar or of a viewer: on PostgreSQL others write beside it. Raises Unavailable, MirrorFilling.
        """
        with self._transaction(self._writing_engine, *keys) as connection:
            yield connection

    @contextmanager
    def _transaction(self, engine: Engine, *keys: bytes) -> Iterator[Connection]:
        which: Hashable | None = None
        try:
            with troubles(_STORE), self._connect(engine) as connection, naming(connection, *keys).begin():
                which = connection.info[_CHECKED]
                yield connection
        except (SealBroken, Undecodable) as error:
            self._set_aside(which, str(error))
            raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error
        except DBAPIError as error:
            if not is_damage(error):
                raise
            self._set_aside(which, describe(error))
            raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error

    def _connect(self, engine: Engine) -> Connection:
        """Give a connection to what is known to be a mirror of ours; make one if need be."""
        try:
            return self._connect_checked(engine)
        except _Unusable as error:
            self._set_aside(self._store.identify(engine), str(error))
        except DBAPIError as error:
            if not is_damage(error):
                raise
            self._set_aside(self._store.identify(engine), describe(error))
        return self._connect_checked(engine)

    def _connect_checked(self, engine: Engine) -> Connection:
        connection = engine.connect()
        if _CHECKED not in connection.info:
            try:
                connection.info[_CHECKED] = self._store.check(connection, self._check)
                self._was_there = True
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        return connection

    def _check(self, connection: Connection) -> None:
        if not inspect(connection).has_table(versions.name):
            if self._was_there:
                _log.warning("The mirror %s is gone: it is built anew.", self._store.name)
            metadata.create_all(connection)
            probe = self._keys.seal(_PROBE, _probe_place(self._keys))
            connection.execute(insert(versions).values(version=VERSION, probe=probe))
            return
        row = connection.execute(select(versions)).one_or_none()
        if row is None:
            raise _Unusable("it does not say its version")
        version = row.version
        if version > VERSION and self._store.is_for_hosts:
            raise Unavailable(f"{_STORE} is a newer bridge's (version {version}); all hosts need one version of it.")
        while version in MIGRATIONS and version < VERSION:
            MIGRATIONS[version](connection)
            version += 1
        if version != VERSION:
            raise _Unusable(f"its version is {version}, not {VERSION}")
        if version != row.version:
            connection.execute(update(versions).values(version=version))
        try:
            self._keys.open(row.probe, _probe_place(self._keys))
        except SealBroken:
            raise _Unusable("it is sealed with other keys") from None

    def _set_aside(self, which: Hashable | None, why: str) -> None:
        """Make room for a new one, unless another process has done so meanwhile: then there is a new one already."""
        with troubles(_STORE):
            became = self._store.begin_anew(self._engine, which)
        if became is not None:
            self._was_there = False
            _log.warning("The mirror %s cannot be used (%s): %s and is built anew.", self._store.name, why, became)
