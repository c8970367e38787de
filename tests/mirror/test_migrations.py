"""A mirror that an older bridge has made is taken along with all that is in it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.ids import make_etag
from bridge.item import Cursor, ItemId
from bridge.keys import Keys
from bridge.mirror.mirror import Mirror
from bridge.mirror.overview import read_overview
from bridge.mirror.schema import VERSION
from bridge.mirror.verification import verify_mirror
from bridge.model import CalendarRef, Name, Revision

from stores import Files, Stores

OpenMirror = Callable[..., Mirror]
SCRIPT = Path(__file__).with_name("version_4.sql")
TEXT = b"text of a.ics"
PULLED = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Files(tmp_path)


def encoded(value: object) -> bytes:
    return b"\x01" + json.dumps(value).encode()


def make_version_4(file: Path, keys: Keys, ref: CalendarRef) -> None:
    """Make a mirror as version 4 wrote it: a pulled calendar with an event, a deleted one and a pending item."""
    viewer = ["example", "anna@example.com"]
    calendar = keys.mac(json.dumps([*viewer, ref.mailbox, ref.folder]).encode(), "mirror calendar")
    owner = keys.mac(json.dumps(viewer).encode(), "mirror viewer")
    mailbox = keys.mac(json.dumps([*viewer, ref.mailbox]).encode(), "mirror mailbox")
    name, gone = (keys.mac(calendar + one, "mirror name") for one in (b"a.ics", b"gone.ics"))
    uid, its_uid = (keys.mac(calendar + one, "mirror uid") for one in (b"uid", b"gone"))
    item, unread = (keys.mac(calendar + one, "mirror item") for one in (b"item", b"unread"))
    head = {
        "name": "a.ics",
        "uid": "uid",
        "etag": make_etag(TEXT),
        "size": len(TEXT),
        "index": {"start": 1772625600, "end": 1772629200},
        "revision": 1,
        "items": [{"id": "item", "change_key": "key"}],
    }
    probe = b"exchange-bridge mirror"
    rights = {"read": True, "create": True, "modify": True, "delete": True}
    its_ref = {
        "viewer": dict(zip(("organisation", "address"), viewer, strict=True)),
        "mailbox": ref.mailbox,
        "folder": ref.folder,
    }
    listing = [{"ref": its_ref, "display_name": "Work", "is_default": True, "rights": rights}]
    rows: list[tuple[str, tuple[object, ...]]] = [
        ("schema", (4, keys.seal(probe, keys.mac(probe, "probe")))),
        (
            "calendars",
            (
                1,
                calendar,
                owner,
                b"epoch",
                2,
                1,
                1,
                0,
                1772625600_000000,
                keys.seal(b"cursor", calendar + b"cursor"),
                0,
                None,
            ),
        ),
        (
            "resources",
            (
                *(1, name, uid, 1, 1, 0),
                keys.seal(encoded(head), calendar + name + b"head"),
                keys.seal(TEXT, calendar + name + b"text"),
                keys.seal(encoded([]), calendar + name + b"facts"),
            ),
        ),
        ("items", (1, item, name, 1)),
        ("graves", (1, gone, 2, 1, its_uid, 0, keys.seal(encoded(["gone.ics"]), calendar + gone + b"name"))),
        ("pending", (1, unread, 0, keys.seal(encoded(["unread"]), calendar + unread + b"item"))),
        ("folder_listings", (owner, mailbox, 1772625600_000000, keys.seal(encoded(listing), mailbox + b"calendars"))),
    ]
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SCRIPT.read_text())
        for table, row in rows:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()


def layout(file: Path) -> dict[str, set[tuple[object, ...]]]:
    """Give the columns and indexes of every table."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: {row[1:4] for row in connection.execute(f"PRAGMA table_info({table})")}
            | {row[1:3] for row in connection.execute(f"PRAGMA index_list({table})")}
            for table in tables
        }


@pytest.fixture
def old(file: Path, keys: Keys, ref: CalendarRef) -> Path:
    make_version_4(file, keys, ref)
    return file


def test_a_mirror_of_version_4_is_taken_along_with_all_that_is_in_it(
    old: Path, open_mirror: OpenMirror, ref: CalendarRef, keys: Keys
) -> None:
    for _ in range(2):
        mirror = open_mirror()
        status = mirror.status(ref)
        assert (status.epoch, status.revision, status.cursor) == ("epoch", 2, Cursor("cursor"))
        assert status.pulled_at == PULLED
        assert mirror.texts(ref, mirror.snapshot(ref).resources) == {Name("a.ics"): TEXT}
        assert mirror.removed(ref, status.epoch, Revision(1)) == {Name("gone.ics"): 2}
        assert mirror.due(ref, PULLED) == (ItemId("unread"),)
        assert verify_mirror(mirror._database, keys, lambda _: None) == {}
        (overview,) = read_overview(mirror._database, keys, PULLED)
        assert (overview.viewer, overview.name, overview.total) == (ref.viewer.address, "Work", None)
        assert mirror.viewers.remove_absent(PULLED, timedelta(days=1)) == 0
    assert list(old.parent.glob("*damaged*")) == []


def test_a_mirror_that_was_taken_along_is_like_one_that_is_made_now(
    old: Path, open_mirror: OpenMirror, tmp_path: Path
) -> None:
    open_mirror()
    new = tmp_path / "new.db"
    open_mirror(name="new")
    assert layout(old) == layout(new)
    for file in (old, new):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT version FROM schema").fetchall() == [(VERSION,)]
