"""Remembered logins and counted refusals."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bridge.model import Address, Mailbox
from bridge.state.proofs import REFUSAL_WINDOW, Proof
from bridge.state.state import State

OpenState = Callable[..., State]


@pytest.fixture
def proof(now: datetime) -> Proof:
    mailbox = Mailbox(Address("anna@example.com"), "Anna", frozenset({Address("a@example.com"), Address("b@x.org")}))
    return Proof(b"\x00salt", b"digest\xff", mailbox, now + timedelta(microseconds=7))


def test_a_proof_is_known_to_every_process_until_it_is_dropped(
    state: State, open_state: OpenState, proof: Proof
) -> None:
    assert state.proofs.get("anna") is None
    state.proofs.put("anna", proof)
    other = open_state()
    assert other.proofs.get("anna") == proof
    assert other.proofs.get("Anna") is None
    other.proofs.drop("anna")
    assert state.proofs.get("anna") is None


def test_the_newest_proof_of_a_login_is_the_one(state: State, proof: Proof) -> None:
    state.proofs.put("anna", proof)
    state.proofs.put("anna", replace(proof, digest=b"other"))
    assert state.proofs.get("anna") == replace(proof, digest=b"other")


def test_a_proof_is_never_printed(proof: Proof) -> None:
    assert "salt" not in repr(proof)
    assert "digest" not in repr(proof)


def test_only_older_proofs_expire(state: State, proof: Proof, now: datetime) -> None:
    state.proofs.put("old", replace(proof, proved_at=now - timedelta(hours=8)))
    state.proofs.put("new", replace(proof, proved_at=now))
    state.proofs.expire(now)
    assert state.proofs.get("old") is None
    assert state.proofs.get("new") is not None


def test_refusals_are_counted_by_login_and_across_processes(state: State, open_state: OpenState, now: datetime) -> None:
    other = open_state()
    assert state.proofs.note_refusal("anna", now) == 1
    assert other.proofs.note_refusal("anna", now + timedelta(seconds=1)) == 2
    assert state.proofs.note_refusal("bob", now) == 1
    assert state.proofs.refusals("anna", now + timedelta(seconds=2)) == (now, now + timedelta(seconds=1))
    state.proofs.clear_refusals("anna")
    assert other.proofs.refusals("anna", now) == ()
    assert other.proofs.refusals("bob", now) == (now,)


def test_a_refusal_counts_for_its_window_and_no_longer(state: State, now: datetime) -> None:
    state.proofs.note_refusal("anna", now)
    just_within = now + REFUSAL_WINDOW - timedelta(microseconds=1)
    assert state.proofs.refusals("anna", just_within) == (now,)
    assert state.proofs.refusals("anna", now + REFUSAL_WINDOW) == ()
    assert state.proofs.note_refusal("anna", just_within) == 2
    assert state.proofs.note_refusal("anna", now + REFUSAL_WINDOW) == 2
