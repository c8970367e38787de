"""People from a file and people made from a seed."""

import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bridge.simulator import PersonPlan, ServeOptions, Simulator, lifelike_people, load_people, serve
from bridge.simulator.people import settle_people
from bridge.simulator.store import Store

FILE = """
domain = "CONTOSO"
[[people]]
name = "Anna Berg"
address = "anna@example.com"
aliases = ["a.berg@example.com"]
password = "secret"
zone = "W. Europe Standard Time"
[[people.calendars]]
name = "Kalender"
permissions = { "bob@example.com" = "read" }
[[people.calendars.events]]
subject = "Lunch"
start = 2026-03-02T12:00:00
end = 2026-03-02T13:00:00+01:00
categories = ["A"]
reminder = 10
[[people.calendars.events]]
subject = "Day"
all_day = true
start = 2026-07-03
end = 2026-07-04
[[people.calendars]]
name = "Projects"
[[people]]
name = "Bob"
address = "bob@example.com"
password = "b"
"""
DAY = date(2026, 3, 2)


def test_people_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(FILE)
    store = Store()
    settle_people(store, load_people(path))
    anna = store.log_in("contoso\\anna", "secret")
    assert anna is not None
    calendar = store.distinguished(anna.mailbox, "calendar")
    assert calendar.name == "Kalender"
    lunch, day = store.items_in(calendar)
    assert (lunch.start, lunch.end) == (datetime(2026, 3, 2, 11, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert day.start == datetime(2026, 7, 2, 22, tzinfo=UTC)
    assert [folder.name for folder in store.below(calendar, deep=False)] == ["Projects"]
    assert calendar.permissions == {"bob@example.com": "read"}


def test_every_mistake_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    wrong = FILE.replace('"read"', '"everything"').replace("W. Europe Standard Time", "Europe/Berlin")
    path.write_text(wrong.replace("password", "pasword", 1).replace("reminder", "remember"))
    with pytest.raises(ValueError, match=r"people\.toml") as caught:
        load_people(path)
    for part in ("everything", "Europe/Berlin", "pasword", "password is missing", "remember"):
        assert part in str(caught.value)


def test_the_same_seed_makes_the_same_people() -> None:
    assert lifelike_people(3, 5, 20, DAY) == lifelike_people(3, 5, 20, DAY)
    assert lifelike_people(3, 5, 20, DAY) != lifelike_people(4, 5, 20, DAY)


def test_the_same_seed_makes_the_same_ids() -> None:
    def clock() -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC)

    def ids(seed: int) -> list[str]:
        store = Store(seed, clock)
        settle_people(store, lifelike_people(1, 3, 20, DAY))
        folder = store.distinguished(store.people[0].mailbox, "calendar")
        return [f"{item.id} {item.uid}" for item in store.items_in(folder)]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_lifelike_calendars_hold_something_of_everything() -> None:
    people = lifelike_people(1, 4, 300, DAY)
    events = [event for person in people for calendar in person.calendars for event in calendar.events]
    assert [sum(len(calendar.events) for calendar in person.calendars) for person in people] == [300] * 4
    assert len({person.address for person in people}) == 4
    for person in people:
        assert 2 <= len(person.calendars) <= 3
    assert {event["LegacyFreeBusyStatus"] for event in events} == {"Busy", "Free", "Tentative", "OOF"}
    assert len({str(getattr(event["StartTimeZone"], "id", "")) for event in events}) >= 4
    for name in ("IsAllDayEvent", "Sensitivity", "Categories", "RequiredAttendees", "Organizer", "Location", "Body"):
        assert any(name in event for event in events), name
    starts = [start for event in events if isinstance(start := event["Start"], datetime)]
    assert min(starts) < datetime(2026, 2, 10, tzinfo=UTC)
    assert max(starts) > datetime(2026, 5, 20, tzinfo=UTC)


def test_twenty_three_people_have_twenty_three_addresses() -> None:
    people = lifelike_people(1, 23, 0, DAY)
    assert len({person.address for person in people} | {alias for p in people for alias in p.aliases}) == 46


def test_ten_thousand_events_are_made_in_seconds() -> None:
    sim = Simulator(lifelike_people(1, 1, 10_000, DAY))
    try:
        assert len(sim.events("anna.berg@example.com")) == 8_000
    finally:
        sim.stop()


def test_serving_until_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "people.toml"
    path.write_text(FILE)
    told: list[str] = []
    handlers: dict[int, object] = {}

    def remember(number: int, action: object) -> object:
        handlers.setdefault(number, action)
        return None

    monkeypatch.setattr("bridge.simulator.serving.signal.signal", remember)

    def say(line: str) -> None:
        told.append(line)
        if "bob@example.com" in line:
            stop = next(iter(handlers.values()))
            assert callable(stop)
            stop(15, None)

    serve(ServeOptions(port=0, people=path, personality="2010", latency=1), say)
    assert told[0].startswith("Simulated Exchange (2010): http://127.0.0.1:")
    assert "anna@example.com, password secret" in told[3]
    assert not [thread for thread in threading.enumerate() if thread.name == "simulator"]


def test_an_unknown_personality_is_refused() -> None:
    with pytest.raises(ValueError, match="2011"):
        Simulator((PersonPlan("A", "a@b.c", "x"),), personality="2011")
