"""A sound mirror is found sound, and each thing that does not fit together is found by table and what it is."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bridge.item import ItemId
from bridge.keys import Keys
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import resources
from bridge.mirror.seals import CalendarSeals
from bridge.mirror.verification import count_events, verify_mirror
from bridge.model import Calendar, CalendarRef, Name, Rights
from bridge.resource import Rendered

from stores import ON_SQLITE

MakeEvent = Callable[..., Rendered]
Pull = Callable[..., Applied]


@pytest.fixture
def filled(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime) -> Mirror:
    """Pull three events, delete one of them, have an item pending, and list the calendar."""
    pull(event("a.ics", "1", "2"), event("b.ics"), event("c.ics"), pending=((ItemId("unread"), now),))
    mirror.remove(ref, Name("c.ics"))
    mirror.put(ref, event("b.ics", text=2))
    rights = Rights(read=True, create=True, modify=True, delete=True)
    mirror.put_calendars(ref.viewer, ref.mailbox, (Calendar(ref, "Work", True, rights),), now)  # noqa: FBT003 - the default one
    return mirror


def found(mirror: Mirror, keys: Keys) -> dict[tuple[str, str], int]:
    return dict(verify_mirror(mirror._database, keys, lambda _: None))


def test_a_sound_mirror_is_found_sound(filled: Mirror, keys: Keys) -> None:
    told: list[int] = []
    assert verify_mirror(filled._database, keys, told.append) == {}
    assert sum(told) == count_events(filled._database) == 2


def test_other_keys_open_nothing(filled: Mirror) -> None:
    other = found(filled, Keys({"1": b"2" * 32}, b"l" * 32))
    assert other["resources", "head cannot be read"] == 2
    assert other["schema", "probe cannot be read"] == 1


@pytest.mark.parametrize(
    ("damage", "table", "what", "count"),
    [
        ("UPDATE resources SET text = x'00'", "resources", "text cannot be read", 2),
        ("UPDATE resources SET facts = x'01013131'", "resources", "facts cannot be read", 2),
        ("UPDATE resources SET head = facts", "resources", "head cannot be read", 2),
        ("UPDATE graves SET label = x''", "graves", "label cannot be read", 1),
        ("UPDATE pending SET label = x''", "pending", "label cannot be read", 2),
        ("UPDATE calendars SET cursor = x'00'", "calendars", "cursor cannot be read", 1),
        ("UPDATE folder_listings SET listing = x'00'", "folder_listings", "listing cannot be read", 1),
        ("UPDATE resources SET uid = x'00'", "resources", "its UID's key is not that of its UID", 2),
        ("UPDATE calendars SET serial = 0", "resources", "it was written later than its calendar", 2),
        ("UPDATE calendars SET horizon = 1000", "calendars", "its horizon is ahead of its revision", 1),
        ("UPDATE graves SET removed = 1000", "graves", "it ended before it began, or later than its calendar", 1),
        ("UPDATE items SET generation = 1000", "items", "it was seen by a listing that has not begun", 3),
        ("UPDATE items SET name = x'00'", "items", "it belongs to no resource", 3),
        ("UPDATE items SET name = x'00'", "resources", "an item of it is not known to be its own", 2),
        ("DELETE FROM items", "resources", "an item of it is not known to be its own", 2),
        ("DELETE FROM resources", "items", "it belongs to no resource", 3),
        ("UPDATE resources SET created = 1000", "resources", "it was written later than its calendar", 2),
    ],
)
def test_what_does_not_fit_is_found(damage: str, table: str, what: str, count: int, filled: Mirror, keys: Keys) -> None:
    with filled._database.writing() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql(damage if is_sqlite else re.sub("x'([0-9a-f]*)'", r"'\\x\1'", damage))
    assert found(filled, keys)[table, what] == count


def test_a_text_that_is_not_the_one_of_its_etag_is_found(filled: Mirror, keys: Keys, ref: CalendarRef) -> None:
    seals = CalendarSeals(keys, ref)
    key = seals.name(Name("a.ics"))
    with filled._database.writing() as connection:
        other = update(resources).where(resources.c.name == key).values(text=seals.seal_text(key, b"another"))
        connection.execute(other)
    assert found(filled, keys) == {("resources", "its ETag or size is not that of its text"): 1}


@pytest.mark.parametrize("stores", [ON_SQLITE], indirect=True)
def test_rows_of_a_calendar_that_is_gone_are_found(filled: Mirror, keys: Keys, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:  # with foreign keys off, as they are by default
        connection.execute("DELETE FROM calendars")
        connection.commit()
    assert found(filled, keys)["resources", "it is of no calendar"] == 2
