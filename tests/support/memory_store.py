"""What the Exchange in memory holds: people, folders and items, with change keys and a change log.

Tests write to it as somebody else would, with Outlook; the port's verbs over it are in `memory_exchange`.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from memory_items import reshapes, written

from bridge.errors import AccessDenied, CredentialRefused, FolderMissing, RequestRefused
from bridge.item import (
    AttachedFile,
    AttachmentId,
    AttachmentRef,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    OccurrenceRef,
    Person,
    Response,
)
from bridge.model import (
    Address,
    CalendarRef,
    Caller,
    Credential,
    FolderId,
    Mailbox,
    MailboxKind,
    Rights,
    ServiceCredential,
)
from bridge.zone_definition import ZoneDefinition

T = TypeVar("T")

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
    files: dict[AttachmentId, tuple[ItemId, AttachedFile]] = field(default_factory=dict)

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


class MemoryStore:
    """What an organisation holds, over dictionaries; calls are counted and can be made to fail."""

    def __init__(self, *, page_size: int = 512, finds_conflicts: bool = True, reshaping: str = "reset") -> None:
        """Take how many changes a page of the feed holds, and what sort of server it is.

        ``reshaping``: what becomes of the exceptions of a series that gets another pattern. They are dropped ("reset")
        with the deletions, or both stay ("keep"), or they become single items and the deletions go ("split").
        """
        self.reshaping = reshaping
        self.largest_file = 10 * 1024 * 1024
        self.calls: Counter[str] = Counter()
        self.page_size = page_size
        self.finds_conflicts = finds_conflicts
        self.defines_zones = True
        self.zones: dict[str, ZoneDefinition] = {}
        self.passwords: dict[str, tuple[str, Mailbox]] = {}
        self.room_list: list[Mailbox] = []
        self.folders: dict[FolderId, Folder] = {}
        self.known_from = 0
        self.lists_all = False
        """Whether a cursor that is not known is answered with everything, as servers do that are no Exchange."""
        self.on_call: Callable[[str], None] = lambda _verb: None
        self.on_touch: Callable[[Folder], None] = lambda _folder: None
        self.service_accounts: dict[str, str] = {}
        self.powerless_accounts: dict[str, str] = {}
        self._failures: list[Failure] = []
        self.numbers = itertools.count(1)
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
        folder = Folder(FolderId(f"folder-{next(self.numbers)}"), Address(address), name, is_default)
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
            ref = ItemRef(item.ref.id if item else ItemId(f"Item-{next(self.numbers)}"), self.change_key())
            kind = ItemKind.MASTER if content.recurrence else ItemKind.SINGLE
            organizer = Person(folder.mailbox, folder.mailbox)
            content = written(content, item.content.attendees if item else ())
            is_meeting = bool(content.attendees)
            new = Item(
                ref,
                content,
                kind,
                created=NOW,
                modified=NOW,
                is_meeting=is_meeting,
                organizer=organizer,
                my_response=Response.ORGANIZER,
            )
            if item is not None:
                keeps = self.reshaping == "keep" and content.recurrence is not None
                reset = reshapes(item.content, content) and not keeps
                if reset and self.reshaping == "split":
                    for one in item.exceptions:
                        self.put_item(folder, folder.occurrences[one.ref.id].content)
                listed, deleted = ((), ()) if reset else (item.exceptions, item.deleted)
                new = replace(
                    item,
                    ref=ref,
                    content=content,
                    kind=kind,
                    is_meeting=is_meeting,
                    exceptions=listed,
                    deleted=deleted,
                )
            folder.items[ref.id] = new
            self.note(folder, ref.id)
            return new

    def put_occurrence(self, folder: Folder, master: ItemId, original_start: datetime, content: Content) -> Item:
        """Change one occurrence as Outlook would."""
        with self._lock:
            series = folder.items[master]
            known = next((one for one in series.exceptions if one.original_start == original_start), None)
            ref = ItemRef(known.ref.id if known else ItemId(f"Occurrence-{next(self.numbers)}"), self.change_key())
            before = folder.occurrences[ref.id] if known else series
            content = written(content, before.content.attendees)
            item = replace(
                before,
                ref=ref,
                content=replace(content, uid=series.content.uid, recurrence=None, kept=None, name_stamp=None),
                kind=ItemKind.EXCEPTION,
                is_meeting=bool(content.attendees),
                exceptions=(),
                deleted=(),
                original_start=original_start,
            )
            if not known:
                item = self._with_files_of(folder, series, item)
            folder.occurrences[ref.id] = item
            listed = OccurrenceRef(ref, original_start, content.start, content.end)
            others = tuple(one for one in series.exceptions if one.original_start != original_start)
            ordered = tuple(sorted((*others, listed), key=lambda one: one.original_start))
            self.touch_series(folder, replace(series, exceptions=ordered))
            return item

    def drop_occurrence(self, folder: Folder, master: ItemId, original_start: datetime) -> None:
        """Delete one occurrence as Outlook would."""
        with self._lock:
            series = folder.items[master]
            left = tuple(one for one in series.exceptions if one.original_start != original_start)
            gone = tuple(sorted({*series.deleted, original_start}))
            self.touch_series(folder, replace(series, exceptions=left, deleted=gone))

    def put_files(self, folder: Folder, item: Item, files: Sequence[AttachedFile]) -> Item:
        """Attach files to an item or a changed occurrence, as Outlook would."""
        with self._lock:
            refs = []
            for file in files:
                id_ = AttachmentId(f"File-{next(self.numbers)}")
                folder.files[id_] = (item.ref.id, file)
                refs.append(AttachmentRef(id_, file.name, file.content_type, len(file.data)))
            return self.set_attachments(folder, item, (*item.attachments, *refs))

    def _with_files_of(self, folder: Folder, series: Item, item: Item) -> Item:
        """Give a new exception the files of its series, under ids of its own."""
        refs = []
        for one in series.attachments:
            id_ = AttachmentId(f"File-{next(self.numbers)}")
            folder.files[id_] = (item.ref.id, folder.files[one.id][1])
            refs.append(replace(one, id=id_))
        return replace(item, attachments=tuple(refs))

    def set_attachments(self, folder: Folder, item: Item, attachments: tuple[AttachmentRef, ...]) -> Item:
        """Give an item other attachments and a new change key."""
        new = replace(item, ref=ItemRef(item.ref.id, self.change_key()), attachments=attachments)
        if item.ref.id in folder.items:
            folder.items[item.ref.id] = new
            self.note(folder, item.ref.id)
            return new
        folder.occurrences[item.ref.id] = new
        series = next(one for one in folder.items.values() if any(e.ref.id == item.ref.id for e in one.exceptions))
        listed = tuple(replace(e, ref=new.ref) if e.ref.id == new.ref.id else e for e in series.exceptions)
        self.touch_series(folder, replace(series, exceptions=listed))
        return new

    def touch_series(self, folder: Folder, series: Item) -> None:
        folder.items[series.ref.id] = replace(series, ref=ItemRef(series.ref.id, self.change_key()))
        self.note(folder, series.ref.id)

    def drop_item(self, folder: Folder, item: ItemId) -> None:
        """Delete an item as Outlook would."""
        with self._lock:
            del folder.items[item]
            self.note(folder, item)

    def note(self, folder: Folder, item: ItemId) -> None:
        """Put a change into the folder's log, and let know whoever watches it."""
        folder.log.append(item)
        self.on_touch(folder)

    def expire_cursors(self) -> None:
        """Forget every cursor handed out until now."""
        self.known_from = next(self.numbers)

    def change_key(self) -> ChangeKey:
        return ChangeKey(f"ck{next(self.numbers)}")

    # --- what the verbs share --------------------------------------------------------------------

    def authenticate(self, credential: Credential) -> Mailbox:
        if isinstance(credential, ServiceCredential):
            return self._impersonated(credential)
        password, mailbox = self.passwords.get(credential.username.lower(), ("", None))
        if mailbox is None or password != credential.password:
            raise CredentialRefused("The user name or password is wrong.")
        return mailbox

    def _impersonated(self, credential: ServiceCredential) -> Mailbox:
        accounts = self.service_accounts | self.powerless_accounts
        if accounts.get(credential.username.lower()) != credential.password:
            raise CredentialRefused("The user name or password is wrong.")
        if credential.username.lower() in self.powerless_accounts:
            raise AccessDenied("This account may not impersonate.")
        if credential.acts_as not in self.passwords:
            raise FolderMissing("There is no such mailbox.")
        return self.passwords[credential.acts_as][1]

    def own_folder(self, caller: Caller, calendar: CalendarRef) -> Folder:
        folder = self.folder(caller, calendar, write=True)
        if folder.mailbox != self.authenticate(caller.credential).address:
            raise AccessDenied("Access is denied.")
        return folder

    def check_folder_name(self, mailbox: Address, display_name: str) -> None:
        names = {one.display_name.casefold() for one in self.folders.values() if one.mailbox == mailbox}
        if display_name.casefold() in names:
            raise RequestRefused("There is a folder of this name.", "ErrorFolderExists")

    def rights(self, caller: Caller, folder: Folder) -> Rights:
        if folder.mailbox == caller.viewer.address:
            return Rights(read=True, create=True, modify=True, delete=True)
        return folder.readers.get(caller.viewer.address, Rights(read=False, create=False, modify=False, delete=False))

    def folder(self, caller: Caller, calendar: CalendarRef, *, write: bool = False) -> Folder:
        self.authenticate(caller.credential)
        folder = self.folders.get(calendar.folder)
        if folder is None or not self.rights(caller, folder).read:
            raise FolderMissing("The folder was not found.")
        if write and not self.rights(caller, folder).write:
            raise AccessDenied("Access is denied.")
        return folder

    def call(self, verb: str, work: Callable[[], T]) -> T:
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
