"""Accounts on a real state, an Exchange in memory, and a clock that the test moves."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.accounts.accounts import Accounts
from bridge.database import make_engine
from bridge.exchange import Waiters
from bridge.keys import load_keys
from bridge.model import OrganisationId
from bridge.state.state import State

from memory_exchange import MemoryExchange


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    time: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **much: float) -> None:
        self.time += timedelta(**much)


@dataclass
class World:
    """One organisation, and processes of the bridge in front of it that share a state folder."""

    folder: Path
    clock: Clock
    exchange: MemoryExchange
    stack: contextlib.ExitStack

    def process(self, waiters: Waiters | None = None, *, renews: bool = True) -> Accounts:
        engine = make_engine(self.folder / "state.db", "FULL")
        self.stack.callback(engine.dispose)
        state = State(engine, load_keys(self.folder / "key"), self.folder)
        self.stack.callback(state.close)
        accounts = Accounts(
            self.exchange,
            state.proofs,
            OrganisationId("mail.example.org"),
            waiters or Waiters(8),
            self.clock,
            renews=renews,
        )
        self.stack.callback(accounts.close)
        return accounts

    def change_password(self, address: str, password: str) -> None:
        """Change it at Exchange, for every form of the user name."""
        for form, (_, mailbox) in self.exchange.passwords.items():
            if mailbox.address == address:
                self.exchange.passwords[form] = (password, mailbox)

    @property
    def asked(self) -> int:
        """How often Exchange was asked for a login."""
        return self.exchange.calls["log_in"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    exchange = MemoryExchange()
    with contextlib.ExitStack() as stack:
        yield World(tmp_path, Clock(), exchange, stack)


@pytest.fixture
def accounts(world: World) -> Accounts:
    """One process; Anna has an alias and two further forms of user name."""
    anna = world.exchange.add_person("anna@example.org", "right", "a.berg@example.org")
    for form in ("anna", "corp\\anna", "corp\\aberg"):
        world.exchange.passwords[form] = ("right", anna)
    world.exchange.add_person("ben@example.org", "bens")
    return world.process()
