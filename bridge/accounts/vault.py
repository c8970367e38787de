"""The passwords of those who are using the bridge now: in memory only, bounded, and not for long.

Exchange wants the password with every request, so somebody must remember it between a client's requests for work in
the background. It is never written anywhere: an attempt to pickle the vault is an error.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from bridge.model import Credential, Viewer

KEPT = timedelta(minutes=30)
"""How long after a viewer's last request his credential is dropped."""
MOST = 10_000
"""Viewers; beyond it the one seen longest ago goes first."""


@dataclass(frozen=True, slots=True)
class _Entry:
    credential: Credential
    seen: datetime


class Vault:
    """Credentials by viewer. Safe to call from many threads."""

    def __init__(self, now: Callable[[], datetime], most: int = MOST) -> None:
        """Take a clock that gives UTC, and how many credentials are held at most."""
        self._now = now
        self._most = most
        self._entries: OrderedDict[Viewer, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, viewer: Viewer, credential: Credential) -> None:
        """Remember the credential of a request that was just let in."""
        with self._lock:
            self._entries[viewer] = _Entry(credential, self._now())
            self._entries.move_to_end(viewer)
            self._drop_old()
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)

    def get(self, viewer: Viewer) -> Credential | None:
        """Give the viewer's credential; None when he has asked for nothing lately."""
        with self._lock:
            self._drop_old()
            entry = self._entries.get(viewer)
            return entry.credential if entry else None

    def drop(self, viewer: Viewer, credential: Credential) -> None:
        """Forget this credential of the viewer's; a newer one stays."""
        with self._lock:
            entry = self._entries.get(viewer)
            if entry and entry.credential == credential:
                del self._entries[viewer]

    def sweep(self) -> None:
        """Drop what has not been used for too long; called now and then, so that idleness drops it too."""
        with self._lock:
            self._drop_old()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> NoReturn:
        raise TypeError("passwords are not pickled")

    def _drop_old(self) -> None:
        oldest = self._now() - KEPT
        while self._entries:
            viewer, entry = next(iter(self._entries.items()))
            if entry.seen > oldest:
                return
            del self._entries[viewer]
