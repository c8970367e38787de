"""When a calendar is pulled before it is served: one policy, with an injected clock.

* One that is watched, and of which nothing was heard since the last pull, is served as it is.
* So is one that was pulled within ``fresh`` seconds.
* Else it is pulled first, and a request waits for that no longer than its `Patience` says; then the mirror answers,
  with its age, and the pull goes on behind. `bridge.sync.asking` does the waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.mirror.watching import LEASE
from bridge.resource import Snapshot


@dataclass(frozen=True, slots=True)
class Patience:
    """How long requests wait, in seconds.

    ``known``: for news of what the mirror holds whole; ``first``: for what it has never held. ``pause``: so long a
    failure is remembered, and nobody waits for the same to fail again.
    """

    known: float = 2.0
    first: float = 20.0
    pause: float = 5.0


DEFAULT = Patience()


@dataclass(frozen=True, slots=True)
class Policy:
    """How old a mirror may be when it is served; ``fresh`` in seconds, ``now`` gives UTC."""

    fresh: float
    now: Callable[[], datetime]

    def is_due(self, mirrored: Snapshot, *, fresh: bool = False) -> bool:
        """Say whether a calendar is to be pulled first; ``fresh`` is the client's wish for new."""
        if mirrored.pulled_at is None or fresh:
            return True
        now = self.now()
        if mirrored.heard_at is not None and now - mirrored.heard_at <= LEASE:
            return False
        return now - mirrored.pulled_at > timedelta(seconds=self.fresh)
