"""Which process is told by Exchange of a calendar's changes, and whether it has been told of any since the last pull.

All processes read it with the calendar's row. A watcher that is not heard of any more counts as none: so this only
saves work, and a process that dies takes nothing along. Safe to share between threads, as `Mirror` is.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from bridge.database import to_microseconds
from bridge.keys import Keys
from bridge.mirror.database import MirrorDatabase
from bridge.mirror.resource_row import chunks
from bridge.mirror.schema import calendars, watchers
from bridge.mirror.seals import CalendarSeals
from bridge.model import CalendarRef

LEASE = timedelta(seconds=15)
"""How long a watcher counts as one after it was last heard of."""
_REMEMBERED = timedelta(hours=1)


class Watching:
    """Notes of watchers, in the calendars' rows and in one row for each process."""

    def __init__(self, database: MirrorDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def sign(self, process: str, now: datetime) -> None:
        """Note that a process is well and hears what it watches. Raises Unavailable, as everything here."""
        with self._database.writing(process.encode()) as connection:
            heard = {"heard_at": to_microseconds(now)}
            if not connection.execute(update(watchers).where(watchers.c.id == process).values(heard)).rowcount:
                connection.execute(insert(watchers).values(id=process, **heard))
            gone = watchers.c.heard_at < to_microseconds(now - _REMEMBERED)
            connection.execute(delete(watchers).where(gone))

    def claim(self, refs: Iterable[CalendarRef], process: str, now: datetime) -> frozenset[CalendarRef]:
        """Become the watcher of those that nobody watches; give those of which the process is the watcher then."""
        living = select(watchers.c.id).where(watchers.c.heard_at >= to_microseconds(now - LEASE))
        is_free = or_(calendars.c.watcher.is_(None), calendars.c.watcher.not_in(living))
        by_key = self._by_key(refs)
        with self._database.writing() as connection:
            for chunk in chunks(by_key):
                here = (calendars.c.key.in_(chunk), calendars.c.watcher.is_distinct_from(process), is_free)
                connection.execute(update(calendars).where(*here).values(watcher=process, is_quiet=False))
            return frozenset(by_key[key] for key, _ in _of(connection, by_key, process))

    def note(self, ref: CalendarRef, process: str, *, is_quiet: bool) -> None:
        """Note whether the process, if it is the calendar's watcher, has heard of nothing since the last pull began."""
        key = CalendarSeals(self._keys, ref).calendar
        here = (calendars.c.key == key, calendars.c.watcher == process)
        with self._database.writing(key) as connection:
            connection.execute(update(calendars).where(*here).values(is_quiet=is_quiet))

    def release(self, refs: Iterable[CalendarRef], process: str) -> None:
        """Be the watcher of these no more."""
        by_key = self._by_key(refs)
        with self._database.writing() as connection:
            for chunk in chunks(by_key):
                here = (calendars.c.key.in_(chunk), calendars.c.watcher == process)
                connection.execute(update(calendars).where(*here).values(watcher=None, is_quiet=False))

    def quiet(self, refs: Iterable[CalendarRef], process: str) -> frozenset[CalendarRef]:
        """Give those that the process watches and that are noted as quiet."""
        by_key = self._by_key(refs)
        with self._database.reading() as connection:
            return frozenset(by_key[key] for key, is_quiet in _of(connection, by_key, process) if is_quiet)

    def _by_key(self, refs: Iterable[CalendarRef]) -> dict[bytes, CalendarRef]:
        return {CalendarSeals(self._keys, ref).calendar: ref for ref in refs}


def _of(connection: Connection, keys: Iterable[bytes], process: str) -> list[tuple[bytes, bool]]:
    found = []
    for chunk in chunks(keys):
        query = select(calendars.c.key, calendars.c.is_quiet)
        rows = connection.execute(query.where(calendars.c.key.in_(chunk), calendars.c.watcher == process))
        found += [(key, is_quiet) for key, is_quiet in rows]
    return found
