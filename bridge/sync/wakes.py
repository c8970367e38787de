"""What is done when a calendar is said to have changed: it is pulled, and noted as quiet if that was the last word."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bridge.errors import AccessDenied, CredentialRefused, FolderMissing, Unavailable
from bridge.mirror.watching import Watching
from bridge.model import Caller, ServedCalendar
from bridge.sync.loop import Loop
from bridge.sync.opening import Callers
from bridge.sync.watched import Place

Start = Callable[[Caller, ServedCalendar, Callable[[Exception | None], None]], bool]
"""Pulls a calendar behind everybody's back; see `bridge.sync.refresh.Refresher.start`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Who hears, on the loop's thread, that a place's credential was refused, or that its calendar is not shown."""

    refused: Callable[[Place], None]
    gone: Callable[[Place], None]


class Wakes:
    """Pulls places. What is not said otherwise is called by the loop's thread."""

    def __init__(self, loop: Loop, watching: Watching, start: Start, callers: Callers, process: str) -> None:
        """Take the loop, the notes for other processes, what pulls, as whom, and this process's id."""
        self._loop = loop
        self._watching = watching
        self._start = start
        self._callers = callers
        self._process = process

    def look(self, place: Place, heard: Heard, *, is_told: bool) -> None:
        """Pull a calendar that was said to have changed.

        ``is_told``: Exchange will say so when it changes again, so that it is quiet until then.
        """
        if place.said == place.read or place.is_pulling or not place.is_ours or place.retry.at > time.monotonic():
            return
        place.is_pulling = True
        said, served = place.said, place.served
        self._loop.do(lambda: self._pull(place, served, said, heard, is_told=is_told))

    def unsettle(self, place: Place) -> None:
        """Let no one rely on a calendar's being quiet any more."""
        place.said += 1
        if place.is_ours:
            self._loop.do(lambda: self._note(place, is_quiet=False))

    def _pull(self, place: Place, served: ServedCalendar, said: int, heard: Heard, *, is_told: bool) -> None:
        """Pull, on a helper's thread."""
        caller = self._callers(served.calendar.ref.viewer)
        if caller is None:
            self._loop.post(lambda: heard.gone(place))
            return
        self._note(place, is_quiet=False)
        begins = False  # until it is known: at worst it is pulled once more

        def ended(error: Exception | None) -> None:
            self._loop.do(lambda: self._ended(place, said if begins else None, error, heard, is_told=is_told))

        try:
            begins = self._start(caller, served, ended)
        except Unavailable as error:
            ended(error)

    def _ended(self, place: Place, read: int | None, error: Exception | None, heard: Heard, *, is_told: bool) -> None:
        """Note what came of a pull, on a helper's thread. ``read`` is None where it had begun before."""
        if error is None and is_told and read == place.said:
            self._note(place, is_quiet=True)
        self._loop.post(lambda: self._end(place, read, error, heard, is_told=is_told))

    def _end(self, place: Place, read: int | None, error: Exception | None, heard: Heard, *, is_told: bool) -> None:
        place.is_pulling = False
        if isinstance(error, CredentialRefused) and read is not None:
            heard.refused(place)
        elif isinstance(error, FolderMissing | AccessDenied):
            heard.gone(place)
        elif error is not None:
            place.retry.fail(time.monotonic(), getattr(error, "retry_after", 0.0))
        else:
            place.retry.succeed()
            place.read = place.read if read is None else read
            self.look(place, heard, is_told=is_told)

    def _note(self, place: Place, *, is_quiet: bool) -> None:
        with suppress(Unavailable):  # then nobody relies on it
            self._watching.note(place.ref, self._process, is_quiet=is_quiet)
