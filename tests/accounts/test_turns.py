"""Turns: one at a time for each key, and nothing left when nobody is there."""

import threading

import pytest

from bridge.accounts.turns import Turns
from bridge.errors import ExchangeTimedOut
from bridge.exchange import Deadline


def test_a_turn_that_does_not_come_in_time_is_trouble_of_exchanges() -> None:
    turns = Turns()
    with (
        turns.taken("anna", Deadline.after(5)),
        pytest.raises(ExchangeTimedOut),
        turns.taken("anna", Deadline.after(0)),
    ):
        pass
    assert turns._turns == {}


def test_other_keys_do_not_wait() -> None:
    turns = Turns()
    with turns.taken("anna", Deadline.after(5)), turns.taken("ben", Deadline.after(0)):
        assert set(turns._turns) == {"anna", "ben"}


def test_only_one_holds_a_turn() -> None:
    turns, holding, most = Turns(), 0, 0
    together = threading.Barrier(4, timeout=10)

    def take() -> None:
        nonlocal holding, most
        together.wait()
        for _ in range(200):
            with turns.taken("anna", Deadline.after(10)):
                holding += 1
                most = max(most, holding)
                holding -= 1

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (holding, most) == (0, 1)
    assert turns._turns == {}
