"""The vault: bounded, short-lived, and never written anywhere."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.vault import KEPT, Vault
from bridge.model import Address, BasicCredential, OrganisationId, Viewer


def viewer(number: int) -> Viewer:
    return Viewer(OrganisationId("example"), Address(f"{number}@example.org"))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40))
def test_a_credential_is_held_exactly_while_its_viewer_is_about(steps: list[tuple[int, int]]) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    vault, seen = Vault(lambda: now), dict[int, datetime]()
    for number, minutes in steps:
        vault.put(viewer(number), BasicCredential(str(number), "secret"))
        seen[number] = now
        now += timedelta(minutes=minutes)
        for other in range(6):
            expected = other in seen and now - seen[other] < KEPT
            assert (vault.get(viewer(other)) is not None) == expected


def test_idleness_alone_drops_credentials() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    vault = Vault(lambda: now)
    vault.put(viewer(1), BasicCredential("1", "secret"))
    vault.sweep()
    assert len(vault) == 1
    now += KEPT
    vault.sweep()
    assert len(vault) == 0


def test_the_one_seen_longest_ago_goes_first() -> None:
    vault = Vault(lambda: datetime(2026, 11, 24, tzinfo=UTC), most=2)
    for number in (1, 2, 1, 3):
        vault.put(viewer(number), BasicCredential(str(number), "secret"))
    assert [vault.get(viewer(number)) is not None for number in (1, 2, 3)] == [True, False, True]


def test_a_vault_is_not_pickled() -> None:
    vault = Vault(lambda: datetime(2026, 11, 24, tzinfo=UTC))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(vault)
