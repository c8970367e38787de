"""What is read of one calendar's rows. Each function reads within the transaction it is given."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, exists, select

from bridge.item import Uid
from bridge.mirror.calendar_row import CalendarRow
from bridge.mirror.resource_row import chunks
from bridge.mirror.schema import graves, resources
from bridge.mirror.seals import CalendarSeals
from bridge.model import Name, Revision
from bridge.resource import Listed, Rendered


def read_heads(
    connection: Connection, seals: CalendarSeals, calendar: CalendarRow, after_serial: int
) -> Iterator[Listed]:
    """Give the living resources that were written after a serial."""
    query = select(resources.c.name, resources.c.head).where(
        resources.c.calendar == calendar.id, resources.c.serial > after_serial
    )
    for key, head in connection.execute(query):
        yield seals.open_head(key, head)


def read_removed(
    connection: Connection, seals: CalendarSeals, calendar: CalendarRow, since: Revision
) -> Iterator[tuple[Name, Revision]]:
    """Give the names that lived at a revision and were removed after it, with when. Some may live again."""
    query = (
        select(graves.c.name, graves.c.label, graves.c.removed)
        .where(graves.c.calendar == calendar.id, graves.c.removed > since, graves.c.created <= since)
        .order_by(graves.c.removed)
    )
    for key, label, removed in connection.execute(query):
        yield seals.open_name(key, label), Revision(removed)


def read_texts(
    connection: Connection, seals: CalendarSeals, calendar: CalendarRow, names: Iterable[Name]
) -> dict[Name, bytes]:
    """Give the bytes served for these resources; what is not there is left out."""
    wanted = {seals.name(name): name for name in names}
    texts = {}
    for chunk in chunks(wanted):
        query = select(resources.c.name, resources.c.text).where(
            resources.c.calendar == calendar.id, resources.c.name.in_(chunk)
        )
        for key, text in connection.execute(query):
            texts[wanted[key]] = seals.open_text(key, text)
    return texts


def read_rendered(connection: Connection, seals: CalendarSeals, calendar: CalendarRow, name: Name) -> Rendered | None:
    """Give a resource whole; None for one that is not there."""
    query = select(resources.c.name, resources.c.head, resources.c.text, resources.c.facts).where(
        resources.c.calendar == calendar.id, resources.c.name == seals.name(name)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    listed = seals.open_head(row.name, row.head)
    return Rendered(
        name=listed.name,
        uid=listed.uid,
        text=seals.open_text(row.name, row.text),
        etag=listed.etag,
        index=listed.index,
        items=listed.items,
        facts=seals.open_facts(row.name, row.facts),
        is_readable=listed.is_readable,
    )


def find_former(
    connection: Connection, seals: CalendarSeals, calendar: CalendarRow, uids: Iterable[Uid]
) -> dict[Uid, Name]:
    """Give the name under which each UID was last served, where nothing else has taken that name since."""
    wanted = {seals.uid(uid): uid for uid in uids}
    taken = exists().where(resources.c.calendar == graves.c.calendar, resources.c.name == graves.c.name)
    former = {}
    for chunk in chunks(wanted):
        query = (
            select(graves.c.uid, graves.c.name, graves.c.label)
            .where(graves.c.calendar == calendar.id, graves.c.uid.in_(chunk), ~taken)
            .order_by(graves.c.removed)
        )
        for uid, key, label in connection.execute(query):
            former[wanted[uid]] = seals.open_name(key, label)
    return former
