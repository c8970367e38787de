"""The busy time the bridge tells of a calendar is what Exchange's own availability says, in any window.

The whole way of reading: the port, pull, mapping, mirror, occurrence index. Only HTTP is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import load
from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline
from bridge.freebusy.blocks import clip, merge
from bridge.item import BusyStatus
from bridge.model import Availability, Block, CalendarName, Login
from bridge.service import Service, build
from bridge.simulator import PersonPlan, Simulator, lifelike_people

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 300
"""From before the clock goes back in autumn until after it goes forward in spring."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
COUNTED = {
    **{status: status for status in (BusyStatus.TENTATIVE, BusyStatus.BUSY, BusyStatus.OUT_OF_OFFICE)},
    BusyStatus.NO_DATA: BusyStatus.BUSY,
}
"""As `docs/clients.md` says; what is not here takes no time."""
DRAWN = PersonPlan("Dora Drawn", "dora@example.test", "correct horse", zone="W. Europe Standard Time")
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class World:
    """A bridge without HTTP, that asks Exchange at every read, and the Exchange behind it."""

    def __init__(self, exchange: Simulator, service: Service, people: Sequence[PersonPlan]) -> None:
        self.exchange = exchange
        self.people = people
        self._service = service
        self._wire = EwsExchange(EwsSettings(exchange.url))

    def close(self) -> None:
        self._wire.close()
        self._service.close()

    def login(self, person: PersonPlan) -> Login:
        return self._service.accounts.log_in(person.address, person.password)

    def ours(self, person: PersonPlan, start: datetime, end: datetime) -> tuple[Block, ...]:
        login, store = self.login(person), self._service.store
        snapshot = store.snapshot(login, store.calendar(login, CalendarName("calendar")))
        assert snapshot.is_complete
        return self._service.busy_time.of_calendar(snapshot, start, end).blocks

    def theirs(self, person: PersonPlan, start: datetime, end: datetime) -> tuple[Block, ...]:
        caller = self.login(person).caller
        (told,) = self._wire.availability(caller, [caller.viewer.address], start, end, Deadline.after(60))
        assert isinstance(told, Availability)
        counted = [replace(each, status=COUNTED[each.status]) for each in told.blocks if each.status in COUNTED]
        return merge(clip(counted, start, end))


@pytest.fixture(scope="module", params=["2019", "2010"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    people = (*lifelike_people(seed=11, events=150), DRAWN)
    with Simulator(people, personality=request.param) as exchange:
        folder: Path = tmp_path_factory.mktemp("bridge")
        config = folder / "bridge.toml"
        asked = "[sync]\nfresh = 0\nwatch = false\n"
        config.write_text(f'[exchange]\nurl = "{exchange.url}"\n[state]\nfolder = "{folder}"\n{asked}')
        made = World(exchange, build(load(config)), people)
        yield made
        made.close()
        assert exchange.invalid_answers == []


@settings(SHARED, max_examples=50)
@given(
    who=st.integers(0, 2),
    start=st.integers(0, DAYS * 24 * 60).map(lambda minutes: BEGIN + minutes * MINUTE),
    length=st.integers(1, 3 * 24 * 60) | st.integers(1, 365 * 24 * 60),
)
def test_busy_time_equals_exchanges_availability(world: World, who: int, start: datetime, length: int) -> None:
    person, end = world.people[who], start + length * MINUTE
    assert world.ours(person, start, end) == world.theirs(person, start, end)


def test_there_is_something_to_compare(world: World) -> None:
    for person in world.people[:3]:
        assert len(world.ours(person, BEGIN, BEGIN + DAYS * DAY)) > 100


# --- drawn calendars ---------------------------------------------------------------------------------

ZONES = (
    "UTC",
    "W. Europe Standard Time",
    "Eastern Standard Time",
    "AUS Eastern Standard Time",
    "India Standard Time",
    "Line Islands Standard Time",
)
CHANGES_OF_THE_CLOCK = (date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 14), date(2027, 3, 28))
FIRST_DAYS = st.dates(date(2026, 9, 1), date(2027, 6, 1)) | st.builds(
    lambda day, before: day - before * DAY, st.sampled_from(CHANGES_OF_THE_CLOCK), st.integers(0, 9)
)
LENGTHS = st.sampled_from([0, 15, 60, 8 * 60, 24 * 60]) | st.integers(0, 24 * 60)
STATUSES = st.sampled_from(["Free", "Tentative", "Busy", "OOF", "NoData"])  # 2010 knows no WorkingElsewhere


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Describe an event as a people file does: timed or of whole days, once or a series of which some differ."""
    is_all_day = draw(st.booleans())
    start = datetime.combine(
        draw(FIRST_DAYS), time() if is_all_day else draw(st.times()).replace(second=0, microsecond=0)
    )
    length = draw(st.integers(1, 3)) * DAY if is_all_day else draw(LENGTHS) * MINUTE
    event = {
        "subject": "Drawn",
        "start": start,
        "end": start + length,
        "zone": draw(st.sampled_from(ZONES)),
        "busy": draw(STATUSES),
        "all_day": is_all_day,
        "sensitivity": draw(st.sampled_from(["Normal", "Private"])),
    }
    if draw(st.booleans()):
        event |= draw(series_of(start, length, is_all_day=is_all_day))
    return event


@st.composite
def series_of(draw: st.DrawFn, start: datetime, length: timedelta, *, is_all_day: bool) -> dict[str, Any]:
    """Make it a series, with occurrences that are moved, given another status, or cancelled."""
    every, days = draw(st.sampled_from([("day", 1), ("week", 7)]))
    interval = draw(st.integers(1, 3)) + (0 if every == "week" else length // DAY)
    count = draw(st.integers(1, 60))
    recurrence = {"every": every, "interval": interval, **draw(st.sampled_from([{"count": count}, {}]))}
    numbers = draw(st.lists(st.integers(0, min(count, 20) - 1), max_size=4, unique=True))
    dates = [start.date() + number * interval * days * DAY for number in numbers]
    cancelled = [day for day in dates if draw(st.booleans())]
    if len(cancelled) == count:  # Exchange deletes a series with its last occurrence
        cancelled.pop()
    changed = []
    for day in dates:
        if day not in cancelled:
            moved = draw(st.integers(-40, 40)) * DAY if is_all_day else draw(st.integers(-4000, 4000)) * MINUTE
            begins = datetime.combine(day, start.time()) + moved
            other = length if is_all_day else draw(LENGTHS) * MINUTE
            changed.append({"date": day, "start": begins, "end": begins + other, "busy": draw(STATUSES)})
    return {"recurrence": recurrence, "cancelled": cancelled, "changed": changed}


WINDOWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-3000, 3000), st.integers(1, 3000) | st.integers(1, 300 * 24 * 60)),
    min_size=1,
    max_size=4,
)


@settings(SHARED, max_examples=80)
@given(drawn=st.lists(events(), min_size=1, max_size=5), windows=WINDOWS)
def test_of_any_calendar_busy_time_equals_exchanges_availability(
    world: World, drawn: list[dict[str, Any]], windows: list[tuple[int, int, int]]
) -> None:
    """Windows begin near an event, so that many cut one."""
    for item in world.exchange.events(DRAWN.address):
        world.exchange.remove_event(item)
    for event in drawn:
        world.exchange.add_event(DRAWN.address, **event)
    for number, minutes, length in windows:
        start = drawn[number % len(drawn)]["start"].replace(tzinfo=UTC) + minutes * MINUTE
        end = start + length * MINUTE
        assert world.ours(DRAWN, start, end) == world.theirs(DRAWN, start, end)
