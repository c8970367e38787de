"""The mirror's file: built anew when it is damaged, of a version that is not known, or sealed with other keys.

What is set aside keeps its name with ``.damaged-`` and the time behind it. Nothing is lost: Exchange has it all.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError

from bridge.database import FileId, alone, for_writing, identify, is_damage, set_aside, troubles
from bridge.errors import MirrorFilling
from bridge.keys import Keys, SealBroken
from bridge.mirror.codec import Undecodable
from bridge.mirror.schema import MIGRATIONS, VERSION, metadata, versions
from bridge.sealed import SealedColumn

_log = logging.getLogger(__name__)

_PROBE = b"exchange-bridge mirror"
_STORE = "The calendars' store"
_CHECKED = "mirror file"  # in a pooled connection's info: it was checked, and which file it has open


def _probe_place(keys: Keys) -> bytes:
    return keys.mac(_PROBE, "probe")


PROBE = SealedColumn(versions.c.probe, (_probe_place,), bytes.decode)


class _Unusable(Exception):
    """The file is no mirror that these keys and this version can read."""


class MirrorDatabase:
    """Transactions on the mirror's file. Safe to share between threads; made after the fork, as its engine is."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self._engine = engine
        self._writing_engine = for_writing(engine)
        self._keys = keys
        self._was_there = False  # and has not been set aside since
        self._path = Path(engine.url.database or "")
        with self.reading():
            pass

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the file throughout. Raises Unavailable, MirrorFilling."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are made together, or not at all if anything is raised.

        One process writes at a time; the next one waits. Raises Unavailable, MirrorFilling.
        """
        with self._transaction(self._writing_engine) as connection:
            yield connection

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        file: FileId | None = None
        try:
            with troubles(_STORE), self._connect(engine) as connection, connection.begin():
                file = connection.info[_CHECKED]
                yield connection
        except (SealBroken, Undecodable) as error:
            self._set_aside(file, str(error))
            raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error
        except DatabaseError as error:
            if not is_damage(error):
                raise
            self._set_aside(file, str(error.orig))
            raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error

    def _connect(self, engine: Engine) -> Connection:
        """Give a connection to a file that is known to be a mirror of ours; make one if need be."""
        try:
            return self._connect_checked(engine)
        except _Unusable as error:
            self._set_aside(identify(self._path), str(error))
        except DatabaseError as error:
            if not is_damage(error):
                raise
            self._set_aside(identify(self._path), str(error.orig))
        return self._connect_checked(engine)

    def _connect_checked(self, engine: Engine) -> Connection:
        connection = engine.connect()
        if _CHECKED not in connection.info:
            try:
                with alone(self._path):
                    file = identify(self._path)
                    with connection.begin():
                        self._check(connection)
                    connection.info[_CHECKED] = file
                    self._was_there = True
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        return connection

    def _check(self, connection: Connection) -> None:
        if not inspect(connection).has_table(versions.name):
            if self._was_there:
                _log.warning("The mirror %s is gone: it is built anew.", self._path)
            metadata.create_all(connection)
            probe = self._keys.seal(_PROBE, _probe_place(self._keys))
            connection.execute(insert(versions).values(version=VERSION, probe=probe))
            return
        row = connection.execute(select(versions)).one_or_none()
        if row is None:
            raise _Unusable("it does not say its version")
        version = row.version
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

    def _set_aside(self, file: FileId | None, why: str) -> None:
        """Rename the file, unless another process has done so meanwhile: then there is a new one already."""
        with alone(self._path):
            if file is None or identify(self._path) != file:
                return
            self._engine.dispose()
            self._was_there = False
            aside = set_aside(self._path)
            _log.warning("The mirror %s cannot be used (%s): it became %s and is built anew.", self._path, why, aside)
