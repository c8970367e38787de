"""Series in zones whose rules at the server are others than ours, through the store: written, kept and read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.errors import ExchangeTimedOut, NotExpressible, Unavailable
from bridge.item import Zone
from bridge.model import ETag, Name
from bridge.occurrences import occurrences
from bridge.recurrence import Daily, Recurrence
from bridge.zone_definition import ZoneDefinition, ZoneEra
from bridge.zones import load_zone

from events import START, event
from world import World

SANTIAGO = "Pacific SA Standard Time"
WINTER = ZoneDefinition((ZoneEra(-14400),))
"""A server that knows of no summer time there."""
DAILY = (
    "DTSTART;TZID=America/Santiago:20270802T090000",
    "DTEND;TZID=America/Santiago:20270802T100000",
    "RRULE:FREQ=DAILY;COUNT=90",
)
SUMMER = datetime(2027, 10, 4, 12, tzinfo=UTC), datetime(2027, 10, 5, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.exchange.zones[SANTIAGO] = WINTER
    made.etags()
    made.exchange.calls.clear()
    yield made
    made.close()


def body(*lines: str, uid: str = "s1", overrides: tuple[str, ...] = ()) -> bytes:
    own = [
        line
        for line in event(uid, "Daily", *lines).decode().splitlines()
        if not line.startswith(("DTSTART:", "DTEND:"))
    ]
    at = own.index("END:VCALENDAR")
    return "\r\n".join([*own[:at], *overrides, *own[at:], ""]).encode()


def moved(day: str, to: str) -> tuple[str, ...]:
    return (
        *("BEGIN:VEVENT", "UID:s1", "DTSTAMP:20260101T000000Z", "SUMMARY:Daily"),
        f"RECURRENCE-ID;TZID=America/Santiago:{day}T090000",
        f"DTSTART;TZID=America/Santiago:{day}T{to}",
        f"DTEND;TZID=America/Santiago:{day}T{int(to[:2]) + 1}0000",
        "END:VEVENT",
    )


def starts(world: World, start: datetime, end: datetime, name: str = "s.ics") -> list[datetime]:
    snapshot = world.store.snapshot(world.login(), world.calendar())
    return [one.start for one in occurrences(snapshot.resources[Name(name)].index, start, end)]


def test_a_series_brings_its_rules_and_the_server_is_asked_once_for_its_own(world: World) -> None:
    world.put("s.ics", body(*DAILY), new=True)
    assert world.exchange.calls == {"zone": 1, "find": 1, "create": 1, "get": 1}
    world.put("t.ics", body(*DAILY, uid="s2"), new=True)
    assert world.exchange.calls["zone"] == 1
    (master, _) = world.items()
    assert master.content.start_zone.definition is not None
    assert "DTSTART;TZID=America/Santiago:20270802T090000\r\n" in world.text("s.ics")
    meant = datetime(2027, 10, 4, 9, tzinfo=load_zone("America/Santiago")).astimezone(UTC)
    assert starts(world, *SUMMER) == [meant]
    world.restart()
    assert starts(world, *SUMMER) == [meant]


def test_a_changed_occurrence_of_such_a_series_is_sent_beside_what_is_kept_and_nothing_is_reshaped(
    world: World,
) -> None:
    first = body(*DAILY, overrides=(*moved("20271004", "140000"), *moved("20271006", "150000")))
    world.put("s.ics", first, new=True)
    etag = ETag(world.etags()["s.ics"])
    world.exchange.calls.clear()
    world.put("s.ics", first, match=etag)
    assert set(world.exchange.calls) <= {"get", "feed"}
    other = body(*DAILY, overrides=(*moved("20271004", "160000"), *moved("20271006", "150000")))
    world.put("s.ics", other, match=etag)
    writing = {verb for verb in world.exchange.calls if verb not in {"get", "feed", "find"}}
    assert writing == {"update", "update_occurrences"}
    assert world.exchange.calls["update_occurrences"] == 1
    assert [one.original_start for one in world.items()[0].exceptions] == sorted(world.exceptions())
    assert len(world.exceptions()) == 2
    meant = datetime(2027, 10, 4, 16, tzinfo=load_zone("America/Santiago")).astimezone(UTC)
    assert meant in starts(world, SUMMER[0] - timedelta(days=1), SUMMER[1])


def test_where_the_servers_rules_cannot_be_had_the_series_is_tried_again_and_not_refused(world: World) -> None:
    world.exchange.fail("zone", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        world.put("s.ics", body(*DAILY), new=True)
    assert world.items() == []
    assert world.put("s.ics", body(*DAILY), new=True).created


def test_a_server_that_takes_no_rules_is_sent_no_series_that_it_would_have_elsewhere(world: World) -> None:
    world.exchange.defines_zones = False
    ship = body(*(line.replace("America/Santiago", "Ship") for line in DAILY)).decode()
    timezone = "BEGIN:VTIMEZONE\r\nTZID:Ship\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0017\r\n"
    timezone += "TZOFFSETTO:+0017\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    with pytest.raises(NotExpressible, match="Exchange has no zone with the rules of this TZID"):
        world.put("s.ics", ship.replace("BEGIN:VEVENT", f"{timezone}BEGIN:VEVENT", 1).encode(), new=True)
    assert world.exchange.calls.total() == 0


def test_a_series_of_outlooks_is_busy_when_its_own_rules_say(world: World) -> None:
    zone = Zone(SANTIAGO, WINTER)
    recurrence = Recurrence(Daily(1), START.date(), count=200)
    world.outlook_adds("o1", start_zone=zone, end_zone=zone, recurrence=recurrence)
    world.later()
    (name,) = world.etags()
    assert f"DTSTART;TZID={SANTIAGO}/" in world.text(name)
    june = START.replace(month=6)
    assert starts(world, june, june + timedelta(days=1), name) == [june]  # by the tz database an hour later
    served = world.text(name).encode()
    world.exchange.calls.clear()
    world.put(name, served, match=ETag(world.etags()[name]))
    assert set(world.exchange.calls) <= {"get", "feed", "zone"}
