"""A state that any older bridge has made is taken along with all that is in it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.database import make_engine
from bridge.item import Uid
from bridge.keys import Keys
from bridge.model import Address, CalendarRef, Mailbox, Name
from bridge.state.proofs import Proof
from bridge.state.schema import VERSION
from bridge.state.shares import AddedShare
from bridge.state.state import State

from stores import Files, Stores

OpenState = Callable[..., State]
SCRIPT = Path(__file__).with_name("versions.sql")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOON_COLUMN = 1772625600_000000
SHARE = AddedShare(Address("ben@example.com"), Address("anna@example.com"), "calendar")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Files(tmp_path)


def mac(keys: Keys, purpose: str, *told: str) -> bytes:
    return keys.mac(json.dumps(told).encode(), f"state {purpose}")


def make_state(version: int, file: Path, keys: Keys, ref: CalendarRef) -> None:
    """Make a state as that version wrote it, with something in each of its tables."""
    organisation, viewer = ref.viewer.organisation, ref.viewer.address
    probe = b"exchange-bridge state"
    login = keys.mac(b"anna", "state login")
    proof = {"salt": "00", "digest": "11", "address": viewer, "display_name": "Anna", "aliases": []}
    mailbox = mac(keys, "mailbox", organisation, ref.mailbox)
    folder = keys.mac(mailbox + ref.folder.encode(), "state folder")
    name = keys.mac(mailbox + b"work", "state calendar name")
    calendar = mac(keys, "calendar", organisation, ref.mailbox, ref.folder)
    resource = keys.mac(calendar + b"a.ics", "state resource")
    push = {"organisation": organisation, "viewer": viewer, "mailbox": ref.mailbox, "folder": ref.folder}
    push |= {"name": "a.ics", "operation": "put", "target": "hash", "base": None, "uid": "uid", "item": None}  # type: ignore[dict-item] # JSON

    def sealed(value: object, place: bytes) -> bytes:
        return keys.seal(json.dumps(value).encode(), place)

    rows: list[tuple[str, tuple[object, ...]]] = [
        ("schema", (version, keys.seal(probe, keys.mac(probe, "probe")))),
        ("proofs", (login, NOON_COLUMN, sealed(proof, b"proof" + login))),
        ("refusals", (1, login, NOON_COLUMN)),
        ("names", (mailbox, folder, name, sealed([ref.folder, "work"], b"calendar name" + mailbox + folder))),
        (
            "intents",
            (7, calendar, resource, "process", 0, "begun", NOON_COLUMN, None, None, sealed(push, b"intent" + resource)),
        ),
    ]
    if version >= 2:
        whose = mac(keys, "viewer", organisation, SHARE.viewer)
        key = keys.mac(whose + json.dumps([SHARE.owner, SHARE.folder]).encode(), "state share")
        told = [organisation, SHARE.viewer, SHARE.owner, SHARE.folder]
        rows.append(("shares", (whose, key, sealed(told, b"share" + whose + key))))
    if version >= 3:
        place = mac(keys, "properties", organisation, viewer, ref.mailbox, ref.folder)
        key = keys.mac(place + b"{urn:x}a", "state property name")
        rows.append(("kept_properties", (1, place, key, sealed(["{urn:x}a", "<a/>"], b"kept property" + place + key))))
    if version >= 4:
        place = mac(keys, "personal", organisation, viewer, ref.mailbox, ref.folder)
        key = keys.mac(place + b"uid", "state personal event")
        rows.append(("personal_lines", (place, key, None, sealed(["uid", "lines"], b"personal" + place + key))))
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SCRIPT.read_text().partition(f"-- version {version + 1}")[0])
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


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_state_of_any_version_is_taken_along_with_all_that_is_in_it(
    version: int, tmp_path: Path, keys: Keys, ref: CalendarRef, open_state: OpenState
) -> None:
    make_state(version, tmp_path / "state.db", keys, ref)
    for _ in range(2):
        state = open_state()
        assert state.names.get(ref) == "work"
        assert state.proofs.get("anna") == Proof(b"\0", b"\x11", Mailbox(ref.mailbox, "Anna"), NOON)
        assert state.proofs.refusals("anna", NOON) == (NOON,)
        intent = state.intents.last(ref, Name("a.ics"))
        assert intent is not None
        assert (intent.id, intent.is_open, intent.target, intent.uid) == (7, True, "hash", "uid")
        assert state.shares.all(ref.viewer.organisation) == ((SHARE,) if version >= 2 else ())
        assert state.properties.get(ref) == ({"{urn:x}a": "<a/>"} if version >= 3 else {})
        assert state.personal.get(ref, Uid("uid")) == ("lines" if version >= 4 else None)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert connection.execute("SELECT version FROM schema").fetchall() == [(VERSION,)]


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_state_that_was_taken_along_is_like_one_that_is_made_now(
    version: int, tmp_path: Path, keys: Keys, ref: CalendarRef, open_state: OpenState
) -> None:
    make_state(version, tmp_path / "state.db", keys, ref)
    open_state()
    (tmp_path / "other").mkdir()
    engine = make_engine(tmp_path / "other" / "state.db", "FULL")
    State(engine, keys, tmp_path / "other").close()
    engine.dispose()
    assert layout(tmp_path / "state.db") == layout(tmp_path / "other" / "state.db")
