"""What this room needs of the service that is built from the configuration."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from bridge.config import Settings
from bridge.freebusy.busy_time import BusyTime
from bridge.freebusy.occurrence_index import OccurrenceIndex
from bridge.item import AttachedFile
from bridge.model import CalendarLook, CalendarName, FileKey, Login, Mailbox, Name, ServedCalendar
from bridge.resource import WHOLE, Changes, Conditions, Need, Snapshot, Stored


class LogsIn(Protocol):
    """Who may come in."""

    def log_in(self, username: str, password: str) -> Login:
        """Give the login. Raises LoginRefused, Unavailable."""


class Store(Protocol):
    """Every read and write of calendars; `bridge.sync.store` says what each raises."""

    def calendars(self, login: Login) -> tuple[ServedCalendar, ...]:
        """List what the viewer may see."""

    def calendar(self, login: Login, name: CalendarName) -> ServedCalendar:
        """Give one of the viewer's calendars."""

    def snapshot(self, login: Login, served: ServedCalendar, *, fresh: bool = False, need: Need = WHOLE) -> Snapshot:
        """Give the calendar as mirrored."""

    def texts(self, served: ServedCalendar, names: Iterable[Name]) -> dict[Name, bytes]:
        """Give the bytes served for these resources."""

    def attachment(self, login: Login, served: ServedCalendar, name: Name, key: FileKey) -> AttachedFile:
        """Fetch a file of an event."""

    def changes(
        self, login: Login, served: ServedCalendar, token: str | None, limit: int | None = None, *, fresh: bool = False
    ) -> Changes:
        """Give what changed since the token."""

    def properties(self, login: Login, served: ServedCalendar | None) -> dict[str, str]:
        """Give the elements the viewer's clients have stored at a calendar, or at his home, by name."""

    def set_properties(self, login: Login, served: ServedCalendar | None, changes: Mapping[str, str | None]) -> None:
        """Store such elements, and remove those of which None is told."""

    def create_calendar(
        self, login: Login, name: CalendarName, display_name: str = "", look: CalendarLook | None = None
    ) -> ServedCalendar:
        """Make a calendar in the viewer's home."""

    def set_look(self, login: Login, served: ServedCalendar, look: CalendarLook) -> bool:
        """Write at Exchange how a calendar looks; say whether it has all of it then."""

    def rename_calendar(self, login: Login, served: ServedCalendar, display_name: str) -> None:
        """Give a calendar another display name."""

    def delete_calendar(self, login: Login, served: ServedCalendar) -> None:
        """Delete a calendar."""

    def people(self, login: Login, text: str) -> tuple[Mailbox, ...]:
        """Give whom the directory knows by the beginning of a name or address."""

    def move(
        self,
        login: Login,
        served: ServedCalendar,
        name: Name,
        target: ServedCalendar,
        new_name: Name,
        conditions: Conditions,
        *,
        overwrites: bool,
    ) -> bool:
        """Move a resource to another place."""

    def put(self, login: Login, served: ServedCalendar, name: Name, body: bytes, conditions: Conditions) -> Stored:
        """Write a resource."""

    def delete(self, login: Login, served: ServedCalendar, name: Name, conditions: Conditions) -> None:
        """Delete a resource."""


class Service(Protocol):
    """The whole bridge behind the door. ``front_page`` takes the URL it is seen at and gives HTML."""

    @property
    def settings(self) -> Settings:
        """The configuration."""

    @property
    def accounts(self) -> LogsIn:
        """Who is logged in, with which credential at Exchange."""

    @property
    def store(self) -> Store:
        """Every read and write of calendars."""

    @property
    def occurrences(self) -> OccurrenceIndex:
        """When the resources of calendars take place."""

    @property
    def busy_time(self) -> BusyTime:
        """When somebody is busy."""

    @property
    def front_page(self) -> Callable[[str], bytes]:
        """The page at the root."""
