"""What a stream has told, read as its owner does."""

import selectors
import time
from collections.abc import Callable

from bridge.errors import BridgeError
from bridge.exchange import Stream, Woken


class Heard:
    """What a stream has told: read whenever a selector says so, for some seconds at most."""

    def __init__(self, stream: Stream) -> None:
        """Read what came with its opening."""
        self.stream = stream
        self.woken: list[Woken] = []
        self.trouble: BridgeError | None = None
        self._take()

    def until(self, is_enough: Callable[["Heard"], bool]) -> "Heard":
        """Read until it is enough; a trouble before that fails the test."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stream, selectors.EVENT_READ)
            by = time.monotonic() + 10
            while not is_enough(self):
                assert self.trouble is None, self.trouble
                assert selector.select(max(0.0, by - time.monotonic())), "nothing came"
                self._take()
        return self

    def until_it_ends(self) -> "Heard":
        """Read until it is over or broken."""
        return self.until(lambda told: told.stream.is_over or told.trouble is not None)

    def _take(self) -> None:
        try:
            self.woken += self.stream.receive()
        except BridgeError as trouble:
            assert self.trouble is None
            self.trouble = trouble
