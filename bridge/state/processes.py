"""Which processes of one machine live: each holds a lock on a file of its own, which any end of it releases."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge.state.liveness import PROCESS_ID


class Processes:
    """The processes that share one state folder, this one among them from now on.

    Make it after the fork: a child that inherits the open file keeps its parent's lock. ``own_id`` is this process's
    id, never used before and never again.
    """

    def __init__(self, folder: Path) -> None:
        """Take the state folder; the files lie in its ``processes``. Files of dead processes are removed."""
        self._folder = folder / "processes"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_dead()
        self.own_id, self._file = self._register()

    def hold(self) -> None:
        """Do nothing: a lock on a file is held until the process ends."""

    def when_back(self, do: Callable[[], None]) -> None:
        """Do nothing, for the same reason."""

    def is_alive(self, process_id: str) -> bool:
        """Whether the process lives. An id that no process ever had is not alive.

        While another process removes dead files, one that just died may still pass for alive: ask again.
        """
        if process_id == self.own_id:
            return self._file is not None
        if not PROCESS_ID.fullmatch(process_id):
            return False
        with _opened(self._folder / process_id) as file:
            return file is not None and not _try_lock(file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Leave: from now on this process counts as dead."""
        if self._file is not None:
            (self._folder / self.own_id).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _register(self) -> tuple[str, int | None]:
        while True:
            own_id = secrets.token_hex(8)
            path = self._folder / own_id
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # else it was taken for a dead one before it was locked
                return own_id, file
            os.close(file)

    def _remove_dead(self) -> None:
        for path in self._folder.iterdir():
            with _opened(path) as file:
                if file is not None and _try_lock(file, fcntl.LOCK_EX):
                    path.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """Open a file, None when there is none; it is closed at the end, and every lock taken on it is released."""
    file = None
    with suppress(FileNotFoundError):
        file = os.open(path, os.O_RDWR)
    try:
        yield file
    finally:
        if file is not None:
            os.close(file)


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
