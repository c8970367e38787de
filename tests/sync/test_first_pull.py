"""A first pull that people can wait for: the months around now come first, and what is known so far is answered."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import ExchangeUnreachable, MirrorFilling, RequestRefused
from bridge.ids import parse_token
from bridge.item import Content, Uid
from bridge.model import Name
from bridge.resource import Need
from bridge.sync.freshness import Patience

from events import START
from world import World

SPAN = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))
FAR = datetime(2030, 5, 1, 9, tzinfo=UTC)


class Gate:
    """Holds up a verb of Exchange's until it is opened."""

    def __init__(self, world: World, verb: str, after: int = 0) -> None:
        self.reached, self._open = threading.Event(), threading.Event()
        calls = 0

        def on_call(called: str) -> None:
            nonlocal calls
            if called == verb:
                calls += 1
                if calls > after:
                    self.reached.set()
                    assert self._open.wait(30)

        world.exchange.on_call = on_call

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def filling(world: World) -> Callable[..., Gate]:
    """Ann has events now and far away; her first pull is held up once it has its window."""
    world.patience = Patience(known=0.2, first=30)
    world.restart()

    def begin(verb: str = "feed", after: int = 0) -> Gate:
        world.outlook_adds("now@outlook", "Soon")
        folder = world.exchange.calendar_of("ann@example.test")
        world.exchange.put_item(folder, Content(Uid("far@outlook"), "Far", FAR, FAR + timedelta(hours=1)))
        return Gate(world, verb, after)

    return begin


def test_what_is_within_the_window_is_answered_before_the_rest_is_known(
    world: World, filling: Callable[..., Gate]
) -> None:
    gate = filling()
    login, served = world.login(), world.calendar()
    snapshot = world.store.snapshot(login, served, need=Need(span=SPAN))
    assert (snapshot.is_complete, snapshot.meets(Need(span=SPAN)), snapshot.known_at) == (False, True, world.clock.at)
    assert [one.uid for one in snapshot.resources.values()] == ["now@outlook"]
    assert not snapshot.meets(Need(span=(SPAN[0], FAR)))
    assert snapshot.meets(Need(names=frozenset({Name("now@outlook.ics")})))
    assert not snapshot.meets(Need(names=frozenset({Name("now@outlook.ics"), Name("far@outlook.ics")})))
    assert "now@outlook" in world.store.texts(served, [Name("now@outlook.ics")])[Name("now@outlook.ics")].decode()
    gate.open()
    whole = world.store.snapshot(login, served)
    assert {one.uid for one in whole.resources.values()} == {"now@outlook", "far@outlook"}
    assert whole.window is None


def test_a_series_that_began_long_ago_is_in_the_window_by_its_occurrences(world: World) -> None:
    from_outlook = world.outlook_adds("old@outlook", "Old")
    assert from_outlook.content.start == START
    Gate(world, "feed").open()
    snapshot = world.store.snapshot(world.login(), world.calendar(), need=Need(span=SPAN))
    assert len(snapshot.resources) == 1


def test_a_first_sync_comes_in_pages_that_never_tell_less_than_before(
    world: World, filling: Callable[..., Gate]
) -> None:
    gate = filling()
    login, served = world.login(), world.calendar()
    page = world.store.changes(login, served, None)
    assert page.is_cut
    assert [one.uid for one in page.changed] == ["now@outlook"]
    gate.open()
    world.store.snapshot(login, served)
    rest = world.store.changes(login, served, page.token)
    assert not rest.is_cut
    assert [one.uid for one in rest.changed] == ["far@outlook"]
    token = parse_token(rest.token)
    assert token is not None
    assert token.began is None


def test_what_is_gone_when_the_listing_comes_to_it_is_told_to_who_had_it_in_the_window(
    world: World, filling: Callable[..., Gate]
) -> None:
    gate = filling()
    login, served = world.login(), world.calendar()
    page = world.store.changes(login, served, None)
    (soon,) = (item for item in world.items() if item.content.uid == "now@outlook")
    world.outlook_deletes(soon)
    gate.open()
    world.store.snapshot(login, served)
    rest = world.store.changes(login, served, page.token)
    assert ([one.uid for one in rest.changed], list(rest.removed)) == (["far@outlook"], [Name("now@outlook.ics")])


def test_a_server_without_calendar_views_is_read_without_a_window(world: World, filling: Callable[..., Gate]) -> None:
    filling().open()
    world.exchange.fail("window", RequestRefused("Not known.", "ErrorInvalidOperation"))
    assert len(world.etags()) == 2


def test_an_item_that_cannot_be_read_leaves_the_window_to_the_listing(
    world: World, filling: Callable[..., Gate]
) -> None:
    gate = filling()
    (soon,) = (item for item in world.items() if item.content.uid == "now@outlook")
    world.exchange.calendar_of("ann@example.test").unreadable.add(soon.ref.id)
    served = world.calendar()
    read = threading.Thread(target=lambda: world.store.snapshot(world.login(), served))
    read.start()
    assert gate.reached.wait(10)
    assert world.mirror.status(served.calendar.ref).window is None
    gate.open()
    read.join()


def test_a_pull_that_broke_off_goes_on_where_it_was(world: World, filling: Callable[..., Gate]) -> None:
    filling().open()
    world.exchange.fail("feed", ExchangeUnreachable("Gone."))
    login, served = world.login(), world.calendar()
    with pytest.raises(ExchangeUnreachable):
        world.store.snapshot(login, served)
    inside = world.store.snapshot(login, served, need=Need(span=SPAN))
    assert len(inside.resources) == 1
    with pytest.raises(ExchangeUnreachable):
        world.store.changes(login, served, world.store.changes(login, served, None).token)
    world.later()
    assert len(world.store.snapshot(login, served).resources) == 2
    assert world.exchange.calls["window"] == 1


def test_nothing_is_written_to_a_calendar_that_is_not_known_whole(world: World, filling: Callable[..., Gate]) -> None:
    filling().open()
    world.exchange.fail("feed", ExchangeUnreachable("Gone."), times=5)
    login, served = world.login(), world.calendar()
    world.store.snapshot(login, served, need=Need(span=SPAN))
    with pytest.raises((MirrorFilling, ExchangeUnreachable)):
        world.delete("now@outlook.ics")
