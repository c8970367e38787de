"""The budget of calls under way, and back-off."""

import threading
import time
from contextlib import ExitStack

import pytest

from bridge.errors import ExchangeBusy
from bridge.ews.budget import AccountKey, Budget
from bridge.exchange import Deadline

ANNA, BOB = AccountKey("anna"), AccountKey("bob")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_account_has_four_calls_and_the_organisation_twenty() -> None:
    budget = Budget()
    with ExitStack() as held:
        for account in range(5):
            for _ in range(4):
                held.enter_context(budget.place(AccountKey(str(account)), Deadline.after(1)))
        with pytest.raises(ExchangeBusy), budget.place(AccountKey("0"), Deadline.after(0.01)):
            pass
        with pytest.raises(ExchangeBusy), budget.place(AccountKey("new"), Deadline.after(0.01)):
            pass
    with budget.place(AccountKey("new"), Deadline.after(1)):
        pass


def test_one_who_waits_gets_the_place_that_comes_free() -> None:
    budget = Budget(per_account=1)
    entered = threading.Event()

    def wait() -> None:
        with budget.place(ANNA, Deadline.after(10)):
            entered.set()

    with budget.place(ANNA, Deadline.after(1)):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.is_set()
    assert entered.wait(10)
    waiting.join()


def test_a_failed_call_gives_its_place_back() -> None:
    budget = Budget(per_account=1, per_organisation=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), budget.place(ANNA, Deadline.after(1)):
            raise RuntimeError
    with budget.place(BOB, Deadline.after(0.01)):
        pass


def test_back_off_holds_one_account_until_its_time_has_passed() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    budget.back_off(ANNA, 30)
    clock.now += 12
    with pytest.raises(ExchangeBusy) as caught, budget.place(ANNA, Deadline.after(1)):
        pass
    assert caught.value.retry_after == 18
    with budget.place(BOB, Deadline.after(1)):
        pass
    clock.now += 18
    with budget.place(ANNA, Deadline.after(1)):
        pass


def test_a_shorter_back_off_does_not_end_a_longer_one() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    budget.back_off(ANNA, 30)
    budget.back_off(ANNA, 5)
    with pytest.raises(ExchangeBusy) as caught, budget.place(ANNA, Deadline.after(1)):
        pass
    assert caught.value.retry_after == 30


def test_a_server_that_two_accounts_find_busy_is_left_alone_by_all_for_a_bounded_while() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    eve = AccountKey("eve")
    budget.back_off_server(ANNA, 3600)
    with budget.place(eve, Deadline.after(1)):
        pass
    budget.back_off_server(ANNA, 3600)
    with budget.place(eve, Deadline.after(1)):
        pass
    clock.now += 10
    budget.back_off_server(BOB, 3600)
    with pytest.raises(ExchangeBusy) as caught, budget.place(eve, Deadline.after(1)):
        pass
    assert caught.value.retry_after == 30
    clock.now += 30
    with budget.place(eve, Deadline.after(1)):
        pass
    with pytest.raises(ExchangeBusy), budget.place(BOB, Deadline.after(1)):
        pass


def test_accounts_that_find_the_server_busy_one_after_another_hold_up_nobody_else() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    for key in (ANNA, BOB, ANNA):
        budget.back_off_server(key, 10)
        with budget.place(AccountKey("eve"), Deadline.after(1)):
            pass
        clock.now += 11


def test_waiting_for_a_place_ends_at_the_deadline_of_the_one_who_waits() -> None:
    budget = Budget(per_account=1, per_organisation=2)
    with budget.place(ANNA, Deadline.after(1)):
        started = time.monotonic()
        with pytest.raises(ExchangeBusy), budget.place(ANNA, Deadline.after(0.2)):
            pass
        assert 0.15 < time.monotonic() - started < 5


def test_one_who_waits_is_told_of_a_back_off_that_began_meanwhile() -> None:
    budget = Budget(per_account=1)
    seen: list[type[BaseException]] = []

    def wait() -> None:
        try:
            with budget.place(ANNA, Deadline.after(10)):
                pass
        except ExchangeBusy as busy:
            seen.append(type(busy))

    with budget.place(ANNA, Deadline.after(1)):
        waiting = threading.Thread(target=wait)
        waiting.start()
        budget.back_off(ANNA, 60)
    waiting.join()
    assert seen == [ExchangeBusy]


def test_accounts_are_forgotten_when_nothing_of_them_needs_to_be_known() -> None:
    clock = Clock()
    budget = Budget(clock=clock)
    budget.back_off(ANNA, 30)
    for number in range(100):
        with budget.place(AccountKey(str(number)), Deadline.after(1)):
            pass
    assert set(budget._accounts) == {ANNA}
    clock.now += 31
    with budget.place(BOB, Deadline.after(1)):
        pass
    assert budget._accounts == {}
