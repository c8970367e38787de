"""Logins: what is asked at Exchange, what is remembered, and what never locks an account."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest
from eventually import eventually

from bridge.accounts.accounts import PATIENCE, Accounts
from bridge.errors import (
    AccessDenied,
    ExchangeBusy,
    ExchangeSays,
    ExchangeTimedOut,
    ExchangeUnreachable,
    LoginRefused,
    Unavailable,
)
from bridge.exchange import Waiters
from bridge.keys import SealBroken
from bridge.model import BasicCredential, Caller, OrganisationId, ServiceCredential, Viewer
from bridge.state.proofs import Proof

ANNA = "anna@example.org"
DOWN = ExchangeUnreachable("Exchange is away.")
World = Any


def refuse(accounts: Accounts, username: str, *passwords: str) -> None:
    for password in passwords:
        with pytest.raises(LoginRefused):
            accounts.log_in(username, password)


# --- good logins -------------------------------------------------------------------------------------


def test_a_good_login_gives_the_mailbox_and_the_credential(accounts: Accounts) -> None:
    login = accounts.log_in("Corp\\Anna", "right")
    assert login.mailbox.address == ANNA
    assert login.caller.viewer == Viewer(OrganisationId("mail.example.org"), login.mailbox.address)
    assert login.caller.credential == BasicCredential("Corp\\Anna", "right")


def test_a_good_login_is_asked_about_once_in_ten_minutes(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    world.clock.move(minutes=9, seconds=59)
    accounts.log_in(ANNA.upper(), "right")
    assert world.asked == 1
    world.clock.move(seconds=1)
    accounts.log_in(ANNA, "right")
    assert world.asked == 2
    world.clock.move(minutes=9)
    accounts.log_in(ANNA, "right")
    assert world.asked == 2


def test_a_warm_login_touches_neither_exchange_nor_state(world: World, accounts: Accounts) -> None:
    first = accounts.log_in(ANNA, "right")
    accounts._proofs = cast("Any", None)
    assert accounts.log_in(ANNA, "right") == first
    assert world.asked == 1


def test_another_process_believes_the_proof(world: World, accounts: Accounts) -> None:
    first = accounts.log_in(ANNA, "right")
    assert world.process().log_in(ANNA, "right") == first
    assert world.asked == 1


def test_a_proof_counts_from_when_exchange_said_so_in_every_process(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    other = world.process()
    world.clock.move(minutes=9)
    other.log_in(ANNA, "right")
    world.clock.move(minutes=1)
    other.log_in(ANNA, "right")
    assert world.asked == 2


def test_a_proof_from_the_future_proves_nothing(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    world.clock.move(hours=-1)
    world.process().log_in(ANNA, "right")
    assert world.asked == 2


@pytest.mark.parametrize("username", ["", "  ", "an\x00na", "anna\r\nX: y", "a" * 321])
def test_what_cannot_be_a_user_name_is_not_asked_about(username: str, world: World, accounts: Accounts) -> None:
    refuse(accounts, username, "right")
    assert world.asked == 0


def test_an_empty_password_is_not_asked_about(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "")
    assert world.asked == 0


def test_a_login_without_mailbox_is_refused_and_is_no_wrong_password(world: World, accounts: Accounts) -> None:
    world.exchange.fail("log_in", AccessDenied("No EWS for you."), times=4)
    for _ in range(4):
        with pytest.raises(LoginRefused, match="no mailbox"):
            accounts.log_in(ANNA, "right")
        world.clock.move(minutes=1)
    assert accounts.log_in(ANNA, "right").mailbox.address == ANNA


def test_a_damaged_proof_is_none(world: World, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.log_in(ANNA, "right")
    other = world.process()

    def damaged(_login: str) -> None:
        raise SealBroken("damaged")

    monkeypatch.setattr(other._proofs, "get", damaged)
    assert other.log_in(ANNA, "right").mailbox.address == ANNA
    assert world.asked == 2


# --- wrong passwords ---------------------------------------------------------------------------------


def test_the_same_wrong_password_is_asked_about_once(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "wrong", "wrong", "wrong", "wrong")
    assert world.asked == 1
    world.clock.move(minutes=29)
    refuse(accounts, ANNA, "wrong")
    assert world.asked == 1


def test_a_wrong_password_that_became_right_is_let_in_after_half_an_hour(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "next")
    world.change_password(ANNA, "next")
    world.clock.move(minutes=30)
    assert accounts.log_in(ANNA, "next").mailbox.address == ANNA


def test_three_wrong_passwords_are_asked_about_and_no_more(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "1", "2", "3", "4", "5")
    assert world.asked == 3
    refuse(accounts, ANNA, "right")
    assert world.asked == 3


def test_the_right_password_is_let_in_once_the_window_has_passed(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "1", "2", "3", "right")
    world.clock.move(minutes=15)
    assert accounts.log_in(ANNA, "right").mailbox.address == ANNA


def test_wrong_passwords_are_counted_for_the_account_in_every_form_of_its_name(
    world: World, accounts: Accounts
) -> None:
    refuse(accounts, "anna@example.org", "1")
    refuse(accounts, "CORP\\Anna", "2")
    refuse(accounts, " ANNA ", "3")
    refuse(accounts, "anna", "4", "right")
    assert world.asked == 3


def test_wrong_passwords_are_counted_for_known_names_of_the_mailbox_too(world: World, accounts: Accounts) -> None:
    accounts.log_in("corp\\aberg", "right")
    refuse(accounts, "corp\\aberg", "1")
    refuse(accounts, "a.berg@example.org", "2")
    refuse(accounts, "anna", "3", "4")
    assert world.asked == 4


def test_another_account_is_not_touched(accounts: Accounts) -> None:
    refuse(accounts, ANNA, "1", "2", "3", "4")
    assert accounts.log_in("ben@example.org", "bens").mailbox.address == "ben@example.org"


def test_wrong_passwords_are_counted_across_processes(world: World, accounts: Accounts) -> None:
    other = world.process()
    refuse(accounts, ANNA, "1", "2")
    refuse(other, ANNA, "3", "4")
    refuse(accounts, ANNA, "5")
    assert world.asked == 3


def test_a_proved_password_is_let_in_whatever_was_tried_meanwhile(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    refuse(accounts, ANNA, "1", "2", "3", "4")
    assert world.asked == 4
    accounts.log_in(ANNA, "right")
    world.process().log_in(ANNA, "right")
    assert world.asked == 4
    world.clock.move(minutes=11)
    accounts.log_in(ANNA, "right")
    assert world.asked == 5


def test_a_good_login_at_exchange_forgives_the_wrong_ones(world: World, accounts: Accounts) -> None:
    refuse(accounts, ANNA, "1", "2")
    accounts.log_in(ANNA, "right")
    refuse(accounts, ANNA, "3", "4", "5", "6")
    assert world.asked == 6


def hold(answers: threading.Event) -> None:
    """Let a call to Exchange last until the event."""
    assert answers.wait(30)


def settle(accounts: Accounts) -> None:
    """Wait until nothing is checked behind the requests any more."""
    eventually(lambda: not accounts._behind._running)


def test_a_changed_password_ends_the_old_one(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    world.change_password(ANNA, "new")
    world.clock.move(minutes=10)
    viewer = accounts.log_in(ANNA, "right").caller.viewer
    settle(accounts)
    assert accounts.caller(viewer) is None
    refuse(accounts, ANNA, "right")
    accounts.log_in(ANNA, "new")
    refuse(accounts, ANNA, "right")
    assert world.asked == 3


def test_a_password_that_exchange_refused_is_not_let_in_while_it_is_away(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    world.change_password(ANNA, "new")
    world.clock.move(minutes=10)
    accounts.log_in(ANNA, "right")
    settle(accounts)
    refuse(accounts, ANNA, "right")
    world.exchange.fail("log_in", DOWN, times=9)
    world.clock.move(minutes=31)
    with pytest.raises(Unavailable):
        accounts.log_in(ANNA, "right")


# --- Exchange away -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DOWN, ExchangeTimedOut("Too slow."), ExchangeBusy("Wait.")])
def test_a_proof_lets_in_for_eight_hours_while_exchange_cannot_be_asked(
    error: Exception, world: World, accounts: Accounts
) -> None:
    first = accounts.log_in(ANNA, "right")
    world.exchange.fail("log_in", error, times=99)
    world.clock.move(hours=7, minutes=59)
    assert accounts.log_in(ANNA, "right") == first
    assert world.process().log_in(ANNA, "right") == first
    world.clock.move(minutes=1)
    with pytest.raises(Unavailable):
        accounts.log_in(ANNA, "right")


def test_another_password_is_not_let_in_while_exchange_cannot_be_asked(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    world.exchange.fail("log_in", DOWN, times=9)
    world.clock.move(minutes=11)
    for username, password in ((ANNA, "wrong"), ("ben@example.org", "right"), ("ben@example.org", "bens")):
        with pytest.raises(Unavailable):
            accounts.log_in(username, password)


def test_exchange_that_is_away_is_not_asked_again_for_half_a_minute(world: World, accounts: Accounts) -> None:
    accounts.log_in(ANNA, "right")
    accounts.log_in("ben@example.org", "bens")
    world.exchange.fail("log_in", DOWN, times=1)
    world.clock.move(minutes=11)
    for _ in range(3):
        for username, password in ((ANNA, "right"), ("ben@example.org", "bens")):
            accounts.log_in(username, password)
            settle(accounts)
    assert world.asked == 3
    world.clock.move(seconds=30)
    accounts.log_in(ANNA, "right")
    accounts.log_in("ben@example.org", "bens")
    settle(accounts)
    assert world.asked == 5


def test_trouble_is_no_wrong_password(world: World, accounts: Accounts) -> None:
    world.exchange.fail("log_in", DOWN, times=5)
    for _ in range(5):
        with pytest.raises(Unavailable):
            accounts.log_in(ANNA, "right")
    assert accounts.log_in(ANNA, "right").mailbox.address == ANNA


# --- many at once ------------------------------------------------------------------------------------


def test_the_same_login_many_times_at_once_is_asked_about_once(world: World, accounts: Accounts) -> None:
    others_wait = threading.Barrier(6, timeout=20)

    def log_in() -> str:
        others_wait.wait()
        return accounts.log_in(ANNA, "right").mailbox.address

    with ThreadPoolExecutor(6) as pool:
        found = [one.result() for one in [pool.submit(log_in) for _ in range(6)]]
    assert found == [ANNA] * 6
    assert world.asked == 1


def test_many_wrong_passwords_at_once_do_not_pass_the_limit(world: World, accounts: Accounts) -> None:
    together = threading.Barrier(8, timeout=20)

    def log_in(password: str) -> None:
        together.wait()
        refuse(accounts, ANNA, password)

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(log_in, str(number)) for number in range(8)]:
            one.result()
    assert world.asked == 3


def test_logins_hold_places_of_the_waiting(world: World, accounts: Accounts) -> None:
    del accounts
    waiters = Waiters(1)
    process = world.process(waiters)
    with waiters.waiting(), pytest.raises(ExchangeBusy):
        process.log_in(ANNA, "right")
    assert world.asked == 0
    first = process.log_in(ANNA, "right")
    world.clock.move(minutes=11)
    with waiters.waiting():
        assert process.log_in(ANNA, "right") == first


def test_who_was_let_in_within_the_hour_does_not_wait_for_exchange(world: World, accounts: Accounts) -> None:
    first = accounts.log_in(ANNA, "right")
    answers = threading.Event()
    world.exchange.on_call = lambda _verb: hold(answers)
    world.clock.move(minutes=59)
    begun = time.monotonic()
    assert accounts.log_in(ANNA, "right") == first
    assert time.monotonic() - begun < PATIENCE
    answers.set()
    settle(accounts)
    assert world.asked == 2
    accounts.log_in(ANNA, "right")
    settle(accounts)
    assert world.asked == 2


def test_after_an_hour_exchange_has_two_seconds_to_say_no(world: World, accounts: Accounts) -> None:
    first = accounts.log_in(ANNA, "right")
    world.clock.move(hours=2)
    world.change_password(ANNA, "new")
    refuse(accounts, ANNA, "right")
    world.change_password(ANNA, "right")
    world.clock.move(minutes=31)
    assert accounts.log_in(ANNA, "right") == first
    answers = threading.Event()
    world.exchange.on_call = lambda _verb: hold(answers)
    world.clock.move(hours=2)
    begun = time.monotonic()
    assert accounts.log_in(ANNA, "right") == first
    assert time.monotonic() - begun >= PATIENCE
    answers.set()


def test_a_call_that_exchange_answers_renews_the_login(world: World, accounts: Accounts) -> None:
    caller = accounts.log_in(ANNA, "right").caller
    for _ in range(20):
        world.clock.move(minutes=5)
        accounts.proved(caller)
        accounts.log_in(ANNA, "right")
    settle(accounts)
    assert world.asked == 1
    assert world.process().log_in(ANNA, "right").caller == caller
    assert world.asked == 1


def test_where_not_every_call_bears_the_password_none_renews_the_login(world: World, accounts: Accounts) -> None:
    del accounts
    process = world.process(renews=False)
    caller = process.log_in(ANNA, "right").caller
    world.clock.move(minutes=9)
    process.proved(caller)
    world.clock.move(minutes=2)
    process.log_in(ANNA, "right")
    settle(process)
    assert world.asked == 2


def test_a_refused_credential_is_not_renewed_by_an_answer_that_comes_late(world: World, accounts: Accounts) -> None:
    caller = accounts.log_in(ANNA, "right").caller
    accounts.forget(caller)
    world.clock.move(minutes=5)
    accounts.proved(caller)
    refuse(accounts, ANNA, "right")


@pytest.mark.parametrize("is_late", [False, True], ids=["before it is written", "after it is written"])
def test_a_refusal_while_an_answer_renews_the_login_outdoes_it(
    world: World, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, *, is_late: bool
) -> None:
    caller = accounts.log_in(ANNA, "right").caller
    world.clock.move(minutes=5)
    put = accounts._proofs.put

    def put_meanwhile(login: str, proof: Proof) -> None:
        if is_late:
            put(login, proof)
        accounts.forget(caller)
        if not is_late:
            put(login, proof)

    monkeypatch.setattr(accounts._proofs, "put", put_meanwhile)
    accounts.proved(caller)
    refuse(accounts, ANNA, "right")
    world.process().log_in(ANNA, "right")
    assert world.asked == 2, "no proof stands, so Exchange is asked"


# --- the credential ----------------------------------------------------------------------------------


def test_work_in_the_background_has_the_credential_for_half_an_hour(world: World, accounts: Accounts) -> None:
    caller = accounts.log_in(ANNA, "right").caller
    assert accounts.caller(caller.viewer) == caller
    world.clock.move(minutes=29)
    accounts.log_in(ANNA, "right")
    world.clock.move(minutes=29)
    assert accounts.caller(caller.viewer) == caller
    world.clock.move(minutes=1)
    assert accounts.caller(caller.viewer) is None


def test_a_stranger_has_no_credential(accounts: Accounts) -> None:
    viewer = accounts.log_in(ANNA, "right").caller.viewer
    assert accounts.caller(Viewer(OrganisationId("elsewhere"), viewer.address)) is None


def test_a_credential_refused_in_another_call_ends_the_login(world: World, accounts: Accounts) -> None:
    caller = accounts.log_in(ANNA, "right").caller
    world.change_password(ANNA, "new")
    accounts.forget(caller)
    accounts.forget(caller)
    assert accounts.caller(caller.viewer) is None
    refuse(accounts, ANNA, "right")
    assert world.asked == 1
    refuse(world.process(), ANNA, "right")
    assert world.asked == 2
    assert accounts.log_in(ANNA, "new").caller.credential.password == "new"


def test_forgetting_an_old_credential_leaves_the_new_one(world: World, accounts: Accounts) -> None:
    old = accounts.log_in(ANNA, "right").caller
    world.change_password(ANNA, "new")
    world.clock.move(minutes=10)
    new = accounts.log_in(ANNA, "new").caller
    accounts.forget(old)
    assert accounts.caller(new.viewer) == new
    assert world.process().log_in(ANNA, "new").caller == new
    assert world.asked == 2


def test_what_is_refused_of_a_service_account_leaves_the_viewers_login(world: World, accounts: Accounts) -> None:
    login = accounts.log_in(ANNA, "right")
    service = ServiceCredential(ANNA, "right", login.mailbox.address)
    accounts.forget(replace(login.caller, credential=service))
    assert accounts.caller(login.caller.viewer) == login.caller
    assert accounts.log_in(ANNA, "right") == login
    assert world.asked == 1


def test_closing_forgets_every_password(accounts: Accounts) -> None:
    viewer = accounts.log_in(ANNA, "right").caller.viewer
    accounts.close()
    assert accounts.caller(viewer) is None


def test_an_idle_bridge_forgets_passwords_and_old_proofs(
    world: World, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.accounts.accounts.SWEEP", 0.001)
    accounts.log_in(ANNA, "right")
    idle = world.process()
    idle.log_in(ANNA, "right")
    world.clock.move(hours=9)
    expired = threading.Event()
    expire = idle._proofs.expire

    def notice(before: datetime) -> None:
        expire(before)
        expired.set()

    monkeypatch.setattr(idle._proofs, "expire", notice)
    world.clock.move(hours=1)
    assert expired.wait(20)
    assert len(idle._vault) == 0
    assert idle._proofs.get(ANNA) is None


# --- what is left behind -----------------------------------------------------------------------------


def test_no_password_is_on_disk_right_or_wrong(world: World, accounts: Accounts) -> None:
    world.change_password(ANNA, "Xq7-the-right-one")
    refuse(accounts, ANNA, "Xq7-the-wrong-one")
    accounts.log_in(ANNA, "Xq7-the-right-one")
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 1000 for path in files)
    for path in files:
        assert b"Xq7" not in path.read_bytes(), path


def test_no_password_is_in_log_or_error(world: World, accounts: Accounts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    world.exchange.fail("log_in", AccessDenied("x"))
    errors = []
    for password in ("Xq7-0", "Xq7-1", "Xq7-2", "Xq7-3", "Xq7-4"):
        with pytest.raises((LoginRefused, ExchangeSays)) as raised:
            accounts.log_in(ANNA, password)
        errors.append(str(raised.value) + repr(raised.value.__cause__))
    assert "Xq7" not in caplog.text + "".join(errors)
    assert "too many wrong ones" in caplog.text


def test_a_login_does_not_show_its_password(accounts: Accounts) -> None:
    caller: Caller = accounts.log_in(ANNA, "right").caller
    assert "right" not in repr(caller)
    assert "right" not in repr(caller.credential)
