"""The nouns of a simulated Exchange: people, folders, items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from bridge.simulator.identifiers import ItemName, change_key, folder_id, item_id

LEVELS = ("none", "freebusy", "read", "write", "owner")
X500 = "/o="  # what the directory's own addresses begin with, in lower case
NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, order=True)
class ExtendedPath:
    """An extended property: its set as a GUID (empty for a tag), its name, number or tag as text, its type."""

    set: str
    key: str
    type: str


@dataclass(frozen=True)
class Person:
    """Somebody with a mailbox. `mailbox` is its GUID, `login` the account name within the domain.

    A room is one, too: `room_list` is the address of the list of rooms it is in. A service account `impersonates`:
    it may ask as anybody.
    """

    name: str
    address: str
    password: str
    mailbox: str
    login: str
    domain: str = "EXAMPLE"
    aliases: tuple[str, ...] = ()
    zone: str = "UTC"
    room_list: str = ""
    impersonates: bool = False

    @property
    def principal_name(self) -> str:
        """Give the user principal name: the account in the domain of the address (assumed)."""
        return f"{self.login}@{self.address.partition('@')[2]}"

    @property
    def addresses(self) -> frozenset[str]:
        """Give every address, in lower case."""
        return frozenset(address.casefold() for address in (self.address, *self.aliases))

    @property
    def legacy_name(self) -> str:
        """Give the directory's X.500 name, as FindItem writes organizers. Source: [V] FindItem of 15.2."""
        unit = "EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)"
        return f"/O={self.domain}/OU={unit}/CN=RECIPIENTS/CN={self.mailbox.replace('-', '')}-{self.login}".upper()


@dataclass(frozen=True)
class Attendee:
    """Somebody invited, with the answer known to this copy of the meeting."""

    name: str
    address: str
    response: str = "Unknown"
    answered: datetime | None = None


@dataclass(frozen=True)
class Body:
    """A body and whether it is `Text` or `HTML`; of what is kept as RTF, `text` is the HTML it comes to."""

    type: str = "Text"
    text: str = ""
    is_rtf: bool = False


@dataclass(frozen=True)
class Attachment:
    """A file at an item, or a message whose MIME form is the content. `unique` tells it from all others."""

    unique: bytes
    name: str
    content: bytes
    modified: datetime
    content_type: str = ""
    content_id: str = ""
    content_location: str = ""
    inline: bool = False
    is_message: bool = False


@dataclass(frozen=True)
class Folder:
    """A folder. `change` and `number` count within the mailbox, `permissions` go from address to level."""

    mailbox: str
    number: int
    parent: int
    name: str
    folder_class: str = "IPF.Note"
    distinguished: str = ""
    change: int = 0
    permissions: Mapping[str, str] = field(default_factory=dict)
    extended: Mapping[ExtendedPath, tuple[str, ...]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Give the FolderId."""
        return folder_id(self.mailbox, self.number)

    @property
    def key(self) -> str:
        """Give the ChangeKey."""
        return change_key(self.mailbox, self.change, folder=True)

    @property
    def is_calendar(self) -> bool:
        """Tell whether it holds appointments."""
        return self.folder_class == "IPF.Appointment" or self.folder_class.startswith("IPF.Appointment.")


@dataclass(frozen=True)
class Modification:
    """What an exception has that its master has not, by element name; None stands for nothing at all.

    `change` is its own change number where a server does not give the master a new one, else 0.
    """

    values: Mapping[str, object]
    extended: Mapping[ExtendedPath, tuple[str, ...] | None]
    modified: datetime
    modified_by: str
    change: int = 0


@dataclass(frozen=True)
class Occurrence:
    """Which part of a series an item is: the date and the instant (UTC) its master's pattern has it on."""

    day: date
    original: datetime
    is_exception: bool = False


@dataclass(frozen=True)
class Item:
    """A calendar item. `values` go by element name; what is not there has its default or is absent.

    The master of a series has a Recurrence among its values, and its exceptions and the dates of its deleted
    occurrences, both by date in its own zone. An item with an `occurrence` is not stored: it is derived from a master.
    """

    mailbox: str
    folder: int
    number: int
    change: int
    created: datetime
    modified: datetime
    modified_by: str
    values: Mapping[str, object] = field(default_factory=dict)
    extended: Mapping[ExtendedPath, tuple[str, ...]] = field(default_factory=dict)
    exceptions: Mapping[date, Modification] = field(default_factory=dict)
    deleted: frozenset[date] = frozenset()
    occurrence: Occurrence | None = None

    @property
    def id(self) -> str:
        """Give the ItemId."""
        return item_id(self.name)

    @property
    def name(self) -> ItemName:
        """Give what the ItemId says."""
        return ItemName(self.mailbox, self.folder, self.number, self.occurrence.day if self.occurrence else None)

    @property
    def kind(self) -> str:
        """Give the CalendarItemType."""
        if self.occurrence:
            return "Exception" if self.occurrence.is_exception else "Occurrence"
        return "RecurringMaster" if "Recurrence" in self.values else "Single"

    @property
    def key(self) -> str:
        """Give the ChangeKey."""
        return change_key(self.mailbox, self.change)

    @property
    def start(self) -> datetime:
        """Give the beginning, an instant in UTC."""
        return self._moment("Start")

    @property
    def end(self) -> datetime:
        """Give the end, an instant in UTC."""
        return self._moment("End")

    @property
    def uid(self) -> str:
        """Give the UID."""
        return str(self.values.get("UID", ""))

    @property
    def attendees(self) -> tuple[Attendee, ...]:
        """Give everybody invited, resources too."""
        names = ("RequiredAttendees", "OptionalAttendees", "Resources")
        return tuple(person for name in names for person in self.people(name))

    def people(self, name: str) -> tuple[Attendee, ...]:
        """Give one list of attendees by its element's name."""
        found = self.values.get(name, ())
        return found if isinstance(found, tuple) else ()

    def _moment(self, name: str) -> datetime:
        found = self.values[name]
        if not isinstance(found, datetime):
            raise TypeError(f"{name} of an item is not a moment")
        return found


@dataclass(frozen=True)
class Mail:
    """A mail Exchange would have sent for a meeting."""

    sender: str
    kind: str
    subject: str
    recipients: tuple[str, ...]
