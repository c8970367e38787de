"""The mirror's file may be damaged, foreign, replaced or gone: it is built anew, and the service goes on."""

import logging
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest
from sqlalchemy import Connection, Engine

from bridge.errors import MirrorFilling, Unavailable
from bridge.keys import Keys
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import VERSION
from bridge.model import CalendarRef, Name
from bridge.resource import Rendered

from stores import Files, Stores

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
A = Name("a.ics")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Files(tmp_path)


def _step(sql: str, connection: Connection) -> None:
    connection.exec_driver_sql(sql)


def aside(file: Path) -> list[Path]:
    return [path for path in file.parent.glob(f"{file.name}.damaged-*") if not path.name.endswith(("-wal", "-shm"))]


def run_sql(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def filled(open_mirror: OpenMirror, file: Path, ref: CalendarRef, event: MakeEvent, engines: list[Engine]) -> Path:
    """Make a file with one event that nobody has open."""
    open_mirror().put(ref, event("a.ics"))
    engines.pop().dispose()
    return file


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"this is no database" * 1000),
        lambda file: run_sql(file, "DELETE FROM schema"),
        lambda file: run_sql(file, "UPDATE schema SET version = 1000"),
        lambda file: run_sql(file, "UPDATE schema SET version = 0"),
        lambda file: run_sql(file, "UPDATE schema SET probe = x'00'"),
    ],
    ids=["no database", "no version", "newer version", "older version", "broken seal"],
)
def test_a_file_that_cannot_be_a_mirror_is_set_aside_with_a_warning(
    damage: Callable[[Path], None],
    filled: Path,
    open_mirror: OpenMirror,
    ref: CalendarRef,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damage(filled)
    damaged = filled.read_bytes()

    mirror = open_mirror()

    assert mirror.snapshot(ref).resources == {}
    (kept,) = aside(filled)
    assert kept.read_bytes() == damaged
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("others", [Keys({"1": b"2" * 32}, b"l" * 32), Keys({"1": b"1" * 32}, b"x" * 32)])
def test_a_mirror_of_other_keys_is_set_aside(
    others: Keys, filled: Path, open_mirror: OpenMirror, ref: CalendarRef
) -> None:
    assert open_mirror(keys=others).snapshot(ref).resources == {}
    assert len(aside(filled)) == 1


def test_a_sound_mirror_is_not_set_aside(filled: Path, open_mirror: OpenMirror, ref: CalendarRef) -> None:
    assert open_mirror().snapshot(ref).resources.keys() == {A}
    assert aside(filled) == []


def test_an_older_version_with_a_way_to_here_is_taken_along(
    filled: Path, open_mirror: OpenMirror, ref: CalendarRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(filled, "UPDATE schema SET version = -1")
    steps = {number: f"CREATE TABLE step_{number + 1} (x)" for number in range(-1, VERSION)}
    ways = {version: partial(_step, sql) for version, sql in steps.items()}
    monkeypatch.setattr("bridge.mirror.database.MIGRATIONS", ways)

    assert open_mirror().snapshot(ref).resources.keys() == {A}
    assert open_mirror().snapshot(ref).resources.keys() == {A}
    assert aside(filled) == []


def test_a_mirror_whose_items_did_not_tell_the_rules_of_their_zones_is_built_anew(
    filled: Path, open_mirror: OpenMirror, ref: CalendarRef
) -> None:
    run_sql(filled, "UPDATE schema SET version = 3")
    assert open_mirror().snapshot(ref).resources == {}
    assert len(aside(filled)) == 1


def test_pages_that_become_unreadable_while_it_runs_are_noticed(
    mirror: Mirror, file: Path, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    names = [Name(f"{number}.ics") for number in range(200)]
    pull(*(event(name) for name in names))
    epoch = mirror.status(ref).epoch
    run_sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as database:
        size = file.stat().st_size
        database.seek(8 * 4096)
        database.write(b"\xa5" * (size - 8 * 4096))

    with pytest.raises(MirrorFilling):
        mirror.texts(ref, names)

    assert mirror.status(ref).epoch != epoch
    assert len(aside(file)) == 1


def test_a_value_moved_to_another_place_is_damage_too(
    mirror: Mirror, file: Path, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), event("b.ics"))
    epoch = mirror.status(ref).epoch
    run_sql(file, "UPDATE resources SET text = (SELECT min(text) FROM resources)")
    with pytest.raises(MirrorFilling):
        mirror.texts(ref, [A, Name("b.ics")])
    assert mirror.status(ref).epoch != epoch
    assert mirror.snapshot(ref).resources == {}


def test_a_mirror_deleted_while_it_runs_begins_anew(
    mirror: Mirror, file: Path, ref: CalendarRef, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    mirror.put(ref, event("a.ics"))
    epoch = mirror.snapshot(ref).epoch
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    assert mirror.status(ref).epoch != epoch
    assert caplog.messages == [f"The mirror {file} is gone: it is built anew."]
    assert mirror.snapshot(ref).resources == {}
    mirror.put(ref, event("a.ics"))
    assert mirror.snapshot(ref).resources.keys() == {A}


def test_another_process_follows_to_the_mirror_that_was_built_anew(
    mirror: Mirror, open_mirror: OpenMirror, file: Path, ref: CalendarRef, event: MakeEvent
) -> None:
    other = open_mirror()
    mirror.put(ref, event("a.ics"))
    other.snapshot(ref)
    run_sql(file, "UPDATE calendars SET cursor = x'00'")
    with pytest.raises(MirrorFilling):
        mirror.status(ref)
    assert other.status(ref).epoch == mirror.status(ref).epoch
    assert other.snapshot(ref).resources == {}
    assert len(aside(file)) == 1


def test_a_process_that_finds_the_damage_late_leaves_the_new_mirror_alone(
    mirror: Mirror, open_mirror: OpenMirror, file: Path, ref: CalendarRef
) -> None:
    other = open_mirror()
    status = file.stat()
    damaged = (status.st_dev, status.st_ino)
    run_sql(file, "UPDATE schema SET version = 1000")
    mirror._database._set_aside(damaged, "found first")
    epoch = mirror.status(ref).epoch
    other._database._set_aside(damaged, "found late")
    assert other.status(ref).epoch == mirror.status(ref).epoch == epoch
    assert len(aside(file)) == 1


OPEN_ON_COMMAND = """
import sys
from pathlib import Path
from bridge.keys import Keys
from bridge.mirror.mirror import Mirror
from bridge.model import Address, CalendarRef, FolderId, OrganisationId, Viewer
from bridge.database import make_engine
engine = make_engine(Path(sys.argv[1]), "NORMAL")
print("ready", flush=True)
sys.stdin.readline()
ref = CalendarRef(Viewer(OrganisationId("o"), Address("a@b")), Address("a@b"), FolderId("f"))
print(Mirror(engine, Keys({"1": b"1" * 32}, b"l" * 32)).status(ref).epoch)
engine.dispose()
"""


def test_processes_that_start_at_once_on_a_damaged_file_share_one_new_mirror(filled: Path) -> None:
    filled.write_bytes(b"this is no database" * 1000)
    command = [sys.executable, "-c", OPEN_ON_COMMAND, str(filled)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True)) for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        epochs = {process.communicate(timeout=60)[0] for process in processes}
    assert len(epochs) == 1
    assert epochs != {""}
    assert len(aside(filled)) == 1


def test_a_folder_that_is_not_there_is_a_trouble_that_passes(
    open_mirror: OpenMirror, tmp_path: Path, ref: CalendarRef
) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(Unavailable):
        open_mirror(name="folder/mirror")
    folder.mkdir()
    mirror = open_mirror(name="folder/mirror")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        mirror.status(ref)
    (tmp_path / "elsewhere").rename(folder)
    assert mirror.status(ref).revision == 0


def test_a_full_disk_is_a_trouble_that_passes_and_loses_nothing(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, engines: list[Engine]
) -> None:
    mirror.put(ref, event("a.ics"))
    with engines[0].connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="full"):
        mirror.put(ref, event("b.ics", text="long" * 4096))
    assert mirror.snapshot(ref).resources.keys() == {A}
    with engines[0].connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    mirror.put(ref, event("b.ics"))
