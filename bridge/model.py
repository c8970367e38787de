"""The nouns of people, calendars and resources, named as EWS and Microsoft Graph name things; nothing here acts.

One vocabulary, used everywhere:

* *organisation*: which Exchange; *viewer*: who asks; *credential*: with what Exchange is asked;
  *mailbox*: whose calendar it is.
* *resource*: what a CalDAV client sees under one name, made of one or more items (`bridge.item`).
* *revision* and *token*: how far a client has read.
* *ETag*: a hash of the bytes a client is served.

All instants are timezone-aware datetimes in UTC with whole seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bridge.item import BusyStatus, Item, ItemRef, Recurrence, Uid, Zone
from bridge.zone_definition import ZoneDefinition

OrganisationId = NewType("OrganisationId", str)
Address = NewType("Address", str)
"""An SMTP address in lower case."""
FolderId = NewType("FolderId", str)
CalendarName = NewType("CalendarName", str)
"""The path segment of a calendar, decoded."""
Name = NewType("Name", str)
"""The path segment of a resource, decoded: what the client called it."""
FileKey = NewType("FileKey", str)
"""Tells the files of events apart in their URLs; see `bridge.ids`."""
ETag = NewType("ETag", str)
"""With its double quotes."""
Revision = NewType("Revision", int)
Epoch = NewType("Epoch", str)


# --- who ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BasicCredential:
    """A user name and password, as typed into a client. Never printed, never stored."""

    username: str
    password: str = field(repr=False)


Credential = BasicCredential
"""With what Exchange is asked. Others (OAuth, a service account) join here."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a person logged in at the bridge. Every mirror is kept per viewer."""

    organisation: OrganisationId
    address: Address


@dataclass(frozen=True, slots=True)
class Caller:
    """A viewer and the credential that Exchange is asked with on his behalf."""

    viewer: Viewer
    credential: Credential = field(repr=False)


class MailboxKind(StrEnum):
    """Whom a mailbox, or an address of the directory, stands for."""

    PERSON = "person"
    ROOM = "room"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as the directory shows it. ``aliases`` holds every further SMTP address, lower case.

    ``kind`` is PERSON also where the directory does not tell rooms from people.
    """

    address: Address
    display_name: str = ""
    aliases: frozenset[Address] = frozenset()
    kind: MailboxKind = MailboxKind.PERSON

    @property
    def addresses(self) -> frozenset[Address]:
        """All addresses that mean this mailbox."""
        return self.aliases | {self.address}


# --- calendars ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rights:
    """What the viewer may do with the items of a calendar (EWS EffectiveRights)."""

    read: bool
    create: bool
    modify: bool
    delete: bool

    @property
    def write(self) -> bool:
        """Everything a client's edits need."""
        return self.create and self.modify and self.delete


@dataclass(frozen=True, slots=True)
class CalendarRef:
    """One viewer's view of one calendar folder: the key of a mirror."""

    viewer: Viewer
    mailbox: Address
    folder: FolderId

    @property
    def is_own(self) -> bool:
        """Whether the calendar is the viewer's, not another's."""
        return self.mailbox == self.viewer.address


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar folder as Exchange shows it to the viewer.

    ``is_default`` marks the mailbox's own default calendar. ``owner_name`` is the display name of another's mailbox,
    where the server tells it. ``stamp`` is the folder's ``Name`` property,
    ``look`` its ``Look`` property (see ids.PROPERTY_SET), both raw and None when absent.
    """

    ref: CalendarRef
    display_name: str
    is_default: bool
    rights: Rights
    stamp: str | None = None
    look: str | None = None
    owner_name: str = ""


@dataclass(frozen=True, slots=True)
class CalendarLook:
    """How a calendar is shown: ``colour`` as ``#RGB``, ``#RRGGBB`` or ``#RRGGBBAA``, its place among others, a text."""

    colour: str | None = None
    order: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ServedCalendar:
    """A calendar under the name its viewer addresses it by. ``owner`` is the mailbox it belongs to."""

    name: CalendarName
    calendar: Calendar
    owner: Mailbox


@dataclass(frozen=True, slots=True)
class Login:
    """A viewer who has proved who he is: how Exchange is asked for him, and his own mailbox."""

    caller: Caller
    mailbox: Mailbox


# --- resources ---------------------------------------------------------------------------------------


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
class Snapshot:
    """A calendar as mirrored at one revision.

    ``pulled_at`` is when Exchange was last asked and answered whole (UTC), None before the first full pull.
    """

    ref: CalendarRef
    epoch: Epoch
    revision: Revision
    pulled_at: datetime | None
    resources: Mapping[Name, Listed] = field(repr=False)

    @property
    def is_complete(self) -> bool:
        """Whether a first full pull has ended; before that nothing may be inferred from absence."""
        return self.pulled_at is not None


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

    ``is_cut`` says that there is more, to be asked for with that token at once (RFC 6578 3.6).
    """

    changed: tuple[Listed, ...]
    removed: tuple[Name, ...]
    token: str
    is_cut: bool = False


# --- free and busy -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """A span of time (UTC, end exclusive) with one status. Nothing of what fills it is told."""

    start: datetime
    end: datetime
    status: BusyStatus


@dataclass(frozen=True, slots=True)
class Availability:
    """What Exchange tells of a mailbox's time in a window: its blocks, free ones left out, in order of start."""

    mailbox: Address
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class NoAvailability:
    """Exchange does not tell of this mailbox's time. ``reason`` is its name for why.

    ``is_unknown``: there is no such person; ``is_refused``: the viewer may not know. Else it may pass.
    """

    mailbox: Address
    reason: str
    is_unknown: bool = False
    is_refused: bool = False
