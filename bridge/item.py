"""The nouns of an Exchange calendar: items, their zones, and the change feed. Nothing here acts.

* *item*: one thing in an Exchange folder; *change key*: Exchange's version of it.
* *cursor*: how far Exchange's change feed has been read.

Named as EWS and Microsoft Graph name things. All instants are timezone-aware datetimes in UTC with whole seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import NewType

from bridge.recurrence import Recurrence
from bridge.zone_definition import ZoneDefinition

ItemId = NewType("ItemId", str)
"""Opaque and case-sensitive; changes when the item moves to another folder."""
AttachmentId = NewType("AttachmentId", str)
"""Opaque; names the item too."""
ChangeKey = NewType("ChangeKey", str)
Cursor = NewType("Cursor", str)
Uid = NewType("Uid", str)


# --- time zones --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as an item carries it: a Windows id such as ``W. Europe Standard Time``.

    ``definition`` are the rules that the item brings along: of an id that is nobody's (``tzone://Microsoft/Custom``),
    and of a Windows id where they are not what the tz database has for it. None where the id says it all.
    """

    id: str
    definition: ZoneDefinition | None = None


UTC_ZONE = Zone("UTC")


# --- items -------------------------------------------------------------------------------------------


class BusyStatus(StrEnum):
    """LegacyFreeBusyStatus of EWS."""

    FREE = "Free"
    TENTATIVE = "Tentative"
    BUSY = "Busy"
    OUT_OF_OFFICE = "OOF"
    WORKING_ELSEWHERE = "WorkingElsewhere"
    NO_DATA = "NoData"


class Sensitivity(StrEnum):
    """Sensitivity of EWS."""

    NORMAL = "Normal"
    PERSONAL = "Personal"
    PRIVATE = "Private"
    CONFIDENTIAL = "Confidential"


class Importance(StrEnum):
    """Importance of EWS."""

    LOW = "Low"
    NORMAL = "Normal"
    HIGH = "High"


class ItemKind(StrEnum):
    """CalendarItemType of EWS."""

    SINGLE = "Single"
    OCCURRENCE = "Occurrence"
    EXCEPTION = "Exception"
    MASTER = "RecurringMaster"


class Response(StrEnum):
    """MyResponseType and an attendee's ResponseType of EWS."""

    UNKNOWN = "Unknown"
    ORGANIZER = "Organizer"
    TENTATIVE = "Tentative"
    ACCEPT = "Accept"
    DECLINE = "Decline"
    NOT_RECEIVED = "NoResponseReceived"


@dataclass(frozen=True, slots=True)
class Person:
    """A mailbox in an item's people: an address (SMTP where known) and a name."""

    address: str
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    """One invited person. ``role`` is the list of the item it stands in."""

    person: Person
    role: "AttendeeRole"
    response: Response = Response.UNKNOWN


class AttendeeRole(Enum):
    """Which of the item's three lists an attendee stands in."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class ItemRef:
    """One version of one item."""

    id: ItemId
    change_key: ChangeKey


@dataclass(frozen=True, slots=True)
class OccurrenceRef:
    """A changed occurrence as its master lists it; ``original_start`` is where the pattern had it (UTC)."""

    ref: ItemRef
    original_start: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class AttachmentRef:
    """A file at an item, as the item lists it: ``size`` in bytes, roughly, as Exchange counts it.

    ``is_inline`` ones belong to the HTML body, which shows them by their ``content_id``.
    """

    id: AttachmentId
    name: str
    content_type: str = ""
    size: int = 0
    is_inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file to attach, or one that was fetched."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What may be written to an item. An update names the attributes of it that shall change.

    ``start`` and ``end`` are UTC instants, also for all-day items (midnights of ``start_zone``; ``end`` is exclusive).
    ``reminder_minutes`` before the start, None for no reminder. ``body`` is plain text with LF line ends; ``html`` is
    the same text formatted, a whole document or a part of one, None where there is plain text alone. Where an item is
    written with both, Exchange is given ``html`` and makes the plain text of it. ``attendees`` are the item's three
    lists; their responses are read, never written. ``recurrence`` makes it the master of a series, whose first
    occurrence is ``start`` to ``end``. ``name_stamp`` and ``kept`` are the raw values of our named properties; see
    ``bridge.ids`` and ``bridge.mapping``.
    """

    uid: Uid
    subject: str
    start: datetime
    end: datetime
    start_zone: Zone = UTC_ZONE
    end_zone: Zone = UTC_ZONE
    is_all_day: bool = False
    location: str = ""
    body: str = ""
    html: str | None = None
    sensitivity: Sensitivity = Sensitivity.NORMAL
    busy_status: BusyStatus = BusyStatus.BUSY
    importance: Importance = Importance.NORMAL
    categories: tuple[str, ...] = ()
    reminder_minutes: int | None = None
    attendees: tuple[Attendee, ...] = ()
    recurrence: Recurrence | None = None
    name_stamp: str | None = None
    kept: str | None = None


Attribute = NewType("Attribute", str)
"""The name of a field of Content."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as read from Exchange: its content and what only Exchange says of it.

    ``created`` and ``modified`` are UTC or None where the server does not tell. A master lists its changed occurrences
    in ``exceptions`` and the original starts (UTC) of its deleted ones in ``deleted``; an occurrence or exception
    tells in ``original_start`` where its master's pattern has it (UTC). ``join_url`` is where an online meeting is
    joined.
    """

    ref: ItemRef
    content: Content
    kind: ItemKind = ItemKind.SINGLE
    created: datetime | None = None
    modified: datetime | None = None
    is_meeting: bool = False
    is_cancelled: bool = False
    my_response: Response = Response.UNKNOWN
    organizer: Person | None = None
    sequence: int = 0
    is_online_meeting: bool = False
    join_url: str = ""
    attachments: tuple[AttachmentRef, ...] = ()
    exceptions: tuple[OccurrenceRef, ...] = ()
    deleted: tuple[datetime, ...] = ()
    original_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The little that a listing tells of an item; enough to block its time when it cannot be read."""

    uid: Uid | None
    start: datetime | None
    end: datetime | None
    busy_status: BusyStatus
    kind: ItemKind


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is there and that Exchange could not give us. ``reason`` is an error name, not content."""

    id: ItemId
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """An item that is not there any more."""

    id: ItemId


# --- the change feed ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """An item that is new or changed, as the feed lists it; ``is_new`` says that it calls it new."""

    ref: ItemRef
    outline: Outline | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a calendar's change feed: what came after the cursor it was asked with."""

    entries: tuple[Entry, ...]
    removed: tuple[ItemId, ...]
    cursor: Cursor
    is_last: bool
