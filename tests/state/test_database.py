"""The state's file is never mended, moved or emptied by itself."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge.database import make_engine
from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.item import Uid
from bridge.keys import Keys, SealBroken
from bridge.model import Address, CalendarName, CalendarRef, Mailbox, Name
from bridge.state.proofs import Proof
from bridge.state.schema import VERSION
from bridge.state.shares import AddedShare
from bridge.state.state import State

from stores import Files, Stores

OpenState = Callable[..., State]
WORK = CalendarName("work-calendar")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Files(tmp_path)


def run_sql(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def file(tmp_path: Path, keys: Keys, ref: CalendarRef) -> Path:
    """Make a state that knows one calendar's name and that nobody has open."""
    engine = make_engine(tmp_path / "state.db", "FULL")
    state = State(engine, keys, tmp_path)
    state.names.put(ref, WORK)
    state.close()
    engine.dispose()
    return tmp_path / "state.db"


def damage_pages(file: Path) -> None:
    with file.open("r+b") as database:
        database.seek(4096)
        database.write(b"\xa5" * (file.stat().st_size - 4096))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file.write_bytes(b"this is no database" * 1000), "damaged"),
        (damage_pages, "damaged"),
        (lambda file: run_sql(file, "UPDATE schema SET version = 1000"), "newer bridge"),
        (lambda file: run_sql(file, "UPDATE schema SET version = 0"), "not a state"),
        (lambda file: run_sql(file, "DELETE FROM schema"), "not a state"),
        (lambda file: run_sql(file, "UPDATE schema SET probe = x'00'"), "other keys"),
    ],
    ids=["no database", "damaged pages", "newer", "unknown", "no version", "broken seal"],
)
def test_a_state_that_cannot_be_used_is_left_alone_and_named(
    damage: Callable[[Path], None], said: str, file: Path, open_state: OpenState
) -> None:
    damage(file)
    before = file.read_bytes()
    with pytest.raises(ConfigurationInvalid, match=said) as raised:
        open_state()
    assert str(file) in str(raised.value)
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} <= {"state.db", "state.db-wal", "state.db-shm", "processes"}


@pytest.mark.parametrize("others", [Keys({"1": b"2" * 32}, b"l" * 32), Keys({"1": b"1" * 32}, b"x" * 32)])
def test_a_state_of_other_keys_is_refused(others: Keys, file: Path, open_state: OpenState) -> None:
    with pytest.raises(ConfigurationInvalid, match=f"{file}.*other keys"):
        open_state(keys=others)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, keys: Keys) -> None:
    engine = make_engine(tmp_path / "not there" / "state.db", "FULL")
    with pytest.raises(ConfigurationInvalid, match="not there"):
        State(engine, keys, tmp_path)
    engine.dispose()


def test_an_older_state_is_taken_along_step_by_step_and_once(
    file: Path, open_state: OpenState, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(file, "UPDATE schema SET version = version - 2")

    def step(number: int, connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE step_{number} (x)")

    steps = {VERSION - 2: partial(step, 1), VERSION - 1: partial(step, 2)}
    monkeypatch.setattr("bridge.state.database.MIGRATIONS", steps)
    for _ in range(2):
        assert open_state().names.get(ref) == WORK


def test_a_state_of_the_first_version_gets_the_tables_it_lacks(
    file: Path, open_state: OpenState, ref: CalendarRef
) -> None:
    for table in ("shares", "kept_properties", "personal_lines"):
        run_sql(file, f"DROP TABLE {table}")
    run_sql(file, "UPDATE schema SET version = 1")
    state = open_state()
    share = AddedShare(Address("bob@example.com"), ref.mailbox, "calendar")
    assert state.shares.add(ref.viewer.organisation, share)
    state.properties.change(ref, {"{urn:x}a": "<a/>"})
    assert (state.names.get(ref), state.shares.all(ref.viewer.organisation)) == (WORK, (share,))
    state.personal.put(ref, Uid("event-uid"), "personal-text")
    assert state.properties.get(ref) == {"{urn:x}a": "<a/>"}
    assert state.personal.get(ref, Uid("event-uid")) == "personal-text"


def test_a_migration_that_fails_changes_nothing(
    file: Path, open_state: OpenState, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(file, "UPDATE schema SET version = 0")

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE names")
        connection.exec_driver_sql("SELECT nothing")

    monkeypatch.setattr("bridge.state.database.MIGRATIONS", {0: fail})
    with pytest.raises(ConfigurationInvalid, match="cannot be opened"):
        open_state()
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT version, (SELECT count(*) FROM names) FROM schema").fetchall() == [(0, 1)]
    connection.close()


def test_a_state_that_goes_away_while_it_runs_is_a_trouble_that_passes(
    file: Path, open_state: OpenState, ref: CalendarRef
) -> None:
    state = open_state()
    assert state.names.get(ref) == WORK
    file.rename(file.with_name("elsewhere"))
    with pytest.raises(Unavailable):
        state.names.get(ref)
    file.with_name("elsewhere").replace(file)
    assert state.names.get(ref) == WORK


def test_a_value_moved_to_another_place_does_not_open(state: State, tmp_path: Path, now: datetime) -> None:
    for login in ("anna", "bob"):
        state.proofs.put(login, Proof(b"salt", login.encode(), Mailbox(Address(f"{login}@example.com")), now))
    run_sql(tmp_path / "state.db", "UPDATE proofs SET proof = (SELECT min(proof) FROM proofs)")
    opened = []
    for login in ("anna", "bob"):
        try:
            opened.append(state.proofs.get(login))
        except SealBroken:
            opened.append(None)
    assert opened.count(None) == 1


def test_what_is_committed_survives_a_power_cut(open_state: OpenState) -> None:
    database = open_state().names._database
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_nothing_that_names_anybody_stands_in_the_clear_on_the_disk(
    state: State, ref: CalendarRef, tmp_path: Path, now: datetime
) -> None:
    state.names.put(ref, WORK)
    mailbox = Mailbox(Address("anna@example.com"), "Anna Display", frozenset({Address("alias@example.com")}))
    state.proofs.put("login-name", Proof(b"salt-of-proof", b"digest-of-proof", mailbox, now))
    state.proofs.note_refusal("login-name", now)
    facts = {"target": "target-hash", "base": "base-etag", "uid": Uid("event-uid"), "item": None}
    state.intents.begin(ref, Name("event-name.ics"), operation="put", now=now, **facts)  # type: ignore[arg-type] # one dict of several types
    share = AddedShare(Address("viewing@example.com"), Address("owning@example.com"), "shared-folder")
    state.shares.add(ref.viewer.organisation, share)
    state.personal.put(ref, Uid("event-uid"), "personal-text")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert len(stored) > 20_000
    telling = ["anna", "Anna", "alias@", "example", "login-name", "salt-of", "digest-of", "work-calendar", "AAMkFolder"]
    telling += ["viewing", "owning", "shared-folder", "personal-text"]
    telling += ["event-uid", "event-name", "target-hash", "base-etag", b"salt-of-proof".hex()]
    assert [word for word in telling if word.encode() in stored] == []
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("state.db*")} == {0o600}
