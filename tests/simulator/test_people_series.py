"""Series in the people file, and the series of people made from a seed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import Simulator, lifelike_people, load_people
from bridge.simulator.model import Item
from bridge.simulator.people import read_event
from bridge.simulator.recurrence import Daily, DayByPosition, DayOfMonth, Monthly, Recurrence, Weekly, Yearly
from bridge.simulator.series import check_place, recurrence_in, series_of

DAY = date(2026, 3, 2)
FILE = """
[[people]]
name = "Anna Berg"
address = "anna@example.com"
password = "secret"
zone = "W. Europe Standard Time"
[[people.calendars]]
name = "Kalender"
[[people.calendars.events]]
subject = "Team"
start = 2026-03-02T10:00:00
end = 2026-03-02T11:00:00
recurrence = { every = "week", interval = 2, days = ["Monday", "Thursday"], week_start = "Monday", until = 2026-06-30 }
cancelled = [2026-03-16]
changed = [{ date = 2026-03-30, start = 2026-03-30T14:00:00, end = 2026-03-30T15:00:00, subject = "Team, later" }]
"""
EVENT = {"subject": "x", "start": datetime(2026, 3, 2, 10), "end": datetime(2026, 3, 2, 11)}  # noqa: DTZ001 - local


def test_a_series_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(FILE)
    sim = Simulator(load_people(path))
    (master,) = sim.events("anna@example.com")
    sim.stop()
    series = series_of(master)
    assert series.recurrence.pattern == Weekly(2, frozenset({1, 4}), 1)
    shown = list(series.in_window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)))
    assert [(item.start, item.values["Subject"]) for item in shown] == [
        (datetime(2026, 3, 2, 9, tzinfo=UTC), "Team"),
        (datetime(2026, 3, 5, 9, tzinfo=UTC), "Team"),
        (datetime(2026, 3, 19, 9, tzinfo=UTC), "Team"),
        (datetime(2026, 3, 30, 12, tzinfo=UTC), "Team, later"),
        (datetime(2026, 4, 2, 8, tzinfo=UTC), "Team"),
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"every": "day", "count": 3}, Recurrence(Daily(1), DAY, count=3)),
        ({"every": "week"}, Recurrence(Weekly(1, frozenset({1})), DAY)),
        ({"every": "month", "interval": 3}, Recurrence(Monthly(3, DayOfMonth(2)), DAY)),
        (
            {"every": "month", "position": "Last", "days": ["Friday"], "until": date(2027, 1, 1)},
            Recurrence(Monthly(1, DayByPosition(frozenset({5}), -1)), DAY, end=date(2027, 1, 1)),
        ),
        ({"every": "year", "month": 12, "day": 24}, Recurrence(Yearly(12, DayOfMonth(24)), DAY)),
    ],
)
def test_recurrences_have_a_short_form(entry: dict[str, object], expected: Recurrence) -> None:
    assert recurrence_in(read_event(EVENT | {"recurrence": entry})) == expected


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"recurrence": {"every": "fortnight"}}, "fortnight"),
        ({"recurrence": {"every": "year", "interval": 2}}, "interval 2"),
        ({"recurrence": {"every": "day", "til": 1}}, "til"),
        ({"recurrence": {"every": "week", "days": ["Mon"]}}, "not in tuple"),
        ({"recurrence": {"every": "day", "interval": 0}}, "interval of 0"),
        ({"recurrence": {"every": "day", "until": "soon"}}, "soon"),
        ({"recurrence": {"every": "day"}, "changed": [{"date": DAY, "colour": "red"}]}, "colour"),
    ],
)
def test_mistakes_in_a_series_are_told(more: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        read_event(EVENT | more)


def test_a_change_of_what_is_no_occurrence_is_a_mistake() -> None:
    sim = Simulator(lifelike_people(1, 1, 0, DAY))
    event: dict[str, Any] = EVENT | {"recurrence": {"every": "week"}}
    for more in ({"cancelled": [date(2026, 3, 3)]}, {"changed": [{"date": date(2026, 3, 3), "subject": "y"}]}):
        with pytest.raises(ValueError, match="2026-03-03"):
            sim.add_event("anna.berg@example.com", **(event | more))
    sim.stop()


def masters_of(count: int, events: int, seed: int = 1) -> list[Item]:
    people = lifelike_people(seed, count, events, DAY)
    sim = Simulator(people, clock=lambda: datetime(2026, 11, 24, 9, tzinfo=UTC))
    boxes = list(sim.store.mailboxes.values())
    sim.stop()
    items = [item for box in boxes for folder in box.items.values() for item in folder.values()]
    return [item for item in items if item.kind == "RecurringMaster"]


def test_lifelike_calendars_hold_series_of_every_kind() -> None:
    masters = masters_of(4, 800)
    assert 200 < len(masters) < 450
    found = [series_of(master) for master in masters]
    assert {type(series.recurrence.pattern) for series in found} == {Daily, Weekly, Monthly, Yearly}
    ends = {(series.recurrence.end is None, series.recurrence.count is None) for series in found}
    assert ends == {(True, True), (False, True), (True, False)}
    assert len({series.zone.id for series in found}) >= 4
    assert any(len(master.exceptions) > 1 for master in masters)
    assert any(master.deleted for master in masters)
    assert any(
        master.values.get("IsAllDayEvent") and recurrence.start.year < 2000
        for master, recurrence in ((series.master, series.recurrence) for series in found)
    )
    across = [
        s
        for s in found
        if len({s.zone.offset(s.span(d)[0]) for d in s.recurrence.between(DAY, DAY + timedelta(100))}) > 1
    ]
    assert len(across) > 50


def test_lifelike_exceptions_are_such_as_exchange_allows() -> None:
    for master in masters_of(2, 1000, seed=7):
        series = series_of(master)
        assert (series.remaining() or 1) > 0
        for day in master.exceptions:
            check_place(series, day, *series.place(day), deleted_bound=True)


def test_lifelike_series_are_the_same_for_the_same_seed() -> None:
    first, second = (masters_of(1, 300, seed=3) for _ in range(2))
    assert [(m.values, m.exceptions.keys(), m.deleted) for m in first] == [
        (m.values, m.exceptions.keys(), m.deleted) for m in second
    ]
