"""One authenticated request: who asks, for what, and the calendars as that viewer sees them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from bridge.dav.look import to_elements
from bridge.dav.refusals import Asked
from bridge.dav.request import Request
from bridge.dav.time_range import TimeRange
from bridge.dav.timeline import Timeline, widened
from bridge.dav.views import CalendarView, HomeView, PersonView
from bridge.errors import MirrorFilling, NotFound, NotPermitted
from bridge.freebusy.busy_time import Busy
from bridge.ids import Path, parse_look
from bridge.model import Address, CalendarName, ETag, Login, Mailbox, MailboxKind, Name, NoAvailability, ServedCalendar
from bridge.resource import WHOLE, Changes, Listed, Need, Snapshot
from bridge.storage_plugin.needs import Service

_USER_TYPES: Mapping[MailboxKind, str] = {
    MailboxKind.PERSON: "INDIVIDUAL",
    MailboxKind.ROOM: "ROOM",
    MailboxKind.GROUP: "GROUP",
}


class Visit:
    """What the methods work with. Lives for one request on one thread; each calendar is read at one revision."""

    def __init__(self, service: Service, request: Request, login: Login) -> None:
        """Take the service, the request and its login."""
        self.request = request
        self.login = login
        self.settings = service.settings
        self.store = service.store
        self._service = service
        self.home = HomeView(
            login,
            request.prefix,
            service.settings.server.max_resource_size,
            lambda: self.store.calendars(login),
            lambda: self._properties(None),
        )
        self._snapshots: dict[CalendarName, Snapshot] = {}
        self._ages: dict[CalendarName, datetime | None] = {}
        self._need = WHOLE
        self._kept: dict[CalendarName | None, Mapping[str, str]] = {}

    @property
    def path(self) -> Path:
        """The place that is asked. Raises NotFound where there can be none."""
        if self.request.path is None:
            raise NotFound("There is nothing at this address.")
        return self.request.path

    def asked(self, path: Path) -> Asked:
        """Give of what a refusal is the answer where the request is about this place."""
        return Asked(self.settings.server.realm, self.request.prefix, path)

    def person(self, address: Address) -> PersonView:
        """Give somebody else. Raises NotPermitted where the viewer can know nothing of him, Unavailable."""
        for person in self._owners():
            if person.address == address:
                return person
        for mailbox in self.store.people(self.login, address):
            if address in mailbox.addresses:
                return _person(self.home, mailbox)
        raise NotPermitted("This is not your address. Your calendars are below your own primary address.", "read")

    def people(self, texts: Sequence[str]) -> Iterator[PersonView]:
        """Give those who may match one of these texts, of the directory too, each once. Raises Unavailable."""
        found = {one.address: one for text in texts if text for one in self.store.people(self.login, text)}
        for address, mailbox in found.items():
            if address != self.home.address:
                yield _person(self.home, mailbox)
        yield from (person for person in self._owners() if person.address not in found)

    def _owners(self) -> Iterator[PersonView]:
        seen = {self.home.address}
        for served in self.store.calendars(self.login):
            if served.owner.address not in seen:
                seen.add(served.owner.address)
                yield PersonView(self.home, served.owner.address, served.owner.display_name or served.owner.address)

    def within(self, span: TimeRange) -> None:
        """Note that nothing is asked but what takes place in a span.

        Of a calendar that is read for the first time such questions can be answered before it is known whole. Whole
        days and floating times may be meant in another zone than the calendar's.
        """
        start, end = widened(span)
        if start is not None and end is not None:
            self._need = Need(span=(start, end))

    def only(self, names: Iterable[Name]) -> None:
        """Note that nothing is asked but these resources. While they are all there, the rest need not be known."""
        self._need = Need(names=frozenset(names))

    def changes(self, served: ServedCalendar, token: str | None, limit: int | None) -> Changes:
        """Give what changed in the calendar since a token. Raises TokenUnknown, Unavailable."""
        changes = self.store.changes(self.login, served, token, limit, fresh=self.request.wants_fresh)
        self._ages[served.name] = changes.known_at
        return changes

    def calendars(self) -> list[CalendarView]:
        """Give every calendar whose events the viewer may read. Raises Unavailable."""
        return [self._view(served) for served in self.store.calendars(self.login) if served.calendar.rights.read]

    def calendar(self, path: Path | None = None) -> CalendarView:
        """Give the calendar that is at a place or holds what is there; None is the place that is asked.

        Raises NotFound, NotPermitted where only busy times may be seen, Unavailable.
        """
        served = self._served(path or self.path)
        if not served.calendar.rights.read:
            raise NotPermitted("Exchange lets you see no events of this calendar.", "read")
        return self._view(served)

    def timeline(self, served: ServedCalendar, zone: tzinfo | None) -> Timeline:
        """Give when the calendar's resources take place; ``zone`` is the one that whole days are asked for in."""
        return Timeline(self._service.occurrences.at(self.snapshot(served)), zone)

    def busy(self, start: datetime, end: datetime) -> Busy | NoAvailability:
        """Give when the calendar that is asked leaves its owner no time (UTC window).

        From its events where the viewer may read them; else what Exchange tells of its owner, who is told of by his
        default calendar alone. Raises NotFound, NotPermitted, Unavailable.
        """
        self.within(TimeRange(start, end))
        served = self._served(self.path)
        busy_time, calendar = self._service.busy_time, served.calendar
        if calendar.rights.read and calendar.is_default:
            snapshot = self.snapshot(served)
            return busy_time.of_default_calendar(self.login.caller, served.owner.address, snapshot, start, end)
        if calendar.rights.read:
            return busy_time.of_calendar(self.snapshot(served), start, end)
        if not calendar.is_default:
            raise NotPermitted("Exchange does not let you see who is busy by this calendar.", "read-free-busy")
        return self.busy_person(served.owner.address, start, end)

    def busy_person(self, address: Address, start: datetime, end: datetime) -> Busy | NoAvailability:
        """Give what Exchange tells of when somebody is busy (UTC window). Raises Unavailable."""
        (told,) = self._service.busy_time.of_mailboxes(self.login.caller, (address,), start, end)
        return told

    def snapshot(self, served: ServedCalendar) -> Snapshot:
        """Give the calendar as mirrored, the same in the whole request. Raises Unavailable."""
        known = self._snapshots.get(served.name)
        if known is None or not known.meets(self._need):
            known = self.store.snapshot(self.login, served, fresh=self.request.wants_fresh, need=self._need)
            self._keep(served, known)
        return known

    def texts(self, served: ServedCalendar, names: Sequence[Name]) -> dict[Name, bytes]:
        """Give the bytes of resources that a snapshot or a list of changes has named; those gone since are left out.

        Raises Unavailable rather than leave out what is only not known at this moment.
        """
        texts = self.store.texts(served, names)
        lost = [name for name in names if name not in texts]
        if lost:
            # Deleted since they were named, or the mirror was emptied: only a newer snapshot tells.
            newer = self.store.snapshot(self.login, served)
            self._keep(served, newer)
            if any(name in newer.resources for name in lost):
                raise MirrorFilling("This calendar is being read from Exchange again.", retry_after=5)
        return texts

    def version(self, served: ServedCalendar, name: Name, etag: ETag) -> Listed:
        """Give the listing of a resource whose text was read newer than it was listed. Raises MirrorFilling."""
        newer = self.store.snapshot(self.login, served)
        self._keep(served, newer)
        listed = newer.resources.get(name)
        if listed is None or listed.etag != etag:
            raise MirrorFilling("An event changed while it was being read.", retry_after=1)
        return listed

    def age(self) -> dict[str, str]:
        """Give the Age header (RFC 9111 5.1) where what was read is older than what counts as fresh."""
        known = [at for at in self._ages.values() if at is not None]
        return self.age_of(min(known)) if known else {}

    def age_of(self, asked_at: datetime) -> dict[str, str]:
        """Give the Age header of what Exchange was asked for at that time."""
        seconds = (datetime.now(UTC) - asked_at).total_seconds()
        return {"Age": str(int(seconds))} if seconds > self.settings.sync.fresh else {}

    def _served(self, path: Path) -> ServedCalendar:
        if path.calendar is None or path.principal != self.home.address:
            raise NotFound("There is no calendar at this address.")
        return self.store.calendar(self.login, path.calendar)

    def _keep(self, served: ServedCalendar, snapshot: Snapshot) -> None:
        if not snapshot.meets(self._need):
            raise MirrorFilling("This calendar is being read from Exchange for the first time.", retry_after=5)
        self._snapshots[served.name] = snapshot
        self._ages[served.name] = snapshot.known_at

    def _view(self, served: ServedCalendar) -> CalendarView:
        def kept() -> Mapping[str, str]:
            return {**to_elements(parse_look(served.calendar.look)), **self._properties(served)}

        return CalendarView(self.home, served, lambda: self.snapshot(served), kept)

    def _properties(self, served: ServedCalendar | None) -> Mapping[str, str]:
        name = None if served is None else served.name
        if name not in self._kept:
            self._kept[name] = self.store.properties(self.login, served)
        return self._kept[name]


def _person(home: HomeView, mailbox: Mailbox) -> PersonView:
    """Show somebody as the directory does."""
    return PersonView(home, mailbox.address, mailbox.display_name or mailbox.address, _USER_TYPES[mailbox.kind])
