"""The served command in several processes on one state, which are killed and started again, and lose their mirror."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.simulator import Simulator

from commands import Running, command

MIRROR_FILES = ("mirror.db", "mirror.db-wal", "mirror.db-shm")
PATIENCE = 60.0


class Calls:
    """Counts the calls that a simulated Exchange is busy with: what was sent is carried out, whoever has died since."""

    def __init__(self, exchange: Simulator) -> None:
        """Take the Exchange that is watched from now on."""
        self._running = 0
        self._changed = threading.Condition()
        answer = exchange.service.answer

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self._changed:
                self._running += 1
            try:
                return answer(*args, **kwargs)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        setattr(exchange.service, "answer", counted)  # noqa: B010 - it stands in for a method

    def wait_until_none(self) -> None:
        """Wait until Exchange is busy with nothing."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._running == 0, PATIENCE), "Exchange does not get done"


class Servers:
    """Several commands that serve one state folder. ``urls`` are those that are answered at this moment."""

    def __init__(self, folder: Path, config: str, database: str, count: int, workers: int) -> None:
        """Take where the files go, what the configuration has besides, a PostgreSQL if any, and how many of what."""
        self._folder = folder
        self._config = config
        self._kept = f'database = "{database}"\n' if database else ""
        self._workers = workers
        self._running: dict[int, tuple[ExitStack, Running, str]] = {}
        self.state = folder / "own"
        for number in range(count):
            self.start(number)

    @property
    def urls(self) -> list[str]:
        """Give where the bridge is served; wait while it is nowhere, as somebody does who tries again later."""
        wait_for(lambda: bool(self._running))
        return [url for _, _, url in list(self._running.values())]

    @property
    def numbers(self) -> list[int]:
        """Give which of the commands run."""
        return list(self._running)

    @property
    def config(self) -> Path:
        """Give a configuration of this state."""
        return self._folder / "server-0" / "bridge.toml"

    def start(self, number: int) -> None:
        """Start one of the commands and wait until it serves."""
        own = self._folder / f"server-{number}"
        own.mkdir(exist_ok=True)
        config = own / "bridge.toml"
        listen = f'[server]\nlisten = "127.0.0.1:0"\nurl = "http://bridge.test"\nworkers = {self._workers}\n'
        config.write_text(f'{listen}[state]\nfolder = "{self.state}"\n{self._kept}{self._config}')
        stack = ExitStack()
        running = stack.enter_context(command(own, "serve", "--config", str(config)))
        url = running.wait_for(r"served at (http://\S+)")[1]
        self._running[number] = (stack, running, url)

    def kill(self, number: int) -> None:
        """Kill all processes of one command at once."""
        stack, running, _ = self._running.pop(number)
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait(PATIENCE)
        self._keep_told(running)
        stack.close()

    def kill_worker(self, number: int, choose: Callable[[list[int]], int]) -> None:
        """Kill one of a command's workers; its master starts another one."""
        master = self._running[number][1].process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if children:
            with suppress(ProcessLookupError):
                os.kill(choose([int(one) for one in children]), signal.SIGKILL)

    def lose_mirror(self) -> None:
        """Delete the mirror, whether somebody has it open or not; one in PostgreSQL stays."""
        for name in MIRROR_FILES:
            (self.state / name).unlink(missing_ok=True)

    def close(self) -> None:
        """End all of them."""
        for number in self.numbers:
            _, running, _ = self._running[number]
            assert running.terminate() == 0, running.told
            stack = self._running.pop(number)[0]
            self._keep_told(running)
            stack.close()

    @property
    def told(self) -> str:
        """Give what all of them have printed and logged."""
        for _, running, _ in self._running.values():
            self._keep_told(running)
        return "".join(path.read_text() for path in sorted(self._folder.glob("server-*/told-*.txt")))

    def _keep_told(self, running: Running) -> None:
        kept = running.errors.with_name(f"told-{running.process.pid}.txt")
        kept.write_text(running.errors.read_text())


@contextmanager
def serving(folder: Path, config: str, database: str, count: int, workers: int) -> Iterator[Servers]:
    """Serve one state by several commands until the block ends; they must end by themselves then."""
    servers = Servers(folder, config, database, count, workers)
    try:
        yield servers
    except BaseException:
        for number in servers.numbers:
            servers.kill(number)
        raise
    servers.close()


def wait_for(is_so: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Ask until it is so; say whether it came to that in time."""
    end = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < end:
        time.sleep(0.1)
    return found
