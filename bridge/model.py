"""The nouns of people, calendars and their time, named as EWS and Microsoft Graph name things; nothing here acts.

One vocabulary, used everywhere:

* *organisation*: which Exchange; *viewer*: who asks; *credential*: with what Exchange is asked;
  *mailbox*: whose calendar it is.
* *resource*: what a CalDAV client sees under one name, made of one or more items (`bridge.resource`).
* *revision* and *token*: how far a client has read.
* *ETag*: a hash of the bytes a client is served.

All instants are timezone-aware datetimes in UTC with whole seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bridge.item import BusyStatus

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


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """The organisation's service account, which asks as the owner of the mailbox ``acts_as`` (EWS impersonation).

    ``username`` and ``password`` are the account's own. Never printed, never stored.
    """

    username: str
    password: str = field(repr=False)
    acts_as: Address


Credential = BasicCredential | ServiceCredential
"""With what Exchange is asked. Others (OAuth) join here."""


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
    ``look`` its ``Look`` property (see ids.PROPERTY_SET), both raw and None when absent. ``total`` is how many items
    the folder has by Exchange's own count, None where it tells none.
    """

    ref: CalendarRef
    display_name: str
    is_default: bool
    rights: Rights
    stamp: str | None = None
    look: str | None = None
    owner_name: str = ""
    total: int | None = None


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
