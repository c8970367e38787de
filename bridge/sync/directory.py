"""People and rooms of Exchange's directory, remembered for a short while: clients ask while somebody types."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.errors import BridgeError, CredentialRefused
from bridge.exchange import Deadline, Exchange
from bridge.model import Login, Mailbox, Viewer

LOG = logging.getLogger(__name__)

CALL = 10.0
"""Seconds for one question."""
REMEMBERED = timedelta(minutes=5)
"""How long an answer about people is given again."""
ROOMS_REMEMBERED = timedelta(hours=1)
"""How long the rooms are, which change rarely and cost a call for each of their lists."""
PAUSE = timedelta(minutes=1)
"""How long nobody asks for rooms again after that failed."""
MOST = 1000
"""Answers that are remembered."""


@dataclass(frozen=True, slots=True)
class _Told:
    until: datetime
    found: tuple[Mailbox, ...]


class Directory:
    """Finds people and rooms for viewers. Each viewer is told only what Exchange has told him."""

    def __init__(self, exchange: Exchange, now: Callable[[], datetime]) -> None:
        """Take the back end, and a clock that gives UTC."""
        self._exchange = exchange
        self._now = now
        self._told: dict[tuple[Viewer, str | None], _Told] = {}

    def people(self, login: Login, text: str) -> tuple[Mailbox, ...]:
        """Give whom the directory finds by the text, then rooms whose name or address has it. Raises Unavailable."""
        asked = " ".join(text.split())
        wanted = asked.casefold()
        if not wanted:
            return ()
        found = self._remembered(login, wanted)
        if found is None:
            found = self._exchange.people(login.caller, asked, Deadline.after(CALL))
            self._remember(login, wanted, found, REMEMBERED)
        rooms = {room.address: room for room in self.rooms(login)}
        sought = [room for room in rooms.values() if wanted in room.display_name.casefold() or wanted in room.address]
        told = [replace(one, kind=rooms[one.address].kind) if one.address in rooms else one for one in found]
        known = {one.address for one in found}
        return (*told, *(room for room in sought if room.address not in known))

    def rooms(self, login: Login) -> tuple[Mailbox, ...]:
        """Give the rooms of all lists of rooms that the server tells: none while it does not answer."""
        found = self._remembered(login, None)
        if found is None:
            remembered = ROOMS_REMEMBERED
            try:
                found = self._exchange.rooms(login.caller, Deadline.after(CALL))
            except CredentialRefused:
                raise
            except BridgeError as error:
                LOG.info("the rooms could not be asked for: %s", error)
                found, remembered = (), PAUSE
            self._remember(login, None, found, remembered)
        return found

    def _remembered(self, login: Login, question: str | None) -> tuple[Mailbox, ...] | None:
        told = self._told.get((login.caller.viewer, question))
        return told.found if told is not None and told.until > self._now() else None

    def _remember(self, login: Login, question: str | None, found: tuple[Mailbox, ...], for_: timedelta) -> None:
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[login.caller.viewer, question] = _Told(self._now() + for_, found)
