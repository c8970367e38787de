"""Which processes of several hosts live: each holds a lock of PostgreSQL's in a session of its own.

The server releases it when the session ends, or when the process is not heard of for a minute. A process that has lost
its session passes for dead: what it was writing may be taken over meanwhile, which it notices by the claim of its
intent. It begins nothing before it holds the lock again, under the same id: what nobody took over is still its own.
"""

import logging
import secrets
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, func, literal, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bridge.database import open_session, troubles
from bridge.errors import Unavailable
from bridge.state.database import StateDatabase
from bridge.state.liveness import PROCESS_ID

LOG = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between two tries to have a session again."""
_STORE = "The bridge's state"


class Sessions:
    """The processes that share one server's state, this one among them from now on. Make it after the fork.

    Safe to share between threads. One of its own waits for the session to break, and mends it.
    """

    def __init__(self, engine: Engine, database: StateDatabase) -> None:
        """Take the engine, for a connection beside its pool, and the database to ask after others in.

        Raises Unavailable.
        """
        self._own_id = secrets.token_hex(8)
        self._engine = engine
        self._database = database
        self._lock = threading.Lock()
        self._session: Connection | None = None
        self._is_closed = False
        self._is_back = False
        self._to_do: list[Callable[[], None]] = []
        self._bell, self._rung = socket.socketpair()
        try:
            self.hold()
        except BaseException:
            self._bell.close()
            self._rung.close()
            raise
        self._watcher = threading.Thread(target=self._watch, name="session", daemon=True)
        self._watcher.start()

    @property
    def own_id(self) -> str:
        """The id of this process."""
        return self._own_id

    def hold(self) -> None:
        """Ask the server for a sign that the session is there, and make another where it is not. Raises Unavailable."""
        with troubles(_STORE), self._lock:
            if self._is_closed:
                raise Unavailable("The bridge is about to stop.")
            if not self._answers():
                self._renew()

    def is_alive(self, process_id: str) -> bool:
        """Whether the process lives. Raises Unavailable where nobody can be asked."""
        if process_id == self._own_id:
            return self._session is not None
        if not PROCESS_ID.fullmatch(process_id):
            return False
        with self._database.reading() as connection:  # what is locked for sharing disturbs no other who asks
            is_free = select(func.pg_try_advisory_xact_lock_shared(_number(process_id)))
            return not connection.execute(is_free).scalar_one()

    def when_back(self, do: Callable[[], None]) -> None:
        """Have this done by the thread that mends the session, each time there is one again."""
        self._to_do.append(do)

    def close(self) -> None:
        """Leave: the lock goes with the session."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._drop()
        self._bell.send(b"!")
        self._watcher.join()
        self._bell.close()
        self._rung.close()

    def _answers(self) -> bool:
        if self._session is None:
            return False
        try:
            self._session.execute(select(1))
        except DBAPIError:
            LOG.warning("the session that shows others that this process lives was lost")
            self._drop()
            return False
        return True

    def _renew(self) -> None:
        session = open_session(self._engine)
        try:
            session.execute(select(func.pg_advisory_lock(_number(self._own_id))))
        except BaseException:
            session.close()
            raise
        self._session = session
        self._is_back = True
        self._ring()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(DBAPIError):
                session.close()
            self._ring()

    def _ring(self) -> None:
        """Have the watcher look at what is there now."""
        self._bell.send(b"!")

    def _watch(self) -> None:
        while not self._is_closed:
            self._wait()
            with suppress(SQLAlchemyError, OSError), self._lock:  # then it is tried again in a while
                if not self._is_closed and self._is_disturbed() and not self._answers():
                    self._renew()
            if self._is_back and not self._is_closed:
                self._is_back = False
                for do in self._to_do:
                    do()

    def _wait(self) -> None:
        """Wait until the bell rings, the session has something to say or, while there is none, for the next try."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._rung, selectors.EVENT_READ)
            with self._lock:
                if self._session is not None:
                    selector.register(self._socket(self._session), selectors.EVENT_READ)
                seconds = None if self._session is not None else RETRY
            if any(key.fileobj is self._rung for key, _ in selector.select(seconds)):
                self._rung.recv(64)

    def _is_disturbed(self) -> bool:
        """Say whether there is no session, or one that says something unasked: most likely that it ends."""
        if self._session is None:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket(self._session), selectors.EVENT_READ)
            return bool(selector.select(0))

    @staticmethod
    def _socket(session: Connection) -> int:
        number: int = session.connection.dbapi_connection.fileno()  # type: ignore[union-attr]  # psycopg's has one
        return number


def _number(process_id: str) -> ColumnElement[int]:
    """Give the number that the lock of a process has, one of 64 bits with a sign."""
    return literal(int.from_bytes(bytes.fromhex(process_id), "big", signed=True), BigInteger)
