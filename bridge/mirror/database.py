"""The mirror's file: built anew when it is damaged, of a version that is not known, or sealed with other keys.

What is set aside keeps its name with ``.damaged-`` and the time behind it. Nothing is lost: Exchange has it all.
"""

import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from bridge.errors import MirrorFilling, Unavailable
from bridge.keys import Keys, SealBroken
from bridge.mirror.codec import Undecodable
from bridge.mirror.schema import MIGRATIONS, VERSION, metadata, versions

_log = logging.getLogger(__name__)

_PROBE = b"exchange-bridge mirror"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CHECKED = "mirror file"  # in a pooled connection's info: it was checked, and which file it has open
_FileId = tuple[int, int] | None


class _Unusable(Exception):
    """The file is no mirror that these keys and this version can read."""


class MirrorDatabase:
    """Transactions on the mirror's file. Safe to share between threads; made after the fork, as its engine is."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self._engine = engine
        self._writing_engine = engine.execution_options(writes=True)
        self._keys = keys
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
        file: _FileId = None
        try:
            with self._connect(engine) as connection, connection.begin():
                file = connection.info[_CHECKED]
                yield connection
        except (SealBroken, Undecodable) as error:
            self._set_aside(file, str(error))
            raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error
        except DatabaseError as error:
            if _is_damage(error):
                self._set_aside(file, str(error.orig))
                raise MirrorFilling("The calendars are being read from Exchange again.", retry_after=5) from error
            if isinstance(error, OperationalError):
                raise Unavailable(f"The calendars' store cannot be used now ({error.orig}).") from error
            raise
        except OSError as error:
            raise Unavailable(f"The calendars' store cannot be used now ({error.strerror}).") from error

    def _connect(self, engine: Engine) -> Connection:
        """Give a connection to a file that is known to be a mirror of ours; make one if need be."""
        try:
            return self._connect_checked(engine)
        except _Unusable as error:
            self._set_aside(_identify(self._path), str(error))
        except DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside(_identify(self._path), str(error.orig))
        return self._connect_checked(engine)

    def _connect_checked(self, engine: Engine) -> Connection:
        connection = engine.connect()
        if _CHECKED not in connection.info:
            try:
                with self._alone():
                    file = _identify(self._path)
                    with connection.begin():
                        self._check(connection)
                    connection.info[_CHECKED] = file
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        return connection

    def _check(self, connection: Connection) -> None:
        if not inspect(connection).has_table(versions.name):
            metadata.create_all(connection)
            probe = self._keys.seal(_PROBE, self._keys.mac(_PROBE, "probe"))
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
            self._keys.open(row.probe, self._keys.mac(_PROBE, "probe"))
        except SealBroken:
            raise _Unusable("it is sealed with other keys") from None

    def _set_aside(self, file: _FileId, why: str) -> None:
        """Rename the file, unless another process has done so meanwhile: then there is a new one already."""
        with self._alone():
            if file is None or _identify(self._path) != file:
                return
            aside = f"{self._path}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
            _log.warning("The mirror %s cannot be used (%s): it becomes %s and is built anew.", self._path, why, aside)
            self._engine.dispose()
            for part in ("-wal", "-shm", ""):  # the file last: without its WAL no one else can begin with it
                with suppress(FileNotFoundError):
                    Path(f"{self._path}{part}").replace(f"{aside}{part}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other process and thread from making, checking or renaming the file meanwhile."""
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _identify(path: Path) -> _FileId:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_damage(error: DatabaseError) -> bool:
    return isinstance(error.orig, sqlite3.Error) and error.orig.sqlite_errorcode & 0xFF in _DAMAGED
