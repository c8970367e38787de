"""Run the product's own commands as processes: the simulated Exchange, and the bridge in front of it."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

COMMAND = (str(Path(sys.executable).with_name("exchange-bridge")),)
_URL = re.compile(r"https?://\S+")
_READY_SECONDS = 120.0


@dataclass
class Process:
    """A running command: where it answers, and what it printed until it did."""

    process: subprocess.Popen[str]
    url: str
    printed: list[str] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        """Give the process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [self.process.pid, *map(int, children.split())]

    def cpu_seconds(self) -> float:
        """Give the processor time that it and its children have used, user and system."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self) -> list[float]:
        """Give the resident memory of it and of each child, in megabytes (10^6 bytes)."""
        page = resource.getpagesize()
        statm = (Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split() for pid in self.pids)
        return [int(fields[1]) * page / 1e6 for fields in statm]


@contextmanager
def running(arguments: Sequence[str], ready: str, command: Sequence[str] = COMMAND) -> Iterator[Process]:
    """Run a command until the block ends; it is ready when it prints a line that has this text and a URL."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *arguments], stdout=subprocess.PIPE, stderr=None, text=True, start_new_session=True
    )
    try:
        yield _wait(process, ready)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[str], ready: str) -> Process:
    if process.stdout is None:
        raise RuntimeError("the command has no output")
    deadline = threading.Timer(_READY_SECONDS, process.kill)
    deadline.start()
    printed = []
    try:
        for line in process.stdout:
            printed.append(line.rstrip())
            found = _URL.search(line)
            if ready in line and found:
                threading.Thread(target=_drain, args=(process,), daemon=True).start()
                return Process(process, found[0].rstrip(".,"), printed)
    finally:
        deadline.cancel()
    raise RuntimeError("the command ended before it was ready:\n" + "\n".join(printed))


def _drain(process: subprocess.Popen[str]) -> None:
    for _line in process.stdout or ():
        pass


@contextmanager
def exchange(*options: str) -> Iterator[Process]:
    """Run the simulated Exchange on a free port; ``url`` is its EWS address."""
    with running(["simulate", "--port", "0", *options], "xchange.asmx") as process:
        yield process


@contextmanager
def office(people: int, events: int) -> Iterator[Process]:
    """Run a simulated Exchange for many people on a free port; see `office.py`."""
    script = (sys.executable, str(Path(__file__).with_name("office.py")))
    with running(["--people", str(people), "--events", str(events)], "xchange.asmx", script) as process:
        yield process


def control(ews_url: str, change: object | None = None) -> dict[str, object]:
    """Read the simulated Exchange's control URL, or change its knobs."""
    url = ews_url.lower().rpartition("/ews/")[0] + "/simulator/control"
    answer = requests.get(url, timeout=30) if change is None else requests.post(url, json=change, timeout=30)
    answer.raise_for_status()
    shown: dict[str, object] = json.loads(answer.text)
    return shown


@contextmanager
def bridge(
    ews_url: str, folder: Path, *, port: int, fresh: float = 15, workers: int = 1, exchange: str = "", sync: str = ""
) -> Iterator[Process]:
    """Run the bridge before an Exchange, its state in a folder.

    ``exchange`` and ``sync`` are further lines of these sections of its configuration.
    """
    config = folder / "bridge.toml"
    config.write_text(
        f'[exchange]\nurl = "{ews_url}"\n{exchange}'
        f'[server]\nlisten = "127.0.0.1:{port}"\nworkers = {workers}\n'
        f'[state]\nfolder = "{folder / "state"}"\n'
        f"[sync]\nfresh = {fresh}\n{sync}",
        encoding="utf-8",
    )
    with running(["serve", "--config", str(config)], "served at") as process:
        yield process


def loads() -> str:
    """Say how busy the machine is: what else runs makes times longer."""
    return "load " + " ".join(f"{each:.1f}" for each in os.getloadavg())


def wait_until(is_so: object, seconds: float) -> None:
    """Ask until it is so. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(is_so) and is_so():
            return
        time.sleep(0.05)
    raise TimeoutError
