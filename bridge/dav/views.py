"""What properties are asked of: the root, a home, a calendar, a resource, each as its viewer sees it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.ids import Path, make_href
from bridge.model import ETag, Listed, Login, Rights, ServedCalendar, Snapshot


@dataclass(frozen=True, slots=True)
class HomeView:
    """The viewer's principal, which is his calendar home too; the root shows itself through it.

    ``max_resource_size`` is in bytes.
    """

    login: Login
    prefix: str
    max_resource_size: int

    def href(self, path: Path) -> str:
        """Give the href of a place, with the prefix."""
        return self.prefix + make_href(path)

    @property
    def path(self) -> Path:
        """The home's own place."""
        return Path(self.login.mailbox.address)


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar. ``snapshot`` is called only for what needs it and may raise Unavailable."""

    home: HomeView
    served: ServedCalendar
    snapshot: Callable[[], Snapshot]

    @property
    def path(self) -> Path:
        """The calendar's own place."""
        return Path(self.home.login.mailbox.address, self.served.name)

    @property
    def rights(self) -> Rights:
        """What the viewer may do here."""
        return self.served.calendar.rights

    @property
    def display_name(self) -> str:
        """What people read."""
        return display_name(self.home.login, self.served)


def display_name(login: Login, served: ServedCalendar) -> str:
    """Give the folder's name; another's folder bears its owner too, since every mailbox has a ``Calendar``."""
    name, owner = served.calendar.display_name, served.owner
    return name if owner.address == login.mailbox.address else f"{name} ({owner.display_name or owner.address})"


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource. Where its calendar data were asked for, ``text`` is what is served, ``data`` the form asked for."""

    calendar: CalendarView
    listed: Listed
    etag: ETag
    text: bytes | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
