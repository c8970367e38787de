"""What is judged: ``exchange-bridge demo``, a fresh one for each judge."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_COMMAND = str(Path(sys.executable).with_name("exchange-bridge"))
_URL = re.compile(r"served at (http\S+)")
_LOGIN = re.compile(r"^  (\S+@\S+) +(\S+)$")
_READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its address, ending with a slash, and its people's user names and passwords."""

    url: str
    people: Sequence[tuple[str, str]]


@contextmanager
def demo(log: Path) -> Iterator[Demo]:
    """Run the demo on a free port until the block ends; its log goes into a file.

    Raises RuntimeError when it does not start.
    """
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [_COMMAND, "demo", "--port", "0", "--open-nothing"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        yield _wait(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[str], log: Path) -> Demo:
    if process.stdout is None:
        raise RuntimeError("the demo has no output")
    deadline = threading.Timer(_READY_SECONDS, process.kill)
    deadline.start()
    url, people = "", []
    try:
        for line in process.stdout:
            if found := _URL.search(line):
                url = found[1]
            if login := _LOGIN.match(line.rstrip("\n")):
                people.append((login[1], login[2]))
            if "Ctrl-C" in line:
                return Demo(url, people)
    finally:
        deadline.cancel()
    raise RuntimeError("the demo ended before it served:\n" + log.read_text(encoding="utf-8")[-1000:])
