"""People and rooms of Exchange's directory, remembered for a short while: clients ask while somebody types."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from cachetools import TLRUCache

from bridge.errors import BridgeError, CredentialRefused
from bridge.exchange import Deadline, Exchange
from bridge.model import Login, Mailbox, Viewer

LOG = logging.getLogger(__name__)

CALL = 10.0
"""Seconds for one question."""
REMEMBERED = 5 * 60.0
"""Seconds for which an answer about people is given again."""
ROOMS_REMEMBERED = 60 * 60.0
"""Seconds for which the rooms are, which change rarely and cost a call for each of their lists."""
PAUSE = 60.0
"""Seconds for which nobody asks for rooms again after that failed."""
MOST = 1000
"""Answers that are remembered."""

_Question = tuple[Viewer, str | None]
"""Who asks, and the text; None asks for rooms."""


@dataclass(frozen=True, slots=True)
class _Told:
    found: tuple[Mailbox, ...]
    seconds: float


class Directory:
    """Finds people and rooms for viewers. Each viewer is told only what Exchange has told him. Thread-safe."""

    def __init__(self, exchange: Exchange, now: Callable[[], datetime]) -> None:
        """Take the back end, and a clock that gives UTC."""
        self._exchange = exchange
        self._lock = Lock()
        self._told: TLRUCache[_Question, _Told] = TLRUCache(
            MOST, ttu=lambda _, told, at: at + told.seconds, timer=lambda: now().timestamp()
        )

    def people(self, login: Login, text: str) -> tuple[Mailbox, ...]:
        """Give whom the directory finds by the text, then rooms whose name or address has it. Raises Unavailable."""
        asked = " ".join(text.split())
        wanted = asked.casefold()
        if not wanted:
            return ()
        found = self._remembered(login, wanted)
        if found is None:
            found = self._exchange.people(login.caller, asked, Deadline.after(CALL))
            self._remember(login, wanted, _Told(found, REMEMBERED))
        rooms = {room.address: room for room in self._rooms(login)}
        sought = [room for room in rooms.values() if wanted in room.display_name.casefold() or wanted in room.address]
        told = [replace(one, kind=rooms[one.address].kind) if one.address in rooms else one for one in found]
        known = {one.address for one in found}
        return (*told, *(room for room in sought if room.address not in known))

    def _rooms(self, login: Login) -> tuple[Mailbox, ...]:
        """Give the rooms of all lists of rooms that the server tells: none while it does not answer."""
        found = self._remembered(login, None)
        if found is None:
            seconds = ROOMS_REMEMBERED
            try:
                found = self._exchange.rooms(login.caller, Deadline.after(CALL))
            except CredentialRefused:
                raise
            except BridgeError as error:
                LOG.info("the rooms could not be asked for: %s", error)
                found, seconds = (), PAUSE
            self._remember(login, None, _Told(found, seconds))
        return found

    def _remembered(self, login: Login, text: str | None) -> tuple[Mailbox, ...] | None:
        with self._lock:
            told: _Told | None = self._told.get((login.caller.viewer, text))
        return None if told is None else told.found

    def _remember(self, login: Login, text: str | None, told: _Told) -> None:
        with self._lock:
            self._told[login.caller.viewer, text] = told
