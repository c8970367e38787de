"""Which processes live."""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from bridge.state.processes import Processes

LIVE = """
import sys
from pathlib import Path
from bridge.state.processes import Processes
print(Processes(Path(sys.argv[1])).own_id, flush=True)
sys.stdin.read()
"""

LIVE_WITH_A_CHILD = """
import subprocess, sys
from pathlib import Path
from bridge.state.processes import Processes
processes = Processes(Path(sys.argv[1]))
subprocess.Popen(["sleep", "60"])
print(processes.own_id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.close()


def test_a_process_lives_for_itself_and_for_others_until_it_leaves(processes: Processes, tmp_path: Path) -> None:
    other = Processes(tmp_path)
    assert processes.is_alive(processes.own_id)
    assert processes.is_alive(other.own_id)
    assert other.is_alive(processes.own_id)
    other.close()
    assert not processes.is_alive(other.own_id)
    assert not other.is_alive(other.own_id)
    other.close()


@pytest.mark.parametrize("process_id", ["", "0" * 16, "../../etc/passwd", "x"])
def test_an_id_that_no_process_had_is_not_alive(processes: Processes, process_id: str) -> None:
    assert not processes.is_alive(process_id)


def test_a_killed_process_is_dead_and_its_file_is_removed_by_the_next(processes: Processes, tmp_path: Path) -> None:
    with Popen([sys.executable, "-c", LIVE, str(tmp_path)], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        assert processes.is_alive(other)
        process.kill()
        process.wait()
    assert not processes.is_alive(other)
    assert (tmp_path / "processes" / other).exists()
    third = Processes(tmp_path)
    assert sorted(path.name for path in (tmp_path / "processes").iterdir()) == sorted([processes.own_id, third.own_id])
    third.close()


def test_asking_after_the_living_does_not_disturb_them(processes: Processes, tmp_path: Path) -> None:
    other = Processes(tmp_path)
    assert [other.is_alive(processes.own_id) for _ in range(3)] == [True] * 3
    other.close()
    third = Processes(tmp_path)
    assert third.is_alive(processes.own_id)
    third.close()


def test_another_who_asks_at_the_same_moment_is_not_taken_for_the_dead(processes: Processes, tmp_path: Path) -> None:
    dead = "0123456789abcdef"
    with (tmp_path / "processes" / dead).open("w+b") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # as `is_alive` does
        assert not processes.is_alive(dead)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert processes.is_alive(dead)


def test_a_child_that_runs_another_program_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    watcher = Processes(tmp_path)
    with Popen(
        [sys.executable, "-c", LIVE_WITH_A_CHILD, str(tmp_path)],
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        process.kill()
        process.wait()
        assert not watcher.is_alive(other)
        os.killpg(process.pid, signal.SIGKILL)
    watcher.close()
