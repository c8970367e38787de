"""The mirror is deleted between the pull that a request begins with and what it reads of it: nothing is gone then."""

from collections.abc import Callable

import pytest

from bridge.errors import MirrorFilling
from bridge.model import Name
from bridge.resource import Conditions

from events import event
from world import World

NAME = Name("there.ics")


@pytest.fixture
def losing(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a world with one event, whose mirror is lost after each pull."""
    world.put(NAME, event("there-1"))
    pull = world.store.snapshot

    def pull_and_lose(*args: object, **kwargs: object) -> object:
        snapshot = pull(*args, **kwargs)  # type: ignore[arg-type]
        for path in world.folder.glob("mirror.db*"):
            path.unlink()
        return snapshot

    monkeypatch.setattr(world.store, "snapshot", pull_and_lose)
    return world


def change(world: World) -> None:
    world.put(NAME, event("there-1", "Changed"), match=None)


def create(world: World) -> None:
    world.put("new.ics", event("there-1"), new=True)


def delete(world: World) -> None:
    world.delete(NAME)


def move(world: World) -> None:
    calendar = world.calendar()
    world.store.move(world.login(), calendar, NAME, calendar, Name("moved.ics"), Conditions(), overwrites=False)


@pytest.mark.parametrize("ask", [change, create, delete, move])
def test_a_request_whose_mirror_is_lost_meanwhile_is_told_to_come_again(
    losing: World, ask: Callable[[World], None]
) -> None:
    with pytest.raises(MirrorFilling):
        ask(losing)
    assert [item.content.subject for item in losing.items()] == ["Planning"]


def test_it_is_carried_out_when_it_comes_again(losing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MirrorFilling):
        delete(losing)
    monkeypatch.undo()
    losing.later()
    delete(losing)
    assert losing.items() == []
