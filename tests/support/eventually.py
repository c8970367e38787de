"""Wait for what other threads and processes bring about, where there is no event to wait for."""

import threading
import time
from collections.abc import Callable

SOON = 30.0
"""Seconds for what takes milliseconds on a machine that has nothing else to do."""


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; fail where it is not soon."""
    end = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < end
        threading.Event().wait(0.02)
