"""An Exchange in memory: the port's second back end, and what tests of `sync` stand on.

It keeps items per folder with change keys and a change log, as the port's contract asks (``tests/contract``). Calls
are counted, and `fail` makes coming calls fail before or after they were carried out.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from bridge.errors import (
    AccessDenied,
    CredentialRefused,
    CursorExpired,
    ExchangeSays,
    FolderMissing,
    ItemChanged,
    ItemMissing,
    RequestRefused,
)
from bridge.exchange import Capabilities, Deadline, Deletion, OccurrenceWrite
from bridge.item import (
    Attribute,
    BusyStatus,
    ChangeKey,
    Content,
    Cursor,
    Entry,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    Missing,
    OccurrenceRef,
    Outline,
    Page,
    Person,
    Response,
    Uid,
    Unreadable,
    Zone,
)
from bridge.model import (
    Address,
    Availability,
    Block,
    Calendar,
    CalendarRef,
    Caller,
    Credential,
    FolderId,
    Mailbox,
    MailboxKind,
    NoAvailability,
    Rights,
)
from bridge.occurrences import Series, zone_of
from bridge.zone_definition import ZoneDefinition
from bridge.zone_rules import make_definition
from bridge.zones import to_rules

T = TypeVar("T")

_OUT_OF_RANGE = RequestRefused("No such occurrence.", "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class Folder:
    """One calendar folder of one mailbox, with its change log."""

    id: FolderId
    mailbox: Address
    display_name: str
    is_default: bool
    items: dict[ItemId, Item] = field(default_factory=dict)
    log: list[ItemId] = field(default_factory=list)
    unreadable: set[ItemId] = field(default_factory=set)
    readers: dict[Address, Rights] = field(default_factory=dict)
    stamp: str | None = None
    look: str | None = None
    occurrences: dict[ItemId, Item] = field(default_factory=dict)
    """Changed occurrences; their masters are in ``items``, and only these are in the log."""

    def find(self, item: ItemId) -> Item | None:
        """Give an item or a changed occurrence."""
        return self.items.get(item) or self.occurrences.get(item)


@dataclass
class Failure:
    """A call that is to fail: which verb, with what, how often, whether the work is done first, after how many."""

    verb: str
    error: Exception
    times: int
    done_first: bool
    after: int = 0


class MemoryExchange:
    """The port over dictionaries."""

    def __init__(self, *, page_size: int = 512, finds_conflicts: bool = True, reshaping: str = "reset") -> None:
        """Take how many changes a page of the feed holds, and what sort of server it is.

        ``reshaping``: what becomes of the exceptions of a series that gets another pattern. They are dropped ("reset")
        with the deletions, or both stay ("keep"), or they become single items and the deletions go ("split").
        """
        self.reshaping = reshaping
        self.calls: Counter[str] = Counter()
        self.page_size = page_size
        self.finds_conflicts = finds_conflicts
        self.defines_zones = True
        self.zones: dict[str, ZoneDefinition] = {}
        self.passwords: dict[str, tuple[str, Mailbox]] = {}
        self.room_list: list[Mailbox] = []
        self.folders: dict[FolderId, Folder] = {}
        self.known_from = 0
        self.on_call: Callable[[str], None] = lambda _verb: None
        self._failures: list[Failure] = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # --- what tests set up ---------------------------------------------------------------------------

    def add_person(self, address: str, password: str, *aliases: str) -> Mailbox:
        """Add a mailbox with its default calendar."""
        mailbox = Mailbox(Address(address), address.split("@", maxsplit=1)[0], frozenset(map(Address, aliases)))
        for name in (address, *aliases):
            self.passwords[name] = (password, mailbox)
        self.add_folder(address, "Calendar", is_default=True)
        return mailbox

    @staticmethod
    def add_room(address: str, name: str) -> Mailbox:
        """Give a room, to be put into the list of rooms."""
        return Mailbox(Address(address), name, kind=MailboxKind.ROOM)

    def add_folder(self, address: str, name: str, *, is_default: bool = False) -> Folder:
        """Add a calendar folder to a mailbox."""
        folder = Folder(FolderId(f"folder-{next(self._numbers)}"), Address(address), name, is_default)
        self.folders[folder.id] = folder
        return folder

    def calendar_of(self, address: str) -> Folder:
        """Give the default calendar of a mailbox."""
        return next(one for one in self.folders.values() if one.mailbox == address and one.is_default)

    def fail(self, verb: str, error: Exception, *, times: int = 1, done_first: bool = False, after: int = 0) -> None:
        """Make coming calls of the verb fail, before or after they were carried out, once ``after`` calls are past."""
        self._failures.append(Failure(verb, error, times, done_first, after))

    def mend(self) -> None:
        """Let no coming call fail any more."""
        self._failures.clear()

    def put_item(self, folder: Folder, content: Content, *, item: Item | None = None) -> Item:
        """Write an item as Outlook would: a new one, or a new version of ``item``."""
        with self._lock:
            ref = ItemRef(item.ref.id if item else ItemId(f"Item-{next(self._numbers)}"), self._change_key())
            kind = ItemKind.MASTER if content.recurrence else ItemKind.SINGLE
            organizer = Person(folder.mailbox, folder.mailbox)
            new = Item(
                ref,
                content,
                kind,
                created=NOW,
                modified=NOW,
                organizer=organizer,
                my_response=Response.ORGANIZER,
            )
            if item is not None:
                keeps = self.reshaping == "keep" and content.recurrence is not None
                reset = _reshapes(item.content, content) and not keeps
                if reset and self.reshaping == "split":
                    for one in item.exceptions:
                        self.put_item(folder, folder.occurrences[one.ref.id].content)
                listed, deleted = ((), ()) if reset else (item.exceptions, item.deleted)
                new = replace(item, ref=ref, content=content, kind=kind, exceptions=listed, deleted=deleted)
            folder.items[ref.id] = new
            folder.log.append(ref.id)
            return new

    def put_occurrence(self, folder: Folder, master: ItemId, original_start: datetime, content: Content) -> Item:
        """Change one occurrence as Outlook would."""
        with self._lock:
            series = folder.items[master]
            known = next((one for one in series.exceptions if one.original_start == original_start), None)
            ref = ItemRef(known.ref.id if known else ItemId(f"Occurrence-{next(self._numbers)}"), self._change_key())
            item = replace(
                series,
                ref=ref,
                content=replace(content, uid=series.content.uid, recurrence=None, kept=None, name_stamp=None),
                kind=ItemKind.EXCEPTION,
                exceptions=(),
                deleted=(),
                original_start=original_start,
            )
            folder.occurrences[ref.id] = item
            listed = OccurrenceRef(ref, original_start, content.start, content.end)
            others = tuple(one for one in series.exceptions if one.original_start != original_start)
            ordered = tuple(sorted((*others, listed), key=lambda one: one.original_start))
            self._touch_series(folder, replace(series, exceptions=ordered))
            return item

    def drop_occurrence(self, folder: Folder, master: ItemId, original_start: datetime) -> None:
        """Delete one occurrence as Outlook would."""
        with self._lock:
            series = folder.items[master]
            left = tuple(one for one in series.exceptions if one.original_start != original_start)
            gone = tuple(sorted({*series.deleted, original_start}))
            self._touch_series(folder, replace(series, exceptions=left, deleted=gone))

    def _touch_series(self, folder: Folder, series: Item) -> None:
        folder.items[series.ref.id] = replace(series, ref=ItemRef(series.ref.id, self._change_key()))
        folder.log.append(series.ref.id)

    def drop_item(self, folder: Folder, item: ItemId) -> None:
        """Delete an item as Outlook would."""
        with self._lock:
            del folder.items[item]
            folder.log.append(item)

    def expire_cursors(self) -> None:
        """Forget every cursor handed out until now."""
        self.known_from = next(self._numbers)

    def _change_key(self) -> ChangeKey:
        return ChangeKey(f"ck{next(self._numbers)}")

    # --- the port ------------------------------------------------------------------------------------

    def capabilities(self, caller: Caller, deadline: Deadline) -> Capabilities:
        """See `bridge.exchange.Exchange`."""
        del caller, deadline
        return Capabilities(
            writes_silently=True,
            chooses_uid=True,
            finds_conflicts=self.finds_conflicts,
            defines_zones=self.defines_zones,
        )

    def zone(self, caller: Caller, id_: str, deadline: Deadline) -> ZoneDefinition | None:
        """Give what a test has put into `zones`, or else the rules of the tz database for the years around now."""
        del deadline

        def work() -> ZoneDefinition | None:
            self._authenticate(caller.credential)
            rules = to_rules(Zone(id_))
            return self.zones.get(id_) or (make_definition(rules, 2000, 2040) if rules else None)

        return self._call("zone", work)

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        """See `bridge.exchange.Exchange`."""
        del deadline
        return self._call("log_in", lambda: self._authenticate(credential))

    def calendars(self, caller: Caller, mailbox: Address, deadline: Deadline) -> tuple[Calendar, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Calendar, ...]:
            self._authenticate(caller.credential)
            own = mailbox == caller.viewer.address
            _, owner = self.passwords.get(mailbox, ("", Mailbox(mailbox)))
            found = [
                Calendar(
                    CalendarRef(caller.viewer, owner.address, folder.id),
                    folder.display_name,
                    folder.is_default,
                    self._rights(caller, folder),
                    stamp=folder.stamp,
                    look=folder.look,
                    owner_name="" if own else owner.display_name,
                )
                for folder in self.folders.values()
                if folder.mailbox == owner.address and (own or folder.is_default)
            ]
            if not found or not any(one.rights.read for one in found):
                raise FolderMissing("The folder was not found.")
            return tuple(sorted(found, key=lambda one: not one.is_default))

        return self._call("calendars", work)

    def feed(self, caller: Caller, calendar: CalendarRef, cursor: Cursor | None, deadline: Deadline) -> Page:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> Page:
            folder = self._folder(caller, calendar)
            since = 0
            if cursor is not None:
                born, _, position = cursor.partition(":")
                if not (born.isdigit() and position.isdigit()) or int(born) < self.known_from:
                    raise CursorExpired("The cursor is not known.")
                since = int(position)
            end = min(len(folder.log), since + self.page_size)
            touched = list(dict.fromkeys(folder.log[since:end]))
            entries = tuple(
                Entry(folder.items[one].ref, _outline(folder.items[one])) for one in touched if one in folder.items
            )
            known = set(folder.log[:since])  # of what a cursor has never known, no removal is told
            removed = tuple(one for one in touched if one not in folder.items and one in known)
            return Page(entries, removed, Cursor(f"{self.known_from}:{end}"), end == len(folder.log))

        return self._call("feed", work)

    def get(
        self, caller: Caller, calendar: CalendarRef, ids: Sequence[ItemId], deadline: Deadline
    ) -> tuple[Item | Unreadable | Missing, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def one(folder: Folder, item: ItemId) -> Item | Unreadable | Missing:
            if item in folder.unreadable:
                return Unreadable(item, "ErrorItemCorrupt")
            return folder.find(item) or Missing(item)

        def work() -> tuple[Item | Unreadable | Missing, ...]:
            folder = self._folder(caller, calendar)
            return tuple(one(folder, item) for item in ids)

        return self._call("get", work)

    def find(self, caller: Caller, calendar: CalendarRef, uid: Uid, deadline: Deadline) -> tuple[ItemRef, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[ItemRef, ...]:
            folder = self._folder(caller, calendar)
            return tuple(item.ref for item in folder.items.values() if item.content.uid == uid)

        return self._call("find", work)

    def create(self, caller: Caller, calendar: CalendarRef, content: Content, deadline: Deadline) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline
        return self._call("create", lambda: self.put_item(self._folder(caller, calendar, write=True), content).ref)

    def update(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        content: Content,
        changed: frozenset[Attribute],
        deadline: Deadline,
    ) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> ItemRef:
            folder = self._folder(caller, calendar, write=True)
            item = folder.items.get(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            if self.finds_conflicts and item.ref.change_key != ref.change_key:
                raise ItemChanged("The change key is stale.")
            new = replace(item.content, **{str(name): getattr(content, name) for name in changed})
            return self.put_item(folder, new, item=item).ref

        return self._call("update", work)

    def delete(self, caller: Caller, calendar: CalendarRef, ref: ItemRef, how: Deletion, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self._folder(caller, calendar, write=True)
            if how is Deletion.TO_DELETED_ITEMS and folder.mailbox != caller.viewer.address:
                raise AccessDenied("A delegate may not write to Deleted Items.")
            if ref.id not in folder.items:
                raise ItemMissing("The item was not found.")
            self.drop_item(folder, ref.id)

        self._call("delete", work)

    def update_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        writes: Sequence[OccurrenceWrite],
        deadline: Deadline,
    ) -> tuple[ItemRef | ExchangeSays, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def one(folder: Folder, write: OccurrenceWrite) -> ItemRef | ExchangeSays:
            series = folder.items.get(master.id)
            if series is None:
                return ItemMissing("The item was not found.")
            if not _has(series.content, write.index):
                return _OUT_OF_RANGE
            start = _start_of(series.content, write.index)
            if start in series.deleted:
                return ItemMissing("The occurrence is deleted.")
            known = next((ref for ref in series.exceptions if ref.original_start == start), None)
            before = folder.occurrences[known.ref.id].content if known else _plain(series.content, start)
            after = replace(before, **{str(name): getattr(write.content, name) for name in write.changed})
            return self.put_occurrence(folder, master.id, start, after).ref

        def work() -> tuple[ItemRef | ExchangeSays, ...]:
            folder = self._folder(caller, calendar, write=True)
            return tuple(one(folder, write) for write in writes)

        return self._call("update_occurrences", work)

    def delete_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        indexes: Sequence[int],
        deadline: Deadline,
    ) -> tuple[ExchangeSays | None, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def one(folder: Folder, index: int) -> ExchangeSays | None:
            series = folder.items.get(master.id)
            if series is None:
                return ItemMissing("The item was not found.")
            if not _has(series.content, index):
                return _OUT_OF_RANGE
            self.drop_occurrence(folder, master.id, _start_of(series.content, index))
            return None

        def work() -> tuple[ExchangeSays | None, ...]:
            folder = self._folder(caller, calendar, write=True)
            return tuple(one(folder, index) for index in indexes)

        return self._call("delete_occurrences", work)

    def availability(
        self,
        caller: Caller,
        mailboxes: Sequence[Address],
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> tuple[Availability | NoAvailability, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def one(mailbox: Address) -> Availability | NoAvailability:
            folder = next((one for one in self.folders.values() if one.mailbox == mailbox and one.is_default), None)
            if folder is None:
                return NoAvailability(mailbox, "ErrorMailRecipientNotFound", is_unknown=True)
            blocks = [
                Block(max(begin, start), min(finish, end), item.content.busy_status)
                for item in folder.items.values()
                for begin, finish in _times(item, start, end)
                if item.content.busy_status is not BusyStatus.FREE
            ]
            return Availability(mailbox, tuple(sorted(blocks, key=lambda block: block.start)))

        def work() -> tuple[Availability | NoAvailability, ...]:
            self._authenticate(caller.credential)
            return tuple(one(mailbox) for mailbox in mailboxes)

        return self._call("availability", work)

    def create_calendar(
        self, caller: Caller, display_name: str, stamp: str, deadline: Deadline, look: str | None = None
    ) -> FolderId:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> FolderId:
            mailbox = self._authenticate(caller.credential)
            self._check_folder_name(mailbox.address, display_name)
            folder = self.add_folder(mailbox.address, display_name)
            folder.stamp, folder.look = stamp, look
            return folder.id

        return self._call("create_calendar", work)

    def rename_calendar(self, caller: Caller, calendar: CalendarRef, display_name: str, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self._own_folder(caller, calendar)
            if folder.is_default:
                raise AccessDenied("A distinguished folder cannot be renamed.")
            if folder.display_name != display_name:
                self._check_folder_name(folder.mailbox, display_name)
            folder.display_name = display_name

        self._call("rename_calendar", work)

    def set_look(self, caller: Caller, calendar: CalendarRef, look: str | None, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            self._own_folder(caller, calendar).look = look

        self._call("set_look", work)

    def delete_calendar(self, caller: Caller, calendar: CalendarRef, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self._own_folder(caller, calendar)
            if folder.is_default:
                raise RequestRefused("A distinguished folder cannot be deleted.", "ErrorDeleteDistinguishedFolder")
            del self.folders[folder.id]

        self._call("delete_calendar", work)

    def move(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, target: CalendarRef, deadline: Deadline
    ) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> ItemRef:
            here = self._folder(caller, calendar, write=True)
            there = self._folder(caller, target, write=True)
            item = here.items.get(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            self.drop_item(here, ref.id)
            moved = replace(item, ref=ItemRef(ItemId(f"Item-{next(self._numbers)}"), self._change_key()))
            for one in item.exceptions:
                there.occurrences[one.ref.id] = here.occurrences[one.ref.id]
            there.items[moved.ref.id] = moved
            there.log.append(moved.ref.id)
            return moved.ref

        return self._call("move", work)

    def people(self, caller: Caller, text: str, deadline: Deadline) -> tuple[Mailbox, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Mailbox, ...]:
            self._authenticate(caller.credential)
            known = {mailbox.address: mailbox for _, mailbox in self.passwords.values()}
            wanted = text.casefold()
            return tuple(
                one
                for one in known.values()
                if any(name.casefold().startswith(wanted) for name in (one.display_name, *one.addresses))
            )

        return self._call("people", work)

    def rooms(self, caller: Caller, deadline: Deadline) -> tuple[Mailbox, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Mailbox, ...]:
            self._authenticate(caller.credential)
            return tuple(self.room_list)

        return self._call("rooms", work)

    def close(self) -> None:
        """See `bridge.exchange.Exchange`."""

    # --- inside --------------------------------------------------------------------------------------

    def _authenticate(self, credential: Credential) -> Mailbox:
        password, mailbox = self.passwords.get(credential.username.lower(), ("", None))
        if mailbox is None or password != credential.password:
            raise CredentialRefused("The user name or password is wrong.")
        return mailbox

    def _own_folder(self, caller: Caller, calendar: CalendarRef) -> Folder:
        folder = self._folder(caller, calendar, write=True)
        if folder.mailbox != self._authenticate(caller.credential).address:
            raise AccessDenied("Access is denied.")
        return folder

    def _check_folder_name(self, mailbox: Address, display_name: str) -> None:
        names = {one.display_name.casefold() for one in self.folders.values() if one.mailbox == mailbox}
        if display_name.casefold() in names:
            raise RequestRefused("There is a folder of this name.", "ErrorFolderExists")

    def _rights(self, caller: Caller, folder: Folder) -> Rights:
        if folder.mailbox == caller.viewer.address:
            return Rights(read=True, create=True, modify=True, delete=True)
        return folder.readers.get(caller.viewer.address, Rights(read=False, create=False, modify=False, delete=False))

    def _folder(self, caller: Caller, calendar: CalendarRef, *, write: bool = False) -> Folder:
        self._authenticate(caller.credential)
        folder = self.folders.get(calendar.folder)
        if folder is None or not self._rights(caller, folder).read:
            raise FolderMissing("The folder was not found.")
        if write and not self._rights(caller, folder).write:
            raise AccessDenied("Access is denied.")
        return folder

    def _call(self, verb: str, work: Callable[[], T]) -> T:
        with self._lock:
            self.calls[verb] += 1
            failure = next((one for one in self._failures if one.verb == verb and one.times > 0), None)
            if failure is not None and failure.after:
                failure.after -= 1
                failure = None
            elif failure is not None:
                failure.times -= 1
        self.on_call(verb)
        if failure is not None and not failure.done_first:
            raise failure.error
        with self._lock:
            result = work()
        if failure is not None:
            raise failure.error
        return result


def _outline(item: Item) -> Outline:
    content = item.content
    return Outline(content.uid, content.start, content.end, content.busy_status, item.kind)


def _reshapes(old: Content, new: Content) -> bool:
    return (old.recurrence, old.start, old.end, old.start_zone) != (new.recurrence, new.start, new.end, new.start_zone)


def _series(content: Content) -> Series:
    assert content.recurrence is not None
    zone = zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    return Series(content.recurrence, content.start, zone, content.is_all_day)


def _has(content: Content, index: int) -> bool:
    size = _series(content).size
    return size is None or index <= size


def _start_of(content: Content, index: int) -> datetime:
    return _series(content).at(index)


def _plain(content: Content, start: datetime) -> Content:
    return replace(content, start=start, end=_series(content).end(start, content.end), recurrence=None)


def _times(item: Item, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    content = item.content
    if content.recurrence is None:
        spans = [(content.start, content.end)]
    else:
        moved = {one.original_start for one in item.exceptions} | set(item.deleted)
        spans = [(one.start, one.end) for one in item.exceptions]
        for _, begin in _series(content).starts(start - (content.end - content.start)):
            if begin >= end:
                break
            if begin not in moved:
                spans.append((begin, _plain(content, begin).end))
    return [(begin, finish) for begin, finish in spans if begin < end and finish > start]
