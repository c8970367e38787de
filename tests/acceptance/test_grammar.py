"""Whatever the grammar of RFC 5545 and its extensions allows is stored and comes back, or is refused by name.

Through the store, to the Exchange in memory and to every kind of simulated Exchange. What was served changes nothing
when it is put, and is served again to the byte.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bridge.config import load
from bridge.errors import Refused
from bridge.model import CalendarName, Login, Name, ServedCalendar
from bridge.resource import Conditions
from bridge.service import build
from bridge.simulator import Simulator
from bridge.simulator.rules import PERSONALITIES
from bridge.sync.store import CalendarStore

from bridged import ANN, PASSWORD, PEOPLE
from grammar import calendar_objects
from grammar_judge import check_refusal, unnamed
from world import World

EVENTS = int(os.environ.get("DRAWN_EVENTS", "0"))
"""How many are drawn for each Exchange, tens of thousands in ``make soak``; 0 for few."""
PHASES = set(Phase) - {Phase.shrink}
NAME = Name("drawn.ics")


@dataclass
class Place:
    """Ann's calendar through a store, and what Exchange holds in it."""

    store: CalendarStore
    login: Login
    held: Callable[[], object]

    @property
    def calendar(self) -> ServedCalendar:
        return self.store.calendar(self.login, CalendarName("calendar"))

    def put(self, body: bytes) -> bytes:
        """PUT, and give what a GET then gives."""
        self.store.put(self.login, self.calendar, NAME, body, Conditions())
        self.store.snapshot(self.login, self.calendar)
        return self.store.texts(self.calendar, [NAME])[NAME]

    def delete(self) -> None:
        self.store.delete(self.login, self.calendar, NAME, Conditions())


@pytest.fixture(scope="module", params=PERSONALITIES)
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("grammar")
    with Simulator(PEOPLE, personality=request.param) as exchange:
        config = folder / "bridge.toml"
        config.write_text(
            f'[exchange]\nurl = "{exchange.url}"\n[state]\nfolder = "{folder / "own"}"\n[sync]\nwatch = false\n'
        )
        service = build(load(config))
        login = service.accounts.log_in(ANN, PASSWORD)
        yield Place(service.store, login, lambda: exchange.events(ANN))
        service.close()
        assert exchange.invalid_answers == []
        assert exchange.outbox == []


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Place]:
    world = World(tmp_path)
    yield Place(
        world.store, world.login(), lambda: [*world.items(), *world.exchange.calendar_of(ANN).occurrences.items()]
    )
    world.close()


def test_whatever_the_grammar_allows_is_stored_in_any_exchange(simulated: Place) -> None:
    check(simulated, EVENTS or 20)


def test_whatever_the_grammar_allows_is_stored_in_memory(in_memory: Place) -> None:
    check(in_memory, EVENTS or 60)


def check(place: Place, number: int) -> None:
    """Put so many objects, each as a new one."""
    counts: Counter[str] = Counter()

    @settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(body=calendar_objects())
    def holds(body: bytes) -> None:
        before = place.held()
        try:
            served = place.put(body)
        except Refused as refused:
            check_refusal(body, refused)
            counts["refused"] += 1
            assert place.held() == before
            return
        try:
            assert unnamed(body, served) == []
            held = place.held()
            assert place.put(served) == served
            assert place.held() == held
        finally:
            place.delete()
        counts["stored"] += 1

    holds()
    assert counts["stored"] > number // 4
