"""Names of calendars."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.model import Address, CalendarName, CalendarRef, FolderId, OrganisationId
from bridge.state.names import CalendarNameTaken
from bridge.state.state import State

OpenState = Callable[..., State]
WORK, HOME = CalendarName("wörk"), CalendarName("home")


def test_a_name_is_fixed_at_first_sight_for_all_viewers_and_processes(
    state: State, open_state: OpenState, ref: CalendarRef
) -> None:
    assert state.names.get(ref) is None
    assert state.names.put(ref, WORK) == WORK
    other = open_state()
    bob = replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com")))
    assert other.names.put(bob, HOME) == WORK
    assert other.names.get(bob) == WORK
    assert other.names.all(OrganisationId("example"), ref.mailbox) == {ref.folder: WORK}


def test_two_folders_of_a_mailbox_do_not_share_a_name(state: State, ref: CalendarRef) -> None:
    second = replace(ref, folder=FolderId("second"))
    state.names.put(ref, WORK)
    with pytest.raises(CalendarNameTaken):
        state.names.put(second, WORK)
    assert state.names.get(second) is None
    assert state.names.put(second, HOME) == HOME
    assert state.names.all(OrganisationId("example"), ref.mailbox) == {ref.folder: WORK, second.folder: HOME}


def test_mailboxes_and_organisations_have_names_of_their_own(state: State, ref: CalendarRef) -> None:
    state.names.put(ref, WORK)
    elsewhere = [
        replace(ref, mailbox=Address("bob@example.com")),
        replace(ref, viewer=replace(ref.viewer, organisation=OrganisationId("other"))),
    ]
    assert [state.names.get(one) for one in elsewhere] == [None, None]
    assert [state.names.put(one, WORK) for one in elsewhere] == [WORK, WORK]


def test_the_name_of_a_deleted_calendar_is_free_again(state: State, ref: CalendarRef) -> None:
    state.names.put(ref, WORK)
    state.names.drop(ref)
    assert state.names.get(ref) is None
    assert state.names.put(replace(ref, folder=FolderId("second")), WORK) == WORK
