"""What is left when a process dies in the middle, and when several write at once."""

import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE, Popen, run

from sqlalchemy import Engine
from sqlalchemy import event as events

from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Name
from bridge.resource import Rendered

from stores import Stores

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

SCRIPT = """
import json, os, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy import event
from bridge.ids import make_etag
from bridge.keys import Keys
from bridge.mirror.batch import Batch, CursorMoved
from bridge.mirror.mirror import Mirror
from bridge.item import *
from bridge.model import *
from bridge.resource import *
from stores import open_engine

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
REF = CalendarRef(Viewer(OrganisationId("o"), Address("a@b")), Address("a@b"), FolderId("f"))
KEYS = Keys({"1": b"1" * 32}, b"l" * 32)

def render(name, version=1):
    text = f"{name} at {version}".encode()
    ref = ItemRef(ItemId(f"item {name}"), ChangeKey(str(version)))
    return Rendered(Name(name), Uid(f"uid {name}"), text, make_etag(text), IndexRecord(NOW, NOW), (ref,))

def told(place, name):
    engine = open_engine(place, name)
    mirror = Mirror(engine, KEYS)
    status, snapshot = mirror.status(REF), mirror.snapshot(REF)
    texts = sorted(text.decode() for text in mirror.texts(REF, snapshot.resources).values())
    due = list(mirror.due(REF, NOW))
    items = sorted(item.id for listed in snapshot.resources.values() for item in listed.items)
    removed = list(mirror.removed(REF, snapshot.epoch, Revision(1)) or ())
    engine.dispose()
    pulled = status.pulled_at is not None
    return [status.cursor, status.revision, status.is_listing, pulled, texts, due, items, removed]
"""

KILL_AT_EACH_STATEMENT = (
    SCRIPT
    + """
place = sys.argv[1]
is_in_files = not place.startswith("postgresql://")
engine = open_engine(place, "base")
mirror = Mirror(engine, KEYS)
first = Batch(None, Cursor("one"), False, Revision(0), NOW, tuple(map(render, "abcd")), pending=((ItemId("p"), NOW),))
mirror.apply(REF, first)
engine.dispose()
page = Batch(Cursor("one"), Cursor("two"), True, Revision(1), NOW, (render("a", 2), render("e")),
             seen=(ItemId("item b"),), removed=(ItemId("item c"),), settled=(ItemId("p"),),
             pending=((ItemId("q"), NOW),))
name = "copy" if is_in_files else "base"  # what takes nothing changes nothing: a server's needs no copy
outcomes = [told(place, "base")]
kills = 0
while True:
    if is_in_files:
        folder = Path(place)
        for old in folder.glob("copy.db*"):
            old.unlink()
        shutil.copy(folder / "base.db", folder / "copy.db")
    child = os.fork()
    if child == 0:
        engine = open_engine(place, name)
        mirror = Mirror(engine, KEYS)
        left = kills
        def count(*_):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        event.listen(engine, "after_cursor_execute", count)
        event.listen(engine, "commit", count)
        mirror.apply(REF, page)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    outcomes.append(told(place, name))
    if os.WIFEXITED(status):
        break
    kills += 1
print(json.dumps(outcomes))
"""
)


def test_a_process_killed_after_any_statement_of_a_page_has_taken_nothing_of_it(stores: Stores) -> None:
    command = [sys.executable, "-c", KILL_AT_EACH_STATEMENT, stores.place]
    done = run(command, stdout=PIPE, check=True, timeout=300, env=ENVIRONMENT)
    before, *killed, after = json.loads(done.stdout)
    assert len(killed) > 10
    assert killed == [before] * len(killed)
    assert before == [
        "one",
        1,
        True,
        False,
        ["a at 1", "b at 1", "c at 1", "d at 1"],
        ["p"],
        [f"item {name}" for name in "abcd"],
        [],
    ]
    cursor, revision, is_listing, pulled, texts, due, items, removed = after
    assert (cursor, revision, is_listing, pulled) == ("two", 2, False, True)
    assert (texts, due) == (["a at 2", "b at 1", "d at 1", "e at 1"], ["q"])
    assert items == [f"item {name}" for name in "abde"]
    assert removed == ["c"]


COUNT_TOGETHER = (
    SCRIPT
    + """
engine = open_engine(sys.argv[1], "mirror")
mirror = Mirror(engine, KEYS)
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < 40:
    status = mirror.status(REF)
    number = int(status.cursor or 0) + 1
    try:
        puts = (render(str(number)),)
        mirror.apply(REF, Batch(status.cursor, Cursor(str(number)), False, status.revision, NOW, puts))
        done += 1
    except CursorMoved:
        pass
engine.dispose()
"""
)


def test_processes_that_pull_at_once_never_take_a_page_twice(
    open_mirror: OpenMirror, stores: Stores, engines: list[Engine]
) -> None:
    open_mirror()
    command = [sys.executable, "-c", COUNT_TOGETHER, stores.place]
    processes = [Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=ENVIRONMENT) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    with engines[0].connect() as connection:
        rows = connection.exec_driver_sql("SELECT revision, (SELECT count(*) FROM resources) FROM calendars").all()
    assert [tuple(row) for row in rows] == [(80, 80)]


def test_whatever_is_raised_within_a_page_leaves_nothing_of_it(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, engines: list[Engine]
) -> None:
    pull(event("a.ics"), event("b.ics"), cursor="one")
    before = (mirror.status(ref), dict(mirror.snapshot(ref).resources), mirror.texts(ref, [Name("a.ics")]))
    failures = 0

    class Interrupted(Exception):
        pass

    remaining = 0

    def interrupt(*_: object) -> None:
        nonlocal remaining
        if remaining == 0:
            raise Interrupted
        remaining -= 1

    while True:
        remaining = failures
        events.listen(engines[0], "after_cursor_execute", interrupt)
        try:
            pull(event("a.ics", text=2), event("c.ics"), removed=(event("b.ics").items[0].id,), cursor="two")
        except Interrupted:
            failures += 1
        else:
            break
        finally:
            events.remove(engines[0], "after_cursor_execute", interrupt)
        assert (mirror.status(ref), dict(mirror.snapshot(ref).resources), mirror.texts(ref, [Name("a.ics")])) == before
    assert failures > 8
    assert mirror.snapshot(ref).resources.keys() == {"a.ics", "c.ics"}


def test_threads_that_push_and_read_at_once_all_have_their_way(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent
) -> None:
    start = threading.Barrier(8)

    def push_and_read(number: int) -> None:
        start.wait()
        for version in range(5):
            mirror.put(ref, event(f"{number}.ics", text=version))
            name = Name(f"{number}.ics")
            assert mirror.snapshot(ref).resources[name].etag == event(name, text=version).etag

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push_and_read, range(8)))
    assert mirror.status(ref).revision == 40
    assert len(mirror.snapshot(ref).resources) == 8
