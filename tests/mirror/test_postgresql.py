"""The mirror on a PostgreSQL: who waits for whom, and how it is built anew."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from bridge.errors import ConfigurationInvalid, MirrorFilling, Unavailable
from bridge.keys import Keys
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import VERSION
from bridge.mirror.seals import CalendarSeals
from bridge.model import Address, CalendarRef, FolderId, Name
from bridge.resource import Rendered
from bridge.state.state import State

from postgres import Cluster, execute
from stores import Schemas, Stores

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
A, B = Name("a.ics"), Name("b.ics")


@pytest.fixture
def stores(database: str) -> Stores:
    return Schemas(database)


@pytest.fixture
def elsewhere(ref: CalendarRef) -> CalendarRef:
    """Give another calendar of the same viewer's."""
    return replace(ref, folder=FolderId("AAMkOther="))


def wait_until_somebody_waits(url: str) -> None:
    """Wait until a session waits for a lock, so long as a test may take."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
    execute(
        url,
        f"DO $$ BEGIN FOR i IN 1..3000 LOOP IF ({waiting}) > 0 THEN RETURN; END IF; PERFORM pg_sleep(0.01);"
        " END LOOP; RAISE 'nobody waits'; END $$",
    )


# --- writers -------------------------------------------------------------------------------------------


def test_writers_of_different_calendars_do_not_wait_for_each_other(
    mirror: Mirror, open_mirror: OpenMirror, keys: Keys, ref: CalendarRef, elsewhere: CalendarRef, event: MakeEvent
) -> None:
    other = open_mirror()
    mirror.status(ref)
    with mirror._database.writing(CalendarSeals(keys, ref).calendar):
        other.put(elsewhere, event("a.ics"))
        assert other.snapshot(elsewhere).resources.keys() == {A}
        assert other.snapshot(ref).resources == {}


@pytest.mark.parametrize("what", ["the same calendar", "all of a viewer"])
def test_who_may_touch_the_same_rows_waits(
    what: str, mirror: Mirror, open_mirror: OpenMirror, keys: Keys, ref: CalendarRef, stores: Stores
) -> None:
    other = open_mirror()
    mirror.status(ref)
    done = threading.Event()

    def write() -> None:
        if what == "the same calendar":
            other.begin_listing(ref)
        else:
            other.forget(ref.viewer)
        done.set()

    thread = threading.Thread(target=write)
    with mirror._database.writing(CalendarSeals(keys, ref).calendar):
        thread.start()
        wait_until_somebody_waits(stores.place)
        assert not done.is_set()
    thread.join(30)
    assert done.is_set()


def test_a_calendar_that_all_ask_for_at_once_for_the_first_time_is_one(
    open_mirror: OpenMirror, ref: CalendarRef, stores: Stores
) -> None:
    mirrors = [open_mirror() for _ in range(6)]
    start = threading.Barrier(6)

    def ask(mirror: Mirror) -> str:
        start.wait()
        return mirror.status(ref).epoch

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, mirrors))) == 1
    assert stores.run_sql("mirror", "SELECT count(*) FROM calendars") == [(1,)]


def test_a_calendar_that_goes_while_it_is_written_begins_anew_and_leaves_nothing(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, stores: Stores
) -> None:
    other = open_mirror()
    start = threading.Barrier(2)

    def write() -> None:
        start.wait()
        for number in range(20):
            mirror.put(ref, event(f"{number}.ics"))

    def drop() -> None:
        start.wait()
        for _ in range(20):
            other.drop(ref)

    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(write), pool.submit(drop)]:
            running.result()
    mirror.drop(ref)
    assert stores.run_sql("mirror", "SELECT count(*) FROM resources") == [(0,)]
    assert mirror.snapshot(ref).resources == {}


def test_ones_own_change_is_seen_by_the_next_request_in_every_process(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent
) -> None:
    other = open_mirror()
    for number in range(10):
        writer, reader = (mirror, other) if number % 2 else (other, mirror)
        revision = writer.put(ref, event("a.ics", text=number))
        snapshot = reader.snapshot(ref)
        assert (snapshot.revision, snapshot.resources[A].etag) == (revision, event("a.ics", text=number).etag)


# --- built anew ----------------------------------------------------------------------------------------


def test_hosts_that_start_at_once_on_an_empty_database_share_one_mirror(
    open_mirror: OpenMirror, ref: CalendarRef
) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: open_mirror().status(ref).epoch, range(6)))) == 1


@pytest.fixture
def refused_once(stores: Stores, keys: Keys, tmp_path: Path, now: datetime) -> Iterator[None]:
    """Have a state beside the mirror, with one row."""
    engine = stores.engine("state")
    state = State(engine, keys, tmp_path)
    state.proofs.note_refusal("anna", now)
    yield
    state.close()
    engine.dispose()


@pytest.mark.usefixtures("refused_once")
@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM schema",
        "UPDATE schema SET version = 0",
        "UPDATE schema SET probe = 'x'",
        "DROP TABLE resources",
        "ALTER TABLE calendars DROP COLUMN cursor",
        "UPDATE resources SET head = 'x'",
        "DROP SCHEMA exchange_bridge_mirror CASCADE",
    ],
)
def test_what_cannot_be_read_is_built_anew_with_a_warning_and_the_state_is_not_touched(
    damage: str,
    open_mirror: OpenMirror,
    ref: CalendarRef,
    event: MakeEvent,
    stores: Stores,
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_mirror().put(ref, event("a.ics"))
    stores.run_sql("mirror", damage)
    mirror = open_mirror()
    for _ in range(2):
        try:
            resources = mirror.snapshot(ref).resources
        except MirrorFilling:
            resources = mirror.snapshot(ref).resources
    assert resources == {}
    mirror.put(ref, event("b.ics"))
    assert open_mirror().snapshot(ref).resources.keys() == {B}
    if not damage.startswith("DROP SCHEMA"):
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "its tables were dropped" in caplog.text
    assert stores.run_sql("state", "SELECT count(*) FROM refusals") == [(1,)]


def test_a_value_moved_to_another_place_is_damage_too_and_all_processes_follow(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull, stores: Stores
) -> None:
    other = open_mirror()
    pull(event("a.ics"), event("b.ics"))
    epoch = other.snapshot(ref).epoch
    first = "(SELECT text FROM resources ORDER BY name LIMIT 1)"
    stores.run_sql("mirror", f"UPDATE resources SET text = {first}")
    with pytest.raises(MirrorFilling):
        mirror.texts(ref, [A, B])
    assert mirror.status(ref).epoch == other.status(ref).epoch != epoch
    assert other.snapshot(ref).resources == {}


def test_a_process_that_finds_the_damage_late_leaves_the_new_mirror_alone(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, stores: Stores
) -> None:
    other = open_mirror()
    mirror.put(ref, event("a.ics"))
    damaged = mirror._database._store.identify(mirror._database._engine)
    stores.run_sql("mirror", "UPDATE calendars SET cursor = 'x'")
    with pytest.raises(MirrorFilling):
        mirror.status(ref)
    epoch = mirror.status(ref).epoch
    other._database._set_aside(damaged, "found late")
    assert other.status(ref).epoch == mirror.status(ref).epoch == epoch
    stores.run_sql("mirror", "UPDATE calendars SET cursor = 'x'")
    with pytest.raises(MirrorFilling):
        other.status(ref)
    assert other.status(ref).epoch != epoch


def test_an_older_version_with_a_way_to_here_is_taken_along(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_mirror().put(ref, event("a.ics"))
    stores.run_sql("mirror", "UPDATE schema SET version = -1")

    def step(number: int, connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE step_{number} (x integer)")

    ways = {version: partial(step, version + 1) for version in range(-1, VERSION)}
    monkeypatch.setattr("bridge.mirror.database.MIGRATIONS", ways)
    with ThreadPoolExecutor(4) as pool:
        mirrors = list(pool.map(lambda _: open_mirror(), range(4)))
    assert [mirror.snapshot(ref).resources.keys() for mirror in mirrors] == [{A}] * 4


def test_the_migration_from_version_4_runs_here_too(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, stores: Stores
) -> None:
    open_mirror().put(ref, event("a.ics"))
    columns = ("window_start", "window_end", "window_at", "total", "watcher", "is_quiet")
    dropped = [f"ALTER TABLE calendars DROP COLUMN {column}" for column in columns]
    stores.run_sql("mirror", *dropped, "DROP TABLE viewers, watchers", "UPDATE schema SET version = 4")
    assert open_mirror().snapshot(ref).resources.keys() == {A}


def test_a_mirror_of_a_newer_bridge_is_left_alone(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, stores: Stores
) -> None:
    open_mirror().put(ref, event("a.ics"))
    stores.run_sql("mirror", "UPDATE schema SET version = 1000")
    with pytest.raises(Unavailable, match="all hosts need one version"):
        open_mirror()
    stores.run_sql("mirror", f"UPDATE schema SET version = {VERSION}")
    assert open_mirror().snapshot(ref).resources.keys() == {A}


def test_a_schema_that_one_may_not_make_or_use_is_told_at_the_start(
    database: str, keys: Keys, engines: list[Engine]
) -> None:
    execute(database, "DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    engines.append(Schemas(database.replace("//bridge@", "//stranger@")).engine("mirror"))
    with pytest.raises(ConfigurationInvalid, match=r"exchange_bridge_mirror .*permission denied"):
        Mirror(engines[-1], keys)


def test_a_schema_that_the_administrator_made_is_enough(
    database: str, keys: Keys, engines: list[Engine], ref: CalendarRef
) -> None:
    execute(database, "DROP ROLE IF EXISTS owner", "CREATE ROLE owner LOGIN")
    execute(database, "CREATE SCHEMA exchange_bridge_mirror AUTHORIZATION owner")
    engines.append(Schemas(database.replace("//bridge@", "//owner@")).engine("mirror"))
    assert Mirror(engines[-1], keys).snapshot(ref).resources == {}


# --- a server that goes and comes ----------------------------------------------------------------------


def test_a_restart_loses_nothing_that_was_told(
    own_cluster: Cluster, keys: Keys, ref: CalendarRef, event: MakeEvent
) -> None:
    with own_cluster.database() as url:
        engine = Schemas(url).engine("mirror")
        mirror = Mirror(engine, keys)
        revision = mirror.put(ref, event("a.ics"))
        own_cluster.stop("immediate")
        with pytest.raises(Unavailable) as raised:
            mirror.snapshot(ref)
        assert raised.value.retry_after == 5
        own_cluster.start()
        snapshot = mirror.snapshot(ref)
        assert (snapshot.revision, set(snapshot.resources)) == (revision, {A})
        mirror.put(replace(ref, mailbox=Address("ben@example.com")), event("b.ics"))
        engine.dispose()
