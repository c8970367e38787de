"""A store in memory that enforces what the real one promises, and a client that speaks WSGI to the application."""

import base64
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.config import ExchangeSettings, ServerSettings, Settings, StateSettings, SyncSettings
from bridge.database import make_engine
from bridge.errors import (
    BridgeError,
    InvalidCalendarData,
    LoginRefused,
    NameTaken,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    UidTaken,
    UnsupportedComponent,
)
from bridge.exchange import Deadline, Waiters
from bridge.freebusy.busy_time import BusyTime
from bridge.freebusy.mailbox_times import MailboxTimes
from bridge.freebusy.occurrence_index import OccurrenceIndex
from bridge.ids import make_epoch, make_etag
from bridge.item import AttachedFile, Uid
from bridge.keys import load_keys
from bridge.mirror.mirror import Mirror
from bridge.model import (
    Address,
    Availability,
    BasicCredential,
    Calendar,
    CalendarLook,
    CalendarName,
    CalendarRef,
    Caller,
    Epoch,
    FileKey,
    FolderId,
    Login,
    Mailbox,
    Name,
    NoAvailability,
    OrganisationId,
    Revision,
    Rights,
    ServedCalendar,
    Viewer,
)
from bridge.resource import ANY_ETAG, WHOLE, Changes, Conditions, IndexRecord, Listed, Need, Snapshot, Stored, Window
from bridge.storage_plugin.application import make_application
from bridge.sync.changes import changes_since

from door import Answer, send

ALICE = Mailbox(Address("alice@example.com"), "Alice Ahlgren", frozenset({Address("a.ahlgren@example.com")}))
BOB = Mailbox(Address("bob@example.com"), "Bob Böhm & Söhne")
CAROL = Mailbox(Address("carol@example.com"), "Carol")
PASSWORD = "open sesame"
ALL, READ, NONE = (Rights(*flags) for flags in ((True,) * 4, (True, False, False, False), (False,) * 4))


@dataclass
class Kept:
    """One calendar: the bytes of each resource, and at which revision each name last changed."""

    epoch: Epoch = field(default_factory=make_epoch)
    revision: int = 0
    texts: dict[Name, bytes] = field(default_factory=dict)
    changed: dict[Name, int] = field(default_factory=dict)
    records: dict[Name, IndexRecord] = field(default_factory=dict)
    pulled_at: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    window: Window | None = None


class FakeStore:
    """Keeps to the docstrings of the real store. ``trouble`` is raised by whatever is called next, until taken away."""

    def __init__(self) -> None:
        self.kept: dict[FolderId, Kept] = {}
        self.served: dict[Address, list[ServedCalendar]] = {}
        self.trouble: dict[str, BridgeError | Exception] = {}
        self.properties_kept: dict[tuple[Address, CalendarName | None], dict[str, str]] = {}
        self.files: dict[tuple[FolderId, Name, FileKey], AttachedFile] = {}
        self.normalises = False
        self.fresh_asked = 0
        self.calls: list[str] = []

    def add_calendar(self, viewer: Mailbox, name: str, display_name: str, owner: Mailbox, rights: Rights) -> Kept:
        folder = FolderId(f"{owner.address}/{display_name}")
        ref = CalendarRef(Viewer(OrganisationId("example.com"), viewer.address), owner.address, folder)
        calendar = Calendar(ref, display_name, name == "calendar", rights)
        self.served.setdefault(viewer.address, []).append(ServedCalendar(CalendarName(name), calendar, owner))
        return self.kept.setdefault(folder, Kept())

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if what in self.trouble:
            raise self.trouble[what]

    def calendars(self, login: Login) -> tuple[ServedCalendar, ...]:
        self._called("calendars")
        return tuple(self.served.get(login.mailbox.address, ()))

    def calendar(self, login: Login, name: CalendarName) -> ServedCalendar:
        self._called("calendar")
        for served in self.served.get(login.mailbox.address, ()):
            if served.name == name:
                return served
        raise NotFound("There is no calendar of this name.")

    def snapshot(self, login: Login, served: ServedCalendar, *, fresh: bool = False, need: Need = WHOLE) -> Snapshot:
        del login, need
        self._called(f"snapshot {served.name}")
        self._called("snapshot")
        kept = self.kept[served.calendar.ref.folder]
        if fresh:
            self.fresh_asked += 1
            kept.pulled_at = datetime.now(UTC)
        resources = {name: self._listed(kept, name) for name in kept.texts}
        revision = Revision(kept.revision)
        return Snapshot(served.calendar.ref, kept.epoch, revision, kept.pulled_at, lambda: resources, kept.window)

    def texts(self, served: ServedCalendar, names: Iterable[Name]) -> dict[Name, bytes]:
        self._called("texts")
        texts = self.kept[served.calendar.ref.folder].texts
        return {name: texts[name] for name in names if name in texts}

    def attachment(self, login: Login, served: ServedCalendar, name: Name, key: FileKey) -> AttachedFile:
        del login
        self._called("attachment")
        file = self.files.get((served.calendar.ref.folder, name, key))
        if file is None:
            raise NotFound("This event has no such file.")
        return file

    def changes(
        self, login: Login, served: ServedCalendar, token: str | None, limit: int | None = None, *, fresh: bool = False
    ) -> Changes:
        self._called("changes")
        snapshot = self.snapshot(login, served, fresh=fresh)
        kept = self.kept[served.calendar.ref.folder]

        def removed(since: Revision) -> Mapping[Name, Revision]:
            gone = {name: Revision(at) for name, at in kept.changed.items() if name not in kept.texts}
            return {name: at for name, at in gone.items() if at > since}

        return changes_since(snapshot, removed, token, limit)

    def properties(self, login: Login, served: ServedCalendar | None) -> dict[str, str]:
        name = None if served is None else served.name
        return self.properties_kept.setdefault((login.mailbox.address, name), {})

    def set_properties(self, login: Login, served: ServedCalendar | None, changes: Mapping[str, str | None]) -> None:
        self._called("set_properties")
        kept = self.properties(login, served)
        for name, element in changes.items():
            kept.pop(name, None)
            if element is not None:
                kept[name] = element

    def people(self, login: Login, text: str) -> tuple[Mailbox, ...]:
        del login
        self._called("people")
        known = {served.owner.address: served.owner for each in self.served.values() for served in each}
        return tuple(one for one in known.values() if one.address.startswith(text))

    def set_look(self, login: Login, served: ServedCalendar, look: CalendarLook) -> bool:
        del login, served, look
        self._called("set_look")
        return False

    def create_calendar(
        self, login: Login, name: CalendarName, display_name: str = "", look: CalendarLook | None = None
    ) -> ServedCalendar:
        del look
        self._called("create_calendar")
        if any(served.name == name for served in self.served[login.mailbox.address]):
            raise NameTaken("There is a calendar of this name already.")
        rights = Rights(read=True, create=True, modify=True, delete=True)
        self.add_calendar(login.mailbox, name, display_name or name, login.mailbox, rights)
        return self.calendar(login, name)

    def rename_calendar(self, login: Login, served: ServedCalendar, display_name: str) -> None:
        self._called("rename_calendar")
        self._own(login, served, "write-properties")
        there = self.served[login.mailbox.address]
        renamed = replace(served, calendar=replace(served.calendar, display_name=display_name))
        there[there.index(served)] = renamed

    def delete_calendar(self, login: Login, served: ServedCalendar) -> None:
        self._called("delete_calendar")
        self._own(login, served, "unbind")
        self.served[login.mailbox.address].remove(served)

    def _own(self, login: Login, served: ServedCalendar, privilege: str) -> None:
        if served.owner != login.mailbox or served.calendar.is_default:
            raise NotPermitted("This calendar stays as it is.", privilege)

    def put(self, login: Login, served: ServedCalendar, name: Name, body: bytes, conditions: Conditions) -> Stored:
        del login
        self._called("put")
        if not served.calendar.rights.write:
            is_there = name in self.kept[served.calendar.ref.folder].texts
            raise NotPermitted("You may not change this calendar.", "write-content" if is_there else "bind")
        if b"BEGIN:VTODO" in body:
            raise UnsupportedComponent("This calendar holds events only.")
        if not body.startswith(b"BEGIN:VCALENDAR"):
            raise InvalidCalendarData("Line 1 is not BEGIN:VCALENDAR.")
        kept = self.kept[served.calendar.ref.folder]
        self._check(kept, name, conditions)
        for other, text in kept.texts.items():
            if other != name and _uid(text) == _uid(body):
                raise UidTaken("Another event has this UID.", other)
        created = name not in kept.texts
        text = body.replace(b"SUMMARY:", b"SUMMARY:Normal ") if self.normalises else body
        self._write(kept, name, text)
        return Stored(created, make_etag(text) if text == body else None)

    def delete(self, login: Login, served: ServedCalendar, name: Name, conditions: Conditions) -> None:
        del login
        self._called("delete")
        kept = self.kept[served.calendar.ref.folder]
        if not served.calendar.rights.delete:
            raise NotPermitted("You may not delete from this calendar.", "unbind")
        if name not in kept.texts:
            raise NotFound("There is no such event.")
        self._check(kept, name, conditions)
        self._write(kept, name, None)

    def _check(self, kept: Kept, name: Name, conditions: Conditions) -> None:
        etag = make_etag(kept.texts[name]) if name in kept.texts else None
        wanted, unwanted = conditions.if_match, conditions.if_none_match
        if wanted is not None and (etag is None or not wanted & {etag, ANY_ETAG}):
            raise PreconditionFailed("The event is another version.")
        if unwanted is not None and etag is not None and unwanted & {etag, ANY_ETAG}:
            raise PreconditionFailed("The event is there already.")

    def _write(self, kept: Kept, name: Name, text: bytes | None) -> None:
        kept.revision += 1
        kept.changed[name] = kept.revision
        if text is None:
            del kept.texts[name]
        else:
            kept.texts[name] = text

    def _listed(self, kept: Kept, name: Name) -> Listed:
        text = kept.texts[name]
        found = re.search(rb"DTSTART:(\d{8}T\d{6})Z", text)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        if found:
            start = datetime.strptime(found[1].decode(), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        index = kept.records.get(name) or IndexRecord(start, start + timedelta(hours=1))
        return Listed(name, _uid(text), make_etag(text), len(text), index, Revision(kept.changed.get(name, 0)), ())


def _uid(text: bytes) -> Uid:
    found = re.search(rb"UID:(\S+)", text)
    return Uid(found[1].decode() if found else "")


class FakeExchange:
    """Tells when people are busy: of Carol, whatever is put into ``answer``."""

    def __init__(self) -> None:
        self.answer: Availability | NoAvailability = Availability(CAROL.address, ())
        self.trouble: Exception | None = None
        self.asked: list[tuple[Address, ...]] = []

    def availability(
        self, caller: Caller, mailboxes: Sequence[Address], start: datetime, end: datetime, deadline: Deadline
    ) -> tuple[Availability | NoAvailability, ...]:
        del caller, start, end, deadline
        self.asked.append(tuple(mailboxes))
        if self.trouble is not None:
            raise self.trouble
        return tuple(self.answer for _ in mailboxes)


class FakeAccounts:
    """Knows three people; every password is "open sesame"."""

    def __init__(self) -> None:
        self.names = {name: box for box in (ALICE, BOB, CAROL) for name in (box.address, f"EXAMPLE\\{box.address[:3]}")}
        self.trouble: Exception | None = None

    def log_in(self, username: str, password: str) -> Login:
        if self.trouble is not None:
            raise self.trouble
        mailbox = self.names.get(username)
        if mailbox is None or password not in {"open sesame", "Sésame: ouvre-toi"}:
            raise LoginRefused("The user name or password is not accepted.")
        viewer = Viewer(OrganisationId("example.com"), mailbox.address)
        return Login(Caller(viewer, BasicCredential(username, password)), mailbox)


@pytest.fixture
def store() -> FakeStore:
    """Alice sees two calendars of her own, Bob's to read, and of Carol's busy times only; Bob sees his own."""
    store = FakeStore()
    store.add_calendar(ALICE, "calendar", "Calendar", ALICE, ALL)
    store.add_calendar(ALICE, "besprechungen-größe", "Besprechungen <Größe>", ALICE, ALL)
    store.add_calendar(ALICE, "bob@example.com~calendar", "Calendar", BOB, READ)
    store.add_calendar(ALICE, "carol@example.com~calendar", "Calendar", CAROL, NONE)
    store.add_calendar(BOB, "calendar", "Calendar", BOB, ALL)
    return store


@pytest.fixture
def accounts() -> FakeAccounts:
    """Alice, Bob and Carol."""
    return FakeAccounts()


@pytest.fixture
def exchange() -> FakeExchange:
    """Exchange, as far as it is asked for availability."""
    return FakeExchange()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """Give a mirror on disk."""
    engine = make_engine(tmp_path / "mirror.db", "NORMAL")
    yield Mirror(engine, load_keys(tmp_path / "key"))
    engine.dispose()


@pytest.fixture
def service(store: FakeStore, accounts: FakeAccounts, exchange: Any, mirror: Mirror) -> Any:
    """Give the service behind the application."""
    settings = Settings(
        ExchangeSettings("https://exchange.test/EWS/Exchange.asmx"),
        ServerSettings(realm="Exchange calendars", max_resource_size=20_000),
        StateSettings(Path("unused")),
        SyncSettings(fresh=15.0),
    )

    def front_page(base_url: str) -> bytes:
        return f"<!doctype html><title>Calendars</title><p>{base_url}</p>".encode()

    occurrences = OccurrenceIndex()
    mailboxes = MailboxTimes(exchange, mirror.busy_months, Waiters(4), now=lambda: datetime.now(UTC))
    busy_time = BusyTime(occurrences, mailboxes, on_refused=lambda _: None)
    return SimpleNamespace(
        settings=settings,
        accounts=accounts,
        store=store,
        occurrences=occurrences,
        busy_time=busy_time,
        front_page=front_page,
    )


@pytest.fixture
def app(service: Any) -> Any:
    """Give the bridge as a WSGI application."""
    return make_application(service)


@pytest.fixture
def ask_app() -> Callable[..., Answer]:
    """Send one request to an application, as alice unless told otherwise."""

    def ask(
        app: Any,
        method: str,
        path: str,
        body: bytes | str = b"",
        *,
        user: str | None = "alice@example.com",
        password: str = PASSWORD,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if user is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        raw = body.encode() if isinstance(body, str) else body
        return send(app, method, path, raw, sent, environ or {})

    return ask


@pytest.fixture
def ask(app: Any, ask_app: Callable[..., Answer]) -> Callable[..., Answer]:
    """Send one request to the bridge."""
    return lambda *args, **kwargs: ask_app(app, *args, **kwargs)


@pytest.fixture
def event() -> Callable[..., bytes]:
    """Make an event; each has a UID of its own unless one is given."""
    numbers = itertools.count(1)

    def make(uid: str = "", start: str = "20260301T090000Z", summary: str = "Lunch") -> bytes:
        uid = uid or f"event-{next(numbers)}@example.com"
        text = f"""BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z
DTSTART:{start}\nSUMMARY:{summary}\nX-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:52.1,13.2\nEND:VEVENT\nEND:VCALENDAR\n"""
        return text.replace("\n", "\r\n").encode()

    return make


@pytest.fixture
def fill(store: FakeStore, event: Callable[..., bytes]) -> Callable[..., Kept]:
    """Put events into a calendar of alice's, as if they had been pulled, named ``one.ics`` and so on."""

    def add(*names: str, calendar: str = "calendar", start: str = "20260301T090000Z") -> Kept:
        served = next(each for each in store.served[ALICE.address] if each.name == calendar)
        kept = store.kept[served.calendar.ref.folder]
        for name in names:
            store._write(kept, Name(name), event(uid=name.removesuffix(".ics"), start=start))
        return kept

    return add
