"""What is personal to the viewers of others' calendars, and when it is forgotten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bridge.item import Uid
from bridge.model import Address, CalendarRef, FolderId
from bridge.state.personal_lines import GONE
from bridge.state.state import State

from stores import Stores

OpenState = Callable[..., State]
ONE, TWO = Uid("one@example"), Uid("two@example")
MOMENT = timedelta(seconds=1)


def test_what_was_put_comes_back_in_every_process(state: State, open_state: OpenState, ref: CalendarRef) -> None:
    state.personal.put(ref, ONE, "für Anna")
    assert open_state().personal.get(ref, ONE) == "für Anna"
    state.personal.put(ref, ONE, "anew")
    assert open_state().personal.get(ref, ONE) == "anew"
    state.personal.put(ref, ONE, None)
    assert open_state().personal.get(ref, ONE) is None


def test_each_viewer_each_calendar_and_each_event_has_its_own(state: State, ref: CalendarRef) -> None:
    state.personal.put(ref, ONE, "mine")
    other_viewer = replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com")))
    others = [(other_viewer, ONE), (replace(ref, folder=FolderId("second")), ONE), (ref, TWO)]
    assert [state.personal.get(*other) for other in others] == [None, None, None]


def test_all_of_a_calendar_are_given_at_once(state: State, ref: CalendarRef) -> None:
    state.personal.put(ref, Uid("u1"), "mine")
    state.personal.put(ref, Uid("u2"), "too")
    state.personal.put(replace(ref, folder=FolderId("other")), Uid("u3"), "elsewhere")
    assert state.personal.all(ref) == {"u1": "mine", "u2": "too"}


def test_it_goes_when_its_event_has_been_gone_for_long_and_only_then(
    state: State, ref: CalendarRef, now: datetime
) -> None:
    for uid in (ONE, TWO):
        state.personal.put(ref, uid, "text")
    state.personal.sweep(ref, {ONE}, now)
    state.personal.sweep(ref, {ONE}, now + GONE - MOMENT)
    assert state.personal.get(ref, TWO) == "text"
    state.personal.sweep(ref, {ONE}, now + GONE)
    assert (state.personal.get(ref, ONE), state.personal.get(ref, TWO)) == ("text", None)


def test_an_event_that_comes_back_keeps_it_and_its_time_begins_anew(
    state: State, ref: CalendarRef, now: datetime
) -> None:
    state.personal.put(ref, ONE, "text")
    state.personal.sweep(ref, set(), now)
    state.personal.sweep(ref, {ONE}, now + GONE - MOMENT)
    state.personal.sweep(ref, set(), now + GONE)
    state.personal.sweep(ref, set(), now + GONE + GONE - MOMENT)
    assert state.personal.get(ref, ONE) == "text"


def test_the_events_of_one_calendar_say_nothing_of_anothers(state: State, ref: CalendarRef, now: datetime) -> None:
    state.personal.put(ref, ONE, "text")
    other = replace(ref, folder=FolderId("second"))
    state.personal.sweep(other, set(), now)
    state.personal.sweep(other, set(), now + GONE)
    assert state.personal.get(ref, ONE) == "text"


def test_what_is_damaged_is_nothing_is_told_and_stays(
    state: State, ref: CalendarRef, now: datetime, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    state.personal.put(ref, ONE, "text")
    stores.run_sql("state", "UPDATE personal_lines SET lines = resource")
    assert state.personal.get(ref, ONE) is None
    assert "damaged" in caplog.text
    for moment in (now, now + GONE):
        state.personal.sweep(ref, set(), moment)
    assert stores.run_sql("state", "SELECT count(*) FROM personal_lines") == [(1,)]
