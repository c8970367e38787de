"""What is personal to the viewer of another's calendar: taken from what he says, shown in place of the owner's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.errors import NotExpressible
from bridge.item import Item, Zone
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.component import read_components
from bridge.mapping.context import Context
from bridge.mapping.personal import (
    LIMIT,
    Personal,
    keys_of,
    parse_personal,
    take_personal,
    with_owners,
    with_stamps,
    write_personal,
)
from bridge.mapping.series import WantedSeries, to_ical, to_items

from events import event, instances, override, series

Hold = Callable[[WantedSeries], tuple[Item, ...]]
ACK = "X-MOZ-LASTACK:20270301T085500Z"
SNOOZED = "X-MOZ-SNOOZE-TIME-1804492800000000:20270308T081000Z"
SECOND = datetime(2027, 3, 8, 8, tzinfo=UTC)


def alarm(trigger: str, *more: str) -> tuple[str, ...]:
    return ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", f"TRIGGER:{trigger}", *more, "END:VALARM")


def events_of(text: bytes) -> list[list[str]]:
    (calendar,) = read_components(text)
    return [list(child.raw()) for child in calendar.children if child.name == "VEVENT"]


def hold_owners(hold: Hold, context: Context, body: bytes) -> tuple[Item, ...]:
    return hold(to_items(parse(body), context, ()))


@pytest.mark.parametrize(
    "line",
    [
        ACK,
        SNOOZED,
        "X-MOZ-SNOOZE-TIME:20270301T090500Z",
        "x-moz-generation:4",
        "ACKNOWLEDGED:20270301T085500Z",
        "X-APPLE-DEFAULT-ALARM:TRUE",
    ],
)
def test_what_apps_write_for_their_user_alone_is_personal(context: Context, line: str) -> None:
    body = event("u1", "Planning", "LOCATION:Room", line, "X-OTHER:1")
    assert take_personal(parse(body), context) == Personal((line,))
    meant = with_owners(parse(body), context, None)
    assert list(meant.event.raw()) == events_of(body.replace(line.encode() + b"\r\n", b""))[0]


def test_every_alarm_is_personal_with_all_that_is_in_it(context: Context) -> None:
    first = alarm("-PT10M", "ACKNOWLEDGED:20270301T085500Z", "X-EVOLUTION-ALARM-UID:a")
    second = alarm("-P1D", "X-APPLE-DEFAULT-ALARM:TRUE")
    assert take_personal(parse(event("u1", "Planning", *first, *second)), context) == Personal((*first, *second))


def test_the_viewers_lines_are_shown_in_place_of_the_owners_and_the_rest_as_the_owner_has_it(
    context: Context, hold: Hold
) -> None:
    body = event("u1", "Planning", "X-OTHER:1", ACK, *alarm("-PT15M"), *alarm("-P1D"))
    items = hold_owners(hold, context, body)
    own = Personal(("X-MOZ-GENERATION:2", *alarm("-PT5M")))
    (shown,) = events_of(to_ical(items, context, personal=own).text)
    (owners,) = events_of(to_ical(items, context).text)
    theirs = {ACK, *alarm("-PT15M"), *alarm("-P1D"), "DESCRIPTION:Reminder"}
    assert [line for line in shown if line not in {*own.whole}] == [line for line in owners if line not in theirs]
    assert take_personal(parse(to_ical(items, context, personal=own).text), context) == own
    assert to_ical(items, context, personal=Personal()).text == to_ical(items, context, personal=Personal()).text
    assert take_personal(parse(to_ical(items, context, personal=Personal()).text), context) == Personal()


def test_an_occurrence_is_shown_as_an_event_of_its_own_for_what_is_personal_alone(context: Context, hold: Hold) -> None:
    items = hold_owners(hold, context, series("u1", "Weekly", *alarm("-PT15M")))
    key = "20270308T080000Z"
    own = Personal(alarm("-PT5M"), {key: (ACK, *alarm("-PT1M"))})
    text = to_ical(items, context, personal=own).text
    master, second = events_of(text)
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20270308T090000" in second
    assert ("TRIGGER:-PT5M" in master, "TRIGGER:-PT1M" in second, ACK in second) == (True, True, True)
    assert take_personal(parse(text), context) == own


def test_a_changed_occurrence_without_its_own_has_the_alarms_of_the_series_and_not_what_was_dismissed(
    context: Context, hold: Hold
) -> None:
    moved = override("20270308", "Moved", "20270308T140000")
    items = hold_owners(hold, context, series("u1", "Weekly", *alarm("-PT15M"), overrides=[moved]))
    text = to_ical(items, context, personal=Personal((ACK, *alarm("-PT5M")))).text
    master, second = events_of(text)
    assert (ACK in master, ACK in second, "TRIGGER:-PT5M" in second) == (True, False, True)
    assert take_personal(parse(text), context) == Personal((ACK, *alarm("-PT5M")))


def test_no_alarm_at_one_occurrence_is_kept_as_that(context: Context, hold: Hold) -> None:
    items = hold_owners(hold, context, series("u1"))
    body = series("u1", "Weekly", *alarm("-PT5M"), overrides=[override("20270308", "Weekly", "20270308T090000")])
    own = take_personal(parse(body), context)
    assert own == Personal(alarm("-PT5M"), {"20270308T080000Z": ()})
    assert to_ical(items, context, personal=own).text.count(b"BEGIN:VALARM") == 1


def test_whole_days_are_known_by_their_date_wherever_the_calendar_is(context: Context, hold: Hold) -> None:
    lines = ("BEGIN:VEVENT", "UID:u1", "DTSTAMP:20270101T000000Z", "SUMMARY:Day")
    master = [*lines, "DTSTART;VALUE=DATE:20270301", "RRULE:FREQ=WEEKLY;COUNT=4", "END:VEVENT"]
    second = [*lines, "RECURRENCE-ID;VALUE=DATE:20270308", "DTSTART;VALUE=DATE:20270308", ACK, "END:VEVENT"]
    body = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *master, *second, "END:VCALENDAR", ""]).encode()
    own = take_personal(parse(body), replace(context, zone=Zone("Tokyo Standard Time")))
    assert own == Personal((), {"20270308": (ACK,)})
    shown = events_of(to_ical(hold_owners(hold, context, body), context, personal=own).text)
    assert [ACK in one for one in shown] == [False, True]


def test_lines_follow_their_day_when_the_owner_moves_the_series(context: Context, hold: Hold) -> None:
    own = Personal((), {"20270308T080000Z": (ACK,)})
    later = series("u1").replace(b"T090000", b"T230000").replace(b"T100000", b"T233000")
    _, second = events_of(to_ical(hold_owners(hold, context, later), context, personal=own).text)
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20270308T230000" in second
    assert ACK in second


def test_of_an_occurrence_that_is_not_there_nothing_is_shown(context: Context, hold: Hold) -> None:
    items = hold_owners(hold, context, series("u1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270308T090000"))
    keys = ("20270308T080000Z", "20270309T080000Z", "20290101T080000Z")
    assert len(events_of(to_ical(items, context, personal=Personal((), dict.fromkeys(keys, (ACK,)))).text)) == 1


def test_instances_without_a_master_have_each_its_own(context: Context, hold: Hold) -> None:
    dates = [override(day, "One", f"{day}T090000") for day in ("20270301", "20270308")]
    body = instances("u1", (*dates[0], *alarm("-PT5M")), (*dates[1], ACK))
    own = take_personal(parse(body), context)
    assert own == Personal((), {"20270301T080000Z": alarm("-PT5M"), "20270308T080000Z": (ACK,)})
    text = to_ical(hold_owners(hold, context, instances("u1", *dates)), context, personal=own).text
    assert take_personal(parse(text), context) == own


# --- what a PUT is read as ---------------------------------------------------------------------------


def meant(body: bytes, items: tuple[Item, ...], context: Context) -> tuple[CalendarObject, CalendarObject]:
    obj = parse(body)
    owners = parse(to_ical(items, context, obj.uid, apart=keys_of(obj, context)).text)
    read = with_owners(obj, context, owners)
    return read, with_stamps(read, context, owners)


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_owners_reminder_and_lines_stay_whatever_the_viewer_says(
    context: Context, hold: Hold, is_changed: bool
) -> None:
    body = event("u1", "Planning", "X-OTHER:1", ACK, *alarm("-PT15M"), *alarm("-P1D"))
    items = hold_owners(hold, context, body)
    said = to_ical(items, context, personal=Personal((SNOOZED, *alarm("-PT5M")))).text
    said = said.replace(b"Planning", b"Changed") if is_changed else said
    read, _ = meant(said, items, context)
    content = to_items(read, context, items).master
    expected = replace(items[0].content, subject="Changed" if is_changed else "Planning")
    assert content == (replace(expected, kept=content.kept) if content and is_changed else expected)
    shown = to_ical((replace(items[0], content=content or expected),), context).text
    assert take_personal(parse(shown), context) == take_personal(parse(to_ical(items, context).text), context)


def test_who_changes_only_what_is_personal_changes_nothing_though_he_stamps_it(context: Context, hold: Hold) -> None:
    moved = override("20270308", "Moved", "20270308T140000")
    items = hold_owners(hold, context, series("u1", "Weekly", "X-OTHER:1", *alarm("-PT15M"), overrides=[moved]))
    said = to_ical(items, context, personal=Personal(alarm("-PT5M"), {"20270315T080000Z": (ACK,)})).text
    stamped = said.replace(b"DTSTAMP:2027", b"SEQUENCE:4\r\nLAST-MODIFIED:20280101T000000Z\r\nDTSTAMP:2028")
    assert said.count(b"BEGIN:VEVENT") == 3
    assert stamped != said
    _, read = meant(stamped, items, context)
    wanted = to_items(read, context, items)
    assert not any(files.are_brought or files.links for files in wanted.files.values())
    as_shown = to_items(parse(to_ical(items, context).text), context, items)
    assert replace(wanted, files={}) == replace(as_shown, files={})


# --- as it is kept -----------------------------------------------------------------------------------


def test_the_text_is_read_as_it_was_written_and_nothing_has_none() -> None:
    own = Personal((ACK, *alarm("-PT5M")), {"20270308T080000Z": ("X-MOZ-LASTACK;X-Ä=ü:1",), "20270315": ()})
    assert parse_personal(write_personal(own)) == own
    assert write_personal(Personal()) is None
    assert parse_personal(None) == parse_personal('{"v":2}') == Personal()


def test_too_much_is_refused() -> None:
    with pytest.raises(NotExpressible, match="alarms"):
        write_personal(Personal(("X-MOZ-LASTACK:" + "x" * LIMIT,)))
