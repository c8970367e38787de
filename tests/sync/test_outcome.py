"""Intents while other threads of the same process look at them."""

from typing import Any

import pytest

from bridge.errors import WriteUnderWay
from bridge.state.intents import Intent

from events import event
from world import World


def test_a_pull_in_the_moment_in_which_a_write_begins_leaves_it_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = world.state.intents.begin
    world.etags()

    def begin_and_be_looked_at(*args: Any, **more: Any) -> Intent:
        intent = begin(*args, **more)
        world.store.snapshot(world.login(), world.calendar(), fresh=True)
        return intent

    monkeypatch.setattr(world.state.intents, "begin", begin_and_be_looked_at)
    assert world.put("new.ics", event("new"), new=True).created
    assert [item.content.uid for item in world.items()] == ["new"]
    assert list(world.etags()) == ["new.ics"]


def test_a_write_whose_intent_another_process_took_is_to_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = world.state.intents.begin
    world.etags()

    def begin_and_be_taken_for_dead(*args: Any, **more: Any) -> Intent:
        intent = begin(*args, **more)
        world.state.intents.take_over(intent)
        return intent

    monkeypatch.setattr(world.state.intents, "begin", begin_and_be_taken_for_dead)
    with pytest.raises(WriteUnderWay):
        world.put("new.ics", event("new"), new=True)
    monkeypatch.undo()
    assert world.put("new.ics", event("new"), new=True).created
    assert [item.content.uid for item in world.items()] == ["new"]
