"""Every sealed value of the mirror is known by its column, and can be sealed anew beside those who read and write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, LargeBinary, Update, select, update

from bridge.item import BusyStatus, ItemId
from bridge.keys import Keys
from bridge.mirror.batch import Applied
from bridge.mirror.busy_months import BusyMonth
from bridge.mirror.mirror import Mirror
from bridge.mirror.schema import metadata, resources
from bridge.mirror.sealed_columns import MIRROR
from bridge.mirror.seals import TEXT, CalendarSeals
from bridge.model import Block, Calendar, CalendarRef, Epoch, Name, Revision, Rights
from bridge.resource import Rendered
from bridge.sealed import PAGE, Transactions, count_broken, count_stale, reseal

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
NEWER = Keys({"1": b"1" * 32, "2": b"2" * 32}, b"l" * 32)
NEWEST_ALONE = Keys({"2": b"2" * 32}, b"l" * 32)
FOUND_BY_HMAC = {
    "calendars.key",
    "calendars.viewer",
    "calendars.rendering",
    "viewers.viewer",
    "resources.name",
    "resources.uid",
    "items.item",
    "items.name",
    "graves.name",
    "graves.uid",
    "pending.item",
    "folder_listings.viewer",
    "folder_listings.mailbox",
    "busy_months.month",
    "busy_months.viewer",
    "busy_months.mailbox",
}
IN_THE_CLEAR = {"calendars.epoch"}


def reseal_all(database: Transactions, keys: Keys, told: Callable[[int], None] = lambda _: None) -> int:
    return sum(reseal(database, column, keys, told) for column in MIRROR.columns)


def stale(database: Transactions, keys: Keys) -> int:
    with database.reading() as connection:
        return count_stale(connection, MIRROR.columns, keys.mark)


def test_every_column_of_bytes_is_sealed_or_found_by() -> None:
    sealed = {str(column.column) for column in MIRROR.columns}
    every = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert sealed | FOUND_BY_HMAC | IN_THE_CLEAR == every
    assert not sealed & (FOUND_BY_HMAC | IN_THE_CLEAR)


@pytest.fixture
def filled(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime) -> Mirror:
    """Put something into every column."""
    names = [f"{number}.ics" for number in range(2 * PAGE + 3)]
    pull(*(event(name) for name in names), pending=((ItemId("unread"), now),))
    mirror.remove(ref, Name("0.ics"))
    calendar = Calendar(ref, "Calendar", True, Rights(True, True, True, True))  # noqa: FBT003 - rights, in their order
    mirror.put_calendars(ref.viewer, ref.mailbox, (calendar,), now)
    block = Block(now, now + timedelta(hours=1), BusyStatus.BUSY)
    mirror.busy_months.put(ref.viewer, {(ref.mailbox, 24_315): BusyMonth(now, (block,))})
    return mirror


def everything(mirror: Mirror, ref: CalendarRef, now: datetime) -> tuple[object, ...]:
    snapshot = mirror.snapshot(ref)
    return (
        mirror.status(ref),
        dict(snapshot.resources),
        [mirror.read(ref, name) for name in sorted(snapshot.resources)],
        mirror.removed(ref, Epoch(snapshot.epoch), Revision(1)),
        mirror.due(ref, now),
        mirror.calendars(ref.viewer, ref.mailbox),
        mirror.busy_months.get(ref.viewer, [(ref.mailbox, 24_315)]),
    )


def test_every_sealed_column_has_values_here_that_open_and_decode(filled: Mirror, keys: Keys) -> None:
    with filled._database.reading() as connection:
        counts = {str(column.column): count_broken(connection, column, keys) for column in MIRROR.columns}
    assert all(values > 0 and broken == 0 for values, broken in counts.values()), counts


def test_what_is_sealed_anew_opens_with_the_newest_key_alone_and_is_the_same(
    filled: Mirror, open_mirror: OpenMirror, ref: CalendarRef, now: datetime
) -> None:
    before = everything(filled, ref, now)
    told: list[int] = []
    count = stale(filled._database, NEWER)

    assert reseal_all(filled._database, NEWER, told.append) == 0

    assert sum(told) == count > 3 * 2 * PAGE
    assert max(told) == PAGE
    assert stale(filled._database, NEWER) == 0
    assert everything(open_mirror(keys=NEWEST_ALONE), ref, now) == before


def test_what_was_interrupted_goes_on_where_it_was(filled: Mirror) -> None:
    database = filled._database
    count = stale(database, NEWER)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal(database, TEXT, NEWER, interrupt)
    assert stale(database, NEWER) == count - PAGE
    told: list[int] = []
    reseal_all(database, NEWER, told.append)
    assert sum(told) == count - PAGE


@dataclass
class Meanwhile:
    """A database at which somebody else writes before each transaction that writes."""

    database: Transactions
    theirs: Update

    def reading(self) -> AbstractContextManager[Connection]:
        return self.database.reading()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.database.writing() as connection:
            connection.execute(self.theirs)
        with self.database.writing() as connection:
            yield connection


def test_what_somebody_writes_meanwhile_stays(mirror: Mirror, keys: Keys, ref: CalendarRef, event: MakeEvent) -> None:
    mirror.put(ref, event("a.ics"))
    seals = CalendarSeals(keys, ref)
    key = seals.name(Name("a.ics"))
    theirs = seals.seal_text(key, b"written meanwhile")
    meanwhile = Meanwhile(mirror._database, update(resources).values(text=theirs))

    assert reseal(meanwhile, TEXT, NEWER, lambda _: None) == 0

    with mirror._database.reading() as connection:
        assert connection.execute(select(resources.c.text)).scalar_one() == theirs
    assert mirror.texts(ref, [Name("a.ics")]) == {Name("a.ics"): b"written meanwhile"}
    reseal(mirror._database, TEXT, NEWER, lambda _: None)
    with mirror._database.reading() as connection:
        assert connection.execute(select(resources.c.text)).scalar_one().startswith(NEWER.mark)


def test_what_cannot_be_opened_stays_is_counted_and_holds_nothing_up(
    filled: Mirror,
) -> None:
    database = filled._database
    with database.writing() as connection:
        first = select(resources.c.name).order_by(resources.c.name).limit(1).scalar_subquery()
        connection.execute(update(resources).where(resources.c.name == first).values(text=b"\x01\x011" + bytes(60)))
    assert reseal_all(database, NEWER) == 1
    assert stale(database, NEWER) == 1
    with database.reading() as connection:
        assert count_broken(connection, TEXT, NEWER)[1] == 1
