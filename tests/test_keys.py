"""The key file and what is sealed with it."""

import base64
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigurationInvalid
from bridge.key_file import KeyFile
from bridge.keys import LOOK_EVERY, Keys, SealBroken, load_keys

KEYS = Keys({"1": b"1" * 32}, b"l" * 32)


def key_line(key_id: str, filling: bytes) -> str:
    return f"{key_id}:{base64.b64encode(filling * 32).decode()}\n"


def write_key_file(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@given(st.binary(), st.binary())
def test_what_is_sealed_opens_in_its_place(plaintext: bytes, place: bytes) -> None:
    assert KEYS.open(KEYS.seal(plaintext, place), place) == plaintext


@given(st.binary(), st.binary(), st.binary())
def test_it_opens_in_no_other_place(plaintext: bytes, place: bytes, other: bytes) -> None:
    sealed = KEYS.seal(plaintext, place)
    if other != place:
        with pytest.raises(SealBroken):
            KEYS.open(sealed, other)


@given(st.binary(), st.data())
def test_any_changed_byte_is_noticed(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEYS.seal(plaintext, b"place"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        KEYS.open(bytes(sealed), b"place")


@given(st.binary(max_size=60))
def test_bytes_that_were_never_sealed_do_not_open(anything: bytes) -> None:
    with pytest.raises(SealBroken):
        KEYS.open(anything, b"place")


@pytest.mark.parametrize("length", range(0, 45, 4))
def test_what_is_cut_off_does_not_open(length: int) -> None:
    sealed = KEYS.seal(b"sixteen bytes...", b"place")
    with pytest.raises(SealBroken):
        KEYS.open(sealed[:length], b"place")


def test_the_same_is_sealed_differently_each_time() -> None:
    assert KEYS.seal(b"plain", b"place") != KEYS.seal(b"plain", b"place")


def test_a_lookup_value_is_stable_and_tells_purposes_apart() -> None:
    assert KEYS.mac(b"data", "name") == KEYS.mac(b"data", "name")
    assert KEYS.mac(b"data", "name") != KEYS.mac(b"data", "uid")
    assert KEYS.mac(b"ata", "named") != KEYS.mac(b"data", "name")
    assert KEYS.mac(b"data", "name") != Keys({"1": b"1" * 32}, b"m" * 32).mac(b"data", "name")


def test_after_a_rotation_the_old_opens_the_new_key_seals_and_look_ups_stay(tmp_path: Path) -> None:
    path = write_key_file(tmp_path / "key", key_line("lookup", b"l") + key_line("1", b"a"))
    before = load_keys(path)
    sealed = before.seal(b"plain", b"place")
    path.write_text(path.read_text() + key_line("2", b"b"))

    after = load_keys(path)

    assert after.open(sealed, b"place") == b"plain"
    assert after.mac(b"data", "name") == before.mac(b"data", "name")
    assert after.seal(b"plain", b"place").startswith(b"\x01\x012")


def test_a_key_file_is_made_for_its_owner_alone_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key"
    sealed = load_keys(path).seal(b"plain", b"place")

    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["key"]
    assert load_keys(path).open(sealed, b"place") == b"plain"


SEAL_ON_COMMAND = """
import sys
from pathlib import Path
from bridge.keys import load_keys
print("ready", flush=True)
sys.stdin.readline()
print(load_keys(Path(sys.argv[1])).seal(b"plain", b"place").hex())
"""


def test_processes_that_start_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "key"
    command = [sys.executable, "-c", SEAL_ON_COMMAND, str(path)]
    with ExitStack() as stack:
        processes = [stack.enter_context(Popen(command, stdin=PIPE, stdout=PIPE, text=True)) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        sealed = [bytes.fromhex(process.communicate(timeout=60)[0]) for process in processes]

    assert [load_keys(path).open(value, b"place") for value in sealed] == [b"plain"] * 4


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_key_file(tmp_path / "key", key_line("lookup", b"l") + key_line("1", b"a"))
    path.chmod(mode)
    with pytest.raises(ConfigurationInvalid, match=r"chmod 600"):
        load_keys(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "lookup"),
        (key_line("lookup", b"l"), "at least one other"),
        (key_line("1", b"a"), "lookup"),
        (key_line("lookup", b"l") + "1:c2hvcnQ=\n", "line 2"),
        (key_line("lookup", b"l") + "1:!!!\n", "line 2"),
        (key_line("lookup", b"l") + key_line("A B", b"a"), "line 2"),
        (key_line("lookup", b"l") + key_line("1", b"a") + key_line("1", b"b"), "line 3 repeats"),
    ],
)
def test_a_broken_key_file_is_refused_with_its_line_and_no_key(tmp_path: Path, text: str, problem: str) -> None:
    path = write_key_file(tmp_path / "key", text)
    with pytest.raises(ConfigurationInvalid, match=problem) as raised:
        load_keys(path)
    assert base64.b64encode(b"a" * 32).decode() not in str(raised.value)
    assert path.read_text() == text


def test_a_key_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir(mode=0o700)
    with pytest.raises(ConfigurationInvalid, match="directory"):
        load_keys(tmp_path / "key")


def test_a_key_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write_key_file(tmp_path / "key", "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationInvalid, match="not text"):
        load_keys(path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the seconds that the keys read off their clock, to be set."""
    seconds = [1000.0]
    monkeypatch.setattr("bridge.keys.time.monotonic", lambda: seconds[0])
    return seconds


def test_a_running_process_seals_with_a_new_key_after_a_second_and_opens_the_old(
    tmp_path: Path, clock: list[float]
) -> None:
    path = tmp_path / "key"
    running = load_keys(path)
    old = running.seal(b"old", b"place")

    assert KeyFile(path).add() == "2"
    assert running.seal(b"plain", b"place").startswith(b"\x01\x011")
    clock[0] += LOOK_EVERY
    assert running.seal(b"plain", b"place").startswith(b"\x01\x012")
    assert running.mark == b"\x01\x012"
    assert running.open(old, b"place") == b"old"
    assert load_keys(path).mac(b"data", "name") == running.mac(b"data", "name")


def test_a_running_process_opens_what_a_quicker_one_sealed_with_a_new_key(tmp_path: Path, clock: list[float]) -> None:
    path = tmp_path / "key"
    running = load_keys(path)
    KeyFile(path).add()
    assert running.open(load_keys(path).seal(b"plain", b"place"), b"place") == b"plain"
    assert clock == [1000.0]


def test_all_threads_open_what_is_sealed_with_a_new_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    running = load_keys(path)
    begin = threading.Barrier(8)

    def open_one(sealed: bytes) -> bytes:
        begin.wait()
        return running.open(sealed, b"place")

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            KeyFile(path).add()
            sealed = load_keys(path).seal(b"plain", b"place")
            assert set(threads.map(open_one, [sealed] * 8)) == {b"plain"}


def test_a_key_that_was_forgotten_opens_for_a_running_process_and_for_no_new_one(
    tmp_path: Path, clock: list[float]
) -> None:
    path = tmp_path / "key"
    running = load_keys(path)
    old = running.seal(b"old", b"place")
    KeyFile(path).add()
    KeyFile(path).forget(["1"])
    clock[0] += LOOK_EVERY

    assert running.seal(b"new", b"place").startswith(b"\x01\x012")
    assert running.open(old, b"place") == b"old"
    with pytest.raises(SealBroken, match="does not hold"):
        load_keys(path).open(old, b"place")


def test_a_key_that_is_prepared_opens_and_seals_when_it_is_to(tmp_path: Path) -> None:
    path = write_key_file(tmp_path / "key", key_line("1", b"a") + key_line("lookup", b"l"))
    here = KeyFile(path)
    assert here.add(seals=False) == "2"
    assert list(here.read().sealing) == ["2", "1"]
    assert load_keys(path).newest == "1"
    here.use("2")
    assert list(here.read().sealing) == ["1", "2"]
    sealed = load_keys(path).seal(b"plain", b"place")
    here.use("1")
    assert load_keys(path).open(sealed, b"place") == b"plain"
    before = path.read_text()
    for key_id in ("3", "lookup"):
        with pytest.raises(ConfigurationInvalid, match="there is no sealing key"):
            here.use(key_id)
    assert path.read_text() == before


def test_the_lookup_key_and_the_key_that_seals_are_never_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    before = load_keys(path)
    KeyFile(path).add()
    KeyFile(path).forget(["lookup", "1", "2"])
    assert load_keys(path).mark == b"\x01\x012"
    assert load_keys(path).mac(b"data", "name") == before.mac(b"data", "name")


def test_a_changed_key_file_keeps_its_mode_its_comments_and_its_other_lines(tmp_path: Path) -> None:
    path = write_key_file(tmp_path / "key", key_line("lookup", b"l") + "# mine: kept\n" + key_line("7", b"a").strip())
    path.chmod(0o400)
    inode = path.stat().st_ino
    KeyFile(path).add()
    assert path.stat().st_ino != inode
    added = path.read_text()
    assert added.startswith(key_line("lookup", b"l") + "# mine: kept\n" + key_line("7", b"a") + "8:")
    KeyFile(path).forget(["7"])
    assert path.read_text() == added.replace(key_line("7", b"a"), "")
    assert path.stat().st_mode & 0o777 == 0o400
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_key_file_that_cannot_be_replaced_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    load_keys(path)
    before = path.read_text()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bridge.key_file.os.fsync", fail)
    with pytest.raises(ConfigurationInvalid, match="No space left"):
        KeyFile(path).add()
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_text("no keys"), "line 1"),
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_text(key_line("lookup", b"x") + key_line("1", b"y")), "another lookup key"),
    ],
    ids=["broken", "others may read", "gone", "of another bridge"],
)
def test_a_key_file_that_is_spoilt_meanwhile_is_logged_once_and_the_keys_stay(
    spoil: Callable[[Path], None],
    said: str,
    tmp_path: Path,
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "key"
    running = load_keys(path)
    old = running.seal(b"old", b"place")
    spoil(path)
    path_is_there = path.exists()
    if path_is_there:
        os.utime(path, ns=(0, 0))  # the clock of a file may be too coarse to show a change within a test
    for _ in range(3):
        clock[0] += LOOK_EVERY
        assert running.open(running.seal(b"plain", b"place"), b"place") == b"plain"
    assert running.open(old, b"place") == b"old"
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert path.exists() == path_is_there
