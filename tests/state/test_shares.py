"""Shares that the administrator has added."""

import logging
from collections.abc import Callable

import pytest

from bridge.model import Address, OrganisationId
from bridge.state.shares import AddedShare
from bridge.state.state import State

from stores import Stores

OpenState = Callable[..., State]
HERE, ELSEWHERE = OrganisationId("example"), OrganisationId("other")
ANNA, BOB, EVE = (Address(f"{name}@example.com") for name in ("anna", "bob", "eve"))
BOBS_VIEW = AddedShare(BOB, ANNA, "calendar")
EVES_VIEW = AddedShare(EVE, ANNA, "calendar")


def test_a_share_counts_at_once_in_every_process(state: State, open_state: OpenState) -> None:
    other = open_state()
    assert other.shares.of(HERE, [BOB]) == ()
    assert state.shares.add(HERE, BOBS_VIEW)
    assert other.shares.of(HERE, [BOB]) == (BOBS_VIEW,)
    assert other.shares.remove(HERE, BOBS_VIEW)
    assert state.shares.of(HERE, [BOB]) == ()


def test_a_share_is_there_once(state: State) -> None:
    assert [state.shares.add(HERE, BOBS_VIEW) for _ in range(3)] == [True, False, False]
    assert state.shares.all(HERE) == (BOBS_VIEW,)
    assert [state.shares.remove(HERE, BOBS_VIEW) for _ in range(2)] == [True, False]


def test_a_viewer_has_what_any_of_his_addresses_was_given_and_no_more(state: State) -> None:
    by_alias = AddedShare(Address("b.cole@example.com"), EVE, "calendar")
    for share in (EVES_VIEW, by_alias, BOBS_VIEW):
        state.shares.add(HERE, share)
    assert state.shares.of(HERE, [BOB, by_alias.viewer]) == (by_alias, BOBS_VIEW)
    assert state.shares.of(HERE, [ANNA]) == ()
    assert state.shares.all(HERE) == (by_alias, BOBS_VIEW, EVES_VIEW)


def test_organisations_have_shares_of_their_own(state: State) -> None:
    state.shares.add(HERE, BOBS_VIEW)
    assert (state.shares.of(ELSEWHERE, [BOB]), state.shares.all(ELSEWHERE)) == ((), ())
    assert not state.shares.remove(ELSEWHERE, BOBS_VIEW)
    assert state.shares.all(HERE) == (BOBS_VIEW,)


def test_a_damaged_share_hides_no_other(state: State, stores: Stores, caplog: pytest.LogCaptureFixture) -> None:
    for share in (EVES_VIEW, BOBS_VIEW):
        state.shares.add(HERE, share)
    stores.run_sql(
        "state", "UPDATE shares SET share = key WHERE viewer = (SELECT viewer FROM shares ORDER BY viewer LIMIT 1)"
    )
    with caplog.at_level(logging.WARNING):
        assert len(state.shares.all(HERE)) == 1
    assert "damaged" in caplog.text
    assert "@" not in caplog.text
