"""Radicale's own command as a process."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

READY = "Radicale server ready"
DEADLINE = 60.0


def free_address() -> str:
    """Give a host and a port that nobody has: Radicale takes no port 0."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def radicale_command(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Run it until the block ends; give what it has told, which grows."""
    told: list[str] = []
    settled = threading.Event()

    def listen(lines: Iterator[str]) -> None:
        for line in lines:
            told.append(line)
            if READY in line:
                settled.set()
        settled.set()

    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "radicale", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        listener = threading.Thread(target=listen, args=(iter(process.stderr),))
        listener.start()
        try:
            assert settled.wait(DEADLINE)
            assert any(READY in line for line in told), "".join(told)
            yield told
        finally:
            process.terminate()
            listener.join()
