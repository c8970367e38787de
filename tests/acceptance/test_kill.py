"""kill -9 between any two steps of a write, then the client's retry: one event, as asked; and of a pull."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import Simulator
from bridge.simulator.model import Item

from bridged import ANN, BEN, CLEO, PASSWORD, PEOPLE
from events import event, instances, override, series
from postgres import execute, wait_for_the_dead

DYING = Path(__file__).parents[1] / "support" / "dying.py"
PERSONALITIES = ["2019", "lenient"]
ON_POSTGRESQL = "2019 on postgresql"
TARGET = "Choir & more"
PATIENCE = 60.0
STRIDE = int(os.environ.get("KILL_STRIDE", "9"))
"""A call is two steps, before it and after; an odd stride meets either side in turn."""


@dataclass
class Place:
    """A state in front of a simulated Exchange: in a folder, or in a database."""

    config: Path
    exchange: Simulator
    writers: subprocess.Popen[bytes]
    database: str = ""

    def run(
        self, operation: str, body: bytes = b"", *, match: str = "", fatal: int = 0, person: str = ANN
    ) -> dict[str, Any] | None:
        """Have a process do the write to Ann's calendar; None when it was killed on the way."""
        asked = {
            "config": str(self.config),
            "login": person,
            "password": PASSWORD,
            "calendar": "calendar" if person == ANN else f"{ANN}~calendar",
            "operation": operation,
            "body": body.decode(),
            "match": match,
            "fatal": fatal,
        }
        assert self.writers.stdin is not None
        assert self.writers.stdout is not None
        self.writers.stdin.write(json.dumps(asked).encode() + b"\n")
        self.writers.stdin.flush()
        outcome: dict[str, Any] | None = json.loads(self.writers.stdout.readline())
        if self.database:
            wait_for_the_dead(self.database)
        return outcome

    def subjects(self) -> list[str]:
        return [str(item.values["Subject"]) for item in self.exchange.events(ANN)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Kill the writes that all others are made of on PostgreSQL too; in `make soak` all of them."""
    if "place" in metafunc.fixturenames:
        is_on_both = STRIDE == 1 or metafunc.function in WRITES
        metafunc.parametrize("place", [*PERSONALITIES, *([ON_POSTGRESQL] if is_on_both else [])], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    personality, _, is_on_postgresql = request.param.partition(" on ")
    database = request.getfixturevalue("database") if is_on_postgresql else ""
    with Simulator(PEOPLE, personality=personality) as exchange:
        config = tmp_path / "bridge.toml"
        kept = f'database = "{database}"\n' if database else ""
        config.write_text(
            f'[exchange]\nurl = "{exchange.url}"\n[state]\nfolder = "{tmp_path / "own"}"\n{kept}[sync]\nfresh = 0\n'
            "watch = false\n" + "".join(f'[[share]]\nviewer = "{viewer}"\nowner = "{ANN}"\n' for viewer in (BEN, CLEO))
        )
        with subprocess.Popen(
            [sys.executable, str(DYING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
        ) as writers:
            yield Place(config, exchange, writers, database)
        assert exchange.outbox == []
        assert exchange.invalid_answers == []


def every_step(steps: int) -> Iterator[int]:
    """Give the steps at which to kill: every STRIDE-th, and the last; ``make soak`` takes all of them."""
    assert steps >= 8, "a write has that many steps at least"
    yield from range(1, steps, STRIDE)
    yield steps


def start_over(place: Place) -> None:
    for calendar in ("", TARGET):
        for item in place.exchange.events(ANN, calendar):
            place.exchange.remove_event(item)


def test_a_create_killed_at_any_step_is_there_once_after_the_retry(place: Place) -> None:
    whole = place.run("put", event("dying-0", "Whole"))
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        body = event(f"dying-{step}", f"Step {step}")
        assert place.run("put", body, fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", body)
        assert retried is not None
        assert retried["created"], f"killed at step {step}, the retry was not answered as the first"
        assert place.subjects() == [f"Step {step}"], f"killed at step {step}"
        assert list(retried["etags"]) == ["dying.ics"]


def test_an_update_killed_at_any_step_is_done_after_the_retry(place: Place) -> None:
    before = place.run("put", event("dying-u", "Before"))
    assert before is not None
    whole = place.run("put", event("dying-u", "Whole"), match=before["etags"]["dying.ics"])
    assert whole is not None
    etag = whole["etags"]["dying.ics"]
    for step in every_step(whole["steps"]):
        body = event("dying-u", f"Step {step}")
        assert place.run("put", body, match=etag, fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", body, match=etag)
        assert retried is not None, f"killed at step {step}"
        assert not retried["created"]
        assert place.subjects() == [f"Step {step}"], f"killed at step {step}"
        etag = retried["etags"]["dying.ics"]


@pytest.mark.parametrize("person", [BEN, CLEO])
def test_a_dismissal_on_anothers_calendar_killed_at_any_step_is_done_after_the_retry(place: Place, person: str) -> None:
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT15M\r\nEND:VALARM"
    made = place.run("put", event("dying-p", "Hers", alarm))
    assert made is not None
    seen = place.run("look", person=person)
    assert seen is not None
    text, etag, before = seen["text"], seen["etags"]["dying.ics"], place.exchange.events(ANN)[0].change
    for step in itertools.count():
        said = text.replace("END:VEVENT", f"X-MOZ-GENERATION:{step}\r\nEND:VEVENT")
        body = (said if person == BEN else said.replace("Hers", f"Step {step}")).encode()
        killed = place.run("put", body, match=etag, fatal=step, person=person)
        if step and killed is not None:
            break
        retried = place.run("put", body, match=etag, person=person) if step else killed
        assert retried is not None, f"killed at step {step}"
        assert f"X-MOZ-GENERATION:{step}\r\n" in retried["text"], f"killed at step {step}"
        assert place.subjects() == ["Hers" if person == BEN else f"Step {step}"], f"killed at step {step}"
        etag = retried["etags"]["dying.ics"]
    assert step >= 8, "a write has that many steps at least"
    (item,) = place.exchange.events(ANN)
    assert (item.values["ReminderMinutesBeforeStart"], item.change == before) == (15, person == BEN)


def test_a_delete_killed_at_any_step_is_done_after_the_retry(place: Place) -> None:
    made = place.run("put", event("dying-d", "To go"))
    assert made is not None
    whole = place.run("delete", match=made["etags"]["dying.ics"])
    assert whole is not None
    assert place.subjects() == []
    for step in every_step(whole["steps"]):
        made = place.run("put", event(f"dying-d{step}", "To go"))
        assert made is not None
        etag = made["etags"]["dying.ics"]
        assert place.run("delete", match=etag, fatal=step) is None, f"step {step} was never reached"
        assert place.run("delete", match=etag) is not None, f"killed at step {step}"
        assert place.subjects() == [], f"killed at step {step}"


def test_a_series_killed_at_any_step_is_whole_after_the_retry(place: Place) -> None:
    whole = place.run("put", a_series(0))
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        assert place.run("put", a_series(step), fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", a_series(step))
        assert retried is not None, f"killed at step {step}"
        assert retried["created"], f"killed at step {step}, the retry was not answered as the first"
        (master,) = place.exchange.events(ANN)
        assert (len(master.exceptions), len(master.deleted)) == (1, 1), f"killed at step {step}"


def test_an_event_with_files_killed_at_any_step_has_each_once_after_the_retry(place: Place) -> None:
    whole = place.run("put", with_files("dying-f0", "Whole", "agenda.txt", "map.png"))
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        body = with_files(f"dying-f{step}", "Lunch", "agenda.txt", "map.png")
        assert place.run("put", body, fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", body)
        assert retried is not None, f"killed at step {step}"
        assert retried["created"], f"killed at step {step}, the retry was not answered as the first"
        assert files(place) == ["agenda.txt", "map.png"], f"killed at step {step}"


def test_files_that_are_changed_are_as_wanted_after_a_kill_at_any_step_and_the_retry(place: Place) -> None:
    made = place.run("put", with_files("dying-g0", "Before", "old.txt"))
    assert made is not None
    whole = place.run("put", with_files("dying-g0", "After", "new.txt"), match=made["etags"]["dying.ics"])
    assert whole is not None
    assert files(place) == ["new.txt"]
    for step in every_step(whole["steps"]):
        start_over(place)
        made = place.run("put", with_files(f"dying-g{step}", "Before", "old.txt"))
        assert made is not None
        etag = made["etags"]["dying.ics"]
        body = with_files(f"dying-g{step}", "After", "new.txt")
        assert place.run("put", body, match=etag, fatal=step) is None, f"step {step} was never reached"
        assert place.run("put", body, match=etag) is not None, f"killed at step {step}"
        assert (place.subjects(), files(place)) == (["After"], ["new.txt"]), f"killed at step {step}"


def test_a_file_of_an_occurrence_is_there_once_after_a_kill_at_any_step_and_the_retry(place: Place) -> None:
    whole = place.run("put", an_occurrence_with_a_file(0))
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        assert place.run("put", an_occurrence_with_a_file(step), fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", an_occurrence_with_a_file(step))
        assert retried is not None, f"killed at step {step}"
        (master,) = place.exchange.events(ANN)
        (exception,) = (place.exchange.occurrence(master, 2),)
        assert [one.name for one in place.exchange.attachments(exception)] == ["a.txt"], f"killed at step {step}"
        assert files(place) == [], f"killed at step {step}"


def with_files(uid: str, summary: str, *names: str) -> bytes:
    return event(uid, summary, *(f"ATTACH;FILENAME={name};ENCODING=BASE64;VALUE=BINARY:SGVsbG8=" for name in names))


def an_occurrence_with_a_file(number: int) -> bytes:
    same = override("20270308", "Weekly", "20270308T090000")
    line = "ATTACH;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:SGVsbG8="
    return series(f"dying-o{number}", overrides=[(*same, line)])


def files(place: Place) -> list[str]:
    """Give the names of the files of Ann's one event, each as often as it is there."""
    (item,) = place.exchange.events(ANN)
    return [one.name for one in place.exchange.attachments(item)]


def test_instances_killed_at_any_step_are_all_there_once_after_the_retry(place: Place) -> None:
    whole = place.run("put", dates(0, "First", "Second", "Third"))
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        body = dates(step, "First", "Second", "Third")
        assert place.run("put", body, fatal=step) is None, f"step {step} was never reached"
        retried = place.run("put", body)
        assert retried is not None, f"killed at step {step}"
        assert retried["created"], f"killed at step {step}, the retry was not answered as the first"
        assert sorted(place.subjects()) == ["First", "Second", "Third"], f"killed at step {step}"
        assert list(retried["etags"]) == ["dying.ics"], f"killed at step {step}"


def test_changed_instances_killed_at_any_step_are_as_wanted_after_the_retry(place: Place) -> None:
    def write(number: int, *summaries: str, match: str = "", fatal: int = 0) -> dict[str, Any] | None:
        return place.run("put", dates(number, *summaries), match=match, fatal=fatal)

    made = write(0, "First", "Second", "Third")
    assert made is not None
    whole = write(0, "Changed", match=made["etags"]["dying.ics"])
    assert whole is not None
    for step in every_step(whole["steps"]):
        start_over(place)
        made = write(step, "First", "Second", "Third")
        assert made is not None
        etag = made["etags"]["dying.ics"]
        assert write(step, "Changed", match=etag, fatal=step) is None, f"step {step} was never reached"
        retried = write(step, "Changed", match=etag)
        assert retried is not None, f"killed at step {step}"
        assert not retried["created"]
        assert place.subjects() == ["Changed"], f"killed at step {step}"
        assert list(retried["etags"]) == ["dying.ics"], f"killed at step {step}"


def test_deleted_instances_killed_at_any_step_are_all_gone_after_the_retry(place: Place) -> None:
    made = place.run("put", dates(0, "First", "Second"))
    assert made is not None
    whole = place.run("delete", match=made["etags"]["dying.ics"])
    assert whole is not None
    for step in every_step(whole["steps"]):
        made = place.run("put", dates(step, "First", "Second"))
        assert made is not None
        etag = made["etags"]["dying.ics"]
        assert place.run("delete", match=etag, fatal=step) is None, f"step {step} was never reached"
        assert place.run("delete", match=etag) is not None, f"killed at step {step}"
        assert place.subjects() == [], f"killed at step {step}"


def body_of(kind: str, number: int) -> bytes:
    match kind:
        case "event":
            return event(f"dying-m{number}", "To move")
        case "series":
            return a_series(number)
        case _:
            return dates(number, "First", "Second")


@pytest.mark.parametrize("kind", ["event", "series", "instances"])
def test_a_move_killed_at_any_step_is_done_once_after_the_retry(place: Place, kind: str) -> None:
    kill_moves(place, kind, "")


@pytest.mark.parametrize("kind", ["event", "instances"])
def test_a_move_over_another_event_killed_at_any_step_is_done_once_after_the_retry(place: Place, kind: str) -> None:
    kill_moves(place, kind, "overwrites")


def kill_moves(place: Place, kind: str, body: str) -> None:
    """Kill moves at every step: the event is never gone in between, and in the end it is in one place."""
    put_to_move(place, body_of(kind, 0), body)
    whole = place.run("move", body.encode())
    assert whole is not None
    assert (whole["created"], whole["etags"], whole["moved"]) == (not body, {}, ["moved.ics"])
    many = len(place.exchange.events(ANN, TARGET))
    for step in every_step(whole["steps"]):
        start_over(place)
        match = put_to_move(place, body_of(kind, step), body)
        assert place.run("move", body.encode(), match=match, fatal=step) is None, f"step {step} was never reached"
        assert place.exchange.events(ANN) or place.exchange.events(ANN, TARGET), f"killed at step {step}"
        retried = place.run("move", body.encode(), match=match)
        assert retried is not None, f"killed at step {step}"
        assert (retried["etags"], retried["moved"]) == ({}, ["moved.ics"]), f"killed at step {step}"
        assert retried["created"] is not bool(body), f"killed at step {step}, the retry was not answered as the first"
        assert place.exchange.events(ANN) == [], f"killed at step {step}"
        assert len(place.exchange.events(ANN, TARGET)) == many, f"killed at step {step}"


def test_a_rename_killed_at_any_step_is_done_after_the_retry(place: Place) -> None:
    put_to_move(place, event("dying-r0", "To rename"), "")
    whole = place.run("rename")
    assert whole is not None
    assert list(whole["etags"]) == ["moved.ics"]
    for step in every_step(whole["steps"]):
        start_over(place)
        match = put_to_move(place, event(f"dying-r{step}", "To rename"), "")
        assert place.run("rename", match=match, fatal=step) is None, f"step {step} was never reached"
        retried = place.run("rename", match=match)
        assert retried is not None, f"killed at step {step}"
        assert list(retried["etags"]) == ["moved.ics"], f"killed at step {step}"
        assert retried["created"], f"killed at step {step}, the retry was not answered as the first"


def put_to_move(place: Place, body: bytes, overwrites: str) -> str:
    """Put an event, and one of its UID where it shall go to; give the ETag of the first."""
    if overwrites:
        place.run("put", body)
        assert place.run("move") is not None
    made = place.run("put", body)
    assert made is not None
    etag: str = made["etags"]["dying.ics"]
    return etag


def test_a_calendar_whose_creation_is_killed_at_any_step_is_there_once_after_the_retry(place: Place) -> None:
    whole = place.run("create calendar", b"Brand new")
    assert whole is not None
    assert "new" in whole["calendars"]
    for step in every_step(whole["steps"]):
        remove_calendar(place, "Brand new")
        assert place.run("create calendar", b"Brand new", fatal=step) is None, f"step {step} was never reached"
        retried = place.run("create calendar", b"Brand new")
        assert retried is not None, f"killed at step {step}, the retry was not answered as the first"
        assert retried["calendars"].count("new") == 1
        names = [
            folder.name
            for folder in place.exchange.store.mailboxes[place.exchange.person(ANN).mailbox].folders.values()
        ]
        assert names.count("Brand new") == 1, f"killed at step {step}"
        assert not any(name.startswith("Brand new ") for name in names), f"killed at step {step}"


def test_a_first_pull_killed_at_any_step_is_whole_when_it_is_asked_again(place: Place) -> None:
    for number in range(5):
        start = datetime.now(UTC) + timedelta(days=number)  # in the months that are read first
        place.exchange.add_event(ANN, subject=f"Now {number}", start=start, end=start + timedelta(hours=1))
        start += timedelta(days=500)
        place.exchange.add_event(ANN, subject=f"Later {number}", start=start, end=start + timedelta(hours=1))
    place.exchange.trouble("page_size", operation="SyncFolderItems", size=4)
    whole = place.run("pull")
    assert whole is not None
    assert len(whole["etags"]) == 10
    for step in every_step(whole["steps"]):
        lose_mirror(place)
        assert place.run("pull", fatal=step) is None, f"step {step} was never reached"
        again = place.run("look")
        assert again is not None, f"killed at step {step}"
        assert again["etags"] == whole["etags"], f"killed at step {step}"


@pytest.mark.parametrize("trouble", ["", "expired"])
def test_a_pull_of_changes_killed_at_any_step_is_whole_when_it_is_asked_again(place: Place, trouble: str) -> None:
    place.exchange.trouble("page_size", operation="SyncFolderItems", size=2)
    changed = change_some(place, 0, trouble)
    whole = place.run("pull")
    assert whole is not None
    assert sorted(whole["etags"]) == changed
    for step in range(1, whole["steps"], STRIDE):
        changed = change_some(place, step, trouble)
        place.run("pull", fatal=step)
        assert is_served(place, changed), f"killed at step {step}"


def is_served(place: Place, names: list[str]) -> bool:
    """Look until these names are served: a request waits for a pull of what is known two seconds, and no longer."""
    end = time.monotonic() + PATIENCE
    while (outcome := place.run("look")) and sorted(outcome["etags"]) != names:
        if time.monotonic() > end:
            return False
    return outcome is not None


def change_some(place: Place, number: int, trouble: str) -> list[str]:
    """Remove all events at Exchange but the youngest, which is changed, and add others; give what is there then."""

    def add(uid: str) -> Item:
        noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
        return place.exchange.add_event(ANN, subject="New", uid=uid, start=noon, end=noon + timedelta(hours=1))

    *older, youngest = place.exchange.events(ANN) or [add("u")]
    for item in older:
        place.exchange.remove_event(item)
    place.exchange.change_event(youngest, Subject=f"Changed {number}")
    for each in range(3):
        add(f"u{number}-{each}")
    if trouble:
        place.exchange.expire_sync_states()
    return sorted(f"{item.uid}.ics" for item in place.exchange.events(ANN))


def lose_mirror(place: Place) -> None:
    if place.database:
        execute(place.database, "DROP SCHEMA exchange_bridge_mirror CASCADE")
    for path in (place.config.parent / "own").glob("mirror.db*"):
        path.unlink()


def remove_calendar(place: Place, name: str) -> None:
    place.exchange.store.remove_folder(place.exchange.folder(ANN, name))


def dates(number: int, *summaries: str) -> bytes:
    days = ("20270301", "20270308", "20270315")
    each = (override(day, summary, f"{day}T090000") for day, summary in zip(days, summaries, strict=False))
    return instances(f"dying-i{number}", *each)


def a_series(number: int) -> bytes:
    moved = override("20270308", "Moved", "20270308T140000")
    return series(f"dying-s{number}", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[moved])


WRITES = {
    test_a_create_killed_at_any_step_is_there_once_after_the_retry,
    test_an_update_killed_at_any_step_is_done_after_the_retry,
    test_a_delete_killed_at_any_step_is_done_after_the_retry,
    test_a_first_pull_killed_at_any_step_is_whole_when_it_is_asked_again,
}
