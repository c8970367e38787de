"""Series through the store: what changed is sent and nothing else; a lost answer is found out by reading."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bridge.errors import ExchangeTimedOut, NotExpressible, PreconditionFailed, Unavailable
from bridge.item import ItemKind, Zone
from bridge.model import ETag
from bridge.recurrence import Daily, Day, Recurrence, Weekly

from events import event, override, series
from memory_exchange import MemoryExchange
from world import World

BERLIN = Zone("W. Europe Standard Time")
FIRST = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
SECOND, THIRD = FIRST + WEEK, FIRST + 2 * WEEK
READING = {"feed", "get", "zone"}
MONDAYS = Recurrence(Weekly(1, (Day.MONDAY,), Day.MONDAY), date(2027, 3, 1), count=10)
MOVED = override("20270308", "Moved", "20270308T140000")
RENAMED = override("20270315", "Renamed", "20270315T090000")


@pytest.fixture(params=["reset", "keep", "split"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, MemoryExchange(reshaping=request.param))
    yield made
    made.close()


def etag_of(world: World, name: str = "s.ics") -> ETag:
    return ETag(world.etags()[name])


def put(world: World, body: bytes) -> None:
    """PUT what replaces the series that is there."""
    world.put("s.ics", body, match=etag_of(world))


def test_a_new_series_costs_a_write_a_read_and_the_look_for_its_uid(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    assert world.put("s.ics", series("s1"), new=True).created
    assert world.exchange.calls == {"zone": 1, "find": 1, "create": 1, "get": 1}
    (master,) = world.items()
    assert master.content.recurrence is not None
    assert master.content.recurrence.count == 10
    assert "RRULE:FREQ=WEEKLY;COUNT=10" in world.text("s.ics")
    world.put("s2.ics", series("s2"), new=True)
    assert world.exchange.calls["zone"] == 1


def test_a_new_series_with_exceptions_costs_three_writes_and_two_reads(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    body = series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED, RENAMED])
    world.put("s.ics", body, new=True)
    assert world.exchange.calls["create"] == 1
    assert world.exchange.calls["update_occurrences"] == 1
    assert world.exchange.calls["delete_occurrences"] == 1
    assert world.exchange.calls["get"] <= 2
    (master,) = world.items()
    assert master.deleted == (FIRST + 3 * WEEK,)
    found = world.exceptions()
    assert {start: one.subject for start, one in found.items()} == {SECOND: "Moved", THIRD: "Renamed"}
    assert found[SECOND].start == SECOND + 5 * HOUR
    assert found[THIRD].start == THIRD


def test_one_occurrence_changed_is_one_occurrence_sent(world: World) -> None:
    world.put("s.ics", series("s1", overrides=[MOVED]), new=True)
    text = world.text("s.ics")
    assert text.count("BEGIN:VEVENT") == 2
    world.exchange.calls.clear()
    put(world, series("s1", overrides=[MOVED, RENAMED]))
    assert world.exchange.calls["update_occurrences"] == 1
    assert world.exchange.calls["update"] <= 1
    assert "delete_occurrences" not in world.exchange.calls
    assert {start: one.subject for start, one in world.exceptions().items()} == {SECOND: "Moved", THIRD: "Renamed"}


def test_what_was_served_and_comes_back_unchanged_writes_nothing(world: World) -> None:
    body = series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED])
    world.put("s.ics", body, new=True)
    served = world.text("s.ics").encode()
    world.exchange.calls.clear()
    put(world, served)
    put(world, body)
    assert set(world.exchange.calls) <= READING


def test_a_series_at_an_hour_that_comes_twice_is_served_as_exchange_has_it_and_costs_no_more(world: World) -> None:
    sunday = "20271017T023000"
    body = event(
        "s1",
        "Backup",
        f"DTSTART;TZID=Europe/Berlin:{sunday}",
        f"DTEND;TZID=Europe/Berlin:{sunday.replace('T02', 'T03')}",
        "RRULE:FREQ=WEEKLY;COUNT=4",
    )
    lines = [line for line in body.splitlines() if not line.startswith((b"DTSTART:", b"DTEND:"))]
    world.etags()
    world.exchange.calls.clear()
    assert world.put("s.ics", b"\r\n".join([*lines, b""]), new=True).etag is None
    assert world.exchange.calls == {"zone": 1, "find": 1, "create": 1, "get": 1}
    assert world.exceptions() == {}
    served = world.text("s.ics")
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20271031T023000\r\n" in served
    assert "DTSTART:20271031T013000Z\r\n" in served
    world.exchange.calls.clear()
    put(world, served.encode())
    assert set(world.exchange.calls) <= READING


def test_a_deleted_occurrence_is_deleted_at_exchange(world: World) -> None:
    world.put("s.ics", series("s1"), new=True)
    put(world, series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270308T090000"))
    (master,) = world.items()
    assert master.deleted == (SECOND,)
    assert "20270308T090000" in world.text("s.ics")


def test_an_override_that_is_taken_back_is_as_the_pattern_has_it(world: World) -> None:
    world.put("s.ics", series("s1", overrides=[MOVED]), new=True)
    put(world, series("s1"))
    assert {start: (one.subject, one.start) for start, one in world.exceptions().items()} in (
        {},
        {SECOND: ("Weekly", SECOND)},
    )
    assert "Moved" not in world.text("s.ics")


def test_a_new_rule_keeps_the_overrides_that_fit_it(world: World) -> None:
    world.put("s.ics", series("s1", overrides=[MOVED]), new=True)
    put(world, series("s1", "Weekly", "RRULE:FREQ=WEEKLY;COUNT=20", overrides=[MOVED]))
    (master,) = world.items()
    assert master.content.recurrence is not None
    assert master.content.recurrence.count == 20
    assert {start: one.subject for start, one in world.exceptions().items()} == {SECOND: "Moved"}
    assert world.text("s.ics").count("BEGIN:VEVENT") == 2


def test_a_deletion_is_taken_back(world: World) -> None:
    world.put(
        "s.ics", series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270308T090000", overrides=[RENAMED]), new=True
    )
    put(world, series("s1", overrides=[RENAMED]))
    (master,) = world.items()
    assert master.deleted == ()
    assert {start: one.subject for start, one in world.exceptions().items()} == {THIRD: "Renamed"}
    assert "EXDATE" not in world.text("s.ics")


def test_a_single_event_becomes_a_series_and_back(world: World) -> None:
    world.put("s.ics", event("s1", "Weekly"), new=True)
    put(world, series("s1", overrides=[MOVED]))
    assert [one.subject for one in world.exceptions().values()] == ["Moved"]
    put(world, event("s1", "Once"))
    (item,) = world.items()
    assert (item.content.recurrence, item.content.subject) == (None, "Once")
    assert world.text("s.ics").count("BEGIN:VEVENT") == 1
    assert "RRULE" not in world.text("s.ics")


def test_a_series_made_in_outlook_is_served_whole(world: World) -> None:
    master = world.outlook_adds("o1", "Team", start_zone=BERLIN, end_zone=BERLIN, recurrence=MONDAYS)
    master = world.outlook_changes(master, lambda content: replace(content, start=FIRST, end=FIRST + HOUR))
    world.outlook_changes_occurrence(master, SECOND, lambda content: replace(content, subject="Team, in town"))
    world.outlook_deletes_occurrence(master, THIRD)
    text = world.text("o1.ics")
    assert text.count("BEGIN:VEVENT") == 2
    assert "RRULE:FREQ=WEEKLY" in text
    assert "SUMMARY:Team\\, in town" in text
    assert "EXDATE" in text
    world.exchange.calls.clear()
    world.put("o1.ics", text.encode(), match=etag_of(world, "o1.ics"))
    assert set(world.exchange.calls) <= READING


def test_an_occurrence_changed_in_outlook_is_a_new_etag(world: World) -> None:
    world.put("s.ics", series("s1"), new=True)
    etag = etag_of(world)
    (master,) = world.items()
    world.outlook_changes_occurrence(master, SECOND, lambda content: replace(content, subject="In town"))
    world.later()
    assert etag_of(world) != etag
    assert "SUMMARY:In town" in world.text("s.ics")
    with pytest.raises(PreconditionFailed):
        world.put("s.ics", series("s1", "Mine"), match=etag)


def test_what_exchange_cannot_hold_is_refused_before_anything_is_sent(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    with pytest.raises(NotExpressible, match="RRULE"):
        world.put("s.ics", series("s1", "Hourly", "RRULE:FREQ=HOURLY"), new=True)
    with pytest.raises(NotExpressible):
        world.put("s.ics", series("s1", overrides=[override("20270309", "Never", "20270309T090000")]), new=True)
    assert set(world.exchange.calls) == {"zone"}


@pytest.mark.parametrize("verb", ["create", "update_occurrences", "delete_occurrences"])
@pytest.mark.parametrize("done", [True, False])
def test_a_series_whose_answer_was_lost_at_any_step_is_whole_after_the_retry(
    world: World, verb: str, done: bool
) -> None:
    body = series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED, RENAMED])
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.put("s.ics", body, new=True)
    world.restart()
    assert world.put("s.ics", body, new=True).created
    (master,) = world.items()
    assert master.deleted == (FIRST + 3 * WEEK,)
    assert {start: one.subject for start, one in world.exceptions().items()} == {SECOND: "Moved", THIRD: "Renamed"}
    assert list(world.etags()) == ["s.ics"]


@pytest.mark.parametrize("verb", ["update", "update_occurrences"])
@pytest.mark.parametrize("done", [True, False])
def test_a_changed_series_whose_answer_was_lost_is_whole_after_the_retry(world: World, verb: str, done: bool) -> None:
    world.put("s.ics", series("s1", "Before"), new=True)
    etag = etag_of(world)
    body = series("s1", "After", overrides=[MOVED, RENAMED])
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.put("s.ics", body, match=etag)
    world.restart()
    assert not world.put("s.ics", body, match=etag).created
    (master,) = world.items()
    assert master.content.subject == "After"
    assert {start: one.subject for start, one in world.exceptions().items()} == {SECOND: "Moved", THIRD: "Renamed"}


def test_a_series_is_deleted_whole(world: World) -> None:
    world.put("s.ics", series("s1", overrides=[MOVED]), new=True)
    world.delete("s.ics", match=etag_of(world))
    assert world.items() == []
    assert world.etags() == {}


def test_names_and_etags_of_series_outlive_a_lost_mirror(world: World) -> None:
    world.put("s.ics", series("s1", overrides=[MOVED]), new=True)
    known = world.etags()
    world.lose_mirror()
    assert world.etags() == known


def test_occurrences_are_not_written_into_a_pattern_that_outlook_changed(world: World) -> None:
    world.put("s.ics", series("s1"), new=True)
    etag = etag_of(world)
    (master,) = world.items()
    daily = replace(MONDAYS, pattern=Daily(1))
    world.outlook_changes(master, lambda content: replace(content, recurrence=daily))
    with pytest.raises(PreconditionFailed):
        world.put("s.ics", series("s1", overrides=[MOVED, RENAMED]), match=etag)
    assert world.exceptions() == {}


def test_a_series_that_breaks_off_twice_is_whole_after_the_second_retry(world: World) -> None:
    body = series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED, RENAMED])
    for verb in ("update_occurrences", "delete_occurrences"):
        world.exchange.fail(verb, ExchangeTimedOut("late"))
        with pytest.raises(Unavailable):
            world.put("s.ics", body, new=True)
        world.restart()
    assert world.put("s.ics", body, new=True).created
    (master,) = world.items()
    assert (len(world.exceptions()), len(master.deleted)) == (2, 1)


def test_a_retry_does_not_write_over_an_occurrence_that_outlook_changed_meanwhile(world: World) -> None:
    world.put("s.ics", series("s1"), new=True)
    etag = etag_of(world)
    world.exchange.fail("update_occurrences", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        world.put("s.ics", series("s1", overrides=[MOVED]), match=etag)
    (master,) = world.items()
    world.outlook_changes_occurrence(master, THIRD, lambda content: replace(content, subject="Theirs"))
    with pytest.raises(PreconditionFailed):
        world.put("s.ics", series("s1", overrides=[MOVED]), match=etag)
    assert [one.subject for one in world.exceptions().values()] == ["Theirs"]


@pytest.mark.parametrize("past", [0, 1, 2])
@pytest.mark.parametrize("done", [True, False])
def test_deletions_that_are_taken_back_are_so_after_a_break_at_any_step(world: World, past: int, done: bool) -> None:
    world.put("s.ics", series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[MOVED]), new=True)
    etag = etag_of(world)
    world.exchange.fail("update", ExchangeTimedOut("late"), done_first=done, after=past)
    try:
        world.put("s.ics", series("s1", overrides=[MOVED]), match=etag)
    except Unavailable:
        world.restart()
        world.put("s.ics", series("s1", overrides=[MOVED]), match=etag)
    (master,) = [item for item in world.items() if item.kind is ItemKind.MASTER]
    assert (master.deleted, [one.original_start for one in master.exceptions]) == ((), [SECOND])
    assert "SUMMARY:Moved" in world.text("s.ics")


def test_a_retry_does_not_take_back_what_outlook_deleted_meanwhile(world: World) -> None:
    world.put("s.ics", series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000"), new=True)
    etag = etag_of(world)
    world.exchange.fail("update", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("s.ics", series("s1"), match=etag)
    (master,) = world.items()
    world.outlook_deletes_occurrence(master, SECOND)
    with pytest.raises(PreconditionFailed):
        world.put("s.ics", series("s1"), match=etag)
    (master,) = world.items()
    assert SECOND in master.deleted


def test_a_series_whose_rule_was_away_for_a_moment_has_it_after_the_second_retry(world: World) -> None:
    world.put("s.ics", series("s1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000"), new=True)
    etag = etag_of(world)
    world.exchange.fail("update", ExchangeTimedOut("late"), after=2)
    for _ in range(2):
        with contextlib.suppress(Unavailable):
            world.put("s.ics", series("s1"), match=etag)
        world.exchange.fail("update", ExchangeTimedOut("late"))
    world.exchange.mend()
    world.put("s.ics", series("s1"), match=etag)
    (master,) = world.items()
    assert (master.content.recurrence is not None, master.deleted) == (True, ())
