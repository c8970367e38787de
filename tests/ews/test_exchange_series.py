"""Series and availability against a simulated Exchange of each kind, beside the contract suite."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.errors import ItemChanged, ItemMissing, RequestRefused
from bridge.ews.exchange import EwsExchange
from bridge.exchange import Deadline, Deletion, OccurrenceWrite
from bridge.item import Attribute, BusyStatus, Content, Item, ItemKind, ItemRef, Missing, Uid, Zone
from bridge.model import (
    Address,
    Availability,
    BasicCredential,
    CalendarRef,
    Caller,
    FolderId,
    NoAvailability,
    OrganisationId,
    Viewer,
)
from bridge.recurrence import Day, Recurrence, Weekly
from bridge.simulator.simulator import Simulator

ANNA, BOB, EVE = (Address(f"{name}@example.com") for name in ("anna", "bob", "eve"))
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
BERLIN = Zone("W. Europe Standard Time")
SERIES = Content(
    Uid("series@x"),
    "Team",
    START,
    START + HOUR,
    BERLIN,
    BERLIN,
    recurrence=Recurrence(Weekly(1, (Day.MONDAY,)), date(2026, 3, 2), count=10),
)


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.fixture
def anna() -> Caller:
    """Give Anna as a caller."""
    return Caller(Viewer(OrganisationId("o"), ANNA), BasicCredential(ANNA, "secret of anna"))


@pytest.fixture
def calendar(simulator: Simulator, anna: Caller) -> CalendarRef:
    """Give Anna's default calendar."""
    return CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))


@pytest.fixture
def master(exchange: EwsExchange, anna: Caller, calendar: CalendarRef) -> Item:
    """Make a series of ten Mondays."""
    return _one(exchange, anna, calendar, exchange.create(anna, calendar, SERIES, soon()))


def _one(exchange: EwsExchange, caller: Caller, calendar: CalendarRef, ref: ItemRef) -> Item:
    (item,) = exchange.get(caller, calendar, [ref.id], soon())
    assert isinstance(item, Item)
    return item


def _start(index: int) -> datetime:
    return START + (index - 1) * WEEK - (HOUR if index > 4 else timedelta())


def _at(index: int, by: timedelta, subject: str = "Moved") -> OccurrenceWrite:
    start = _start(index) + by
    content = replace(SERIES, subject=subject, start=start, end=start + HOUR, recurrence=None)
    return OccurrenceWrite(index, content, frozenset(map(Attribute, ("subject", "start", "end"))))


# --- occurrences -------------------------------------------------------------------------------------


def test_an_exception_is_read_with_all_that_it_shares_with_its_master(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    (ref,) = exchange.update_occurrences(anna, calendar, master.ref, [_at(5, 2 * HOUR)], soon())
    assert isinstance(ref, ItemRef)
    item = _one(exchange, anna, calendar, ref)
    assert item.kind is ItemKind.EXCEPTION
    assert item.original_start == _start(5)
    assert item.content == _at(5, 2 * HOUR).content


def test_many_occurrences_are_one_call(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    exchange.capabilities(anna, soon())
    before = sum(exchange.tallied().calls.values())
    writes = [_at(index, HOUR) for index in range(1, 9)]
    outcomes = exchange.update_occurrences(anna, calendar, master.ref, writes, soon())
    assert all(isinstance(one, ItemRef) for one in outcomes)
    is_unknown = not exchange.capabilities(anna, soon()).finds_conflicts
    # Where it is not known how occurrences are counted, the master is read first
    assert sum(exchange.tallied().calls.values()) - before == (2 if is_unknown else 1)
    assert exchange.delete_occurrences(anna, calendar, master.ref, range(3, 10), soon()) == (None,) * 7
    assert len(_one(exchange, anna, calendar, master.ref).deleted) == 7
    assert simulator.outbox == []


def test_an_occurrence_of_a_series_that_was_changed_meanwhile_is_refused_where_conflicts_are_found(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    exchange.update(
        anna, calendar, master.ref, replace(SERIES, location="Room"), frozenset({Attribute("location")}), soon()
    )
    (outcome,) = exchange.update_occurrences(anna, calendar, master.ref, [_at(2, HOUR)], soon())
    if exchange.capabilities(anna, soon()).finds_conflicts:
        assert isinstance(outcome, ItemChanged)
        assert _one(exchange, anna, calendar, master.ref).exceptions == ()
    else:
        # One that does find them, Exchange 2007, is not taken to
        assert isinstance(outcome, ItemRef | ItemChanged)


def test_an_occurrence_that_would_cross_its_neighbour_is_refused_by_name_and_the_others_are_done(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    crossing, good = exchange.update_occurrences(anna, calendar, master.ref, [_at(2, 8 * DAY), _at(4, HOUR)], soon())
    assert isinstance(good, ItemRef)
    if simulator.service.personality.name != "lenient":
        assert isinstance(crossing, RequestRefused)
        assert crossing.code == "ErrorOccurrenceCrossingBoundary"


def test_an_occurrence_that_is_deleted_cannot_be_changed_and_is_missing(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    (ref,) = exchange.update_occurrences(anna, calendar, master.ref, [_at(3, HOUR)], soon())
    assert isinstance(ref, ItemRef)
    assert exchange.delete_occurrences(anna, calendar, master.ref, [3], soon()) == (None,)
    assert exchange.get(anna, calendar, [ref.id], soon()) == (Missing(ref.id),)
    fresh = _one(exchange, anna, calendar, master.ref)
    assert (fresh.exceptions, fresh.deleted) == ((), (_start(3),))
    (outcome,) = exchange.update_occurrences(anna, calendar, fresh.ref, [_at(3, 2 * HOUR)], soon())
    assert isinstance(outcome, ItemMissing)


def test_the_pattern_counts_whatever_the_server_counts(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    exchange.delete_occurrences(anna, calendar, master.ref, [1, 4], soon())
    fresh = _one(exchange, anna, calendar, master.ref)
    gone, sixth, beyond = exchange.update_occurrences(
        anna, calendar, fresh.ref, [_at(4, HOUR), _at(6, HOUR), _at(11, HOUR)], soon()
    )
    assert isinstance(gone, ItemMissing)
    assert isinstance(sixth, ItemRef)
    assert isinstance(beyond, RequestRefused)
    last, *others = exchange.delete_occurrences(anna, calendar, fresh.ref, [10, 4, 2, 11], soon())
    assert [last, *others[:2]] == [None, None, None]
    assert isinstance(others[2], RequestRefused)
    fresh = _one(exchange, anna, calendar, master.ref)
    assert [one.original_start for one in fresh.exceptions] == [_start(6)]
    assert sorted(fresh.deleted) == [_start(index) for index in (1, 2, 4, 10)]


def test_occurrences_of_a_series_that_is_gone_are_missing(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    exchange.delete(anna, calendar, master.ref, Deletion.TO_DELETED_ITEMS, soon())
    for outcome in (
        *exchange.update_occurrences(anna, calendar, master.ref, [_at(2, HOUR)], soon()),
        *exchange.delete_occurrences(anna, calendar, master.ref, [2], soon()),
    ):
        assert isinstance(outcome, ItemMissing)


def test_a_delegate_deletes_occurrences_softly(simulator: Simulator, exchange: EwsExchange, anna: Caller) -> None:
    simulator.permit(BOB, ANNA, "write")
    bobs = CalendarRef(anna.viewer, BOB, FolderId(simulator.folder(BOB).id))
    ref = exchange.create(anna, bobs, SERIES, soon())
    assert exchange.delete_occurrences(anna, bobs, ref, [2], soon()) == (None,)
    assert _one(exchange, anna, bobs, ref).deleted == (_start(2),)


def test_what_an_old_server_would_make_something_else_of_is_refused_for_occurrences_too(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    elsewhere = replace(SERIES, busy_status=BusyStatus.WORKING_ELSEWHERE)
    write = OccurrenceWrite(2, elsewhere, frozenset({Attribute("busy_status")}))
    if simulator.service.personality.name in {"2007", "2010"}:
        with pytest.raises(RequestRefused):
            exchange.update_occurrences(anna, calendar, master.ref, [write], soon())
    else:
        (ref,) = exchange.update_occurrences(anna, calendar, master.ref, [write], soon())
        assert isinstance(ref, ItemRef)
        assert _one(exchange, anna, calendar, ref).content.busy_status is BusyStatus.WORKING_ELSEWHERE


def test_no_occurrences_ask_nothing(exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item) -> None:
    before = exchange.tallied().calls
    assert exchange.update_occurrences(anna, calendar, master.ref, [], soon()) == ()
    assert exchange.delete_occurrences(anna, calendar, master.ref, [], soon()) == ()
    assert exchange.tallied().calls == before


# --- masters and instances ---------------------------------------------------------------------------


def test_a_series_keeps_its_hour_of_its_own_zone(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, master: Item
) -> None:
    moved = replace(SERIES, start=START + HOUR, end=START + 2 * HOUR)
    changed = frozenset({Attribute("start"), Attribute("end")})
    ref = exchange.update(anna, calendar, master.ref, moved, changed, soon())
    assert _one(exchange, anna, calendar, ref).content == moved
    (told,) = exchange.availability(anna, [ANNA], START, START + 70 * DAY, soon())
    assert isinstance(told, Availability)
    assert [block.start - HOUR for block in told.blocks] == [_start(index) for index in range(1, 11)]


def test_instances_without_a_master_are_found_by_their_uid_and_know_their_place(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    uid = "040000008200E00074C5B7101A82E00800000000" + "AB" * 36
    made = {
        simulator.add_event(
            ANNA,
            subject="Invited",
            start=datetime(2026, 7, day, 16),  # noqa: DTZ001 - a time of the event's zone, as in the people file
            end=datetime(2026, 7, day, 17),  # noqa: DTZ001 - the same
            zone=BERLIN.id,
            uid=uid,
            instance=date(2026, 7, day),
        ).id
        for day in (6, 20)
    }
    found = exchange.find(anna, calendar, Uid(uid), soon())
    assert {ref.id for ref in found} == made
    items = [_one(exchange, anna, calendar, ref) for ref in found]
    assert {item.kind for item in items} == {ItemKind.SINGLE}
    assert {item.original_start for item in items} == {datetime(2026, 7, day, 14, tzinfo=UTC) for day in (6, 20)}


# --- availability ------------------------------------------------------------------------------------


def test_a_year_of_three_mailboxes_is_nine_calls(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, master: Item
) -> None:
    del master
    simulator.add_event(BOB, subject="Away", start=START, end=START + 50 * DAY, busy="OOF")
    before = sum(exchange.tallied().calls.values())
    told = exchange.availability(anna, [ANNA, BOB, EVE], START - DAY, START + 364 * DAY, soon())
    assert sum(exchange.tallied().calls.values()) - before == 9
    anna_told, bob_told, eve_told = told
    assert isinstance(anna_told, Availability)
    assert isinstance(bob_told, Availability)
    assert len(anna_told.blocks) == 10
    assert bob_told.blocks[0].start == START
    assert bob_told.blocks[-1].end == START + 50 * DAY
    assert {block.status for block in bob_told.blocks} == {BusyStatus.OUT_OF_OFFICE}
    assert eve_told == Availability(EVE, ())


def test_a_mailbox_whose_time_may_not_be_seen_says_why(
    simulator: Simulator, exchange: EwsExchange, anna: Caller
) -> None:
    simulator.permit(BOB, ANNA, "none")
    bob, nobody = exchange.availability(anna, [BOB, Address("nobody@example.com")], START, START + DAY, soon())
    assert isinstance(bob, NoAvailability)
    assert not bob.is_unknown
    assert isinstance(nobody, NoAvailability)
    assert nobody.is_unknown
