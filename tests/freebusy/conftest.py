"""Calendars of records, and an Exchange that tells when people are busy."""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.database import make_engine
from bridge.exchange import Deadline, Exchange, Waiters
from bridge.freebusy.busy_time import BusyTime, WorkingElsewhere
from bridge.freebusy.mailbox_times import MailboxTimes
from bridge.freebusy.occurrence_index import OccurrenceIndex
from bridge.item import Uid
from bridge.keys import load_keys
from bridge.mirror.mirror import Mirror
from bridge.model import (
    Address,
    Availability,
    BasicCredential,
    Block,
    CalendarRef,
    Caller,
    Epoch,
    ETag,
    FolderId,
    Name,
    NoAvailability,
    OrganisationId,
    Revision,
    Viewer,
)
from bridge.resource import IndexRecord, Listed, Snapshot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FakeExchange:
    """Tells what it was given of each mailbox, clipped to nothing. ``gate`` holds an answer back until it is set."""

    def __init__(self) -> None:
        self.blocks: dict[Address, tuple[Block, ...]] = {}
        self.refused: dict[Address, NoAvailability] = {}
        self.trouble: Exception | None = None
        self.asked: list[tuple[tuple[Address, ...], datetime, datetime]] = []
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def availability(
        self, caller: Caller, mailboxes: Sequence[Address], start: datetime, end: datetime, deadline: Deadline
    ) -> tuple[Availability | NoAvailability, ...]:
        del caller, deadline
        self.asked.append((tuple(mailboxes), start, end))
        self.arrived.set()
        assert self.gate.wait(10)
        if self.trouble is not None:
            raise self.trouble
        return tuple(
            self.refused.get(each)
            or Availability(each, tuple(b for b in self.blocks.get(each, ()) if b.start < end and b.end > start))
            for each in mailboxes
        )


class CountedWaiters(Waiters):
    """Waiters of whom one can know how many there are."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._changed = threading.Condition()
        self._number = 0

    @contextmanager
    def waiting(self, whom: Hashable = None) -> Iterator[None]:
        with super().waiting(whom):
            with self._changed:
                self._number += 1
                self._changed.notify_all()
            try:
                yield
            finally:
                with self._changed:
                    self._number -= 1

    def wait_for(self, number: int) -> bool:
        """Wait until so many wait."""
        with self._changed:
            return self._changed.wait_for(lambda: self._number >= number, 10)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def exchange() -> FakeExchange:
    """Exchange."""
    return FakeExchange()


@pytest.fixture
def clock() -> Clock:
    """Give the time."""
    return Clock()


@pytest.fixture
def refused() -> list[Caller]:
    """Whose credential has gone bad."""
    return []


@pytest.fixture
def waiters() -> CountedWaiters:
    """Give places for eight to wait."""
    return CountedWaiters(8)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """Give a mirror on disk."""
    engine = make_engine(tmp_path / "mirror.db", "NORMAL")
    yield Mirror(engine, load_keys(tmp_path / "key"))
    engine.dispose()


@pytest.fixture
def busy_time(
    exchange: FakeExchange, clock: Clock, refused: list[Caller], waiters: CountedWaiters, mirror: Mirror
) -> Callable[..., BusyTime]:
    """Build the room."""

    def build(working_elsewhere: WorkingElsewhere = "free", places: Waiters | None = None) -> BusyTime:
        return BusyTime(
            OccurrenceIndex(),
            MailboxTimes(cast("Exchange", exchange), mirror.busy_months, places or waiters, now=clock),
            on_refused=refused.append,
            working_elsewhere=working_elsewhere,
        )

    return build


@pytest.fixture
def caller() -> Callable[[str], Caller]:
    """Give the caller of a name."""

    def make(name: str = "alice") -> Caller:
        viewer = Viewer(OrganisationId("example.com"), Address(f"{name}@example.com"))
        return Caller(viewer, BasicCredential(name, "open sesame"))

    return make


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """Give a calendar of these records; of a former one what has not changed is kept as it is."""

    def make(records: Mapping[str, IndexRecord], former: Any = None, revision: int = 1) -> Snapshot:
        known = {} if former is None else former.resources
        resources: dict[Name, Listed] = {}
        for key, record in records.items():
            name = Name(f"{key}.ics")
            before: Listed | None = known.get(name)
            if before is None or before.index != record:
                before = Listed(name, Uid(key), ETag('"e"'), 1, record, Revision(revision), ())
            resources[name] = before
        viewer = Viewer(OrganisationId("example.com"), Address("alice@example.com"))
        ref = CalendarRef(viewer, viewer.address, FolderId("calendar"))
        return Snapshot(ref, Epoch("0" * 16), Revision(revision), NOON, lambda: resources)

    return make
