"""The nouns. Frozen, named as EWS and Microsoft Graph name things; nothing here acts.

One vocabulary, used everywhere:

* *organisation*: which Exchange; *viewer*: who asks; *credential*: with what Exchange is asked;
  *mailbox*: whose calendar it is.
* *item*: one thing in an Exchange folder. *resource*: what a CalDAV client sees under one name, made of
  one or more items.
* *cursor*: how far Exchange's change feed has been read. *revision* and *token*: how far a client has.
* *change key*: Exchange's version of an item; *ETag*: a hash of the bytes a client is served.

All instants are timezone-aware datetimes in UTC with whole seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import NewType

OrganisationId = NewType("OrganisationId", str)
Address = NewType("Address", str)
"""An SMTP address in lower case."""
FolderId = NewType("FolderId", str)
ItemId = NewType("ItemId", str)
"""Opaque and case-sensitive; changes when the item moves to another folder."""
ChangeKey = NewType("ChangeKey", str)
Cursor = NewType("Cursor", str)
Uid = NewType("Uid", str)
CalendarName = NewType("CalendarName", str)
"""The path segment of a calendar, decoded."""
Name = NewType("Name", str)
"""The path segment of a resource, decoded: what the client called it."""
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


# --- time zones --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as an item carries it: a Windows id such as ``W. Europe Standard Time``.

    ``definition`` is the raw definition for an id that is not in the table (``tzone://…/Custom``), opaque here;
    None for known ids.
    """

    id: str
    definition: str | None = None


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


# --- recurrence --------------------------------------------------------------------------------------


class Day(StrEnum):
    """DayOfWeekType of EWS: a day of the week, or one of three kinds of day."""

    SUNDAY = "Sunday"
    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    DAY = "Day"
    WEEKDAY = "Weekday"
    WEEKEND_DAY = "WeekendDay"


class Position(StrEnum):
    """DayOfWeekIndexType of EWS."""

    FIRST = "First"
    SECOND = "Second"
    THIRD = "Third"
    FOURTH = "Fourth"
    LAST = "Last"


@dataclass(frozen=True, slots=True)
class Daily:
    """Every ``interval`` days, 1 to 999."""

    interval: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of every ``interval``-th week, 1 to 99. Weeks begin on ``first_day``; ``days`` are in that order."""

    interval: int
    days: tuple[Day, ...]
    first_day: Day = Day.SUNDAY


@dataclass(frozen=True, slots=True)
class AbsoluteMonthly:
    """On a day of every ``interval``-th month, 1 to 99; where the month is too short, on its last day."""

    interval: int
    day: int


@dataclass(frozen=True, slots=True)
class RelativeMonthly:
    """On the ``position``-th ``day`` of every ``interval``-th month, 1 to 99."""

    interval: int
    day: Day
    position: Position


@dataclass(frozen=True, slots=True)
class AbsoluteYearly:
    """On a day of a month (1 to 12) every year; where the month is too short, on its last day."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class RelativeYearly:
    """On the ``position``-th ``day`` of a month (1 to 12) every year."""

    month: int
    day: Day
    position: Position


Pattern = Daily | Weekly | AbsoluteMonthly | RelativeMonthly | AbsoluteYearly | RelativeYearly
"""The six patterns Exchange has."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A pattern and its range, in dates of the item's start zone.

    It begins on ``start``; it ends with the last occurrence on or before ``end``, or after ``count`` occurrences
    (deleted ones counted), or never when both are None.
    """

    pattern: Pattern
    start: date
    end: date | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class OccurrenceRef:
    """A changed occurrence as its master lists it; ``original_start`` is where the pattern had it (UTC)."""

    ref: ItemRef
    original_start: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What may be written to an item. An update names the attributes of it that shall change.

    ``start`` and ``end`` are UTC instants, also for all-day items (midnights of ``start_zone``; ``end`` is
    exclusive). ``reminder_minutes`` before the start, None for no reminder. ``body`` is plain text with LF line
    ends. ``recurrence`` makes it the master of a series, whose first occurrence is ``start`` to ``end``. ``name_stamp``
    and ``kept`` are the raw values of our named properties; see ``bridge.ids`` and ``bridge.mapping``.
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
    sensitivity: Sensitivity = Sensitivity.NORMAL
    busy_status: BusyStatus = BusyStatus.BUSY
    categories: tuple[str, ...] = ()
    reminder_minutes: int | None = None
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
    tells in ``original_start`` where its master's pattern has it (UTC).
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
    attendees: tuple[Attendee, ...] = ()
    importance: Importance = Importance.NORMAL
    sequence: int = 0
    is_online_meeting: bool = False
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
    """An item that is new or changed, as the feed lists it."""

    ref: ItemRef
    outline: Outline | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a calendar's change feed: what came after the cursor it was asked with."""

    entries: tuple[Entry, ...]
    removed: tuple[ItemId, ...]
    cursor: Cursor
    is_last: bool


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
    they stand for whole days of the event's own zone, ``zone_id`` (the item's start zone).
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
