"""The state on a PostgreSQL: made once, one writer at a time, and what a server does that a file does not."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.keys import Keys
from bridge.model import CalendarName, CalendarRef
from bridge.state.schema import VERSION, names
from bridge.state.state import State

from postgres import Cluster, execute
from stores import Schemas, Stores

OpenState = Callable[..., State]
WORK = CalendarName("work-calendar")
SCHEMA = "exchange_bridge_state"


@pytest.fixture
def stores(database: str) -> Stores:
    return Schemas(database)


@pytest.mark.parametrize("others", [Keys({"1": b"2" * 32}, b"l" * 32), Keys({"1": b"1" * 32}, b"x" * 32)])
def test_a_host_with_another_key_file_is_refused_and_told_what_to_do(
    others: Keys, open_state: OpenState, ref: CalendarRef
) -> None:
    open_state().names.put(ref, WORK)
    with pytest.raises(ConfigurationInvalid, match=f"{SCHEMA} of PostgreSQL.*other keys; every host needs the one key"):
        open_state(keys=others)
    assert open_state().names.get(ref) == WORK


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE schema SET version = 1000", "newer bridge"),
        ("UPDATE schema SET version = 0", "not a state"),
        ("DELETE FROM schema", "not a state"),
        ("DROP TABLE names; UPDATE schema SET version = version", ""),
    ],
)
def test_a_state_that_cannot_be_used_is_left_alone_and_named(
    statement: str, said: str, open_state: OpenState, stores: Stores, ref: CalendarRef
) -> None:
    open_state()
    stores.run_sql("state", statement)
    before = stores.run_sql("state", "SELECT * FROM schema")
    if said:
        with pytest.raises(ConfigurationInvalid, match=said):
            open_state()
    else:
        with pytest.raises(Exception, match="names"):  # what is damaged is no trouble that passes
            open_state().names.get(ref)
    assert stores.run_sql("state", "SELECT * FROM schema") == before


def test_an_older_state_is_taken_along_once_by_hosts_that_start_at_once(
    open_state: OpenState, stores: Stores, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_state().names.put(ref, WORK)
    stores.run_sql("state", "UPDATE schema SET version = version - 2")

    def step(number: int, connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE step_{number} (x integer)")

    steps = {VERSION - 2: partial(step, 1), VERSION - 1: partial(step, 2)}
    monkeypatch.setattr("bridge.state.database.MIGRATIONS", steps)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: open_state(), range(4)))
    assert [state.names.get(ref) for state in states] == [WORK] * 4
    assert stores.run_sql("state", "SELECT version FROM schema") == [(VERSION,)]


def test_a_migration_that_fails_changes_nothing(
    open_state: OpenState, stores: Stores, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_state().names.put(ref, WORK)
    stores.run_sql("state", "UPDATE schema SET version = 0")

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE names")
        connection.exec_driver_sql("SELECT nothing")

    monkeypatch.setattr("bridge.state.database.MIGRATIONS", {0: fail})
    with pytest.raises(ConfigurationInvalid, match="cannot be opened"):
        open_state()
    counted = "SELECT version, (SELECT count(*) FROM names) FROM schema"
    assert stores.run_sql("state", counted) == [(0, 1)]


def test_hosts_that_start_at_once_on_an_empty_database_share_one_state(
    open_state: OpenState, stores: Stores, ref: CalendarRef
) -> None:
    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(lambda _: open_state(), range(6)))
    states[0].names.put(ref, WORK)
    assert {state.names.get(ref) for state in states} == {WORK}
    assert len(stores.run_sql("state", "SELECT * FROM schema")) == 1


def test_writers_come_one_after_the_other_and_each_counts_those_before(open_state: OpenState, now: datetime) -> None:
    first, second = open_state(), open_state()
    start = threading.Barrier(6)

    def note(number: int) -> list[int]:
        start.wait()
        return [(first, second)[number % 2].proofs.note_refusal("anna", now) for _ in range(5)]

    with ThreadPoolExecutor(6) as pool:
        counts = [count for told in pool.map(note, range(6)) for count in told]
    assert sorted(counts) == list(range(1, 31))


def test_a_reader_sees_one_state_throughout_and_stops_no_writer(state: State, ref: CalendarRef) -> None:
    database = state.names._database
    with database.reading() as connection:
        before = connection.execute(select(names)).all()
        state.names.put(ref, WORK)
        assert connection.execute(select(names)).all() == before
    assert state.names.get(ref) == WORK


def test_what_is_committed_survives_a_power_cut_whatever_the_server_does_by_default(own_cluster: Cluster) -> None:
    with own_cluster.database() as url:
        own_cluster.execute(f"ALTER DATABASE {url.partition('@/')[2].partition('?')[0]} SET synchronous_commit = off")
        assert execute(url, "SHOW synchronous_commit") == [("off",)]
        engine = Schemas(url).engine("state")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        engine.dispose()


@pytest.fixture
def restarted(own_cluster: Cluster) -> Iterator[str]:
    """Give a database on a server that the test stops and starts."""
    with own_cluster.database() as url:
        yield url


def test_a_server_that_is_restarted_is_a_trouble_that_passes(
    own_cluster: Cluster, restarted: str, keys: Keys, ref: CalendarRef, tmp_path: Path
) -> None:
    engine = Schemas(restarted).engine("state")
    state = State(engine, keys, tmp_path)
    state.names.put(ref, WORK)

    def empty_while_it_stops() -> None:
        with state.names._database.writing() as connection:
            connection.execute(names.delete())
            own_cluster.stop()
            connection.execute(select(names))

    with pytest.raises(Unavailable) as raised:
        empty_while_it_stops()
    assert raised.value.retry_after == 5
    assert str(own_cluster.folder) not in str(raised.value)
    with pytest.raises(Unavailable):
        state.names.get(ref)
    with pytest.raises(Unavailable, match="cannot be opened now"):
        State(engine, keys, tmp_path)
    own_cluster.start()
    assert state.names.get(ref) == WORK
    state.close()
    engine.dispose()
    execute(restarted, "SELECT 1")


def test_a_writer_that_waits_too_long_for_another_is_a_trouble_that_passes(
    open_state: OpenState, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.database.postgresql._SESSION", {"lock_timeout": "50ms"})
    first, second = open_state(), open_state()
    with first.names._database.writing(), pytest.raises(Unavailable):
        second.names.put(ref, WORK)
    assert second.names.put(ref, WORK) == WORK


def test_a_server_that_nobody_answers_at_is_a_trouble_that_passes(keys: Keys, tmp_path: Path) -> None:
    engine = Schemas(f"postgresql://anna:geheim@/none?host={tmp_path}").engine("state")
    with pytest.raises(Unavailable, match="cannot be opened now") as raised:
        State(engine, keys, tmp_path)
    assert "geheim" not in str(raised.value)
    engine.dispose()


def test_more_who_ask_than_there_are_connections_for_wait_and_are_told_to_come_back(
    open_state: OpenState, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.database.postgresql._POOL_SECONDS", 0.05)
    state = open_state()
    database = state.names._database

    def nest(depth: int) -> None:
        with database.reading():
            if depth:
                nest(depth - 1)
            else:
                with pytest.raises(Unavailable, match="too many wait"):
                    state.names.get(ref)

    nest(9)
    assert state.names.get(ref) is None
