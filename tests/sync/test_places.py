"""Who reads or writes while Exchange says nothing takes a place of his mailbox's, and leaves the others' alone."""

import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from bridge.errors import ExchangeBusy
from bridge.exchange import Waiters
from bridge.model import Name
from bridge.resource import Conditions

from events import event
from world import ANN, BEN, World


class SeenPlaces(Waiters):
    """Places whose taking can be waited for."""

    def __init__(self, limit: int, of_one: int) -> None:
        super().__init__(limit, of_one)
        self.taken = threading.Event()

    @contextmanager
    def waiting(self, whom: Hashable = None) -> Iterator[None]:
        with super().waiting(whom):
            self.taken.set()
            yield


def read(world: World, address: str) -> None:
    world.store.snapshot(world.login(address), world.calendar(address=address))


def write(world: World, address: str) -> None:
    name = Name("new.ics")
    world.store.put(world.login(address), world.calendar(address=address), name, event("new"), Conditions())


@pytest.mark.parametrize("work", [read, write])
def test_one_mailbox_holds_only_places_of_its_own(
    world: World, work: Callable[[World, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = world.waiters = SeenPlaces(2, of_one=1)
    world.restart()
    for address in (ANN, BEN):
        world.calendar(address=address)
        if work is write:
            read(world, address)
    places.taken.clear()
    is_answered = threading.Event()
    verb = "feed" if work is read else "create"
    answer = getattr(world.exchange, verb)

    def slow(caller: object, *rest: object) -> object:
        if getattr(caller, "viewer", None) == world.login(ANN).caller.viewer:
            assert is_answered.wait(30)
        return answer(caller, *rest)

    monkeypatch.setattr(world.exchange, verb, slow)
    with ThreadPoolExecutor(1) as another:
        first = another.submit(work, world, ANN)
        assert places.taken.wait(30)
        with pytest.raises(ExchangeBusy):
            work(world, ANN)
        work(world, BEN)
        is_answered.set()
        first.result(30)
