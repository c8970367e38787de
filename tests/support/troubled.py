"""One application in front of one Exchange whose troubles begin and end at will, and a clock that is moved."""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from gate import Gate

from bridge.accounts.accounts import Accounts
from bridge.config import load
from bridge.ews.budget import Budget
from bridge.exchange import Deadline
from bridge.service import build
from bridge.simulator import PersonPlan, Simulator
from bridge.storage_plugin.application import make_application
from bridge.sync.freshness import Patience
from bridge.sync.store import CalendarStore
from docs.fault_matrix import Trouble

from door import Answer, send

PASSWORD = "correct horse"
SHORT = 0.4
"""Seconds that any wait for Exchange lasts at most while that is slow."""
LONG = 60.0
"""The same while it is not: a machine that does much else is no trouble of Exchange's."""


class Clock:
    """The time of day and the monotonic one, both moved by the same seconds."""

    def __init__(self) -> None:
        """Begin with the time that it is."""
        self.moved = 0.0

    def now(self) -> datetime:
        """Give the moved time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.moved)

    def monotonic(self) -> float:
        """Give the moved seconds."""
        return time.monotonic() + self.moved


class Waits:
    """How long the bridge waits for Exchange: `LONG`, or `SHORT`. All that must be known of it is here."""

    def __init__(self, patch: pytest.MonkeyPatch, store: CalendarStore) -> None:
        """Take what undoes it in the end, and the store whose requests wait."""
        self._questions = store._questions
        self._longest = LONG
        self._patch = patch
        patch.setattr(Deadline, "after", classmethod(self._after))
        self._be(LONG)

    def shorten(self) -> None:
        """Wait no longer than `SHORT`."""
        self._be(SHORT)

    def restore(self) -> None:
        """Wait until what is being asked has failed, and be patient from then on."""
        end = time.monotonic() + LONG
        while self._questions._flights and time.monotonic() < end:
            time.sleep(0.02)
        self._be(LONG)

    def _be(self, seconds: float) -> None:
        self._longest = seconds
        self._questions._patience = Patience(known=seconds, first=seconds)
        self._patch.setattr("bridge.accounts.accounts.PATIENCE", seconds)

    def _after(self, kind: type[Deadline], seconds: float) -> Deadline:
        return kind(time.monotonic() + min(seconds, self._longest))


@dataclass(frozen=True)
class Troubled:
    """The application, the Exchange behind it, and what is moved meanwhile."""

    app: Any
    exchange: Simulator
    clock: Clock
    gate: Gate
    waits: Waits

    def ask(self, person: str, method: str, path: str, body: str | bytes = b"", **headers: str) -> Answer:
        """Send one request."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = "Basic " + base64.b64encode(f"{person}:{PASSWORD}".encode()).decode()
        return send(self.app, method, path, body.encode() if isinstance(body, str) else body, sent, {})

    def begin(self, trouble: Trouble) -> None:
        """Let the trouble begin."""
        if trouble.is_slow:
            self.waits.shorten()
        for operation in trouble.operations or ("",):
            beyond: dict[str, Callable[[], None]] = {
                "refused": self.gate.refuse,
                "silent": self.gate.be_silent,
                "expired": self.exchange.expire_sync_states,
            }
            set_knob = partial(self.exchange.faults.add, replace(trouble.knob, operation=operation))
            beyond.get(trouble.knob.kind, set_knob)()

    def end(self, trouble: Trouble) -> None:
        """Let it end, with all that was asked meanwhile."""
        self.waits.restore()
        self.exchange.faults.clear()
        if trouble.knob.kind in {"refused", "silent"}:
            self.gate.lead()


@contextmanager
def troubled(
    folder: Path, people: Sequence[PersonPlan], patch: pytest.MonkeyPatch, *, through_gate: bool
) -> Iterator[Troubled]:
    """Build the bridge in front of a simulated Exchange; no mail was sent when the block ends.

    Nothing is watched: that brings news sooner, and a test must know what the bridge knows.
    """
    clock = Clock()
    patch.setattr("bridge.service.utc_now", clock.now)
    patch.setattr("bridge.service.Accounts", partial(Accounts, now=clock.now))
    patch.setattr("bridge.ews.wire.Budget", partial(Budget, clock=clock.monotonic))
    patch.setattr("bridge.accounts.password._COST", 2)  # many log in here, and nobody guesses
    with Simulator(people) as exchange, Gate(exchange.url) as gate:
        config = folder / "bridge.toml"
        config.write_text(
            f'[exchange]\nurl = "{gate.url if through_gate else exchange.url}"\n[server]\nthreads = 64\n'
            f'[state]\nfolder = "{folder / "own"}"\n[sync]\nwatch = false\n'
        )
        service = build(load(config, {}))
        try:
            yield Troubled(make_application(service), exchange, clock, gate, Waits(patch, service.store))
        finally:
            service.close()
        assert exchange.outbox == []
        assert exchange.invalid_answers == []
