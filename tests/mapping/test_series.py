"""Series under a client's and Outlook's hands: what changes, what stays, what comes back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from icalendar import Timezone

from bridge.errors import NotExpressible
from bridge.item import (
    BusyStatus,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    OccurrenceRef,
    Response,
    Sensitivity,
    Uid,
    Zone,
)
from bridge.mapping.calendar_object import parse
from bridge.mapping.component import read_components
from bridge.mapping.context import Context
from bridge.mapping.kept import parse_kept
from bridge.mapping.resource import instance_start
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.recurrence import Daily, Day, Recurrence, Weekly
from bridge.resource import ExceptionRecord, IndexRecord

Hold = Callable[[WantedSeries], tuple[Item, ...]]
BERLIN = Zone("W. Europe Standard Time")
HOUR = timedelta(hours=1)
MASTER = [
    "UID:uid-1",
    "DTSTAMP:20260101T000000Z",
    "DTSTART;TZID=Europe/Berlin:20260302T090000",
    "DTEND;TZID=Europe/Berlin:20260302T100000",
    "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=10",
    "SUMMARY:Review",
    "ATTENDEE:mailto:bea@example.test",
    "X-OTHER:master",
]
MOVED = [
    "UID:uid-1",
    "DTSTAMP:20260102T000000Z",
    "RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000",
    "DTSTART;TZID=Europe/Berlin:20260317T140000",
    "DTEND;TZID=Europe/Berlin:20260317T150000",
    "SUMMARY:Review",
    "ATTENDEE:mailto:bea@example.test",
    "X-OTHER:moved",
]
SECOND, THIRD, FIFTH = (datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((9, 8), (16, 8), (30, 7)))


def body(*events: list[str]) -> bytes:
    lines = [line for event in events for line in ("BEGIN:VEVENT", *event, "END:VEVENT")]
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR")).encode()


def line_of(name: str, text: bytes, event: int = 0) -> list[str]:
    component = read_components(text)[0]
    events = [child for child in component.children if child.name == "VEVENT"]
    return [line.raw for line in events[event].all(name)]


@pytest.fixture
def stored(context: Context, hold: Hold) -> tuple[Item, ...]:
    """Give a weekly meeting of which the third is moved and the second deleted."""
    return hold(to_items(parse(body([*MASTER, "EXDATE;TZID=Europe/Berlin:20260309T090000"], MOVED)), context, ()))


@pytest.fixture
def served(stored: tuple[Item, ...], context: Context) -> bytes:
    """Give it as it is served."""
    return to_ical(stored, context).text


def outlook(items: tuple[Item, ...], number: int = 0, **more: object) -> tuple[Item, ...]:
    """Change the content of one of the items, as somebody in Outlook does."""
    item = replace(items[number], content=replace(items[number].content, **more))  # type: ignore[arg-type] # by name
    return (*items[:number], item, *items[number + 1 :])


# --- what a client changes ---------------------------------------------------------------------------


def test_one_occurrence_moved_is_one_exception(context: Context, hold: Hold) -> None:
    items = hold(to_items(parse(body(MASTER)), context, ()))
    wanted = to_items(parse(body(MASTER, MOVED)), context, items)
    assert wanted.master is not None
    assert changed(items[0].content, wanted.master) == {"kept"}
    assert list(wanted.exceptions) == [THIRD]
    assert wanted.exceptions[THIRD].start == datetime(2026, 3, 17, 13, tzinfo=UTC)
    assert wanted.exceptions[THIRD].recurrence is None


def test_another_occurrence_deleted_leaves_the_exceptions_as_they_are(
    context: Context, stored: tuple[Item, ...], served: bytes
) -> None:
    text = served.replace(b"SUMMARY:Review", b"EXDATE;TZID=Europe/Berlin:20260330T090000\r\nSUMMARY:Review", 1)
    wanted = to_items(parse(text), context, stored)
    assert wanted.master is not None
    assert changed(stored[0].content, wanted.master) <= {"kept"}
    assert wanted.deleted == {SECOND, FIFTH}
    assert dict(wanted.exceptions) == {THIRD: stored[1].content}


def test_a_deleted_occurrence_can_be_wanted_back(context: Context, stored: tuple[Item, ...]) -> None:
    wanted = to_items(parse(body(MASTER, MOVED)), context, stored)
    assert wanted.deleted == frozenset()
    assert dict(wanted.exceptions) == {THIRD: stored[1].content}


def test_a_changed_occurrence_that_the_client_leaves_out_shall_be_as_the_pattern_has_it(
    context: Context, stored: tuple[Item, ...]
) -> None:
    wanted = to_items(parse(body([*MASTER, "EXDATE;TZID=Europe/Berlin:20260309T090000"])), context, stored)
    assert changed(stored[1].content, wanted.exceptions[THIRD]) == {"start", "end"}
    assert wanted.exceptions[THIRD].start == THIRD
    assert wanted.deleted == {SECOND}


def test_a_new_time_of_a_series_leaves_its_recurrence_alone(context: Context, hold: Hold) -> None:
    items = outlook(hold(to_items(parse(body(MASTER)), context, ())))
    pattern = Recurrence(Weekly(1, (Day.MONDAY,), Day.SUNDAY), date(2026, 3, 2), count=10)
    items = outlook(items, recurrence=pattern)
    served = to_ical(items, context).text.replace(b":20260302T090000", b":20260302T093000")
    wanted = to_items(parse(served), context, items)
    assert wanted.master is not None
    assert changed(items[0].content, wanted.master) - {"kept"} == {"start"}
    assert wanted.master.recurrence == pattern


def test_a_series_moved_to_another_day_has_a_recurrence_that_begins_there(context: Context, hold: Hold) -> None:
    master = [*MASTER[:4], "RRULE:FREQ=WEEKLY;COUNT=10", *MASTER[5:]]
    items = hold(to_items(parse(body(master)), context, ()))
    text = to_ical(items, context).text.replace(b":20260302T", b":20260303T")
    wanted = to_items(parse(text), context, items)
    assert wanted.master is not None
    assert wanted.master.recurrence == Recurrence(Weekly(1, (Day.TUESDAY,), Day.MONDAY), date(2026, 3, 3), count=10)


def test_a_new_rule_keeps_the_exceptions_that_it_still_has(
    context: Context, stored: tuple[Item, ...], served: bytes
) -> None:
    text = served.replace(b"FREQ=WEEKLY;BYDAY=MO;COUNT=10", b"FREQ=WEEKLY;BYDAY=MO;COUNT=20")
    wanted = to_items(parse(text), context, stored)
    assert wanted.master is not None
    assert changed(stored[0].content, wanted.master) - {"kept"} == {"recurrence"}
    assert dict(wanted.exceptions) == {THIRD: stored[1].content}
    assert wanted.deleted == {SECOND}


def test_exceptions_that_a_new_rule_has_no_more_are_gone(context: Context, stored: tuple[Item, ...]) -> None:
    wanted = to_items(parse(body([*MASTER[:4], "RRULE:FREQ=WEEKLY;COUNT=2", *MASTER[5:]])), context, stored)
    assert (wanted.exceptions, wanted.deleted) == ({}, frozenset())


def test_a_single_event_becomes_a_series_and_a_series_a_single_event(
    context: Context, hold: Hold, stored: tuple[Item, ...]
) -> None:
    alone = [line for line in MASTER if not line.startswith("RRULE")]
    single = hold(to_items(parse(body(alone)), context, ()))
    wanted = to_items(parse(body(MASTER)), context, single)
    assert wanted.master is not None
    assert changed(single[0].content, wanted.master) - {"kept"} == {"recurrence"}
    wanted = to_items(parse(body(alone)), context, stored)
    assert wanted.master is not None
    assert wanted.master.recurrence is None
    assert (wanted.exceptions, wanted.deleted) == ({}, frozenset())


def test_what_an_exception_at_exchange_carries_of_its_own_stays(
    context: Context, stored: tuple[Item, ...], served: bytes
) -> None:
    items = outlook(stored, 1, kept="the master's, inherited", name_stamp="stamp")
    assert to_ical(items, context).text == served
    wanted = to_items(parse(served.replace(b"T140000", b"T143000")), context, items)
    assert changed(items[1].content, wanted.exceptions[THIRD]) == {"start"}


def test_a_sensitivity_that_looks_like_another_is_left_as_it_is_in_a_new_exception(
    context: Context, hold: Hold
) -> None:
    items = outlook(hold(to_items(parse(body(MASTER)), context, ())), sensitivity=Sensitivity.PERSONAL)
    text = to_ical(items, context).text
    master = read_components(text)[0].children[-1]
    copy = [line.raw for line in master.lines if line.name not in {"DTSTART", "DTEND", "RRULE"}]
    wanted = to_items(parse(body([line.raw for line in master.lines], [*copy, *MOVED[2:5]])), context, items)
    assert wanted.exceptions[THIRD].sensitivity is Sensitivity.PERSONAL


def test_every_change_is_refused_before_what_exchange_cannot_hold(
    context: Context, stored: tuple[Item, ...], served: bytes
) -> None:
    text = served.replace(b":20260317T140000", b":20260324T140000").replace(b":20260317T150000", b":20260324T150000")
    with pytest.raises(NotExpressible, match="onto the day of its neighbour"):
        to_items(parse(text), context, stored)


def test_what_stands_at_exchange_is_not_refused_when_it_is_saved_as_it_is(
    context: Context, stored: tuple[Item, ...]
) -> None:
    """A server may have let somebody move an occurrence further than ours would."""
    items = outlook(stored, 1, start=datetime(2026, 3, 24, 9, tzinfo=UTC), end=datetime(2026, 3, 24, 10, tzinfo=UTC))
    wanted = to_items(parse(to_ical(items, context).text), context, items)
    assert dict(wanted.exceptions) == {THIRD: items[1].content}


def test_what_is_kept_of_exceptions_is_bounded_with_the_rest(context: Context) -> None:
    big = [*MOVED, "X-BIG:" + "x" * 70_000]
    with pytest.raises(NotExpressible, match=r"^X-BIG and what else"):
        to_items(parse(body(MASTER, big)), context, ())


def test_attendees_that_only_an_exception_has_are_the_clients_to_mail(context: Context) -> None:
    master = [line for line in MASTER if not line.startswith("ATTENDEE")]
    wanted = to_items(parse(body(master, MOVED)), context, ())
    assert wanted.master is not None
    assert parse_kept(wanted.master.kept).mailed == "client"


def test_a_derived_uid_is_shown_in_every_event_and_never_written(context: Context, stored: tuple[Item, ...]) -> None:
    text = to_ical(stored, context, Uid("uid-1-derived")).text
    assert text.count(b"UID:uid-1-derived\r\n") == 2
    wanted = to_items(parse(text), context, stored)
    assert wanted.uid == "uid-1-derived"
    assert wanted.master == stored[0].content
    assert dict(wanted.exceptions) == {THIRD: stored[1].content}


# --- what Outlook changes ----------------------------------------------------------------------------


def test_an_occurrence_moved_in_outlook_has_all_that_the_client_said_of_the_series(
    context: Context, stored: tuple[Item, ...]
) -> None:
    content = replace(
        stored[1].content,
        start=FIFTH + HOUR,
        end=FIFTH + 2 * HOUR,
    )
    fifth = Item(
        ItemRef(ItemId("5"), ChangeKey("key")), content, ItemKind.EXCEPTION, original_start=FIFTH, modified=FIFTH
    )
    text = to_ical((*stored, fifth), context).text
    assert line_of("RECURRENCE-ID", text, 2) == ["RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000"]
    assert line_of("ATTENDEE", text, 2) == ["ATTENDEE:mailto:bea@example.test"]
    assert line_of("X-OTHER", text, 2) == ["X-OTHER:master"]
    assert line_of("DTSTAMP", text, 2) == ["DTSTAMP:20260330T070000Z"]
    assert line_of("X-OTHER", text, 1) == ["X-OTHER:moved"]


def test_an_exception_changed_in_outlook_is_shown_as_it_is_there(context: Context, stored: tuple[Item, ...]) -> None:
    text = to_ical(outlook(stored, 1, subject="Retro"), context).text
    assert line_of("SUMMARY", text, 1) == ["SUMMARY:Retro"]
    assert line_of("DTSTART", text, 1) == ["DTSTART;TZID=Europe/Berlin:20260317T140000"]
    assert line_of("X-OTHER", text, 1) == ["X-OTHER:moved"]


def test_an_occurrence_that_is_no_exception_at_exchange_follows_its_series(context: Context, hold: Hold) -> None:
    same = [*MOVED[:3], "DTSTART;TZID=Europe/Berlin:20260316T090000", "DTEND;TZID=Europe/Berlin:20260316T100000"]
    items = hold(to_items(parse(body(MASTER, [*same, *MOVED[5:]])), context, ()))
    assert len(items) == 1
    text = to_ical(outlook(items, subject="Retro"), context).text
    assert line_of("SUMMARY", text, 1) == ["SUMMARY:Retro"]
    assert line_of("X-OTHER", text, 1) == ["X-OTHER:moved"]
    gone = (replace(items[0], deleted=(THIRD,)),)
    assert to_ical(gone, context).text.count(b"BEGIN:VEVENT") == 1
    other = outlook(items, recurrence=Recurrence(Daily(5), date(2026, 3, 2)))
    assert to_ical(other, context).text.count(b"BEGIN:VEVENT") == 1


def test_an_original_start_told_an_hour_off_is_shown_where_the_pattern_has_it_and_kept_as_told(
    context: Context, stored: tuple[Item, ...]
) -> None:
    master = replace(stored[0], deleted=(SECOND + HOUR,))
    items = (master, replace(stored[1], original_start=THIRD - HOUR))
    shown = to_ical(items, context)
    assert shown == to_ical(stored, context)
    wanted = to_items(parse(shown.text), context, items)
    assert wanted.deleted == {SECOND + HOUR}
    assert dict(wanted.exceptions) == {THIRD - HOUR: stored[1].content}


def test_an_exception_that_cannot_be_read_stands_where_its_master_says(context: Context, hold: Hold) -> None:
    (master,) = hold(to_items(parse(body(MASTER)), context, ()))
    ref = ItemRef(ItemId("unread"), ChangeKey("key"))
    listed = OccurrenceRef(ref, THIRD, THIRD + 5 * HOUR, THIRD + 6 * HOUR)
    shown = to_ical((replace(master, exceptions=(listed,)),), context)
    assert shown.index.exceptions == (ExceptionRecord(THIRD, THIRD + 5 * HOUR, THIRD + 6 * HOUR),)
    assert line_of("DTSTART", shown.text, 1) == ["DTSTART;TZID=Europe/Berlin:20260316T140000"]


def test_an_exception_without_its_original_start_is_found_by_its_master(
    context: Context, stored: tuple[Item, ...]
) -> None:
    items = (stored[0], replace(stored[1], original_start=None))
    assert to_ical(items, context) == to_ical(stored, context)


# --- the index record and the zone -------------------------------------------------------------------


def test_the_index_says_all_that_an_expansion_needs(context: Context, stored: tuple[Item, ...]) -> None:
    master, moved = stored
    cancelled = replace(moved, is_cancelled=True)
    assert to_ical((master, cancelled), context).index == IndexRecord(
        master.content.start,
        master.content.end,
        zone_id=BERLIN.id,
        recurrence=Recurrence(Weekly(1, (Day.MONDAY,), Day.MONDAY), date(2026, 3, 2), count=10),
        exceptions=(ExceptionRecord(THIRD, moved.content.start, moved.content.end, BusyStatus.FREE),),
        deleted=(SECOND,),
    )


def test_the_index_says_which_occurrences_are_whole_days(context: Context, stored: tuple[Item, ...]) -> None:
    master, moved = stored
    day = replace(moved.content, start=THIRD - 9 * HOUR, end=THIRD + 15 * HOUR, is_all_day=True)
    (told,) = to_ical((master, replace(moved, content=day)), context).index.exceptions
    assert (told.is_all_day, told.start, told.end) == (True, day.start, day.end)


def test_the_index_of_a_declined_series_is_free(context: Context, stored: tuple[Item, ...]) -> None:
    declined = (replace(stored[0], is_meeting=True, my_response=Response.DECLINE), stored[1])
    index = to_ical(declined, context).index
    assert (index.busy_status, index.exceptions[0].busy_status) == (BusyStatus.FREE, BusyStatus.BUSY)


@pytest.mark.parametrize(
    ("recurrence", "years"),
    [
        (Recurrence(Daily(300), date(2003, 5, 1)), range(2003, 2060)),
        (Recurrence(Daily(300), date(2003, 5, 1), end=date(2009, 1, 1)), range(2003, 2009)),
        (Recurrence(Daily(1), date(2026, 5, 1), count=3), range(2026, 2027)),
    ],
)
def test_the_zone_is_told_right_for_as_long_as_the_series_goes_on(
    recurrence: Recurrence, years: range, context: Context, make_item: Callable[..., Item]
) -> None:
    start = datetime(recurrence.start.year, 5, 1, 13, tzinfo=UTC)
    zone = Zone("Eastern Standard Time")
    content = Content(Uid("uid-1"), "", start, start + HOUR, zone, zone, recurrence=recurrence)
    component = read_components(to_ical((make_item(content, kind=ItemKind.MASTER),), context).text)[0].children[0]
    rules = cast("Timezone", Timezone.from_ical("\r\n".join(component.raw()))).to_tz(lookup_tzid=False)
    for year in years:
        for month, day in ((3, 20), (4, 2), (7, 1), (10, 30), (11, 5), (12, 31)):
            local = datetime(year, month, day, 12)  # noqa: DTZ001 - rules are asked with the clock's time
            expected = -4 if is_summer_in_new_york(local) else -5
            assert rules.utcoffset(local) == timedelta(hours=expected), local


def is_summer_in_new_york(local: datetime) -> bool:
    """Say it by the law: from April to October until 2006, from the second Sunday of March to the first of November."""
    if local.year < 2007:
        return sunday(local.year, 4, 1) <= local.date() < sunday(local.year, 11, 0)
    return sunday(local.year, 3, 2) <= local.date() < sunday(local.year, 11, 1)


def sunday(year: int, month: int, number: int) -> date:
    """Give the n-th Sunday of a month, 0 being the last one before it."""
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))


# --- instances without a master ----------------------------------------------------------------------


def lone(original: datetime, **more: object) -> Item:
    """Give an instance as Exchange files it for someone who was invited to that date alone."""
    content = Content(Uid("uid-1"), "Review", original, original + HOUR, BERLIN, BERLIN, **more)  # type: ignore[arg-type] # by name
    return Item(ItemRef(ItemId(original.isoformat()), ChangeKey("key")), content, original_start=original)


def test_instances_that_exchange_filed_are_shown_by_their_original_starts(context: Context) -> None:
    shown = to_ical((lone(THIRD), lone(SECOND)), context)
    assert line_of("RECURRENCE-ID", shown.text, 0) == ["RECURRENCE-ID;TZID=Europe/Berlin:20260309T090000"]
    assert line_of("RECURRENCE-ID", shown.text, 1) == ["RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000"]
    assert not shown.index.has_master
    assert [one.original_start for one in shown.index.exceptions] == [SECOND, THIRD]
    assert (shown.index.start, shown.index.end) == (SECOND, THIRD + HOUR)
    wanted = to_items(parse(shown.text), context, (lone(THIRD), lone(SECOND)))
    assert wanted.master is None
    assert dict(wanted.instances) == {SECOND: lone(SECOND).content, THIRD: lone(THIRD).content}


def test_one_instance_changed_leaves_the_other_as_it_is(context: Context) -> None:
    items = (lone(SECOND), lone(THIRD))
    text = to_ical(items, context).text.replace(b":20260316T090000\r\nDTEND", b":20260316T093000\r\nDTEND")
    assert b"DTSTART;TZID=Europe/Berlin:20260316T093000" in text
    wanted = to_items(parse(text), context, items)
    assert wanted.instances[SECOND] == items[0].content
    assert changed(items[1].content, wanted.instances[THIRD]) - {"kept"} == {"start"}


def test_a_whole_day_instance_is_named_by_its_day(context: Context) -> None:
    midnight = datetime(2026, 3, 15, 23, tzinfo=UTC)
    text = to_ical((lone(midnight, is_all_day=True),), context).text
    assert line_of("RECURRENCE-ID", text) == ["RECURRENCE-ID;VALUE=DATE:20260316"]


def test_an_instance_whose_original_start_only_we_know_is_one_still(context: Context, hold: Hold) -> None:
    wanted = to_items(parse(body(MOVED)), context, ())
    (item,) = hold(wanted)
    assert item.original_start is None
    assert instance_start(item) == THIRD
    text = to_ical((item,), context).text
    assert line_of("RECURRENCE-ID", text) == [MOVED[2]]
    assert to_items(parse(text), context, (item,)).instances == wanted.instances


def test_a_master_that_comes_where_instances_were_owes_them_nothing(context: Context) -> None:
    wanted = to_items(parse(body(MASTER)), context, (lone(SECOND),))
    assert wanted == to_items(parse(body(MASTER)), context, ())
    wanted = to_items(parse(body(MOVED)), context, (lone(SECOND),))
    assert list(wanted.instances) == [THIRD]


@pytest.mark.parametrize(
    ("start", "floats"),
    [
        ("DTSTART:20270301T090000", True),
        ("DTSTART:20270301T090000Z", False),
        ("DTSTART;TZID=Europe/Berlin:20270301T090000", False),
        ("DTSTART;VALUE=DATE:20270301", False),
    ],
)
def test_the_index_knows_what_is_served_without_a_zone(context: Context, hold: Hold, start: str, floats: bool) -> None:
    event = f"BEGIN:VEVENT\r\nUID:f\r\n{start}\r\nEND:VEVENT\r\n"
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}END:VCALENDAR\r\n".encode()
    shown = to_ical(hold(to_items(parse(body), context, ())), context)
    assert shown.index.is_floating is floats
    assert start in shown.text.decode()
