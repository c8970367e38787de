"""What `sync` tells the mirror of one page of the change feed, and what it is told back."""

from dataclasses import dataclass
from datetime import datetime

from bridge.errors import BridgeError
from bridge.item import Cursor, ItemId
from bridge.model import Calendar, Epoch, Name, Revision
from bridge.resource import Rendered, Window


class CursorMoved(BridgeError):
    """Another pull of this calendar was quicker. Nothing was taken from the batch; begin again with the new cursor."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far the mirror of a calendar is.

    ``cursor`` is the one to ask Exchange with next, None before the first page of a full listing. ``pulled_at`` is when
    Exchange was last asked and answered whole (UTC). ``is_listing`` says that a full listing is under way. ``window``
    is what was read before all the rest.
    """

    epoch: Epoch
    revision: Revision
    cursor: Cursor | None
    pulled_at: datetime | None
    is_listing: bool
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One page, read and rendered.

    * ``asked_from``: the cursor the page was asked with, ``cursor`` the one it brought; ``is_last`` says that there was
      nothing behind it. ``read_from`` is the mirror's revision before the page was asked.
    * ``puts``: resources as they are now. Each holds all its items, at least one.
    * ``seen``: items that a full listing named and that were not read again, since their change key is known.
    * ``removed``: items that are gone. A resource goes with its last item.
    * ``pending``: items that could not be read, each with the time (UTC) before which it is not tried again.
    * ``settled``: pending items that are done with.
    * ``now``: becomes ``pulled_at`` with the last page.
    * ``window``: this is no page of the feed, but all that takes place in a span of time; ``cursor`` is None then.
    """

    asked_from: Cursor | None
    cursor: Cursor | None
    is_last: bool
    read_from: Revision
    now: datetime
    puts: tuple[Rendered, ...] = ()
    seen: tuple[ItemId, ...] = ()
    removed: tuple[ItemId, ...] = ()
    pending: tuple[tuple[ItemId, datetime], ...] = ()
    settled: tuple[ItemId, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch.

    ``stale`` names the resources that the batch cannot tell about: a push changed them since the page was asked, or
    they lost one of several items. Their items are pending from now on, so that no crash forgets them.
    """

    revision: Revision
    stale: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The calendar folders of a mailbox as Exchange last listed them to a viewer, and when (UTC)."""

    calendars: tuple[Calendar, ...]
    listed_at: datetime
