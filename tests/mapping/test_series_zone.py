"""In which zone a series is written, so that Exchange has its occurrences where the client means them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import NotExpressible
from bridge.item import Content, Item, Zone
from bridge.mapping.calendar_object import parse
from bridge.mapping.component import read_components
from bridge.mapping.context import Context, ServerZones
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.mapping.series_zone import zone_asked_for
from bridge.mapping.vtimezone import read_vtimezone, write_vtimezone
from bridge.occurrences import Series, occurrences, series_of
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zone_rules import agree, make_definition, make_rules
from bridge.zones import IANA_TO_WINDOWS, load_zone, to_rules

Body = Callable[..., bytes]
Hold = Callable[[WantedSeries], tuple[Item, ...]]

SANTIAGO = "Pacific SA Standard Time"
OLD_SANTIAGO = ZoneDefinition(  # as a server has it that was never updated: summer time from October to March
    (
        ZoneEra(
            -14400,
            (
                ClockChange(3, 0, -14400, weekday=6, position=2),
                ClockChange(10, 0, -10800, is_daylight=True, weekday=6, position=2),
            ),
        ),
    ),
)
IN_SANTIAGO = ("DTSTART;TZID=America/Santiago:20260302T090000", "DTEND;TZID=America/Santiago:20260302T100000")
SHIP = "\r\n".join(
    (
        *("BEGIN:VTIMEZONE", "TZID:Ship", "BEGIN:STANDARD", "DTSTART:20001029T030000", "TZOFFSETFROM:+0117"),
        *("TZOFFSETTO:+0017", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT"),
        *("DTSTART:20000326T020000", "TZOFFSETFROM:+0017", "TZOFFSETTO:+0117"),
        *("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT", "END:VTIMEZONE", ""),
    )
)
ON_SHIP = ("DTSTART;TZID=Ship:20260310T090000", "DTEND;TZID=Ship:20260310T100000")


def with_server(context: Context, santiago: ZoneDefinition | None = None, *, defines: bool = True) -> Context:
    told = {SANTIAGO: santiago} if santiago else {}
    return replace(context, server=ServerZones(told, 2031, defines))


def on_ship(make_body: Body, *lines: str) -> bytes:
    return make_body(*lines).replace(b"BEGIN:VEVENT", SHIP.encode() + b"BEGIN:VEVENT", 1)


def written(body: bytes, context: Context, stored: tuple[Item, ...] = ()) -> Content:
    master = to_items(parse(body), context, stored).master
    assert master is not None
    return master


def starts_by(content: Content, rules: ZoneInfo, until: datetime) -> list[datetime]:
    assert content.recurrence is not None
    series = Series(content.recurrence, content.start, rules)
    found = []
    for _, start in series.starts(content.start):
        if start >= until:
            break
        found.append(start)
    return found


def test_a_series_where_the_server_has_our_rules_is_in_the_zone_of_windows(context: Context, make_body: Body) -> None:
    ours = make_definition(load_zone("America/Santiago"), 2020, 2040)
    body = make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY")
    assert written(body, with_server(context, ours)).start_zone == Zone(SANTIAGO)
    assert written(body, context).start_zone == Zone(SANTIAGO)


def test_a_series_that_an_old_server_would_have_elsewhere_brings_its_rules(
    context: Context, make_body: Body, hold: Hold
) -> None:
    body = make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY")
    server = with_server(context, OLD_SANTIAGO)
    wanted = to_items(parse(body), server, ())
    assert wanted.master is not None
    zone = wanted.master.start_zone
    assert zone.definition is not None
    assert wanted.master.end_zone == zone
    assert zone.id.startswith("tzone://Microsoft/Custom/")
    rules, ours, until = to_rules(zone), load_zone("America/Santiago"), datetime(2032, 1, 1, tzinfo=UTC)
    assert rules is not None
    assert starts_by(wanted.master, rules, until) == starts_by(wanted.master, ours, until)
    items = hold(wanted)
    served = to_ical(items, context)
    assert b"\r\nDTSTART;TZID=America/Santiago:20260302T090000\r\n" in served.text
    assert b"\r\nTZID:America/Santiago\r\n" in served.text
    again = to_items(parse(served.text), server, items)
    assert again.master is not None
    assert changed(items[0].content, again.master) == frozenset()


def test_a_series_whose_days_an_old_server_has_right_stays_in_its_zone(context: Context, make_body: Body) -> None:
    """In April and September alone the clocks differ; a series of January has nothing to do with that."""
    yearly = make_body(*(line.replace("0302", "0115") for line in IN_SANTIAGO), "RRULE:FREQ=YEARLY")
    assert written(yearly, with_server(context, OLD_SANTIAGO)).start_zone == Zone(SANTIAGO)
    ended = make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY;COUNT=5")
    assert written(ended, with_server(context, OLD_SANTIAGO)).start_zone == Zone(SANTIAGO)


def test_a_series_in_a_zone_that_the_server_does_not_know_brings_its_rules(context: Context, make_body: Body) -> None:
    server = replace(context, server=ServerZones({SANTIAGO: None}, 2031))
    assert written(make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY"), server).start_zone.definition is not None


def test_whole_days_and_single_events_and_utc_need_no_rules_of_the_server(context: Context, make_body: Body) -> None:
    for lines in (IN_SANTIAGO, ("RRULE:FREQ=DAILY",), ("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=DAILY")):
        assert zone_asked_for(parse(make_body(*lines)), context) is None
    assert zone_asked_for(parse(make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY")), context) == Zone(SANTIAGO)
    floating = make_body("DTSTART:20260302T090000", "RRULE:FREQ=DAILY")
    assert zone_asked_for(parse(floating), context) == context.zone


def test_where_a_server_takes_no_rules_what_it_would_have_elsewhere_is_refused(
    context: Context, make_body: Body
) -> None:
    body = make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY")
    with pytest.raises(NotExpressible, match="DTSTART in line 7: Exchange has no zone with the rules of this TZID"):
        written(body, with_server(context, OLD_SANTIAGO, defines=False))
    with pytest.raises(NotExpressible, match="no zone with the rules"):
        written(on_ship(make_body, *ON_SHIP, "RRULE:FREQ=DAILY"), with_server(context, defines=False))


def test_a_clock_that_changes_more_often_than_twice_a_year_is_refused_where_that_matters(
    context: Context, make_body: Body
) -> None:
    daily = make_body("DTSTART;TZID=Africa/Casablanca:20140601T090000", "RRULE:FREQ=DAILY;COUNT=200")
    with pytest.raises(NotExpressible, match="changes more often"):
        written(daily, replace(context, server=ServerZones({"Morocco Standard Time": None}, 2031)))
    few = make_body("DTSTART;TZID=Africa/Casablanca:20140501T090000", "RRULE:FREQ=DAILY;COUNT=5")
    assert written(few, replace(context, server=ServerZones({"Morocco Standard Time": None}, 2031))).recurrence


def test_a_zone_of_the_clients_own_comes_with_its_rules_and_goes_back_as_it_was(
    context: Context, make_body: Body, hold: Hold
) -> None:
    body = on_ship(make_body, *ON_SHIP, "RRULE:FREQ=WEEKLY")
    wanted = to_items(parse(body), context, ())
    assert wanted.master is not None
    zone, rules = wanted.master.start_zone, to_rules(wanted.master.start_zone)
    assert zone.definition is not None
    assert rules is not None
    assert wanted.master.end_zone == zone
    assert wanted.master.start == datetime(2026, 3, 10, 8, 43, tzinfo=UTC)
    items = hold(wanted)
    shown = to_ical(items, context)
    for line in (*ON_SHIP, *SHIP.splitlines()):
        assert f"\r\n{line}\r\n".encode() in shown.text
    summer = datetime(2026, 4, 14, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)
    assert [one.start.hour for one in occurrences(shown.index, *summer)] == [7]
    again = to_items(parse(shown.text), context, items)
    assert again.master == items[0].content


def test_equal_rules_are_one_zone_whatever_they_are_called(context: Context, make_body: Body) -> None:
    one = on_ship(make_body, *ON_SHIP, "RRULE:FREQ=WEEKLY")
    assert written(one, context).start_zone == written(one.replace(b"Ship", b"Boat"), context).start_zone


def test_a_series_that_brings_rules_and_is_moved_in_outlook_is_shown_in_them(
    context: Context, make_body: Body, hold: Hold
) -> None:
    items = hold(to_items(parse(on_ship(make_body, *ON_SHIP, "RRULE:FREQ=WEEKLY")), context, ()))
    later = timedelta(hours=1)
    content = replace(items[0].content, start=items[0].content.start + later, end=items[0].content.end + later)
    moved = (replace(items[0], content=content),)
    text = to_ical(moved, context).text.decode()
    rules = to_rules(content.start_zone)
    assert rules is not None
    assert f"\r\nDTSTART;TZID={rules.key}:20260310T100000\r\n" in text
    assert f"\r\nTZID:{rules.key}\r\n" in text
    again = to_items(parse(text.encode()), context, moved)
    assert again.master == content
    renamed = text.replace("T100000", "T110000")
    wanted = to_items(parse(renamed.encode()), context, moved).master
    assert wanted is not None
    assert wanted.start_zone == content.start_zone
    assert wanted.start == datetime(2026, 3, 10, 10, 43, tzinfo=UTC)


# --- what Exchange tells -----------------------------------------------------------------------------


def test_a_series_is_shown_where_its_items_own_rules_have_it(context: Context, make_body: Body, hold: Hold) -> None:
    (item,) = hold(to_items(parse(make_body(*IN_SANTIAGO, "RRULE:FREQ=DAILY")), context, ()))
    zone = Zone(SANTIAGO, OLD_SANTIAGO)
    content = replace(item.content, start_zone=zone, end_zone=zone, kept=None)
    shown = to_ical((replace(item, content=content),), context)
    series = series_of(shown.index)
    assert series is not None
    key = getattr(series.zone, "key", "")
    assert key.startswith(f"{SANTIAGO}/")
    assert f"\r\nDTSTART;TZID={key}:20260302T090000\r\n".encode() in shown.text
    april = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    assert [one.start.hour for one in occurrences(shown.index, *april)] == [13]  # the tz database has 12, summer time
    (component,) = [one for one in read_components(shown.text)[0].children if one.name == "VTIMEZONE"]
    assert read_vtimezone(component).utcoffset(datetime(2026, 4, 1, 9)) == timedelta(hours=-4)  # noqa: DTZ001 - local
    again = to_items(parse(shown.text), context, (replace(item, content=content),))
    assert again.master == content


def test_rules_that_change_nothing_for_a_series_are_not_shown(context: Context, make_body: Body, hold: Hold) -> None:
    lines = (*IN_SANTIAGO, "RRULE:FREQ=DAILY;COUNT=5")
    (item,) = hold(to_items(parse(make_body(*lines)), context, ()))
    content = replace(item.content, start_zone=Zone(SANTIAGO, OLD_SANTIAGO))
    text = to_ical((replace(item, content=content),), context).text
    assert all(f"\r\n{line}\r\n".encode() in text for line in lines)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(IANA_TO_WINDOWS)), first=st.integers(1990, 2030))
def test_a_written_vtimezone_becomes_the_rules_it_was_made_of(name: str, first: int) -> None:
    made = make_definition(load_zone(name), first, first + 4)
    rules = make_rules(made, "made")
    (component,) = read_components(
        "\r\n".join(write_vtimezone("Own", rules, datetime(first - 1, 1, 1, tzinfo=UTC), first + 5)).encode()
    )
    again = make_definition(read_vtimezone(component), first, first + 4)
    assert agree(make_rules(again, "again"), rules, first, first + 4)
