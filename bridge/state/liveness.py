"""Which of the bridge's processes live: what is asked of it, whichever way it is known."""

import re
from collections.abc import Callable
from typing import Protocol

PROCESS_ID = re.compile(r"[0-9a-f]{16}")


class Liveness(Protocol):
    """The processes that share one state, this one among them."""

    @property
    def own_id(self) -> str:
        """The id of this process, never used before and never again."""

    def hold(self) -> None:
        """Make sure that others know this process to live. Raises Unavailable: then it must begin nothing."""

    def is_alive(self, process_id: str) -> bool:
        """Whether the process lives. An id that no process ever had is not alive. Raises Unavailable."""

    def when_back(self, do: Callable[[], None]) -> None:
        """Have this done, which raises nothing, each time others know this process to live again after a while."""

    def close(self) -> None:
        """Leave: from now on this process counts as dead."""
