"""``exchange-bridge mirror``: what it says, and what it does beside a running bridge."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from bridge.cli import main
from bridge.config import load
from bridge.database import make_engine
from bridge.errors import MirrorFilling
from bridge.ids import make_etag
from bridge.item import ChangeKey, Cursor, ItemId, ItemRef, Uid
from bridge.key_file import KeyFile
from bridge.keys import Keys, load_keys
from bridge.mirror.batch import Batch
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import calendars
from bridge.model import Address, Calendar, CalendarName, CalendarRef, FolderId, Name, OrganisationId, Rights, Viewer
from bridge.resource import IndexRecord, Rendered
from bridge.service import prepare
from bridge.state.state import State

Start = Any
ANNA, BEN = Address("anna@example.org"), Address("ben@example.org")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ALL = Rights(read=True, create=True, modify=True, delete=True)


class Bridge:
    """A bridge that runs on one configuration, with a mirror that is filled by hand, and the commands beside it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.config = folder / "bridge.toml"
        self.config.write_text(
            '[exchange]\nurl = "https://mail.example.org/EWS/Exchange.asmx"\n[state]\nfolder = "own"\n'
        )
        self.folder = folder / "own"
        self.keys = prepare(load(self.config))
        engines = [make_engine(self.folder / name, "FULL") for name in ("state.db", "mirror.db")]
        for engine in engines:
            stack.callback(engine.dispose)
        self.state = State(engines[0], self.keys, self.folder)
        stack.callback(self.state.close)
        self.mirror = Mirror(engines[1], self.keys)

    def __call__(self, command: str, *arguments: str) -> Result:
        runner = CliRunner(env={"EXCHANGE_BRIDGE_CONFIG": str(self.config)})
        return runner.invoke(main, ["mirror", command, *arguments])

    def listed(self) -> list[dict[str, object]]:
        """Give what `status` tells as JSON."""
        told: list[dict[str, object]] = json.loads(self("status", "--json").stdout)
        return told

    def pull(self, address: Address, count: int, *, is_last: bool = True) -> CalendarRef:
        """Pull so many events into a person's calendar, and list it."""
        ref = calendar_of(address)
        status = self.mirror.status(ref)
        puts = tuple(event(f"{number}.ics") for number in range(count))
        batch = Batch(status.cursor, Cursor("next"), is_last, status.revision, NOON, puts)
        self.mirror.apply(ref, batch)
        self.mirror.put_calendars(ref.viewer, address, (Calendar(ref, "Work", is_default=True, rights=ALL),), NOON)
        return ref

    def tell_total(self, total: int) -> None:
        """Note how many items Exchange says there are."""
        with self.mirror._database.writing() as connection:
            connection.execute(update(calendars).values(total=total))


def calendar_of(address: Address) -> CalendarRef:
    viewer = Viewer(OrganisationId("mail.example.org"), address)
    return CalendarRef(viewer, address, FolderId(f"folder of {address}"))


def event(name: str) -> Rendered:
    text = f"text of {name}".encode()
    item = ItemRef(ItemId(f"item of {name}"), ChangeKey("1"))
    index = IndexRecord(NOON, NOON + timedelta(hours=1))
    return Rendered(Name(name), Uid(f"uid of {name}"), text, make_etag(text), index, (item,), ())


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with ExitStack() as stack:
        yield Bridge(tmp_path, stack)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody wait, half a second after the key file was changed; gives how long somebody would have."""
    waited: list[float] = []
    monkeypatch.setattr(KeyFile, "age", lambda _: 0.5)
    monkeypatch.setattr("bridge.cli.rekey.sleep", waited.append)
    return waited


# --- status ------------------------------------------------------------------------------------------


def test_status_is_a_table_of_everybodys_calendars(bridge: Bridge) -> None:
    bridge.pull(ANNA, 3)
    bridge.pull(BEN, 1)
    lines = bridge("status").stdout.splitlines()
    assert lines[0].split()[:4] == ["VIEWER", "CALENDAR", "EVENTS", "SIZE"]
    assert [line.split()[:3] for line in lines[1:3]] == [[ANNA, "Work", "3"], [BEN, "Work", "1"]]
    assert lines[1].endswith("2026-03-04 12:00:00  no       0        complete")
    assert lines[3].startswith("2 calendars of 2 viewers, ")


def test_status_of_a_first_pull_has_a_bar(bridge: Bridge) -> None:
    bridge.pull(ANNA, 34, is_last=False)
    bridge.tell_total(100)
    assert bridge("status").stdout.splitlines()[1].endswith("first pull 34 of 100 [###-------] 34 %")


def test_status_as_json(bridge: Bridge) -> None:
    bridge.pull(ANNA, 2, is_last=False)
    bridge.tell_total(8)
    (one,) = bridge.listed()
    assert isinstance(one.pop("bytes"), int)
    assert one == {
        "viewer": ANNA,
        "owner": ANNA,
        "calendar": "Work",
        "state": "first pull",
        "progress": 0.25,
        "events": 2,
        "items": 2,
        "total": 8,
        "pulled_at": None,
        "watched": False,
        "pending": 0,
    }


def test_status_is_drawn_anew_until_all_is_read(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.pull(ANNA, 2, is_last=False)

    def end_of_pull(_: float) -> None:
        bridge.pull(ANNA, 4)

    monkeypatch.setattr("bridge.cli.mirror.sleep", end_of_pull)
    told = bridge("status", "--watch").stdout
    assert told.count("VIEWER") == 2
    assert "first pull 2\n" in told
    assert told.splitlines()[-2].endswith("complete")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("status",), "There is no mirror yet.\n"), (("status", "--json"), "[]\n"), (("purge", "--all"), "no mirror yet")],
)
def test_without_a_mirror_it_says_so_and_makes_none(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        bridge = Bridge(tmp_path, stack)
    for path in bridge.folder.glob("mirror.db*"):
        path.unlink()
    assert said in bridge(*arguments).stdout
    assert not (bridge.folder / "mirror.db").exists()


@pytest.mark.parametrize("command", [("status",), ("purge", "--all"), ("verify",), ("rekey",)])
def test_where_there_is_no_state_nothing_is_made(command: tuple[str, ...], bridge: Bridge) -> None:
    shutil.rmtree(bridge.folder)
    result = bridge(*command)
    assert (result.exit_code, "there is no state of a bridge here" in result.stderr) == (2, True)
    assert not bridge.folder.exists()


@pytest.mark.parametrize("command", [("status",), ("purge", "--all"), ("verify",), ("rekey",)])
@pytest.mark.parametrize(("sql", "said"), [("version = 4", "version is 4"), ("probe = x'00'", "with other keys")])
def test_a_mirror_that_is_not_to_be_used_is_left_alone(
    sql: str, said: str, command: tuple[str, ...], bridge: Bridge
) -> None:
    bridge.pull(ANNA, 1)
    with closing(sqlite3.connect(bridge.folder / "mirror.db")) as connection:
        connection.execute(f"UPDATE schema SET {sql}")
        connection.commit()
    before = (bridge.folder / "key").read_bytes()
    result = bridge(*command)
    assert (result.exit_code, said in result.stderr) == (2, True), result.output
    assert list(bridge.folder.glob("*damaged*")) == []
    assert (bridge.folder / "key").read_bytes() == before


# --- purge -------------------------------------------------------------------------------------------


def test_purge_removes_what_one_viewer_was_told(bridge: Bridge) -> None:
    annas, bens = bridge.pull(ANNA, 3), bridge.pull(BEN, 1)
    assert bridge("purge", "--viewer", "Anna@Example.org").stdout == "1 calendar removed.\n"
    assert bridge("purge", "--viewer", ANNA).stdout == "0 calendars removed.\n"
    assert bridge.mirror.snapshot(annas).resources == {}
    assert len(bridge.mirror.snapshot(bens).resources) == 1


def test_purge_removes_what_everybody_was_told(bridge: Bridge) -> None:
    bridge.pull(ANNA, 3)
    bridge.pull(BEN, 1)
    assert bridge("purge", "--all").stdout == "2 calendars removed.\n"
    assert bridge.listed() == []


@pytest.mark.parametrize("arguments", [(), ("--all", "--viewer", ANNA)])
def test_purge_wants_to_know_whose(arguments: tuple[str, ...], bridge: Bridge) -> None:
    bridge.pull(ANNA, 1)
    result = bridge("purge", *arguments)
    assert (result.exit_code, "either --viewer ADDRESS or --all" in result.stderr) == (2, True)
    assert len(bridge.listed()) == 1


# --- verify ------------------------------------------------------------------------------------------


def test_verify_finds_a_sound_bridge_sound_and_changes_nothing(bridge: Bridge) -> None:
    ref = bridge.pull(ANNA, 3)
    bridge.state.names.put(ref, CalendarName("work"))
    result = bridge("verify")
    assert (result.exit_code, result.stdout) == (0, "Everything opens and fits together.\n")
    assert len(bridge.mirror.snapshot(ref).resources) == 3


def test_verify_tells_faults_by_table_and_count(bridge: Bridge) -> None:
    ref = bridge.pull(ANNA, 3)
    bridge.state.names.put(ref, CalendarName("work"))
    for file, sql in (("mirror.db", "UPDATE resources SET text = x'00'"), ("state.db", "UPDATE names SET label = x''")):
        with closing(sqlite3.connect(bridge.folder / file)) as connection:
            connection.execute(sql)
            connection.commit()
    result = bridge("verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "state, table names: label cannot be read: 1",
        "mirror, table resources: text cannot be read: 3",
    ]
    assert list(bridge.folder.glob("*damaged*")) == []


def test_verify_tells_a_damaged_file(bridge: Bridge) -> None:
    bridge.pull(ANNA, 200)
    file = bridge.folder / "mirror.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    with file.open("r+b") as database:
        size = file.stat().st_size
        database.seek(8 * 4096)
        database.write(b"\xa5" * (size - 8 * 4096))
    result = bridge("verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("mirror: it is damaged as a database (")
    assert list(bridge.folder.glob("*damaged*")) == []


# --- rekey -------------------------------------------------------------------------------------------


def newest_alone(bridge: Bridge) -> Keys:
    """Give the newest key without the older ones."""
    lines = KeyFile(bridge.folder / "key").read()
    key_id = list(lines.sealing)[-1]
    return Keys({key_id: lines.sealing[key_id]}, lines.lookup)


def reopened(bridge: Bridge, use: Callable[[State, Mirror], None]) -> None:
    """Open the state and the mirror with the newest key alone."""
    keys = newest_alone(bridge)
    with ExitStack() as stack:
        engines = [make_engine(bridge.folder / name, "FULL") for name in ("state.db", "mirror.db")]
        for engine in engines:
            stack.callback(engine.dispose)
        state = State(engines[0], keys, bridge.folder)
        stack.callback(state.close)
        use(state, Mirror(engines[1], keys))


def test_rekey_seals_mirror_and_state_with_a_new_key_beside_a_running_bridge(
    bridge: Bridge, at_once: list[float]
) -> None:
    ref = bridge.pull(ANNA, 120)
    bridge.state.names.put(ref, CalendarName("work"))

    result = bridge("rekey")

    assert result.exit_code == 0, result.output
    assert "Key 2 was added" in result.stdout
    assert result.stdout.endswith("Everything is sealed with key 2.\n")
    assert at_once == [1.5]
    assert len(bridge.mirror.snapshot(ref).resources) == 120
    assert bridge.mirror.read(ref, Name("7.ics")) == event("7.ics")
    assert bridge.state.names.get(ref) == "work"
    assert list(KeyFile(bridge.folder / "key").read().sealing) == ["1", "2"]

    def use(state: State, mirror: Mirror) -> None:
        assert state.names.get(ref) == "work"
        assert mirror.read(ref, Name("7.ics")) == event("7.ics")

    reopened(bridge, use)
    assert bridge("verify").exit_code == 0


def test_rekey_goes_on_where_it_was_interrupted(bridge: Bridge, at_once: list[float]) -> None:
    bridge.pull(ANNA, 3)
    KeyFile(bridge.folder / "key").add()
    assert "Not everything bears key 2 yet: this goes on, without another key." in bridge("rekey").stdout
    assert load_keys(bridge.folder / "key").newest == "2"
    assert "Key 3 was added" in bridge("rekey").stdout
    assert "was added" not in bridge("rekey", "--no-new-key").stdout
    KeyFile(bridge.folder / "key").add()
    assert "Key 5 was added" in bridge("rekey", "--new-key").stdout
    assert at_once


def test_a_key_that_was_prepared_for_several_hosts_seals_when_it_is_to(bridge: Bridge, at_once: list[float]) -> None:
    ref = bridge.pull(ANNA, 3)
    assert "Key 2 was added" in bridge("rekey", "--prepare").stdout
    assert load_keys(bridge.folder / "key").newest == "1"
    assert bridge("rekey", "--use-key", "2").stdout.endswith("Everything is sealed with key 2.\n")
    assert len(bridge.mirror.snapshot(ref).resources) == 3
    result = bridge("rekey", "--use-key", "9")
    assert (result.exit_code, "there is no sealing key '9'" in result.stderr) == (2, True)
    assert bridge("rekey", "--use-key", "2", "--new-key").exit_code == 2
    assert bridge("rekey", "--prepare", "--forget-old-keys").exit_code == 2
    assert list(KeyFile(bridge.folder / "key").read().sealing) == ["1", "2"]
    assert at_once


def test_old_keys_are_forgotten_when_nothing_bears_them(bridge: Bridge, at_once: list[float]) -> None:
    ref = bridge.pull(ANNA, 3)
    result = bridge("rekey", "--forget-old-keys")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Taken out of the key file: 1.")
    assert at_once == [14.5]
    assert list(KeyFile(bridge.folder / "key").read().sealing) == ["2"]
    assert len(bridge.mirror.snapshot(ref).resources) == 3
    assert bridge("verify").exit_code == 0


def test_what_a_slower_process_seals_with_the_old_key_meanwhile_is_sealed_anew_before_that_is_forgotten(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = bridge.pull(ANNA, 3)
    lines = KeyFile(bridge.folder / "key").read()
    slow = Mirror(bridge.mirror._database._engine, Keys(lines.sealing, lines.lookup))
    monkeypatch.setattr("bridge.cli.rekey.sleep", lambda _: slow.put(ref, event("slow.ics")))
    assert bridge("rekey", "--forget-old-keys").exit_code == 0

    def use(_: State, mirror: Mirror) -> None:
        assert mirror.read(ref, Name("slow.ics")) == event("slow.ics")

    reopened(bridge, use)


def test_old_keys_stay_where_something_cannot_be_opened(bridge: Bridge, at_once: list[float]) -> None:
    bridge.pull(ANNA, 1)
    with closing(sqlite3.connect(bridge.folder / "mirror.db")) as connection:
        connection.execute("UPDATE resources SET text = x'00'")
        connection.commit()
    result = bridge("rekey", "--new-key", "--forget-old-keys")
    assert result.exit_code == 1
    assert "what is stored, 1 cannot be opened and stays" in result.stderr
    assert list(KeyFile(bridge.folder / "key").read().sealing) == ["1", "2"]
    assert at_once


def test_the_help_of_rekey_says_that_the_state_is_sealed_anew_too(bridge: Bridge) -> None:
    assert "the mirror AND THE STATE" in bridge("rekey", "--help").stdout


WRITE_UNTIL_TOLD = """
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from bridge.config import load
from bridge.database import make_engine
from bridge.errors import MirrorFilling
from bridge.keys import load_keys
from bridge.mirror.mirror import Mirror
from bridge.model import Address
from bridge.state.proofs import Proof
from bridge.model import Mailbox
from bridge.state.state import State
from test_mirror import ANNA, calendar_of, event

folder = Path(sys.argv[1])
keys = load_keys(folder / "key")
mirror = Mirror(make_engine(folder / "mirror.db", "FULL"), keys)
state = State(make_engine(folder / "state.db", "FULL"), keys, folder)
told = threading.Thread(target=sys.stdin.read)
told.start()
ref, count = calendar_of(ANNA), 0
while told.is_alive():
    mirror.put(ref, event(f"{sys.argv[2]}-{count}.ics"))
    state.proofs.put(f"{sys.argv[2]}-{count}", Proof(b"salt", b"digest", Mailbox(ANNA), datetime.now(UTC)))
    assert len(mirror.texts(ref, mirror.snapshot(ref).resources)) > count
    if count == 0:
        print("writing", flush=True)
    count += 1
print(count)
state.close()
"""


def test_processes_that_write_all_the_time_lose_nothing_while_keys_are_replaced(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.cli.rekey.SETTLED", 3.0)
    ref = bridge.pull(ANNA, 200)
    command = [sys.executable, "-c", WRITE_UNTIL_TOLD, str(bridge.folder)]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                Popen([*command, name], stdin=PIPE, stdout=PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
            )
            for name in ("one", "two")
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
        for _ in range(2):
            result = bridge("rekey", "--forget-old-keys")
            assert result.exit_code == 0, result.output
        counts = [int(writer.communicate(timeout=60)[0]) for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0]
    assert list(KeyFile(bridge.folder / "key").read().sealing) == ["3"]
    assert bridge("verify").stdout == "Everything opens and fits together.\n"

    def use(state: State, mirror: Mirror) -> None:
        written = mirror.snapshot(ref).resources
        names = [
            f"{name}-{number}" for name, count in zip(("one", "two"), counts, strict=True) for number in range(count)
        ]
        assert written.keys() == {f"{number}.ics" for number in range(200)} | {f"{name}.ics" for name in names}
        assert None not in {state.proofs.get(name) for name in names}

    reopened(bridge, use)
    assert list(bridge.folder.glob("*damaged*")) == []


def test_a_mirror_that_is_deleted_or_damaged_while_it_runs_is_begun_anew_and_the_state_stays(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    ref = bridge.pull(ANNA, 3)
    bridge.state.names.put(ref, CalendarName("work"))
    with closing(sqlite3.connect(bridge.folder / "state.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    before = (bridge.folder / "state.db").read_bytes()

    for path in bridge.folder.glob("mirror.db*"):
        path.unlink()
    assert bridge.mirror.snapshot(ref).resources == {}
    bridge.pull(ANNA, 2)
    with closing(sqlite3.connect(bridge.folder / "mirror.db")) as connection:
        connection.execute("UPDATE calendars SET cursor = x'00'")
        connection.commit()
    with pytest.raises(MirrorFilling):
        bridge.mirror.status(ref)
    assert bridge.mirror.snapshot(ref).resources == {}

    assert [message.partition("mirror.db ")[2].partition(" (")[0] for message in caplog.messages] == [
        "is gone: it is built anew.",
        "cannot be used",
    ]
    assert (bridge.folder / "state.db").read_bytes() == before
    assert bridge.state.names.get(ref) == "work"
    assert sorted(path.name for path in bridge.folder.glob("state.db*")) == ["state.db", "state.db-shm", "state.db-wal"]
    assert bridge("verify").exit_code == 0


def test_rekey_that_is_killed_goes_on_when_it_is_run_again(bridge: Bridge, start: Start) -> None:
    ref = bridge.pull(ANNA, 600)
    with start("mirror", "rekey", "--config", str(bridge.config)) as running:
        running.wait_for("Key 2 was added")
        running.process.kill()
        running.process.wait(60)
    assert bridge("verify").exit_code == 0
    assert len(bridge.mirror.snapshot(ref).resources) == 600

    again = bridge("rekey")

    assert "this goes on, without another key" in again.stdout
    assert again.stdout.endswith("Everything is sealed with key 2.\n")

    def use(_: State, mirror: Mirror) -> None:
        assert len(mirror.texts(ref, mirror.snapshot(ref).resources)) == 600

    reopened(bridge, use)
    assert list(bridge.folder.glob("*damaged*")) == []
