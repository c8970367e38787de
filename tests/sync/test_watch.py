"""Calendars that Exchange says have changed: pulled then, and served without a question in between."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

from bridge.errors import (
    AccessDenied,
    BridgeError,
    CredentialRefused,
    ExchangeBusy,
    ExchangeUnreachable,
    RequestRefused,
)
from bridge.exchange import Notifications, Stream
from bridge.item import Page
from bridge.model import (
    Address,
    BasicCredential,
    CalendarName,
    Caller,
    Login,
    OrganisationId,
    Rights,
    ServiceCredential,
    Viewer,
)
from bridge.sync import watch, watched
from bridge.sync.watch import Watches

from world import ANN, BEN, CALENDAR, World


class Watching(World):
    """A world whose calendars are watched with the viewers' own credentials."""

    def __init__(self, folder: Path, *, serves: bool = False, poll: float = 300.0) -> None:
        super().__init__(folder)
        self.exchange.notifications = Notifications.STREAM
        self.logins: dict[Viewer, Caller] = {}
        self.exchange.service_accounts["bridge"] = "service secret"
        self.watches = Watches(self._as_service if serves else self.logins.get, poll, serves)
        self.restart()

    @staticmethod
    def _as_service(viewer: Viewer) -> Caller:
        return Caller(viewer, ServiceCredential("bridge", "service secret", viewer.address))

    def login(self, address: str = ANN) -> Login:
        login = super().login(address)
        if hasattr(self, "logins"):
            self.logins.setdefault(login.caller.viewer, login.caller)
        return login

    def forget(self, caller: Caller) -> None:
        super().forget(caller)
        if self.logins.get(caller.viewer) == caller:
            del self.logins[caller.viewer]

    def is_quiet(self, address: str = ANN, name: CalendarName = CALENDAR) -> bool:
        """Say whether a calendar is watched, and nothing is left to be pulled."""
        return self.mirror.snapshot(self.calendar(name, address).calendar.ref).heard_at is not None

    def may_be_claimed(self) -> bool:
        """Say whether another process may watch the calendar, since this one does not; it does then."""
        ref = self.calendar().calendar.ref
        return self.mirror.watching.claim([ref], "another process", self.clock.at) == {ref}

    def watch(self, address: str = ANN, name: CalendarName = CALENDAR) -> None:
        """Ask for a calendar, and wait until it is watched and quiet."""
        self.store.snapshot(self.login(address), self.calendar(name, address))
        eventually(lambda: self.is_quiet(address, name))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sync.loop.TICK", 0.05)
    monkeypatch.setattr(watch, "GATHER", 0.0)
    monkeypatch.setattr(watch, "SIGN", 0.1)
    monkeypatch.setattr(watch, "CLAIM_AGAIN", 0.2)
    monkeypatch.setattr(watched, "FIRST_RETRY", 0.1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tmp_path)
    yield made
    made.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tmp_path, serves=True)
    yield made
    made.close()


def test_what_changes_in_outlook_is_in_the_mirror_without_anybody_asking(world: Watching) -> None:
    world.watch()
    ref = world.calendar().calendar.ref
    item = world.outlook_adds("new@outlook")
    eventually(lambda: len(world.mirror.snapshot(ref).resources) == 1)
    world.outlook_changes(item, lambda content: replace(content, subject="Other"))
    eventually(lambda: "Other" in world.text("new@outlook.ics"))
    world.outlook_deletes(item)
    eventually(lambda: not world.mirror.snapshot(ref).resources)


def test_what_is_watched_and_quiet_is_served_without_a_question_however_old(world: Watching) -> None:
    world.outlook_adds("one@outlook")
    world.watch()
    for _ in range(5):
        world.exchange.calls.clear()
        world.clock.move(50)
        eventually(lambda: world.mirror.snapshot(world.calendar().calendar.ref).heard_at == world.clock.at)
        assert len(world.etags()) == 1
        assert world.exchange.calls["feed"] == 0
    snapshot = world.store.snapshot(world.login(), world.calendar())
    assert snapshot.known_at == world.clock.at


def test_no_cache_asks_all_the_same(world: Watching) -> None:
    world.watch()
    world.exchange.calls.clear()
    world.store.snapshot(world.login(), world.calendar(), fresh=True)
    assert world.exchange.calls["feed"] == 1


@pytest.mark.parametrize(
    "trouble",
    [
        lambda exchange: exchange.end_streams(),
        lambda exchange: exchange.break_streams(),
        lambda exchange: exchange.break_streams(RequestRefused("No.", "ErrorInvalidSubscription")),
        lambda exchange: [exchange.lose(one) for one in list(exchange.watched)],
    ],
    ids=["ended", "broken", "refused", "lost"],
)
def test_a_stream_that_ends_is_opened_anew_and_what_was_missed_is_found(
    world: Watching, trouble: Callable[[object], object]
) -> None:
    world.watch()
    streams = list(world.exchange.streams)
    touched, world.exchange.on_touch = world.exchange.on_touch, lambda _folder: None
    world.outlook_adds("missed@outlook")
    world.exchange.on_touch = touched
    trouble(world.exchange)
    ref = world.calendar().calendar.ref
    eventually(lambda: len(world.mirror.snapshot(ref).resources) == 1)
    eventually(world.is_quiet)
    assert len(world.exchange.streams) == 1
    assert world.exchange.streams != streams or trouble.__name__ == "lost"
    world.outlook_adds("told@outlook")
    eventually(lambda: len(world.mirror.snapshot(ref).resources) == 2)


def test_a_stream_that_ends_is_followed_by_the_next_before_anything_is_pulled(world: Watching) -> None:
    world.watch()
    asked: list[str] = []
    world.exchange.on_call = asked.append
    for _ in range(5):
        streams = list(world.exchange.streams)
        asked.clear()
        world.exchange.end_streams()
        eventually(lambda: world.exchange.streams not in ([], streams))  # noqa: B023 - called here
        eventually(lambda: "feed" in asked and world.is_quiet())
        assert asked.index("listen") < asked.index("feed")


def test_nobody_relies_on_a_stream_that_is_gone(world: Watching) -> None:
    world.watch()
    world.exchange.fail("listen", ExchangeUnreachable("Gone."), times=10_000)
    world.exchange.fail("feed", ExchangeUnreachable("Gone."), times=10_000)
    world.exchange.break_streams()
    eventually(lambda: not world.is_quiet())


def test_one_refusal_drops_the_credential_and_nothing_is_tried_with_it_again(world: Watching) -> None:
    world.watch()
    login = world.login()
    world.exchange.passwords[ANN] = ("changed", login.mailbox)
    world.exchange.break_streams()
    eventually(lambda: bool(world.refused))
    world.exchange.calls.clear()
    threading.Event().wait(0.5)  # nothing is to happen: there is nothing to wait for
    assert (world.refused, world.exchange.calls) == ([login.caller], {})
    assert world.exchange.streams == []


def test_a_pull_that_is_refused_ends_it_too(world: Watching) -> None:
    world.watch()
    world.exchange.fail("feed", CredentialRefused("No."))
    world.outlook_adds("new@outlook")
    eventually(lambda: bool(world.refused))
    eventually(lambda: world.exchange.streams == [])


def test_a_refusal_of_the_old_password_is_not_held_against_the_new_one(
    world: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.watch()
    old = world.login().caller
    new = Caller(old.viewer, BasicCredential(ANN, "changed"))

    def refuse(*_: object) -> Page:
        world.logins[old.viewer] = new
        raise CredentialRefused("No.")

    monkeypatch.setattr(world.exchange, "feed", refuse)
    world.outlook_adds("new@outlook")
    eventually(lambda: bool(world.refused))
    eventually(lambda: world.exchange.streams == [])
    assert world.refused == [old]
    assert world.logins[old.viewer] == new


def test_several_calendars_of_a_viewer_come_over_one_stream(world: Watching) -> None:
    world.store.create_calendar(world.login(), CalendarName("choir"), "Choir")
    world.exchange.calendar_of(ANN).readers[Address(BEN)] = Rights(read=True, create=False, modify=False, delete=False)
    shared = CalendarName(f"{ANN}~calendar")
    for address, name in ((ANN, CALENDAR), (ANN, CalendarName("choir")), (BEN, CALENDAR), (BEN, shared)):
        world.watch(address, name)
    assert len(world.exchange.streams) == 2
    world.outlook_adds("new@outlook")
    for address, name in ((ANN, CALENDAR), (BEN, shared)):
        ref = world.calendar(name, address).calendar.ref
        eventually(lambda ref=ref: len(world.mirror.snapshot(ref).resources) == 1)  # type: ignore[misc]


def test_another_s_calendar_that_may_not_be_watched_is_asked_now_and_then(tmp_path: Path) -> None:
    world = Watching(tmp_path, poll=0.2)
    world.exchange.calendar_of(ANN).readers[Address(BEN)] = Rights(read=True, create=False, modify=False, delete=False)
    world.exchange.unwatchable.add(BEN)
    shared = CalendarName(f"{ANN}~calendar")
    served = world.calendar(shared, BEN)
    world.store.snapshot(world.login(BEN), served)
    world.watch(BEN)
    world.outlook_adds("new@outlook")
    eventually(lambda: len(world.mirror.snapshot(served.calendar.ref).resources) == 1)
    assert world.mirror.snapshot(served.calendar.ref).heard_at is None
    world.close()


@pytest.mark.parametrize("how", [Notifications.NONE, Notifications.PULL])
def test_where_exchange_says_nothing_by_itself_it_is_asked_now_and_then(tmp_path: Path, how: Notifications) -> None:
    world = Watching(tmp_path, poll=0.2)
    world.exchange.notifications = how
    served = world.calendar()
    world.store.snapshot(world.login(), served)
    verb = "feed" if how is Notifications.NONE else "news"
    begun = world.exchange.calls[verb]
    eventually(lambda: world.exchange.calls[verb] > begun + 2)
    item = world.outlook_adds("new@outlook")
    eventually(lambda: len(world.mirror.snapshot(served.calendar.ref).resources) == 1)
    for subscription in list(world.exchange.watched):
        world.exchange.watched.pop(subscription)
    world.outlook_deletes(item)
    eventually(lambda: not world.mirror.snapshot(served.calendar.ref).resources)
    assert world.exchange.streams == []
    world.close()


def test_a_limit_on_streams_is_kept_to_and_the_calendar_is_pulled_when_asked_for(world: Watching) -> None:
    world.exchange.most_streams = 0
    world.outlook_adds("one@outlook")
    assert len(world.etags()) == 1
    eventually(lambda: world.exchange.calls["listen"] == 1)
    world.outlook_adds("two@outlook")

    def are_served() -> bool:
        world.later()  # a pull may be under way that began before
        return len(world.etags()) == 2

    eventually(are_served)
    assert world.exchange.calls["listen"] == 1, "Exchange asked for a minute"
    assert not world.is_quiet()


def test_a_mirror_that_was_emptied_is_watched_again(world: Watching) -> None:
    world.outlook_adds("one@outlook")
    world.watch()
    world.mirror.forget(world.login().caller.viewer)
    world.watch()
    world.outlook_adds("two@outlook")
    eventually(lambda: len(world.mirror.snapshot(world.calendar().calendar.ref).resources) == 2)


def test_two_processes_hold_one_stream_and_the_other_takes_over(world: Watching, tmp_path: Path) -> None:
    world.watch()
    second = Watching(tmp_path)
    second.exchange = world.exchange
    second.restart()
    second.store.snapshot(second.login(), second.calendar())
    threading.Event().wait(0.5)  # nothing is to happen: there is nothing to wait for
    assert len(world.exchange.streams) == 1
    world.close()
    world.exchange.streams.clear()
    eventually(lambda: len(world.exchange.streams) == 1)
    second.outlook_adds("new@outlook")
    eventually(lambda: len(second.mirror.snapshot(second.calendar().calendar.ref).resources) == 1)
    second.close()
    world._open()


def test_what_another_process_watches_does_not_have_ones_own_stream_opened_again_and_again(
    serving: Watching, tmp_path: Path
) -> None:
    serving.watch()
    second = Watching(tmp_path, serves=True)
    second.exchange = serving.exchange
    second.restart()
    second.watch(BEN)
    second.store.snapshot(second.login(), second.calendar())
    eventually(lambda: second.store._watcher is not None and len(second.store._watcher._places) == 2)
    eventually(lambda: second.is_quiet(BEN))
    serving.exchange.calls.clear()
    threading.Event().wait(1.0)  # nothing is to happen: there is nothing to wait for
    assert serving.exchange.calls["listen"] <= 1
    second.close()


def test_a_service_account_watches_many_mailboxes_on_one_stream(serving: Watching) -> None:
    for address in (ANN, BEN):
        serving.watch(address)
    assert len(serving.exchange.streams) == 1
    assert len(serving.exchange.streams[0].subscriptions) == 2
    serving.outlook_adds("new@outlook")
    eventually(lambda: len(serving.mirror.snapshot(serving.calendar().calendar.ref).resources) == 1)


def test_a_refused_service_account_is_not_tried_again_and_says_nothing_of_viewers(
    serving: Watching, caplog: pytest.LogCaptureFixture
) -> None:
    serving.watch()
    serving.exchange.service_accounts["bridge"] = "changed"
    serving.exchange.break_streams()
    serving.exchange.calls.clear()
    eventually(lambda: "service account" in caplog.text)
    eventually(serving.may_be_claimed)
    assert serving.exchange.calls["unsubscribe"] == 0
    serving.store.snapshot(serving.login(BEN), serving.calendar(address=BEN))
    serving.exchange.calls.clear()
    threading.Event().wait(0.5)  # nothing is to happen: there is nothing to wait for
    assert serving.exchange.calls == {}
    assert all(isinstance(caller.credential, ServiceCredential) for caller in serving.refused)


def test_a_mailbox_that_may_not_be_impersonated_is_asked_now_and_then(serving: Watching) -> None:
    serving.exchange.fail("subscribe", AccessDenied("Not that one."))
    serving.store.snapshot(serving.login(), serving.calendar())
    eventually(lambda: serving.exchange.calls["subscribe"] == 1)
    assert serving.exchange.calls["listen"] == 0


def test_it_goes_on_after_exchange_was_busy(world: Watching) -> None:
    world.exchange.fail("subscribe", ExchangeBusy("Busy.", 0.1))
    world.watch()
    assert Viewer(OrganisationId("test"), Address(ANN)) in world.logins


class Held:
    """Holds the calls of one verb up until they may go on."""

    def __init__(self, world: World, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self._call: Callable[..., object] = getattr(world.exchange, verb)
        monkeypatch.setattr(world.exchange, verb, self)

    def __call__(self, *arguments: object) -> object:
        self.begun.set()
        assert self.may_go_on.wait(30)
        return self._call(*arguments)


def test_what_changes_is_pulled_though_others_wait_for_a_slow_exchange_to_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sync.loop.AT_ONCE", 1)
    world = Watching(tmp_path)
    world.watch()
    ref = world.calendar().calendar.ref
    held = Held(world, "subscribe", monkeypatch)
    world.store.snapshot(world.login(BEN), world.calendar(address=BEN))
    assert held.begun.wait(10)
    world.outlook_adds("new@outlook")
    eventually(lambda: len(world.mirror.snapshot(ref).resources) == 1)
    held.may_go_on.set()
    world.close()


def test_what_is_not_watched_any_more_when_it_is_subscribed_to_is_given_back(
    world: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(world, "subscribe", monkeypatch)
    served = world.calendar()
    world.store.snapshot(world.login(), served)
    assert held.begun.wait(10)
    monkeypatch.setattr(watch, "IDLE", -1.0)
    eventually(lambda: world.store._watcher is not None and not world.store._watcher._places)
    held.may_go_on.set()
    eventually(lambda: world.exchange.calls["unsubscribe"] == 1)
    eventually(world.may_be_claimed)
    assert (world.exchange.streams, world.exchange.watched) == ([], {})


@pytest.mark.parametrize(("error", "times"), [(ExchangeBusy("Too many.", 60), 1), (ExchangeUnreachable("No."), 4)])
def test_a_stream_that_ends_as_soon_as_it_is_opened_is_opened_less_and_less_often(
    world: Watching, monkeypatch: pytest.MonkeyPatch, error: BridgeError, times: int
) -> None:
    listen = world.exchange.listen

    def refuse(*arguments: Any) -> Stream:
        stream = listen(*arguments)
        world.exchange.break_streams(error)
        return stream

    monkeypatch.setattr(world.exchange, "listen", refuse)
    world.store.snapshot(world.login(), world.calendar())
    begun = time.monotonic()
    eventually(lambda: world.exchange.calls["listen"] == times)
    if times > 1:
        assert time.monotonic() - begun > 0.1 + 0.2 + 0.4
    else:
        threading.Event().wait(0.5)  # nothing is to happen: there is nothing to wait for
        assert world.exchange.calls["listen"] == 1


def test_a_stream_that_comes_while_the_bridge_stops_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Watching(tmp_path)
    held = Held(world, "listen", monkeypatch)
    world.store.snapshot(world.login(), world.calendar())
    assert held.begun.wait(10)
    closing = threading.Thread(target=world.close)
    closing.start()
    held.may_go_on.set()
    closing.join(30)
    assert world.exchange.streams == []
