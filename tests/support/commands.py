"""The command as a process of its own, and a way to wait for what it prints."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 60.0
COMMAND = "from bridge.cli import main; main()"
PATIENT = f"""import functools
import bridge.service
bridge.service.Patience = functools.partial(bridge.service.Patience, known=30.0)
{COMMAND}"""
"""The command, but for requests that wait for news as long as it takes: a busy machine makes no old answers."""


@dataclass
class Running:
    """A command that runs, in a process group of its own, as a terminal would start it."""

    process: subprocess.Popen[bytes]
    errors: Path
    printed: str = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read what it prints until the pattern is there."""
        end = time.monotonic() + DEADLINE
        stdout = self.process.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.printed)):
                assert selector.select(end - time.monotonic()), f"not printed in time: {pattern}\n{self.told}"
                piece = os.read(stdout.fileno(), 65536)
                assert piece, f"it ended without printing {pattern}\n{self.told}"
                self.printed += piece.decode()
        return found

    def interrupt(self) -> int:
        """Type Ctrl-C, and give the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(DEADLINE)

    def terminate(self) -> int:
        """Ask it to end, as a service manager does, and give the exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """Kill all its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)

    @property
    def told(self) -> str:
        """What it printed so far, errors included."""
        return self.printed + self.errors.read_text()


@contextlib.contextmanager
def command(folder: Path, *arguments: str, program: str = COMMAND, **environment: str) -> Iterator[Running]:
    """Run the command with an empty home in a folder, and with further environment variables, until the block ends."""
    errors = folder / "errors.txt"
    own = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "TMPDIR": str(folder)}
    inherited = {name: value for name, value in os.environ.items() if name not in {"STATE_DIRECTORY", "DISPLAY"}}
    with (
        errors.open("wb") as told,
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdout=subprocess.PIPE,
            stderr=told,
            env=inherited | own | environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Running(process, errors)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
