"""What properties are asked of: homes, people, calendars, resources, each as its viewer sees it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.dav.kept import told_name
from bridge.ids import DEFAULT_CALENDAR, PROXIES, Path, Proxy, make_href
from bridge.model import Address, ETag, Login, Rights, ServedCalendar
from bridge.resource import Listed, Snapshot


@dataclass(frozen=True, slots=True)
class HomeView:
    """The viewer's principal, which is his calendar home too; the root shows itself through it.

    ``calendars`` gives what he sees and ``kept`` the elements stored at his home; both may raise Unavailable.
    ``max_resource_size`` is in bytes.
    """

    login: Login
    prefix: str
    max_resource_size: int
    calendars: Callable[[], Iterable[ServedCalendar]]
    kept: Callable[[], Mapping[str, str]]

    def href(self, path: Path) -> str:
        """Give the href of a place, with the prefix."""
        return self.prefix + make_href(path)

    @property
    def address(self) -> Address:
        """Whose it is."""
        return self.login.mailbox.address

    @property
    def addresses(self) -> tuple[str, ...]:
        """The mailbox's addresses, the primary one first: clients write it into the events they organise."""
        return (self.address, *sorted(self.login.mailbox.aliases - {self.address}))

    @property
    def display_name(self) -> str:
        """What people read."""
        return self.login.mailbox.display_name or self.address

    @property
    def path(self) -> Path:
        """The home's own place."""
        return Path(self.address)

    @property
    def default_calendar(self) -> Path:
        """Where new events go when nobody says where."""
        return Path(self.address, DEFAULT_CALENDAR)

    def memberships(self) -> Iterator[Path]:
        """Give the groups (calendarserver's caldav-proxy) the viewer is in: one of each owner he sees a calendar of.

        Raises Unavailable.
        """
        rights: dict[Address, bool] = {}
        for served in self.calendars():
            owner = served.owner.address
            if owner != self.address and served.calendar.rights.read:
                rights[owner] = rights.get(owner, False) or served.calendar.rights.write
        yield from (Path(owner, PROXIES[Proxy.WRITE if writes else Proxy.READ]) for owner, writes in rights.items())

    def owners(self, kind: Proxy) -> Iterator[Path]:
        """Give the people whose calendars the viewer sees as a proxy of this kind. Raises Unavailable."""
        yield from (Path(path.principal) for path in self.memberships() if path.calendar == PROXIES[kind])


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody else, or a room, as the directory shows it. ``user_type`` is a CUTYPE (RFC 6638 2.4.2)."""

    home: HomeView
    address: Address
    display_name: str
    user_type: str = "INDIVIDUAL"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The one address that the directory tells."""
        return (self.address,)

    @property
    def path(self) -> Path:
        """Where the person is."""
        return Path(self.address)

    def memberships(self) -> Iterator[Path]:
        """Give nothing: whose calendars others see is not told."""
        yield from ()


@dataclass(frozen=True, slots=True)
class GroupView:
    """The proxies of one kind of a person (calendarserver's caldav-proxy 5.2), as far as the viewer is one of them."""

    home: HomeView
    owner: Address
    kind: Proxy

    @property
    def display_name(self) -> str:
        """What people read."""
        return f"{self.owner}: {'writing' if self.kind is Proxy.WRITE else 'reading'}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Nothing: nobody can write to it."""
        return ()

    @property
    def path(self) -> Path:
        """Where the group is."""
        return Path(self.owner, PROXIES[self.kind])

    def memberships(self) -> Iterator[Path]:
        """Give nothing: groups are in no groups."""
        yield from ()

    def members(self) -> Iterator[Path]:
        """Give the viewer, if he is in it; of others Exchange tells him nothing. Raises Unavailable."""
        if self.path in set(self.home.memberships()):
            yield self.home.path


PrincipalView = HomeView | PersonView | GroupView


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar. ``snapshot`` and ``kept`` are called only for what needs them and may raise Unavailable.

    ``kept`` gives the elements that the viewer's clients have stored here.
    """

    home: HomeView
    served: ServedCalendar
    snapshot: Callable[[], Snapshot]
    kept: Callable[[], Mapping[str, str]]

    @property
    def path(self) -> Path:
        """The calendar's own place."""
        return Path(self.home.address, self.served.name)

    @property
    def rights(self) -> Rights:
        """What the viewer may do here."""
        return self.served.calendar.rights

    @property
    def is_own(self) -> bool:
        """Whether it is in the viewer's own mailbox."""
        return self.served.owner.address == self.home.address

    @property
    def display_name(self) -> str:
        """What people read."""
        shown = display_name(self.home.login, self.served)
        return told_name(shown, self.kept()) if self.is_own else shown


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
