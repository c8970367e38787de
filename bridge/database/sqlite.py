"""All that is particular to SQLite: how its files are opened, what is wrong with one, and how one is set aside.

An engine belongs to one process: SQLite's locks and its connections do not survive a fork
(https://www.sqlite.org/howtocorrupt.html, 2.6).
"""

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError

from bridge.database.store import WRITES, keep_store

FileId = tuple[int, int]
"""Which file it is that has a name: its device and inode."""

_BUSY_MILLISECONDS = 10_000
_IDLE_CONNECTIONS = 8  # each may keep a page cache of 2 MB
_BURST_CONNECTIONS = 56  # more threads than that never run in one worker
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def make_engine(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> Engine:
    """Give the engine of one database file, which is made (mode 0600) when it is first used.

    ``FULL`` means that what is committed survives a power cut; ``NORMAL`` that the file does, but perhaps not the last
    commits (https://www.sqlite.org/pragma.html#pragma_synchronous). A file that is replaced or deleted meanwhile is
    noticed when a connection is next taken from the pool. The caller disposes of the engine.
    """
    path = path.absolute()
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=_IDLE_CONNECTIONS,
        max_overflow=_BURST_CONNECTIONS,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_MILLISECONDS / 1000},
    )

    connections = _Connections(path, synchronous)
    event.listen(engine, "do_connect", connections.before)
    event.listen(engine, "connect", connections.made)
    event.listen(engine, "checkout", connections.taken)
    event.listen(engine, "begin", _begin)
    keep_store(engine, File(path))
    return engine


@dataclass(frozen=True, slots=True)
class File:
    """A store in a file; see `Store`."""

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def is_for_hosts(self) -> bool:
        """Only processes of one machine share a file: its locks and its shared memory are that machine's."""
        return False

    def exists(self, _engine: Engine) -> bool:
        """Say whether the file is there. Raises OSError where that cannot be seen."""
        return self.path.exists()

    def prepare(self, _connection: Connection) -> None:
        """Do nothing: a file has room for tables."""

    def find_damage(self, engine: Engine, *, thorough: bool = False) -> str | None:
        """Read the whole file; where it is to be ``thorough``, its indexes are held against its tables, too."""
        check = "integrity_check" if thorough else "quick_check"
        try:
            with engine.connect() as connection:
                verdict = str(connection.exec_driver_sql(f"PRAGMA {check}(1)").scalar_one())
        except DatabaseError as error:
            if is_damage(error):
                return str(error.orig)
            raise
        return None if verdict == "ok" else verdict

    def check(self, connection: Connection, check: Callable[[Connection], None]) -> Hashable:
        """Look at every new connection: the file may be another one since the last."""
        with alone(self.path):
            file = identify(self.path)
            with connection.begin():
                check(connection)
        return file

    def identify(self, _engine: Engine) -> FileId | None:
        """Give which file it is."""
        return identify(self.path)

    def begin_anew(self, engine: Engine, which: Hashable | None) -> str | None:
        """Rename the file with those beside it."""
        with alone(self.path):
            if which is None or identify(self.path) != which:
                return None
            engine.dispose()
            return f"it became {set_aside(self.path)}"


@dataclass(frozen=True, slots=True)
class _Connections:
    """What is done to every connection to a file before it is made, then, and when it is taken from the pool."""

    path: Path
    synchronous: Literal["FULL", "NORMAL"]

    def before(self, *_: Any) -> None:
        if not self.path.exists():
            _create(self.path)

    def made(self, connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: reads need one snapshot too
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute(f"PRAGMA synchronous={self.synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        record.info["file"] = identify(self.path)

    def taken(self, _connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != identify(self.path):
            raise DisconnectionError("The database file is another one now.")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail with SQLITE_BUSY without any waiting, if another has
    # written in between: https://www.sqlite.org/lang_transaction.html
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_damage(error: DBAPIError) -> bool:
    """Say whether the file is no sound database, and not only out of reach."""
    return isinstance(error.orig, sqlite3.Error) and error.orig.sqlite_errorcode & 0xFF in _DAMAGED


def identify(path: Path) -> FileId | None:
    """Give which file has the name now, None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every other process and thread from making, checking or renaming the file meanwhile."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def set_aside(path: Path) -> Path:
    """Rename a database with the files beside it, and give what it is called now. Call it alone; see `alone`."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    for part in ("-wal", "-shm", ""):  # the file last: without its WAL no one else can begin with it
        with suppress(FileNotFoundError):
            Path(f"{path}{part}").replace(f"{aside}{part}")
    return aside


def _create(path: Path) -> None:
    """Make an empty database that is in WAL mode when it gets its name, and its owner's alone.

    Processes that start at once and switch the mode of one file get in each other's way (SQLITE_BUSY, without
    waiting). SQLite gives the files beside it the mode of the file.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL").close()
        with suppress(FileExistsError):  # another process was quicker
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
