"""Others' calendars that a viewer has beside his own: configured and added, whatever address names their owner."""

import pytest

from bridge.errors import ExchangeUnreachable
from bridge.model import Address, OrganisationId, Rights
from bridge.state.shares import AddedShare

from world import ANN, BEN, World

TEST = OrganisationId("test")
CLEO, ALIAS = "cleo@example.test", "c.example@example.test"
READER = Rights(read=True, create=False, modify=False, delete=False)


@pytest.fixture
def cleo(world: World) -> World:
    """Add Cleo, who has two addresses and lets Ann and Ben read."""
    world.exchange.add_person(CLEO, "secret", ALIAS)
    for reader in (ANN, BEN):
        world.exchange.calendar_of(CLEO).readers[Address(reader)] = READER
    world.exchange.calendar_of(ANN).readers[Address(BEN)] = READER
    return world


def share(viewer: str, owner: str) -> AddedShare:
    return AddedShare(Address(viewer), Address(owner), "calendar")


def names(world: World, viewer: str) -> list[str]:
    return [str(one.name) for one in world.store.calendars(world.login(viewer))]


def test_a_share_that_is_added_is_seen_at_once_and_one_that_is_removed_is_not(cleo: World) -> None:
    assert names(cleo, ANN) == ["calendar"]
    cleo.state.shares.add(TEST, share(ANN, CLEO))
    assert names(cleo, ANN) == ["calendar", f"{CLEO}~calendar"]
    cleo.state.shares.remove(TEST, share(ANN, CLEO))
    assert names(cleo, ANN) == ["calendar"]


def test_added_shares_stand_beside_configured_ones_and_outlive_the_mirror_and_the_process(cleo: World) -> None:
    cleo.state.shares.add(TEST, share(BEN, CLEO))
    for again in (cleo.restart, cleo.lose_mirror, cleo.restart):
        assert names(cleo, BEN) == ["calendar", f"{ANN}~calendar", f"{CLEO}~calendar"]
        again()


def test_an_owner_named_by_an_alias_is_served_under_his_primary_address(cleo: World) -> None:
    cleo.state.shares.add(TEST, share(ANN, ALIAS))
    served = cleo.store.calendars(cleo.login(ANN))[-1]
    assert (served.name, served.owner.address, served.calendar.ref.mailbox) == (f"{CLEO}~calendar", CLEO, CLEO)


def test_a_calendar_that_is_shared_twice_is_served_once(cleo: World) -> None:
    for owner in (CLEO, ALIAS):
        cleo.state.shares.add(TEST, share(ANN, owner))
    cleo.state.shares.add(TEST, share(BEN, ANN))
    assert names(cleo, ANN) == ["calendar", f"{CLEO}~calendar"]
    assert names(cleo, BEN) == ["calendar", f"{ANN}~calendar"]


def test_a_viewer_named_by_an_alias_has_the_share_and_his_own_calendar_is_none(cleo: World) -> None:
    cleo.exchange.calendar_of(ANN).readers[Address(CLEO)] = READER
    cleo.state.shares.add(TEST, share(ALIAS, ANN))
    cleo.state.shares.add(TEST, share(ALIAS, CLEO))
    assert names(cleo, CLEO) == ["calendar", f"{ANN}~calendar"]


def test_what_exchange_does_not_show_is_not_served_by_being_shared(cleo: World) -> None:
    cleo.state.shares.add(TEST, share(ANN, BEN))
    assert names(cleo, ANN) == ["calendar"]


def test_a_trouble_of_exchanges_takes_no_shared_calendar_away(cleo: World) -> None:
    cleo.state.shares.add(TEST, share(ANN, ALIAS))
    before = names(cleo, ANN)
    cleo.clock.move(61)
    cleo.exchange.fail("calendars", ExchangeUnreachable("No connection."), times=2)
    assert names(cleo, ANN) == before
