"""Single events keep their instant in every zone and year, whatever zone the machine is in."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.item import Item
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.field import Asked
from bridge.mapping.series import WantedSeries, to_ical, to_items
from bridge.mapping.times import Times
from bridge.mapping.values import write_date_time
from bridge.mapping.vtimezone import write_vtimezone
from bridge.mirror.codec import Codec
from bridge.occurrences import occurrences
from bridge.zones import IANA_TO_WINDOWS, load_zone

Body = Callable[..., bytes]
Hold = Callable[[WantedSeries], tuple[Item, ...]]
LOCALS = st.datetimes(datetime(1970, 1, 1), datetime(2040, 12, 31)).map(  # noqa: DTZ001 - the clock's time
    lambda moment: moment.replace(second=0, microsecond=0)
)
NAMES = st.sampled_from(sorted(IANA_TO_WINDOWS))
LINES = (
    ("DTSTART;TZID=America/Santiago:20260302T090000", "DURATION:PT30M"),
    ("DTSTART;TZID=America/Santiago:20260302T090000", "DTEND;TZID=Asia/Tehran:20260303T090000"),
    ("DTSTART:20260302T090000",),
    ("DTSTART:20260302T090000Z", "RRULE:FREQ=DAILY;COUNT=400"),
    ("DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260320"),
    ("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=WEEKLY"),
    ("DTSTART;TZID=Europe/Berlin:20261001T023000", "RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20261025T023000"),
)


@pytest.mark.parametrize("decade", range(1970, 2041, 10))
def test_every_zone_keeps_the_instant_in_every_year(context: Context, make_body: Body, decade: int) -> None:
    """A day of each year, another one each time, in each zone of the tz database."""
    times = Times()
    for year in range(decade, min(decade + 10, 2041)):
        local = datetime(year, year % 12 + 1, year % 28 + 1, 8, 30)  # noqa: DTZ001 - the clock's time
        for name in IANA_TO_WINDOWS:
            obj = parse(make_body(f"DTSTART;TZID={name}:{write_date_time(local)}", "DURATION:PT45M"))
            values = times.to_item(Asked(obj, context))
            assert values["start"] == local.replace(tzinfo=load_zone(name)).astimezone(UTC), (name, year)
            assert values["end"] - values["start"] == timedelta(minutes=45)


@settings(max_examples=150, deadline=None)
@given(names=st.tuples(NAMES, NAMES), local=LOCALS, hours=st.integers(0, 2000))
def test_what_is_served_tells_the_instants_in_two_zones(
    context: Context, make_body: Body, hold: Hold, names: tuple[str, str], local: datetime, hours: int
) -> None:
    """The client's own lines come back, and so do the instants in what Exchange alone would show."""
    name, other = names
    start = local.replace(tzinfo=load_zone(name)).astimezone(UTC)
    ended = (start + timedelta(hours=hours + 1)).astimezone(load_zone(other))
    end = ended.replace(tzinfo=None, fold=0)
    lines = (f"DTSTART;TZID={name}:{write_date_time(local)}", f"DTEND;TZID={other}:{write_date_time(end)}")
    items = hold(to_items(parse(make_body(*lines)), context, ()))
    assert items[0].content.start == start
    assert items[0].content.end == end.replace(tzinfo=load_zone(other)).astimezone(UTC)
    text = to_ical(items, context).text
    assert all(f"\r\n{line}\r\n".encode() in text for line in lines)
    bare = tuple(replace(item, content=replace(item.content, kept=None)) for item in items)
    again = to_items(parse(to_ical(bare, context).text), context, ()).master
    assert again is not None
    assert (again.start, again.end) == (items[0].content.start, items[0].content.end)


@settings(max_examples=100, deadline=None)
@given(name=NAMES, local=LOCALS)
def test_a_clients_own_zone_keeps_the_instant(
    context: Context, make_body: Body, hold: Hold, name: str, local: datetime
) -> None:
    """Of whatever rules, and in a gap or a time that comes twice, too; the VTIMEZONE comes back as it was."""
    timezone = write_vtimezone("Own", load_zone(name), datetime(local.year - 1, 1, 1, tzinfo=UTC), local.year + 1)
    line = f"DTSTART;TZID=Own:{write_date_time(local)}"
    block = "".join(f"{one}\r\n" for one in timezone).encode()
    items = hold(to_items(parse(make_body(line).replace(b"BEGIN:VEVENT", block + b"BEGIN:VEVENT", 1)), context, ()))
    assert items[0].content.start == local.replace(tzinfo=load_zone(name)).astimezone(UTC)
    text = to_ical(items, context).text
    assert line.encode() in text
    assert block in text


@pytest.mark.parametrize("lines", LINES)
def test_nothing_depends_on_the_zone_of_the_machine(
    context: Context, make_body: Body, hold: Hold, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...]
) -> None:
    window = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
    stored: Codec[Item] = Codec(Item)
    seen = []
    for zone in ("UTC", "America/New_York", "Pacific/Kiritimati"):
        with monkeypatch.context() as machine:
            machine.setenv("TZ", zone)
            time.tzset()
            items = hold(to_items(parse(make_body(*lines)), context, ()))
            rendering = to_ical(items, context)
            bare = to_ical(tuple(replace(one, content=replace(one.content, kept=None)) for one in items), context)
            told = [(one.start, one.end) for one in occurrences(rendering.index, *window)]
            seen.append((rendering.text, bare.text, told, stored.encode(items[0])))
        time.tzset()
    assert seen[0] == seen[1] == seen[2]
