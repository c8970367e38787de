"""Calendars held in memory: the same as in the database, bounded, and loaded once."""

import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as events

from bridge.errors import MirrorFilling
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, FolderId, Name
from bridge.resource import Rendered

from stores import ON_SQLITE

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")


@pytest.fixture
def statements(engines: list[Engine]) -> list[str]:
    """Give a list that grows by everything that the first mirror asks its database from now on."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    events.listen(engines[0], "before_cursor_execute", note)
    return asked


def test_a_warm_snapshot_costs_one_look_up_by_an_index(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, engines: list[Engine], statements: list[str]
) -> None:
    pull(*(event(f"{number}.ics") for number in range(50)))
    first = mirror.snapshot(ref)
    assert len(first.resources) == 50
    statements.clear()
    warm = mirror.snapshot(ref)
    assert (warm, warm.resources) == (first, first.resources)
    begin, look_up = statements
    assert begin.startswith("BEGIN")
    explain, scans = ("EXPLAIN", "Seq Scan") if "%(" in look_up else ("EXPLAIN QUERY PLAN", "SCAN")
    with engines[0].connect() as connection, connection.begin():
        if explain == "EXPLAIN":  # however small a table is
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        parameters = {"key_1": b""} if explain == "EXPLAIN" else (b"",)
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {look_up}", parameters))
    assert "INDEX" in plan.upper()
    assert scans not in plan


def test_only_what_was_written_since_is_decoded(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), event("b.ics"), event("c.ics"))
    first = mirror.snapshot(ref)
    assert first.resources.keys() == {A, B, C}
    other = open_mirror()
    other.put(ref, event("b.ics", text=2))
    other.remove(ref, C)
    second = mirror.snapshot(ref)
    fresh = open_mirror().snapshot(ref)
    assert (second, second.resources) == (fresh, fresh.resources)
    assert second.resources[A] is first.resources[A]
    assert second.resources.keys() == {A, B}
    assert first.resources.keys() == {A, B, C}


def test_nothing_is_decoded_for_a_revision(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    cold = open_mirror()
    snapshot = cold.snapshot(ref)
    assert cold._memory.get(ref) is None
    cold.put(ref, event("b.ics"))
    assert snapshot.resources.keys() == {A, B}
    assert snapshot.resources is snapshot.resources


def test_resources_of_another_epoch_are_not_given(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    snapshot = open_mirror().snapshot(ref)
    mirror.drop(ref)
    mirror.put(ref, event("b.ics"))
    with pytest.raises(MirrorFilling):
        assert snapshot.resources


def test_a_snapshot_cannot_be_changed_by_who_gets_it(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    with pytest.raises(TypeError):
        del mirror.snapshot(ref).resources[A]  # type: ignore[attr-defined] # that it cannot is what is tested


def test_memory_is_bounded_and_what_does_not_fit_is_served_all_the_same(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent
) -> None:
    small = open_mirror(memory=10_000)
    refs = [replace(ref, folder=FolderId(f"folder {number}")) for number in range(20)]
    for one in refs:
        small.put(one, event("a.ics"))
        assert small.snapshot(one).resources.keys() == {A}
    assert 0 < sum(small._memory.get(one) is not None for one in refs) < 20
    for number in range(20):
        small.put(ref, event(f"{number}.ics"))
    assert len(small.snapshot(ref).resources) == 20
    assert small._memory.get(ref) is None


def test_the_estimate_of_memory_is_near_the_truth(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    identifier = "AAMkAGQ" * 20
    pull(*(event(f"{number}.ics", f"{identifier}{number}", uid=f"{number:0112d}") for number in range(1000)))
    cold = open_mirror(memory=2**24)
    cold.status(ref)
    tracemalloc.start()
    resources = cold.snapshot(ref).resources
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = cold._memory.get(ref)
    assert held is not None
    assert len(resources) == 1000
    assert 0.6 < used / held.size < 1.2
    assert used / 1000 < 2048


def test_the_estimate_follows_what_comes_and_goes(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    for number in range(5):
        pull(event("a.ics", *(f"item {number} {part}" for part in range(number + 1))), event(f"b{number}.ics"))
        assert mirror.snapshot(ref).resources
    pull(removed=tuple(item.id for item in event("b2.ics").items))
    assert mirror.snapshot(ref).resources
    cold = open_mirror()
    assert cold.snapshot(ref).resources
    warm_held, cold_held = mirror._memory.get(ref), cold._memory.get(ref)
    assert warm_held is not None
    assert cold_held is not None
    assert warm_held.size == cold_held.size


def test_threads_that_ask_at_once_load_a_calendar_once(
    open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull, engines: list[Engine]
) -> None:
    pull(*(event(f"{number}.ics") for number in range(200)))
    cold = open_mirror()
    loads: list[str] = []
    looked_up = threading.Semaphore(0)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM calendars" in statement:
            looked_up.release()
        elif "resources.head" in statement:
            loads.append(statement)
            for _once in range(9):  # until all threads have seen that nothing is held, and this one once more
                looked_up.acquire(timeout=10)

    events.listen(engines[-1], "before_cursor_execute", note)
    start = threading.Barrier(8)
    found = []

    def ask() -> None:
        start.wait()
        found.append(cold.snapshot(ref).resources)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(resources) for resources in found] == [200] * 8
    assert len(loads) == 1


@pytest.mark.parametrize("stores", [ON_SQLITE], indirect=True)
def test_an_older_file_put_back_in_place_is_read_anew(
    mirror: Mirror, file: Path, ref: CalendarRef, event: MakeEvent, engines: list[Engine]
) -> None:
    mirror.put(ref, event("a.ics"))
    engines[0].dispose()
    older = file.read_bytes()
    mirror.put(ref, event("b.ics"))
    assert mirror.snapshot(ref).resources.keys() == {A, B}
    engines[0].dispose()
    restored = file.with_name("restored")
    restored.write_bytes(older)
    restored.replace(file)
    assert mirror.snapshot(ref).resources.keys() == {A}
