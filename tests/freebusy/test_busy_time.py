"""Busy time of calendars and of mailboxes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import (
    AccessDenied,
    CredentialRefused,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeUnreachable,
    LoginRefused,
)
from bridge.exchange import Waiters
from bridge.freebusy.blocks import clip, merge
from bridge.freebusy.vfreebusy import to_vfreebusy
from bridge.item import BusyStatus
from bridge.model import Address, Block, NoAvailability
from bridge.occurrences import occurrences
from bridge.recurrence import Daily, Recurrence
from bridge.resource import ExceptionRecord, IndexRecord, Snapshot

MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BOB, CAROL = Address("bob@example.com"), Address("carol@example.com")
BUSY = Block(MARCH + 9 * HOUR, MARCH + 10 * HOUR, BusyStatus.BUSY)


def at(hour: int, status: BusyStatus = BusyStatus.BUSY, length: timedelta = HOUR) -> IndexRecord:
    return IndexRecord(MARCH + hour * HOUR, MARCH + hour * HOUR + length, busy_status=status)


# --- a calendar --------------------------------------------------------------------------------------


def test_events_that_touch_are_one_block_and_free_ones_are_none(busy_time: Any, snapshot: Any) -> None:
    held = {
        "a": at(9),
        "b": at(10),
        "c": at(12, BusyStatus.FREE),
        "d": at(13, BusyStatus.OUT_OF_OFFICE),
        "e": at(9, BusyStatus.TENTATIVE),
        "f": at(20, length=timedelta()),
        "g": at(22, BusyStatus.NO_DATA),
    }
    found = busy_time().of_calendar(snapshot(held), MARCH, APRIL)
    assert found.blocks == (
        Block(MARCH + 9 * HOUR, MARCH + 10 * HOUR, BusyStatus.TENTATIVE),
        Block(MARCH + 9 * HOUR, MARCH + 11 * HOUR, BusyStatus.BUSY),
        Block(MARCH + 13 * HOUR, MARCH + 14 * HOUR, BusyStatus.OUT_OF_OFFICE),
        Block(MARCH + 22 * HOUR, MARCH + 23 * HOUR, BusyStatus.BUSY),
    )
    assert found.asked_at == snapshot(held).pulled_at


@pytest.mark.parametrize(
    ("setting", "status"), [("free", None), ("busy", BusyStatus.BUSY), ("tentative", BusyStatus.TENTATIVE)]
)
def test_working_elsewhere_counts_as_it_is_set(busy_time: Any, snapshot: Any, setting: str, status: Any) -> None:
    found = busy_time(setting).of_calendar(snapshot({"a": at(9, BusyStatus.WORKING_ELSEWHERE)}), MARCH, APRIL)
    assert [each.status for each in found.blocks] == ([] if status is None else [status])


def test_of_a_series_each_occurrence_has_its_own_status(busy_time: Any, snapshot: Any) -> None:
    cancelled = ExceptionRecord(
        MARCH + DAY + 9 * HOUR, MARCH + DAY + 9 * HOUR, MARCH + DAY + 10 * HOUR, BusyStatus.FREE
    )
    series = IndexRecord(
        MARCH + 9 * HOUR,
        MARCH + 10 * HOUR,
        recurrence=Recurrence(Daily(1), date(2026, 3, 1), count=4),
        exceptions=(cancelled,),
        deleted=(MARCH + 2 * DAY + 9 * HOUR,),
    )
    found = busy_time().of_calendar(snapshot({"a": series}), MARCH, APRIL)
    assert [each.start for each in found.blocks] == [MARCH + 9 * HOUR, MARCH + 3 * DAY + 9 * HOUR]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(-900, 1500), st.integers(1, 900), st.sampled_from([BusyStatus.BUSY, BusyStatus.TENTATIVE])
        )
    ),
    st.integers(-500, 1000),
    st.integers(1, 1500),
)
def test_months_put_together_are_the_events_of_the_window(
    busy_time: Any, snapshot: Any, spans: Any, begin: int, width: int
) -> None:
    start, end = MARCH + begin * HOUR, MARCH + (begin + width) * HOUR
    held = {str(number): at(first, status, length * HOUR) for number, (first, length, status) in enumerate(spans)}
    events = [each for record in held.values() for each in occurrences(record, start, end)]
    expected = merge(clip([Block(each.start, each.end, each.busy_status) for each in events], start, end))
    assert busy_time().of_calendar(snapshot(held), start, end).blocks == expected


def test_a_change_of_the_calendar_is_seen(busy_time: Any, snapshot: Any) -> None:
    room, first = busy_time(), snapshot({"a": at(9)})
    assert len(room.of_calendar(first, MARCH, APRIL).blocks) == 1
    second = snapshot({"a": at(9), "b": at(12)}, first, 2)
    assert len(room.of_calendar(second, MARCH, APRIL).blocks) == 2
    assert room.of_calendar(snapshot({}, second, 3), MARCH, APRIL).blocks == ()


# --- a default calendar in which something cannot be read --------------------------------------------


def with_unreadable(snapshot: Snapshot, name: str) -> Snapshot:
    """Make one of its resources a placeholder."""
    changed = {key: replace(each, is_readable=key != name) for key, each in snapshot.resources.items()}
    return replace(snapshot, load=lambda: changed)


def test_where_an_item_cannot_be_read_exchange_is_asked_when_it_recurs(
    busy_time: Any, snapshot: Any, exchange: Any, caller: Any
) -> None:
    exchange.blocks[BOB] = (BUSY, Block(MARCH + 7 * DAY, MARCH + 7 * DAY + HOUR, BusyStatus.OUT_OF_OFFICE))
    calendar = snapshot({"a": at(9), "b": at(10)})
    room = busy_time()
    assert len(room.of_default_calendar(caller(), BOB, calendar, MARCH, APRIL).blocks) == 1
    assert exchange.asked == []
    found = room.of_default_calendar(caller(), BOB, with_unreadable(calendar, "b.ics"), MARCH, APRIL)
    assert found.blocks == (
        Block(MARCH + 9 * HOUR, MARCH + 11 * HOUR, BusyStatus.BUSY),
        Block(MARCH + 7 * DAY, MARCH + 7 * DAY + HOUR, BusyStatus.OUT_OF_OFFICE),
    )


def test_the_older_of_what_is_put_together_gives_the_age(
    busy_time: Any, snapshot: Any, caller: Any, clock: Any
) -> None:
    calendar = with_unreadable(snapshot({"a": at(9)}), "a.ics")
    clock.now += DAY
    assert busy_time().of_default_calendar(caller(), BOB, calendar, MARCH, APRIL).asked_at == calendar.pulled_at
    clock.now -= 2 * DAY
    assert busy_time().of_default_calendar(caller("bob"), BOB, calendar, MARCH, APRIL).asked_at == clock.now


def test_what_nobody_can_tell_of_an_unreadable_item_is_not_called_free(
    busy_time: Any, snapshot: Any, exchange: Any, caller: Any
) -> None:
    calendar = with_unreadable(snapshot({"a": at(9)}), "a.ics")
    exchange.trouble = ExchangeUnreachable("Exchange cannot be reached.")
    with pytest.raises(ExchangeUnreachable):
        busy_time().of_default_calendar(caller(), BOB, calendar, MARCH, APRIL)
    exchange.trouble = None
    exchange.refused[BOB] = NoAvailability(BOB, "ErrorFreeBusyGenerationFailed")
    assert busy_time().of_default_calendar(caller(), BOB, calendar, MARCH, APRIL) == exchange.refused[BOB]


def test_a_viewer_who_may_not_ask_for_more_is_told_what_the_calendar_says(
    busy_time: Any, snapshot: Any, exchange: Any, caller: Any
) -> None:
    calendar = with_unreadable(snapshot({"a": at(9)}), "a.ics")
    exchange.refused[BOB] = NoAvailability(BOB, "ErrorNoFreeBusyAccess", is_refused=True)
    found = busy_time().of_default_calendar(caller(), BOB, calendar, MARCH, APRIL)
    assert found == busy_time().of_calendar(calendar, MARCH, APRIL)


# --- a mailbox ---------------------------------------------------------------------------------------


def test_a_mailbox_is_told_of_clipped_to_the_window(busy_time: Any, exchange: Any, caller: Any, clock: Any) -> None:
    exchange.blocks[BOB] = (BUSY, Block(MARCH + DAY, MARCH + 2 * DAY, BusyStatus.FREE))
    (found,) = busy_time().of_mailboxes(caller(), (BOB,), MARCH + 9.5 * HOUR, MARCH + 12 * HOUR)
    assert found.blocks == (Block(MARCH + 9.5 * HOUR, MARCH + 10 * HOUR, BusyStatus.BUSY),)
    assert found.asked_at == clock()


def test_months_are_asked_for_once_while_they_are_new(busy_time: Any, exchange: Any, caller: Any, clock: Any) -> None:
    room = busy_time()
    for _ in range(2):
        room.of_mailboxes(caller(), (BOB,), MARCH, MARCH + DAY)
        room.of_mailboxes(caller(), (BOB,), MARCH + 5 * DAY, APRIL)
    assert exchange.asked == [((BOB,), MARCH, APRIL)]
    room.of_mailboxes(caller(), (BOB,), MARCH, APRIL + DAY)
    assert exchange.asked[1:] == [((BOB,), APRIL, datetime(2026, 5, 1, tzinfo=UTC))]
    clock.now += timedelta(seconds=61)
    exchange.blocks[BOB] = (BUSY,)
    assert room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)[0].blocks == (BUSY,)


def test_a_viewer_is_not_told_what_another_was_told(busy_time: Any, exchange: Any, caller: Any) -> None:
    exchange.blocks[BOB] = (BUSY,)
    room = busy_time()
    room.of_mailboxes(caller("alice"), (BOB,), MARCH, APRIL)
    exchange.refused[BOB] = NoAvailability(BOB, "ErrorNoFreeBusyAccess")
    (found,) = room.of_mailboxes(caller("mallory"), (BOB,), MARCH, APRIL)
    assert isinstance(found, NoAvailability)


def test_who_is_not_told_of_is_never_free(busy_time: Any, exchange: Any, caller: Any) -> None:
    exchange.blocks[CAROL] = (BUSY,)
    exchange.refused[BOB] = NoAvailability(BOB, "ErrorMailRecipientNotFound", is_unknown=True)
    refused, told = busy_time().of_mailboxes(caller(), (BOB, CAROL), MARCH, APRIL)
    assert refused == exchange.refused[BOB]
    assert told.blocks == (BUSY,)


def test_an_old_answer_is_given_with_its_age_when_there_is_no_new_one(
    busy_time: Any, exchange: Any, caller: Any, clock: Any
) -> None:
    exchange.blocks[BOB] = (BUSY,)
    room, told_at = busy_time(), clock()
    room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)
    clock.now += DAY
    exchange.trouble = ExchangeUnreachable("Exchange cannot be reached.")
    (found,) = room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)
    assert (found.blocks, found.asked_at) == ((BUSY,), told_at)
    with pytest.raises(ExchangeUnreachable):
        room.of_mailboxes(caller(), (BOB,), MARCH, APRIL + DAY)


def test_a_process_that_starts_while_exchange_is_away_tells_what_was_told_before(
    busy_time: Any, exchange: Any, caller: Any, clock: Any
) -> None:
    exchange.blocks = {BOB: (BUSY,)}
    before = busy_time().of_mailboxes(caller(), [BOB], MARCH, APRIL)
    asked_at = clock.now
    clock.now += 100 * DAY
    exchange.trouble = ExchangeUnreachable("away")
    assert busy_time().of_mailboxes(caller(), [BOB], MARCH, APRIL) == before
    assert before[0].asked_at == asked_at
    with pytest.raises(ExchangeUnreachable):
        busy_time().of_mailboxes(caller("carol"), [BOB], MARCH, APRIL)


def test_a_right_that_was_taken_away_ends_what_is_kept_of_every_month(
    busy_time: Any, exchange: Any, caller: Any
) -> None:
    exchange.blocks = {BOB: (BUSY,)}
    busy_time().of_mailboxes(caller(), [BOB], MARCH, APRIL + 30 * DAY)
    exchange.refused = {BOB: NoAvailability(BOB, "ErrorNoFreeBusyAccess", is_refused=True)}
    busy_time().of_mailboxes(caller(), [BOB], APRIL + 40 * DAY, APRIL + 41 * DAY)
    exchange.trouble = ExchangeUnreachable("away")
    with pytest.raises(ExchangeUnreachable):
        busy_time().of_mailboxes(caller(), [BOB], MARCH, APRIL)


def test_a_right_that_was_taken_away_ends_the_old_answer(
    busy_time: Any, exchange: Any, caller: Any, clock: Any
) -> None:
    exchange.blocks[BOB] = (BUSY,)
    room = busy_time()
    room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)
    clock.now += DAY
    exchange.refused[BOB] = NoAvailability(BOB, "ErrorNoFreeBusyAccess")
    assert room.of_mailboxes(caller(), (BOB,), MARCH, APRIL) == (exchange.refused[BOB],)


def test_a_credential_gone_bad_is_a_login_refused_and_told(
    busy_time: Any, exchange: Any, caller: Any, refused: Any, clock: Any
) -> None:
    room = busy_time()
    room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)
    clock.now += DAY
    exchange.trouble = CredentialRefused("The password is wrong.")
    with pytest.raises(LoginRefused):
        room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)
    assert refused == [caller()]
    exchange.trouble = AccessDenied("No.")
    with pytest.raises(ExchangeFailed):
        room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)


def test_the_same_question_asked_by_many_at_once_is_asked_once(
    busy_time: Any, exchange: Any, caller: Any, waiters: Any
) -> None:
    exchange.blocks[BOB] = (BUSY,)
    exchange.gate.clear()
    room = busy_time()
    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(room.of_mailboxes, caller(), (BOB,), MARCH, APRIL) for _ in range(5)]
        everyone_waits = waiters.wait_for(5)
        exchange.gate.set()
        assert [each.result(10)[0].blocks for each in asking] == [(BUSY,)] * 5
    assert everyone_waits
    assert len(exchange.asked) == 1


def test_those_who_wait_for_a_question_that_fails_hear_of_it(
    busy_time: Any, exchange: Any, caller: Any, waiters: Any
) -> None:
    exchange.gate.clear()
    exchange.trouble = ExchangeUnreachable("Exchange cannot be reached.")
    room = busy_time()
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(room.of_mailboxes, caller(), (BOB,), MARCH, APRIL) for _ in range(2)]
        everyone_waits = waiters.wait_for(2)
        exchange.gate.set()
        for each in asking:
            with pytest.raises(ExchangeUnreachable):
                each.result(10)
    assert everyone_waits
    assert len(exchange.asked) == 1
    exchange.trouble = None
    assert room.of_mailboxes(caller(), (BOB,), MARCH, APRIL)[0].blocks == ()


def test_no_more_threads_wait_on_exchange_than_may(busy_time: Any, exchange: Any, caller: Any) -> None:
    exchange.gate.clear()
    room = busy_time(places=Waiters(1))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(room.of_mailboxes, caller(), (BOB,), MARCH, APRIL)
        assert exchange.arrived.wait(10)
        with pytest.raises(ExchangeBusy):
            room.of_mailboxes(caller(), (CAROL,), MARCH, APRIL)
        exchange.gate.set()
        assert first.result(10)[0].blocks == ()


def test_months_in_memory_are_bounded(busy_time: Any, caller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.freebusy.mailbox_times.MONTHS_HELD", 2)
    room = busy_time()
    room.of_mailboxes(caller(), (BOB, CAROL), MARCH, APRIL + 60 * DAY)
    assert len(room._mailboxes._told) == 2
    assert len(room.of_mailboxes(caller(), (BOB, CAROL), MARCH, APRIL + 60 * DAY)) == 2


# --- VFREEBUSY ---------------------------------------------------------------------------------------


def test_a_vfreebusy_tells_periods_and_nothing_else() -> None:
    blocks = (
        BUSY,
        Block(MARCH + DAY, MARCH + 2 * DAY, BusyStatus.OUT_OF_OFFICE),
        Block(MARCH, APRIL, BusyStatus.TENTATIVE),
    )
    text = to_vfreebusy(blocks, MARCH, APRIL, MARCH + HOUR)
    found: Any
    (found,) = icalendar.Calendar.from_ical(text).walk("VFREEBUSY")
    assert (found["DTSTART"].dt, found["DTEND"].dt, found["DTSTAMP"].dt) == (MARCH, APRIL, MARCH + HOUR)
    periods = [(each.params["FBTYPE"], each.dt) for each in found["FREEBUSY"]]
    assert periods == [
        ("BUSY", (BUSY.start, BUSY.end)),
        ("BUSY-UNAVAILABLE", (MARCH + DAY, MARCH + 2 * DAY)),
        ("BUSY-TENTATIVE", (MARCH, APRIL)),
    ]
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"FREEBUSY" not in to_vfreebusy((), MARCH, APRIL, MARCH).replace(b"VFREEBUSY", b"")
