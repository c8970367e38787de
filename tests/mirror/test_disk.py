"""What the mirror's file grows by, and that what is removed makes room for what comes."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bridge.ids import make_etag
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import resources
from bridge.model import CalendarRef
from bridge.resource import Rendered

from stores import Files, Stores

MakeEvent = Callable[..., Rendered]
Pull = Callable[..., Applied]
COUNT = 500
OF_ITS_OWN = 3 * 1024
"""Bytes an event takes at most beside its sealed values: its keys, indexes, item, and what of a page stays empty."""


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Files(tmp_path)


def size_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    return file.stat().st_size


def events(event: MakeEvent, length: int) -> list[Rendered]:
    """Make events with bodies of so many bytes, which stand in what is served and in what Exchange told."""
    made = []
    for number in range(COUNT):
        one = event(f"{number:04}.ics")
        item = one.facts[0]
        text = b"b" * length
        facts = (replace(item, content=replace(item.content, body="b" * length)),)
        made.append(replace(one, text=text, etag=make_etag(text), facts=facts))
    return made


@pytest.mark.parametrize("length", [200, 900, 3000, 20_000])
def test_an_event_takes_its_sealed_values_and_some_kilobytes(
    length: int, mirror: Mirror, file: Path, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    mirror.status(ref)
    before = size_of(file)
    pull(*events(event, length))
    with mirror._database.reading() as connection:
        lengths = func.length(resources.c.head) + func.length(resources.c.text) + func.length(resources.c.facts)
        sealed = connection.execute(select(func.sum(lengths))).scalar_one()
    assert sealed > 2 * length * COUNT
    assert size_of(file) - before <= 1.1 * sealed + OF_ITS_OWN * COUNT


def test_what_is_removed_makes_room_for_what_comes(mirror: Mirror, file: Path, event: MakeEvent, pull: Pull) -> None:
    pull(*events(event, 900))
    once = size_of(file)
    for _ in range(3):
        assert mirror.viewers.remove_all() == 1
        pull(*events(event, 900))
    assert size_of(file) <= 1.1 * once
