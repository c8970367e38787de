"""Which processes of several hosts live."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from subprocess import PIPE, Popen

import pytest

from bridge.errors import Unavailable
from bridge.keys import Keys
from bridge.state.database import StateDatabase
from bridge.state.sessions import Sessions

from postgres import Cluster, execute, wait_for_the_dead
from stores import Schemas, Stores

OpenSessions = Callable[[], Sessions]

LIVE = """
import sys
from bridge.keys import Keys
from bridge.state.database import StateDatabase
from bridge.state.sessions import Sessions
from stores import open_engine
engine = open_engine(sys.argv[1], "state")
print(Sessions(engine, StateDatabase(engine, Keys({"1": b"1" * 32}, b"l" * 32))).own_id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def stores(database: str) -> Stores:
    return Schemas(database)


@pytest.fixture
def open_sessions(stores: Stores, keys: Keys) -> Iterator[OpenSessions]:
    """Open the sessions as another process would."""
    with ExitStack() as stack:

        def open_one() -> Sessions:
            engine = stores.engine("state")
            stack.callback(engine.dispose)
            sessions = Sessions(engine, StateDatabase(engine, keys))
            stack.callback(sessions.close)
            return sessions

        yield open_one


@pytest.fixture
def sessions(open_sessions: OpenSessions) -> Sessions:
    return open_sessions()


def end_session(url: str, own_id: str) -> None:
    """End the session that shows a process to live, as a server does that is restarted, and wait until it is gone."""
    number = int.from_bytes(bytes.fromhex(own_id), signed=True)
    held = f"locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = {number}"
    assert execute(url, f"SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE {held}") == [(True,)]


def test_a_process_lives_for_itself_and_for_others_until_it_leaves(
    sessions: Sessions, open_sessions: OpenSessions, stores: Stores
) -> None:
    other = open_sessions()
    assert sessions.is_alive(sessions.own_id)
    assert sessions.is_alive(other.own_id)
    assert other.is_alive(sessions.own_id)
    other.close()
    wait_for_the_dead(stores.place, sessions.own_id)
    assert not sessions.is_alive(other.own_id)
    assert not other.is_alive(other.own_id)
    with pytest.raises(Unavailable):
        other.hold()
    other.close()


@pytest.mark.parametrize("process_id", ["", "0" * 16, "f" * 16, "../../etc/passwd", "x"])
def test_an_id_that_no_process_had_is_not_alive(sessions: Sessions, process_id: str) -> None:
    assert not sessions.is_alive(process_id)


def test_a_killed_process_is_dead(sessions: Sessions, stores: Stores) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LIVE, stores.place]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        assert sessions.is_alive(other)
        process.kill()
        process.wait()
    wait_for_the_dead(stores.place, sessions.own_id)
    assert not sessions.is_alive(other)


def test_asking_after_the_living_does_not_disturb_them(sessions: Sessions, open_sessions: OpenSessions) -> None:
    other = open_sessions()
    assert [other.is_alive(sessions.own_id) for _ in range(3)] == [True] * 3
    sessions.hold()
    assert open_sessions().is_alive(sessions.own_id)


def test_a_process_that_lost_its_session_mends_it_unasked_and_keeps_its_id(
    sessions: Sessions, open_sessions: OpenSessions, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, own_id = open_sessions(), sessions.own_id
    may_mend, mended = threading.Event(), threading.Event()
    renew = sessions._renew

    def slowly() -> None:
        may_mend.wait(30)
        renew()
        mended.set()

    monkeypatch.setattr(sessions, "_renew", slowly)
    end_session(stores.place, own_id)
    assert not other.is_alive(own_id)
    may_mend.set()
    assert mended.wait(30)
    assert other.is_alive(own_id)
    assert sessions.own_id == own_id
    assert sessions.is_alive(own_id)


def test_nothing_is_begun_while_others_take_the_process_for_dead(own_cluster: Cluster, keys: Keys) -> None:
    with own_cluster.database() as url, ExitStack() as stack:
        engine = Schemas(url).engine("state")
        stack.callback(engine.dispose)
        sessions = Sessions(engine, StateDatabase(engine, keys))
        stack.callback(sessions.close)
        own_cluster.stop()
        with pytest.raises(Unavailable):
            sessions.hold()
        assert not sessions.is_alive(sessions.own_id)
        with pytest.raises(Unavailable):
            sessions.is_alive("0" * 16)
        own_cluster.start()
        sessions.hold()
        assert sessions.is_alive(sessions.own_id)
        assert not sessions.is_alive("0" * 16)
