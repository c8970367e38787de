"""Who was here when: so that what viewers were told goes when they do not come back."""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from cachetools import LRUCache
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.database import from_microseconds, to_microseconds
from bridge.errors import Unavailable
from bridge.keys import Keys
from bridge.mirror.schema import busy_months, calendars, folder_listings
from bridge.mirror.schema import viewers as table
from bridge.mirror.seals import viewer_key
from bridge.model import Viewer
from bridge.sealed import Transactions

NOTED_FOR = timedelta(hours=1)
"""How long a viewer is taken for noted, and how often absent ones are looked for."""

_MOST_NOTED = 10_000  # viewers a process remembers to have noted
_SWEEP = b"sweep"
"""In place of a viewer: when absent ones were last looked for. No viewer's key is so short."""

LOG = logging.getLogger(__name__)


class Viewers:
    """When viewers were last seen, and the removal of all that they were told. Safe to share between threads."""

    def __init__(self, database: Transactions, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._noted: LRUCache[bytes, datetime] = LRUCache(_MOST_NOTED)
        self._lock = threading.Lock()

    def seen(self, viewer: Viewer, now: datetime) -> None:
        """Note that a viewer was here; it costs one write in `NOTED_FOR`. Where it cannot be noted, the next one is."""
        key = viewer_key(self._keys, viewer)
        with self._lock:
            noted = self._noted.get(key)
            if noted is not None and now - noted < NOTED_FOR:
                return
            self._noted[key] = now
        try:
            with self._database.writing() as connection:
                _note(connection, [key], now)
        except (Unavailable, IntegrityError):  # a process that notes him at the same moment will do
            LOG.debug("that somebody was here is noted later")

    def last_seen(self) -> dict[bytes, datetime]:
        """Give when each viewer was last here, by his key."""
        query = select(table.c.viewer, table.c.seen_at).where(table.c.viewer != _SWEEP)
        with self._database.reading() as connection:
            return {viewer: from_microseconds(seen_at) for viewer, seen_at in connection.execute(query)}

    def remove_absent(self, now: datetime, keep: timedelta) -> int:
        """Remove what was told to viewers who have not been here for so long; give how many viewers that were.

        Of all processes one does so, and once in `NOTED_FOR`. Whoever has never been noted counts as seen now.
        Raises Unavailable; what was removed by then stays so.
        """
        if not self._claim(now):
            return 0
        before = to_microseconds(now - keep)
        with self._database.writing() as connection:
            _note(connection, _unnoted(connection), now)
            query = select(table.c.viewer).where(table.c.viewer != _SWEEP, table.c.seen_at < before)
            absent = connection.execute(query).scalars().all()
        return sum(self._remove(viewer, before) is not None for viewer in absent)

    def remove(self, viewer: Viewer) -> int:
        """Remove all that a viewer was told, and give how many calendars that were. Raises Unavailable."""
        return self._remove(viewer_key(self._keys, viewer)) or 0

    def remove_all(self) -> int:
        """Remove all that anybody was told, and give how many calendars that were. Raises Unavailable."""
        with self._database.reading() as connection:
            known = _known(connection) | set(connection.execute(select(table.c.viewer)).scalars())
        return sum(self._remove(viewer) or 0 for viewer in known)

    def _claim(self, now: datetime) -> bool:
        """Say whether it is this process that looks for absent ones now."""
        due = to_microseconds(now - NOTED_FOR)
        with self._database.writing() as connection:
            last = connection.execute(select(table.c.seen_at).where(table.c.viewer == _SWEEP)).scalar_one_or_none()
            if last is not None and last > due:
                return False
            try:
                _note(connection, [_SWEEP], now)
            except IntegrityError:
                return False
        return True

    def _remove(self, viewer: bytes, before: int | None = None) -> int | None:
        """Remove what a viewer was told, a calendar at a time; None where he has been here since ``before``."""
        with self._database.reading() as connection:
            query = select(calendars.c.id).where(calendars.c.viewer == viewer)
            numbers = connection.execute(query).scalars().all()
        removed = 0
        for number in numbers:
            with self._database.writing() as connection:
                if not _is_absent(connection, viewer, before):
                    return None
                here = (calendars.c.id == number, calendars.c.viewer == viewer)
                removed += connection.execute(delete(calendars).where(*here)).rowcount
        with self._database.writing() as connection:
            if not _is_absent(connection, viewer, before):
                return None
            for rest in (folder_listings, busy_months, table):
                connection.execute(delete(rest).where(rest.c.viewer == viewer))
        return removed


def _note(connection: Connection, viewers: Iterable[bytes], now: datetime) -> None:
    seen_at = to_microseconds(now)
    for viewer in viewers:
        noted = update(table).where(table.c.viewer == viewer).values(seen_at=seen_at)
        if connection.execute(noted).rowcount == 0:
            connection.execute(insert(table).values(viewer=viewer, seen_at=seen_at))


def _known(connection: Connection) -> set[bytes]:
    tables = (calendars, folder_listings, busy_months)
    return {viewer for one in tables for viewer in connection.execute(select(one.c.viewer).distinct()).scalars()}


def _unnoted(connection: Connection) -> set[bytes]:
    return _known(connection) - set(connection.execute(select(table.c.viewer)).scalars())


def _is_absent(connection: Connection, viewer: bytes, before: int | None) -> bool:
    if before is None:
        return True
    query = select(func.count()).where(table.c.viewer == viewer, table.c.seen_at < before)
    return connection.execute(query).scalar_one() == 1
