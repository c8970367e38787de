"""All that is particular to PostgreSQL: how it is reached, who waits for whom, and how a store begins anew.

Each store is a schema of one database. One who writes takes advisory locks for the length of the transaction: that of
the store alone, or, where it says of which keys it writes, that of the store with others and those of the keys alone.
So the bridge's rule that writers come one after the other, which SQLite gives for a whole file, holds here for
whatever may touch the same rows; and since each takes its locks first and in one order, none is given up for another.
A lock goes when the transaction is seen by everybody (https://www.postgresql.org/docs/current/explicit-locking.html).
A reader sees one state of the store throughout (REPEATABLE READ), and keeps nobody from writing.
"""

import threading
import zlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from bridge.database.store import KEYS, WRITES, for_writing, keep_store

_OUTSIDE = "outside"  # execution option of a connection whose statements are no transaction

_KEPT_CONNECTIONS = 5
_BURST_CONNECTIONS = 5
_POOL_SECONDS = 10
_REACHING: Mapping[str, Any] = {
    "application_name": "exchange-bridge",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "target_session_attrs": "read-write",
}
"""Parameters of libpq; what the URL says goes before. A server that is not heard of for a minute is given up."""
_SESSION: Mapping[str, str] = {
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Settings of each session: a process that is not heard of for a minute is given up by the server, its locks too."""

_WRITERS, _KEYS = 0x0E8B0001, 0x0E8B0002  # the first halves of advisory locks, so that nobody else's are meant
_DAMAGED = frozenset({"XX001", "XX002", "3F000", "42P01", "42703"})  # broken pages; no schema, table or column
_PASSING = frozenset({"25006", "25P03"})  # a standby, or one that becomes it; a transaction that was given up
_NOT_OFF = text(  # what is told to a client must not be lost: not in the state, and no revision of the mirror
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


def make_server_engine(url: str, schema: str) -> Engine:
    """Give the engine of one store, whose schema is made when it is first used. ``url`` is one of libpq's.

    At most ten connections for each store and process; one that was lost is replaced before it is used. The caller
    disposes of the engine.
    """
    parameters: dict[str, Any] = {**_REACHING, **conninfo_to_dict(url)}
    session = " ".join(f"-c {name}={value}" for name, value in {**_SESSION, "search_path": schema}.items())
    parameters["options"] = f"{parameters.get('options', '')} {session}".strip()

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(autocommit=True, **parameters)  # we say BEGIN ourselves
        connection.execute(_NOT_OFF.text)
        return connection

    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_size=_KEPT_CONNECTIONS,
        max_overflow=_BURST_CONNECTIONS,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        use_native_hstore=False,
    )
    event.listen(engine, "begin", _Beginning(schema))
    keep_store(engine, Server(url, schema))
    return engine


def open_session(engine: Engine) -> Connection:
    """Give a connection beside the pool, each of whose statements counts by itself. Its locks go when it is closed."""
    connection = engine.connect().execution_options(**{_OUTSIDE: True})
    connection.detach()
    return connection


def server_name(url: str) -> str:
    """Give how an administrator knows the database of a URL: its host, port and name, and no password."""
    told = conninfo_to_dict(url)
    host, port, name = (told.get(part) for part in ("host", "port", "dbname"))
    return f"{host or 'this machine'}{f':{port}' if port else ''}/{name or told.get('user') or ''}"


class Server:
    """A store in a schema; see `Store`. All connections of a process lead to the same one: it is looked at once."""

    def __init__(self, url: str, schema: str) -> None:
        """Take the URL, for its name only, and the schema."""
        self._name = f"{schema} of PostgreSQL at {server_name(url)}"
        self._schema = schema
        self._lock = threading.Lock()
        self._checked: Hashable | None = None

    @property
    def name(self) -> str:
        """The schema and the server."""
        return self._name

    @property
    def is_for_hosts(self) -> bool:
        """Every host that reaches the server may share it."""
        return True

    def exists(self, engine: Engine) -> bool:
        """Say whether its tables are there."""
        return self.identify(engine) is not None

    def prepare(self, connection: Connection) -> None:
        """Make the schema. Where it is there, no right to make one is needed."""
        is_there = text("SELECT true FROM pg_catalog.pg_namespace WHERE nspname = :name")
        if connection.execute(is_there, {"name": self._schema}).first() is None:
            connection.exec_driver_sql(f'CREATE SCHEMA "{self._schema}"')

    def find_damage(self, _engine: Engine, *, thorough: bool = False) -> str | None:
        """Give None: PostgreSQL tells of what is broken when it is read."""

    def check(self, connection: Connection, check: Callable[[Connection], None]) -> Hashable:
        """Look at it once in this process; the lock of the store keeps other processes out meanwhile."""
        with self._lock:
            if self._checked is None:
                writes = connection.get_execution_options().get(WRITES, False)
                connection.execution_options(**{WRITES: True})
                with connection.begin():
                    self.prepare(connection)
                    check(connection)
                    self._checked = _identify(connection)
                connection.execution_options(**{WRITES: writes})
            return self._checked

    def identify(self, engine: Engine) -> Hashable | None:
        """Give the number of a table: it is another one after `begin_anew`."""
        with engine.begin() as connection:
            return _identify(connection)

    def begin_anew(self, engine: Engine, which: Hashable | None) -> str | None:
        """Drop all tables of the schema."""
        with self._lock:
            self._checked = None
            engine.dispose()  # what its connections know of having been looked at
            with for_writing(engine).begin() as connection:
                if which is None or _identify(connection) != which:
                    return None
                all_tables = text("SELECT quote_ident(tablename) FROM pg_catalog.pg_tables WHERE schemaname = :name")
                names = connection.execute(all_tables, {"name": self._schema}).scalars().all()
                connection.exec_driver_sql(f"DROP TABLE {', '.join(names)} CASCADE")
        return "its tables were dropped"


def is_damage(error: DBAPIError) -> bool:
    """Say whether tables are broken, or not those that are expected."""
    return isinstance(error.orig, psycopg.Error) and error.orig.sqlstate in _DAMAGED


def passes(error: DBAPIError) -> bool:
    """Say whether it is a trouble of the server's or the way there, beside those that are an OperationalError."""
    if not isinstance(error.orig, psycopg.Error):
        return False
    is_lost = error.connection_invalidated or isinstance(error.orig, psycopg.InterfaceError)
    return is_lost or error.orig.sqlstate in _PASSING


class _Beginning:
    """How a transaction of a store begins: with its locks."""

    def __init__(self, schema: str) -> None:
        store = f"{_WRITERS}, {_signed(schema.encode())}"
        self._alone = f"SELECT pg_advisory_xact_lock({store})"
        self._beside = f"SELECT pg_advisory_xact_lock_shared({store})"

    def __call__(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get(_OUTSIDE, False):
            return
        if not options.get(WRITES, False):
            connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return
        keys: Iterable[bytes] = options.get(KEYS, ())
        numbers = sorted({_signed(key) for key in keys})
        locks = [self._beside, *(f"SELECT pg_advisory_xact_lock({_KEYS}, {one})" for one in numbers)]
        begun = ["BEGIN ISOLATION LEVEL READ COMMITTED", *(locks if numbers else [self._alone])]
        connection.exec_driver_sql("; ".join(begun)).close()


def _signed(key: bytes) -> int:
    """Give half of an advisory lock. Two keys that share one wait for each other, and that is all."""
    return int.from_bytes(zlib.crc32(key).to_bytes(4, "big"), "big", signed=True)


def _identify(connection: Connection) -> int | None:
    number: int | None = connection.execute(text("SELECT CAST(to_regclass('schema') AS oid)")).scalar_one()
    return number
