"""How many may wait for Exchange at once: of all, and for one mailbox."""

from contextlib import ExitStack

import pytest

from bridge.errors import ExchangeBusy
from bridge.exchange import Waiters


def enter(waiters: Waiters, *whom: str | None) -> ExitStack:
    """Let these wait until the stack is closed."""
    with ExitStack() as stack:
        for one in whom:
            stack.enter_context(waiters.waiting(one))
        return stack.pop_all()


def is_full(waiters: Waiters, whom: str | None = None) -> bool:
    """Say whether one more is refused."""
    try:
        with waiters.waiting(whom):
            return False
    except ExchangeBusy:
        return True


def test_no_more_wait_than_there_are_places() -> None:
    waiters = Waiters(2)
    with enter(waiters, None, "ann"):
        assert is_full(waiters)
        assert is_full(waiters, "ben")
    assert not is_full(waiters)


def test_one_mailbox_takes_its_own_places_and_leaves_the_others() -> None:
    waiters = Waiters(4, of_one=2)
    with enter(waiters, "ann", "ann"):
        assert is_full(waiters, "ann")
        with enter(waiters, "ben", "ben"):
            assert is_full(waiters)
    assert not is_full(waiters, "ann")


def test_a_place_is_given_back_whatever_happens() -> None:
    waiters = Waiters(1, of_one=1)
    for _ in range(3):
        with pytest.raises(KeyError), waiters.waiting("ann"):
            raise KeyError
    assert not is_full(waiters, "ann")


def test_those_who_are_refused_do_not_come_back_as_one() -> None:
    waiters = Waiters(0)
    told = []
    for _ in range(50):
        with pytest.raises(ExchangeBusy) as refused, waiters.waiting():
            pass
        told.append(refused.value.retry_after)
    assert min(told) >= 5
    assert max(told) <= 15
    assert len({round(seconds) for seconds in told}) > 5
