"""What every back end of the port does with series: masters, changed and deleted occurrences, availability."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.errors import ExchangeSays
from bridge.exchange import Deadline, OccurrenceWrite
from bridge.item import Attribute, BusyStatus, Content, Item, ItemKind, ItemRef, Uid, Zone
from bridge.model import Address, Availability, Block, NoAvailability
from bridge.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Day,
    Position,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zone_rules import agree, make_rules
from bridge.zones import load_zone, to_custom

from port_subject import Subject

BERLIN = Zone("W. Europe Standard Time")
START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FIRST = date(2027, 3, 1)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
WEEKLY = Recurrence(Weekly(1, (Day.MONDAY,), Day.MONDAY), FIRST, count=10)


def soon() -> Deadline:
    return Deadline.after(20)


def series(uid: str, recurrence: Recurrence = WEEKLY, start: datetime = START) -> Content:
    return Content(Uid(uid), "Series", start, start + HOUR, BERLIN, BERLIN, recurrence=recurrence)


def as_kept(subject: Subject, content: Content) -> Content:
    """Give a weekly series with the first day of the week that the server has."""
    if (
        not subject.weeks_from_sunday
        or content.recurrence is None
        or not isinstance(content.recurrence.pattern, Weekly)
    ):
        return content
    return replace(
        content,
        recurrence=replace(content.recurrence, pattern=replace(content.recurrence.pattern, first_day=Day.SUNDAY)),
    )


def made(subject: Subject, content: Content) -> Item:
    return read(subject, subject.exchange.create(subject.owner, subject.calendar, content, soon()))


def read(subject: Subject, ref: ItemRef) -> Item:
    (found,) = subject.exchange.get(subject.owner, subject.calendar, [ref.id], soon())
    assert isinstance(found, Item)
    return found


def change(subject: Subject, master: Item, *writes: OccurrenceWrite) -> list[ItemRef]:
    answers = subject.exchange.update_occurrences(subject.owner, subject.calendar, master.ref, writes, soon())
    refs = [one for one in answers if isinstance(one, ItemRef)]
    assert len(refs) == len(writes), answers
    return refs


def moved(master: Item, index: int, by: timedelta, subject_line: str = "Moved") -> OccurrenceWrite:
    """Move an occurrence of a weekly series that begins before the clock changes."""
    start = START + (index - 1) * WEEK + by
    if index > 4:
        start -= HOUR
    content = replace(master.content, subject=subject_line, start=start, end=start + HOUR, recurrence=None)
    return OccurrenceWrite(index, content, frozenset(map(Attribute, ("subject", "start", "end"))))


@pytest.mark.parametrize(
    "recurrence",
    [
        Recurrence(Daily(3), FIRST, count=5),
        Recurrence(Weekly(2, (Day.MONDAY, Day.THURSDAY), Day.SUNDAY), FIRST, end=date(2027, 6, 30)),
        Recurrence(Weekly(1, (Day.MONDAY, Day.THURSDAY), Day.MONDAY), FIRST, count=7),
        Recurrence(AbsoluteMonthly(1, 1), FIRST),
        Recurrence(RelativeMonthly(2, Day.MONDAY, Position.FIRST), FIRST, count=4),
        Recurrence(RelativeMonthly(1, Day.WEEKDAY, Position.FIRST), FIRST, count=4),
        Recurrence(AbsoluteYearly(3, 1), FIRST),
        Recurrence(RelativeYearly(3, Day.MONDAY, Position.FIRST), FIRST, end=date(2035, 1, 1)),
    ],
    ids=lambda recurrence: type(recurrence.pattern).__name__,
)
def test_a_pattern_is_read_back_as_it_was_written(subject: Subject, recurrence: Recurrence) -> None:
    wanted = series(f"series-{type(recurrence.pattern).__name__}", recurrence)
    master = made(subject, wanted)
    assert master.kind is ItemKind.MASTER
    assert master.content == as_kept(subject, wanted)
    assert (master.exceptions, master.deleted) == ((), ())


def test_the_feed_lists_a_master_and_none_of_its_occurrences(subject: Subject) -> None:
    master = made(subject, series("series-feed"))
    change(subject, master, moved(master, 2, 2 * HOUR))
    page = subject.exchange.feed(subject.owner, subject.calendar, None, soon())
    assert [entry.ref.id for entry in page.entries] == [master.ref.id]


def test_changed_occurrences_are_listed_by_their_master_and_read_by_their_ids(subject: Subject) -> None:
    master = made(subject, series("series-change"))
    refs = change(subject, master, moved(master, 2, 2 * HOUR, "Second"), moved(master, 6, DAY, "Sixth"))
    master = read(subject, master.ref)
    second, sixth = START + WEEK, START + 5 * WEEK - HOUR
    assert [one.original_start for one in master.exceptions] == [second, sixth]
    assert [(one.start, one.end) for one in master.exceptions] == [
        (second + 2 * HOUR, second + 3 * HOUR),
        (sixth + DAY, sixth + DAY + HOUR),
    ]
    found = subject.exchange.get(subject.owner, subject.calendar, [one.ref.id for one in master.exceptions], soon())
    items = [one for one in found if isinstance(one, Item)]
    assert [one.content.subject for one in items] == ["Second", "Sixth"]
    assert [one.original_start for one in items] == [second, sixth]
    assert {one.kind for one in items} == {ItemKind.EXCEPTION}
    assert {one.content.uid for one in items} == {"series-change"}
    assert {one.id for one in refs} == {one.ref.id for one in items}


def test_an_exception_is_changed_again_by_its_own_id(subject: Subject) -> None:
    master = made(subject, series("series-again"))
    (ref,) = change(subject, master, moved(master, 2, HOUR))
    again = replace(moved(read(subject, master.ref), 2, 3 * HOUR, "Again"), known=ref)
    change(subject, read(subject, master.ref), again)
    (listed,) = read(subject, master.ref).exceptions
    assert listed.start == START + WEEK + 3 * HOUR


def test_deleted_occurrences_are_listed_and_one_that_is_gone_is_gone(subject: Subject) -> None:
    master = made(subject, series("series-delete"))
    for _time in range(2):
        gone = subject.exchange.delete_occurrences(subject.owner, subject.calendar, master.ref, (3, 7), soon())
        assert gone == (None, None)
        master = read(subject, master.ref)
        assert master.deleted == (START + 2 * WEEK, START + 6 * WEEK - HOUR)


def test_an_occurrence_beyond_the_series_is_refused_and_the_others_are_done(subject: Subject) -> None:
    master = made(subject, series("series-beyond"))
    writes = (moved(master, 2, HOUR), moved(master, 11, HOUR))
    answers = subject.exchange.update_occurrences(subject.owner, subject.calendar, master.ref, writes, soon())
    assert isinstance(answers[0], ItemRef)
    assert isinstance(answers[1], ExchangeSays)
    assert len(read(subject, master.ref).exceptions) == 1


def test_another_pattern_is_written(subject: Subject) -> None:
    master = made(subject, series("series-pattern"))
    other = replace(master.content, recurrence=Recurrence(Daily(2), FIRST, count=3))
    changed = frozenset({Attribute("recurrence")})
    ref = subject.exchange.update(subject.owner, subject.calendar, master.ref, other, changed, soon())
    assert read(subject, ref).content == other


def test_a_single_event_becomes_a_series_and_a_series_a_single_event(subject: Subject) -> None:
    single = replace(series("series-become"), recurrence=None)
    item = made(subject, single)
    changed = frozenset({Attribute("recurrence")})
    ref = subject.exchange.update(subject.owner, subject.calendar, item.ref, series("series-become"), changed, soon())
    assert read(subject, ref).content == as_kept(subject, series("series-become"))
    ref = subject.exchange.update(subject.owner, subject.calendar, read(subject, ref).ref, single, changed, soon())
    assert (read(subject, ref).content, read(subject, ref).kind) == (single, ItemKind.SINGLE)


def test_a_series_is_found_by_its_uid(subject: Subject) -> None:
    master = made(subject, series("series-find"))
    found = subject.exchange.find(subject.owner, subject.calendar, Uid("series-find"), soon())
    assert [one.id for one in found] == [master.ref.id]


def test_availability_tells_blocks_and_who_is_unknown(subject: Subject) -> None:
    master = made(subject, series("series-busy"))
    change(subject, master, moved(master, 2, 2 * HOUR))
    subject.exchange.delete_occurrences(subject.owner, subject.calendar, read(subject, master.ref).ref, (3,), soon())
    window = (START - DAY, START + 70 * DAY)
    mailboxes = (subject.owner.viewer.address, Address("nobody@nowhere.test"))
    told, unknown = subject.exchange.availability(subject.owner, mailboxes, *window, soon())
    assert isinstance(told, Availability)
    assert told.blocks[:3] == tuple(
        Block(start, start + HOUR, BusyStatus.BUSY) for start in (START, START + WEEK + 2 * HOUR, START + 3 * WEEK)
    )
    assert len(told.blocks) == 9
    assert isinstance(unknown, NoAvailability)
    assert unknown.is_unknown


def test_a_server_that_tells_its_zones_has_the_rules_of_one_and_none_for_what_is_none(subject: Subject) -> None:
    if not subject.exchange.capabilities(subject.owner, soon()).defines_zones:
        pytest.skip("this server tells no rules")
    told = subject.exchange.zone(subject.owner, "W. Europe Standard Time", soon())
    assert told is not None
    assert agree(make_rules(told, "told"), load_zone("Europe/Berlin"), 2020, 2030)
    assert subject.exchange.zone(subject.owner, "Atlantis Standard Time", soon()) is None


def test_a_series_that_brings_rules_along_is_expanded_by_them_and_read_back_with_them(subject: Subject) -> None:
    if not subject.exchange.capabilities(subject.owner, soon()).defines_zones:
        pytest.skip("this server takes no rules")
    summer = ClockChange(5, 7200, 4620, is_daylight=True, weekday=6, position=1)
    winter = ClockChange(9, 10800, 1020, weekday=6, position=1)
    ship = to_custom(ZoneDefinition((ZoneEra(1020, (summer, winter)),)))
    start = datetime(2027, 4, 26, 9, tzinfo=UTC) - timedelta(minutes=17)
    recurrence = Recurrence(Weekly(1, (Day.MONDAY,)), start.date(), count=4)
    wanted = Content(Uid("ship"), "Aboard", start, start + HOUR, ship, ship, recurrence=recurrence)
    ref = subject.exchange.create(subject.owner, subject.calendar, wanted, soon())
    found = read(subject, ref).content
    assert found.start_zone.definition == ship.definition
    window = datetime(2027, 4, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    (told,) = subject.exchange.availability(subject.owner, [subject.owner.viewer.address], *window, soon())
    assert isinstance(told, Availability)
    starts = [block.start for block in told.blocks]
    assert starts == [start, *(start + timedelta(days=7 * week, hours=-1) for week in (1, 2, 3))]
