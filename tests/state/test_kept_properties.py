"""Properties that clients store at calendars and homes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import NotExpressible
from bridge.model import Address, CalendarRef, FolderId
from bridge.state.kept_properties import LARGEST, MOST, home_of
from bridge.state.state import State

from stores import ON_SQLITE

OpenState = Callable[..., State]
NAME, OTHER = "{urn:x}secret-note", "{urn:x}other"
ELEMENT = '<x:secret-note xmlns:x="urn:x" xml:lang="de">für Anna</x:secret-note>'


def test_what_was_stored_comes_back_in_every_process(state: State, open_state: OpenState, ref: CalendarRef) -> None:
    state.properties.change(ref, {NAME: ELEMENT, OTHER: "<o/>"})
    assert open_state().properties.get(ref) == {NAME: ELEMENT, OTHER: "<o/>"}
    state.properties.change(ref, {NAME: None, OTHER: "<p/>"})
    assert open_state().properties.get(ref) == {OTHER: "<p/>"}


def test_each_viewer_and_each_calendar_has_his_own(state: State, ref: CalendarRef) -> None:
    state.properties.change(ref, {NAME: ELEMENT})
    others = (
        replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com"))),
        replace(ref, folder=FolderId("second")),
        home_of(ref.viewer),
    )
    assert [state.properties.get(other) for other in others] == [{}, {}, {}]


def test_a_deleted_calendar_leaves_nothing(state: State, ref: CalendarRef) -> None:
    state.properties.change(ref, {NAME: ELEMENT})
    state.properties.drop(ref)
    assert state.properties.get(ref) == {}


@pytest.mark.parametrize(
    "changes", [{"{urn:x}long": "x" * LARGEST}, {f"{{urn:x}}{n}": "<n/>" for n in range(MOST + 1)}]
)
def test_too_much_is_refused_and_changes_nothing(state: State, ref: CalendarRef, changes: dict[str, str]) -> None:
    state.properties.change(ref, {NAME: ELEMENT})
    with pytest.raises(NotExpressible):
        state.properties.change(ref, {NAME: None, **changes})
    assert state.properties.get(ref) == {NAME: ELEMENT}


@pytest.mark.parametrize("stores", [ON_SQLITE], indirect=True)
def test_nothing_stands_in_the_clear(state: State, ref: CalendarRef, tmp_path: Path) -> None:
    state.properties.change(ref, {NAME: ELEMENT})
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*.db*"))
    assert stored
    assert b"secret-note" not in stored
    assert "für Anna".encode() not in stored
