"""A mirror in a folder of its own, and events to put into it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bridge.ids import make_etag
from bridge.item import ChangeKey, Content, Cursor, Item, ItemId, ItemRef, Uid
from bridge.keys import Keys
from bridge.mirror.batch import Applied, Batch
from bridge.mirror.mirror import Mirror
from bridge.model import Address, CalendarRef, FolderId, Name, OrganisationId, Viewer
from bridge.resource import IndexRecord, Rendered

from stores import Stores

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
Owners = Callable[[], dict[ItemId, Name]]


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture
def keys() -> Keys:
    return Keys({"1": b"1" * 32}, b"l" * 32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give where the mirror is, on SQLite."""
    return tmp_path / "mirror.db"


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    made: list[Engine] = []
    yield made
    for engine in made:
        engine.dispose()


@pytest.fixture
def open_mirror(stores: Stores, keys: Keys, engines: list[Engine]) -> OpenMirror:
    """Open the one mirror again, as another process would: with an engine and a memory of its own."""

    def open_one(keys: Keys = keys, memory: int = 2**20, name: str = "mirror") -> Mirror:
        engines.append(stores.engine(name))
        return Mirror(engines[-1], keys, memory)

    return open_one


@pytest.fixture
def mirror(open_mirror: OpenMirror) -> Mirror:
    return open_mirror()


@pytest.fixture
def ref() -> CalendarRef:
    viewer = Viewer(OrganisationId("example"), Address("anna@example.com"))
    return CalendarRef(viewer, Address("anna@example.com"), FolderId("AAMkFolder="))


@pytest.fixture
def event() -> MakeEvent:
    """Render an event: ``name`` with its UID, at version ``text``, from items that are at version ``key``."""

    def make(
        name: str, *ids: str, text: object = 1, key: object = 1, uid: str | None = None, is_readable: bool = True
    ) -> Rendered:
        own_uid = Uid(f"uid of {name}" if uid is None else uid)
        refs = tuple(ItemRef(ItemId(one), ChangeKey(f"{one} at {key}")) for one in ids or (f"item of {name}",))
        content = Content(own_uid, f"Subject of {name}", NOON, NOON + timedelta(hours=1))
        served = f"{name} is {text}".encode()
        return Rendered(
            name=Name(name),
            uid=own_uid,
            text=served,
            etag=make_etag(served),
            index=IndexRecord(NOON, NOON + timedelta(hours=1)),
            items=refs,
            facts=tuple(Item(one, content) for one in refs),
            is_readable=is_readable,
        )

    return make


@pytest.fixture
def owners(mirror: Mirror, ref: CalendarRef) -> Owners:
    """Give the living resource that each item belongs to."""

    def read() -> dict[ItemId, Name]:
        return {item.id: name for name, listed in mirror.snapshot(ref).resources.items() for item in listed.items}

    return read


@pytest.fixture
def pull(mirror: Mirror, ref: CalendarRef) -> Pull:
    """Apply one page that was asked with the mirror's own cursor; the last one unless said otherwise."""

    def apply(*puts: Rendered, cursor: str = "next", **batch: object) -> Applied:
        status = mirror.status(ref)
        told: dict[str, object] = {"is_last": True, "read_from": status.revision, "now": NOON, "puts": puts} | batch
        return mirror.apply(ref, Batch(asked_from=status.cursor, cursor=Cursor(cursor), **told))  # type: ignore[arg-type] # a test says only what matters to it

    return apply
