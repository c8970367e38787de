"""A port in front of a server that can be shut, or be open and say nothing."""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Gate:
    """Leads to a server, until it is told to refuse or to be silent. Use it with ``with``."""

    def __init__(self, url: str) -> None:
        """Take the URL behind it, and lead there."""
        self._behind = urlsplit(url)
        self._is_silent = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._port = 0
        self.most = 0
        self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()

    @property
    def url(self) -> str:
        """The server's URL through the gate."""
        return self._behind._replace(netloc=f"127.0.0.1:{self._port}").geturl()

    def refuse(self) -> None:
        """End every connection and let nobody in."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._end_all()

    def be_silent(self) -> None:
        """End every connection, take new ones and answer nothing. ``most`` counts those that are open at once."""
        self._is_silent = True
        self._end_all()

    def lead(self) -> None:
        """Lead on again, after either."""
        if not self._is_silent:
            self._listen()
            return
        self._is_silent = False
        self._end_all()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=512)
        self._port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="gate", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            if self._is_silent:
                self._carry(here, None)
            else:
                there = socket.create_connection((self._behind.hostname, self._behind.port or 80))
                self._carry(here, there)
                self._carry(there, here)

    def _carry(self, source: socket.socket, target: socket.socket | None) -> None:
        """Hand on what comes, or swallow it, until one of the two ends."""

        def carry() -> None:
            with suppress(OSError):
                while piece := source.recv(65536):
                    if target is not None:
                        target.sendall(piece)
            with self._lock:
                self._open.discard(source)
            _end(source)
            if target is not None:
                _end(target)

        with self._lock:
            self._open.add(source)
            if target is None:
                self.most = max(self.most, len(self._open))
        threading.Thread(target=carry, name="gate", daemon=True).start()

    def _end_all(self) -> None:
        with self._lock:
            ended = list(self._open)
        for one in ended:
            _end(one)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
