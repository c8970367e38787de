"""Intents: one open for a resource, of one owner, on the disk before anything is sent."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from bridge.item import ChangeKey, ItemId, ItemRef, Uid
from bridge.model import Address, CalendarRef, FolderId, Name, OrganisationId
from bridge.state.intents import FIRST_STEP, Intent, IntentStands
from bridge.state.state import State

from stores import Stores, wait_for_death

OpenState = Callable[..., State]
Begin = Callable[..., Intent]
A, B = Name("a.ics"), Name("b.ics")
ITEM = ItemRef(ItemId("item"), ChangeKey("key"))


@pytest.fixture
def begin(state: State, ref: CalendarRef, now: datetime) -> Begin:
    """Begin a push of a.ics, as the first process unless another state is given."""

    def start(name: Name = A, ref: CalendarRef = ref, state: State = state, **facts: Any) -> Intent:
        told: dict[str, Any] = {
            "operation": "put",
            "target": "hash",
            "base": None,
            "uid": Uid("uid"),
            "item": None,
            "now": now,
        }
        return state.intents.begin(ref, name, **(told | facts))

    return start


def test_an_intent_is_read_by_another_process_as_it_was_written(
    begin: Begin, open_state: OpenState, state: State, ref: CalendarRef, now: datetime
) -> None:
    intent = begin(base='"etag"', item=ITEM, before={"": "trace"})
    assert intent.before == {"": "trace"}
    assert open_state().intents.last(ref, A) == intent
    assert (intent.ref, intent.name, intent.operation, intent.target) == (ref, A, "put", "hash")
    assert (intent.base, intent.uid, intent.item) == ('"etag"', "uid", ITEM)
    assert (intent.step, intent.owner, intent.opened_at) == (FIRST_STEP, state.processes.own_id, now)
    assert (intent.outcome, intent.closed_at, intent.is_open) == (None, None, True)


def test_a_second_push_of_a_resource_meets_the_first_whoever_asks(
    begin: Begin, open_state: OpenState, ref: CalendarRef
) -> None:
    first = begin()
    bob = replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com")))
    other = open_state()
    for asked in ({}, {"state": other}, {"ref": bob, "state": other}):
        with pytest.raises(IntentStands) as raised:
            begin(**asked)
        assert raised.value.intent == first


def test_of_many_pushes_of_a_resource_that_begin_at_once_one_does(begin: Begin, open_state: OpenState) -> None:
    states = [open_state(), open_state()]
    start = threading.Barrier(8)

    def try_to_begin(number: int) -> bool:
        start.wait()
        try:
            begin(state=states[number % 2])
        except IntentStands:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to_begin, range(8))) == 1


def test_of_names_of_one_uid_that_begin_at_once_all_but_the_first_see_an_earlier_one(
    begin: Begin, open_state: OpenState, ref: CalendarRef
) -> None:
    states = [open_state() for _ in range(4)]
    start = threading.Barrier(4)

    def begin_and_look(number: int) -> bool:
        start.wait()
        own = begin(Name(f"{number}.ics"), state=states[number % 4])
        return any(one.uid == own.uid and one.id < own.id for one in states[number % 4].intents.standing(ref))

    for _round in range(5):
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(begin_and_look, range(4)))
        assert seen.count(False) == 1
        for intent in states[0].intents.standing(ref):
            states[0].intents.drop(intent)


def test_other_names_calendars_mailboxes_and_organisations_are_free(begin: Begin, ref: CalendarRef) -> None:
    begin()
    begin(B)
    begin(ref=replace(ref, folder=FolderId("other")))
    begin(ref=replace(ref, mailbox=Address("bob@example.com")))
    begin(ref=replace(ref, viewer=replace(ref.viewer, organisation=OrganisationId("other"))))


def test_progress_is_on_the_disk_step_by_step(
    begin: Begin, open_state: OpenState, state: State, ref: CalendarRef
) -> None:
    other = open_state().intents
    sent = state.intents.advance(begin(), "sent")
    assert other.last(ref, A) == sent == replace(sent, step="sent", item=None)
    created = state.intents.advance(sent, "created", ITEM)
    assert other.last(ref, A) == created
    assert created.item == ITEM
    assert state.intents.advance(created, "read back").item == ITEM


def test_a_finished_intent_frees_the_resource_and_tells_its_outcome(
    begin: Begin, state: State, ref: CalendarRef, now: datetime
) -> None:
    finished = state.intents.finish(begin(), "done", now + timedelta(seconds=3))
    assert (finished.outcome, finished.closed_at, finished.is_open) == ("done", now + timedelta(seconds=3), False)
    assert state.intents.last(ref, A) == finished
    assert state.intents.standing(ref) == ()
    second = begin(target="second")
    assert second.id > finished.id
    assert state.intents.last(ref, A) == second


def test_a_dropped_intent_leaves_nothing(begin: Begin, state: State, ref: CalendarRef) -> None:
    dropped = begin()
    state.intents.drop(dropped)
    assert state.intents.last(ref, A) is None
    assert begin().id > dropped.id


def test_the_open_intents_of_a_calendar_are_those_of_all_its_viewers(
    begin: Begin, state: State, ref: CalendarRef, now: datetime
) -> None:
    bob = replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com")))
    first, second = begin(), begin(B, bob)
    state.intents.finish(begin(Name("c.ics")), "done", now)
    begin(ref=replace(ref, folder=FolderId("other")))
    assert state.intents.standing(ref) == state.intents.standing(bob) == (first, second)


def test_only_one_takes_an_intent_over(begin: Begin, open_state: OpenState, ref: CalendarRef) -> None:
    intent = begin()
    first, second = open_state(), open_state()
    taken = first.intents.take_over(intent)
    assert (taken.owner, taken.claim) == (first.processes.own_id, 1)
    with pytest.raises(IntentStands) as raised:
        second.intents.take_over(intent)
    assert raised.value.intent == taken == first.intents.last(ref, A)


def test_of_many_threads_that_take_an_intent_over_at_once_one_does(begin: Begin, state: State) -> None:
    intent = begin()

    def take() -> bool:
        try:
            state.intents.take_over(intent)
        except IntentStands:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = [pool.submit(take) for _ in range(8)]
    assert sum(one.result() for one in taken) == 1


def test_who_lost_an_intent_can_do_nothing_with_it_any_more(
    begin: Begin, open_state: OpenState, state: State, ref: CalendarRef, now: datetime
) -> None:
    intent = begin()
    taken = open_state().intents.take_over(intent)
    for act in (
        lambda: state.intents.advance(intent, "sent"),
        lambda: state.intents.finish(intent, "done", now),
        lambda: state.intents.drop(intent),
        lambda: state.intents.take_over(intent),
    ):
        with pytest.raises(IntentStands) as raised:
            act()
        assert raised.value.intent == taken
    assert state.intents.last(ref, A) == taken


def test_a_closed_intent_stays_closed(begin: Begin, state: State, ref: CalendarRef, now: datetime) -> None:
    intent = begin()
    finished = state.intents.finish(intent, "done", now)
    for act in (
        lambda: state.intents.take_over(intent),
        lambda: state.intents.advance(finished, "sent"),
        lambda: state.intents.finish(finished, "otherwise", now),
        lambda: state.intents.drop(finished),
    ):
        with pytest.raises(IntentStands):
            act()
    assert state.intents.last(ref, A) == finished


def test_only_what_was_closed_earlier_expires(begin: Begin, state: State, ref: CalendarRef, now: datetime) -> None:
    state.intents.finish(begin(), "done", now)
    kept = state.intents.finish(begin(B), "done", now + timedelta(hours=1))
    standing = begin(Name("c.ics"))
    state.intents.expire(now + timedelta(hours=1))
    assert state.intents.last(ref, A) is None
    assert state.intents.last(ref, B) == kept
    assert state.intents.standing(ref) == (standing,)


BEGIN_AND_WAIT = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from bridge.keys import Keys
from bridge.item import *
from bridge.model import *
from bridge.resource import *
from bridge.state.state import State
from stores import open_engine
state = State(open_engine(sys.argv[2], "state"), Keys({"1": b"1" * 32}, b"l" * 32), Path(sys.argv[1]))
viewer = Viewer(OrganisationId("example"), Address("anna@example.com"))
ref = CalendarRef(viewer, Address("anna@example.com"), FolderId("AAMkFolder="))
now = datetime(2026, 3, 4, 12, tzinfo=UTC)
facts = {"operation": "put", "target": "hash", "base": None, "uid": None, "item": None}
intent = state.intents.begin(ref, Name("a.ics"), now=now, **facts)
intent = state.intents.advance(intent, "sent")
print(json.dumps([intent.id, intent.owner]), flush=True)
sys.stdin.read()
"""


def test_the_intent_of_a_killed_process_stands_and_is_taken_over(
    begin: Begin, state: State, ref: CalendarRef, tmp_path: Path, now: datetime, stores: Stores
) -> None:
    command = [sys.executable, "-c", BEGIN_AND_WAIT, str(tmp_path), stores.place]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        number, owner = json.loads(process.stdout.readline())
        assert state.processes.is_alive(owner)
        with pytest.raises(IntentStands):
            begin()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    wait_for_death(stores.place, state.processes.own_id)
    assert not state.processes.is_alive(owner)
    (standing,) = state.intents.standing(ref)
    assert (standing.id, standing.owner, standing.step) == (number, owner, "sent")
    state.intents.finish(state.intents.take_over(standing), "found out", now)
    begin()
