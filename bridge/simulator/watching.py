"""Who still listens: tells at once when the other side of a held connection goes away, with one thread for all.

Where the system cannot tell (it has no epoll), a held answer notices when it next writes.
"""

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Watch:
    """Watches connections on which an answer is held open. Safe between threads."""

    def __init__(self) -> None:
        self._gone: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._thread: threading.Thread | None = None

    @contextmanager
    def on(self, connection: socket.socket, gone: Callable[[], None]) -> Iterator[None]:
        """Call `gone`, from another thread, if the other side goes away in the meantime."""
        number = connection.fileno()
        self._add(number, gone)
        try:
            yield
        finally:
            self._remove(number)

    def close(self) -> None:
        """End the thread; nothing is watched any more."""
        with self._lock:
            thread, self._thread, self._gone = self._thread, None, {}
        if thread:
            os.eventfd_write(self._end, 1)
            thread.join()
            os.close(self._end)
        if self._epoll:
            self._epoll.close()

    def _add(self, number: int, gone: Callable[[], None]) -> None:
        if not self._epoll:
            return
        with self._lock:
            if self._thread is None:
                self._end = os.eventfd(0)
                self._epoll.register(self._end, select.EPOLLIN)
                self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="simulator-watch")
                self._thread.start()
            self._gone[number] = gone
            self._epoll.register(number, select.EPOLLRDHUP)

    def _remove(self, number: int) -> None:
        with self._lock:
            if self._epoll and self._gone.pop(number, None):
                self._epoll.unregister(number)

    def _run(self, epoll: select.epoll) -> None:
        while True:
            for number, _ in epoll.poll():
                if number == self._end:
                    return
                with self._lock:
                    # The number may be another connection's by now
                    gone = self._gone.pop(number) if number in self._gone and _is_over(number) else None
                    if gone:
                        epoll.unregister(number)
                if gone:
                    gone()


def _is_over(number: int) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLRDHUP)
    return bool(poll.poll(0))
