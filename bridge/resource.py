"""The nouns of a resource: what a CalDAV client sees under one name, and what it asks of a write. Nothing here acts.

All instants are timezone-aware datetimes in UTC with whole seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.item import BusyStatus, Item, ItemRef, Uid, Zone
from bridge.model import CalendarRef, Epoch, ETag, Name, Revision
from bridge.recurrence import Recurrence
from bridge.zone_definition import ZoneDefinition


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """What queries need to know of one changed occurrence: where it was (UTC), where it is (UTC), how busy it is.

    ``is_all_day`` says that it stands for whole days, whatever the others of its series do.
    """

    original_start: datetime
    start: datetime
    end: datetime
    busy_status: BusyStatus = BusyStatus.BUSY
    is_all_day: bool = False


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """What queries by component and time need to know of a resource without its text.

    ``start`` and ``end`` are UTC, end exclusive (equal to start for an event of no length). ``is_all_day`` says that
    they stand for whole days of the event's own zone, ``zone_id`` (the item's start zone), whose rules are
    ``zone_definition`` where the item brings them along.
    For a series they are the master's first occurrence, with the pattern in ``recurrence`` and what differs from it in
    ``exceptions`` and ``deleted`` (original starts). Instances without a master stand in ``exceptions`` alone, with
    ``has_master`` False. ``is_floating``: it is served without a zone, so that its times are the clock's wherever its
    reader is (RFC 5545 3.3.5); the instants are those of its own zone.
    """

    start: datetime
    end: datetime
    is_all_day: bool = False
    busy_status: BusyStatus = BusyStatus.BUSY
    component: str = "VEVENT"
    zone_id: str = "UTC"
    recurrence: Recurrence | None = None
    exceptions: tuple[ExceptionRecord, ...] = ()
    deleted: tuple[datetime, ...] = ()
    has_master: bool = True
    is_floating: bool = False
    zone_definition: ZoneDefinition | None = None

    @property
    def zone(self) -> Zone:
        """The item's start zone."""
        return Zone(self.zone_id, self.zone_definition)


@dataclass(frozen=True, slots=True)
class Rendered:
    """One resource, rendered: the bytes a client is served, their ETag, and the index record."""

    name: Name
    uid: Uid
    text: bytes = field(repr=False)
    etag: ETag
    index: IndexRecord
    items: tuple[ItemRef, ...]
    facts: tuple[Item, ...] = field(default=(), repr=False)
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """One resource as listings need it: no text, no facts."""

    name: Name
    uid: Uid
    etag: ETag
    size: int
    index: IndexRecord
    revision: Revision
    items: tuple[ItemRef, ...]
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, UTC, of which a mirror has everything that took place in it at ``read_at``."""

    start: datetime
    end: datetime
    read_at: datetime

    def covers(self, start: datetime, end: datetime) -> bool:
        """Say whether a span lies in it."""
        return self.start <= start and end <= self.end


@dataclass(frozen=True, slots=True)
class Need:
    """What a question must know of a calendar that is read for the first time; nothing said: all of it.

    ``span`` (UTC): only what takes place in it. ``names``: only these resources, which there must be then.
    ``newer_than``: something that came after that revision.
    """

    span: tuple[datetime, datetime] | None = None
    names: frozenset[Name] | None = None
    newer_than: Revision | None = None


WHOLE = Need()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A calendar as mirrored at one revision.

    ``pulled_at`` is when Exchange was last asked and answered whole (UTC), None before the first full pull. Until then
    a ``window`` may be known whole. ``heard_at`` is when it was last certain (UTC) that nothing has changed since, of a
    calendar that is watched and quiet.

    ``load`` gives the resources, the same each time; whoever asks only for the revision does without. They may be those
    of a later revision. It raises Unavailable.
    """

    ref: CalendarRef
    epoch: Epoch
    revision: Revision
    pulled_at: datetime | None
    load: Callable[[], Mapping[Name, Listed]] = field(repr=False, compare=False)
    window: Window | None = None
    heard_at: datetime | None = None

    @property
    def resources(self) -> Mapping[Name, Listed]:
        """The resources by name. Raises Unavailable."""
        return self.load()

    @property
    def is_complete(self) -> bool:
        """Whether a first full pull has ended; before that nothing may be inferred from absence."""
        return self.pulled_at is not None

    @property
    def known_at(self) -> datetime | None:
        """As of when (UTC) this is what Exchange has; None while nothing of it is known whole."""
        if self.pulled_at is None:
            return self.window.read_at if self.window is not None else None
        return self.pulled_at if self.heard_at is None else max(self.pulled_at, self.heard_at)

    def meets(self, need: Need) -> bool:
        """Say whether so much is known of the calendar."""
        if self.is_complete:
            return True
        if need.span is not None:
            return self.window is not None and self.window.covers(*need.span)
        if need.names is not None:
            return need.names <= self.resources.keys()
        return need.newer_than is not None and self.revision > need.newer_than


# --- what a client asks of a write -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conditions:
    """If-Match and If-None-Match of a write (RFC 9110 13.1). None where the header is absent; ``*`` is ANY."""

    if_match: frozenset[ETag] | None = None
    if_none_match: frozenset[ETag] | None = None

    @property
    def names_version(self) -> bool:
        """Whether the client says which version it has seen."""
        return self.if_match is not None and ANY_ETAG not in self.if_match


ANY_ETAG = ETag("*")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a PUT. ``etag`` is None when the bytes served differ from the bytes sent (RFC 4791 5.3.4)."""

    created: bool
    etag: ETag | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a client has missed since its token (RFC 6578 3.2); ``token`` is the next one to ask with.

    ``is_cut`` says that there is more, to be asked for with that token at once (RFC 6578 3.6). ``known_at`` is as in
    `Snapshot`.
    """

    changed: tuple[Listed, ...]
    removed: tuple[Name, ...]
    token: str
    is_cut: bool = False
    known_at: datetime | None = None
