"""How far the mirror of every calendar is, for people who look after the bridge. Reads only, and asks no one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, func, select

from bridge.database import from_microseconds, to_microseconds
from bridge.errors import BridgeError
from bridge.keys import Keys
from bridge.mirror.schema import calendars, folder_listings, items, pending, resources, watchers
from bridge.mirror.seals import calendar_key, open_calendars, viewer_key
from bridge.mirror.watching import LEASE
from bridge.model import Address, Calendar
from bridge.sealed import Transactions


class PullState(StrEnum):
    """How far the first pull of a calendar is."""

    FIRST_PULL = "first pull"
    WINDOW = "window ready"
    """It is under way, and the near past and future can be asked about."""
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Overview:
    """The mirror of one calendar.

    ``viewer``, ``owner`` and ``name`` are None where the mirror holds no list of folders that tells them. ``items`` is
    how many items of Exchange's it holds, ``total`` how many Exchange said there are. ``size`` is in bytes, sealed,
    without the database's own. ``pending`` items are to be read again. ``is_watched``: a process that lives is told of
    changes.
    """

    viewer: Address | None
    owner: Address | None
    name: str | None
    state: PullState
    resources: int
    items: int
    total: int | None
    size: int
    pending: int
    pulled_at: datetime | None
    is_watched: bool

    @property
    def progress(self) -> float | None:
        """How much of the first pull is done, from 0 to 1; None where Exchange did not say how much there is."""
        if self.state is PullState.COMPLETE:
            return 1.0
        return min(1.0, self.items / self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class FirstPulls:
    """The calendars that are being read for the first time, all together.

    ``items`` are there of ``total``, which is None where Exchange did not say it of each.
    """

    calendars: int
    items: int
    total: int | None


def read_first_pulls(connection: Connection) -> FirstPulls:
    """Give how far all first pulls are."""
    is_first = calendars.c.pulled_at.is_(None)
    count, told, total = connection.execute(
        select(func.count(), func.count(calendars.c.total), func.sum(calendars.c.total)).where(is_first)
    ).one()
    held = select(func.count()).select_from(items.join(calendars, items.c.calendar == calendars.c.id)).where(is_first)
    return FirstPulls(count, connection.execute(held).scalar_one(), int(total) if count and count == told else None)


def read_overview(database: Transactions, keys: Keys, now: datetime) -> tuple[Overview, ...]:
    """Give every calendar of every viewer, in the order of their names. Raises Unavailable."""
    with database.reading() as connection:
        listed, addresses = _read_names(connection, keys)
        sizes = func.length(resources.c.head) + func.length(resources.c.text) + func.length(resources.c.facts)
        totals = select(resources.c.calendar, func.count(), func.sum(sizes)).group_by(resources.c.calendar)
        held = {number: (count, size) for number, count, size in connection.execute(totals)}
        owned = _count(connection, items.c.calendar)
        waiting = _count(connection, pending.c.calendar)
        living = select(watchers.c.id).where(watchers.c.heard_at >= to_microseconds(now - LEASE))
        alive = set(connection.execute(living).scalars())
        rows = connection.execute(select(calendars)).all()
    found = []
    for row in rows:
        known = listed.get(row.key)
        count, size = held.get(row.id, (0, 0))
        found.append(
            Overview(
                viewer=known.ref.viewer.address if known else addresses.get(row.viewer),
                owner=known.ref.mailbox if known else None,
                name=known.display_name if known else None,
                state=_state(pulled=row.pulled_at is not None, has_window=row.window_start is not None),
                resources=count,
                items=owned.get(row.id, 0),
                total=row.total,
                size=int(size),
                pending=waiting.get(row.id, 0),
                pulled_at=None if row.pulled_at is None else from_microseconds(row.pulled_at),
                is_watched=row.watcher in alive,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.viewer or "~", one.owner or "~", one.name or "~", one.items)))


def _state(*, pulled: bool, has_window: bool) -> PullState:
    if pulled:
        return PullState.COMPLETE
    return PullState.WINDOW if has_window else PullState.FIRST_PULL


def _count(connection: Connection, column: Column[Any]) -> dict[int, int]:
    """Count the rows of a table by calendar."""
    rows = connection.execute(select(column, func.count()).group_by(column))
    return {number: count for number, count in rows}  # noqa: C416 - rows are no pairs to mypy


def _read_names(connection: Connection, keys: Keys) -> tuple[Mapping[bytes, Calendar], Mapping[bytes, Address]]:
    """Give the calendars that are listed to anybody by their keys, and the addresses of viewers by theirs.

    A list that cannot be read tells nothing.
    """
    listed: dict[bytes, Calendar] = {}
    addresses: dict[bytes, Address] = {}
    for mailbox, sealed in connection.execute(select(folder_listings.c.mailbox, folder_listings.c.listing)):
        try:
            told = open_calendars(keys, mailbox, sealed)
        except BridgeError:
            continue
        for calendar in told:
            listed[calendar_key(keys, calendar.ref)] = calendar
            addresses[viewer_key(keys, calendar.ref.viewer)] = calendar.ref.viewer.address
    return listed, addresses
