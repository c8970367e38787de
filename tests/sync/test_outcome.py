"""Intents while other threads of the same process look at them."""

from typing import Any

import pytest

from bridge.errors import Unavailable, WriteUnderWay
from bridge.state.intents import Intent
from bridge.sync.outcome import UNCLEAR

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


def test_a_write_that_breaks_off_while_the_state_is_away_is_noted_as_unclear_once_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    intents, ref = world.state.intents, world.calendar().calendar.ref

    def be_away(*_: Any, **_more: Any) -> Intent:
        raise Unavailable("The bridge's state cannot be used now.")

    with monkeypatch.context() as away:
        for name in ("advance", "finish"):
            away.setattr(intents, name, be_away)
        with pytest.raises(Unavailable):
            world.put("new.ics", event("new"), new=True)
    (left,) = intents.standing(ref)
    assert left.step != UNCLEAR
    world.store._pusher._outcomes.note_left()
    (left,) = intents.standing(ref)
    assert left.step == UNCLEAR
    assert world.put("new.ics", event("new"), new=True).created
    assert [item.content.uid for item in world.items()] == ["new"]
    assert intents.standing(ref) == ()


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
