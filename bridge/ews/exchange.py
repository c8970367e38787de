"""The port `bridge.exchange.Exchange` over EWS."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from lxml import etree

from bridge.errors import (
    ExchangeBusy,
    ExchangeFailed,
    ExchangeSays,
    FolderMissing,
    ItemMissing,
    RequestRefused,
)
from bridge.ews import occurrence_writes
from bridge.ews.availability import ask_availability
from bridge.ews.calendars import other_calendars
from bridge.ews.editions import Edition, edition_of
from bridge.ews.folders import distinguished
from bridge.ews.indexes import Indexes, server_indexes
from bridge.ews.legacy_names import LegacyNames
from bridge.ews.line import AnswerTooLarge
from bridge.ews.logins import LoginQuestion
from bridge.ews.operations import (
    create_attachment,
    create_folder,
    create_item,
    delete_attachment,
    delete_folder,
    delete_item,
    find_item,
    get_attachment,
    get_folder,
    get_item,
    get_server_time_zones,
    move_item,
    resolve_names,
    sync_folder_items,
    update_folder,
    update_item,
)
from bridge.ews.owners import Owners
from bridge.ews.response_codes import WRONG_VERSION
from bridge.ews.rooms import ask_rooms
from bridge.ews.settings import EwsSettings
from bridge.ews.tally import Tallied
from bridge.ews.wire import Wire
from bridge.ews.xml import Element
from bridge.exchange import Capabilities, Deadline, Deletion, OccurrenceWrite
from bridge.item import (
    AttachedFile,
    AttachmentId,
    Attribute,
    Content,
    Cursor,
    Item,
    ItemId,
    ItemRef,
    Missing,
    Page,
    Uid,
    Unreadable,
)
from bridge.model import (
    Address,
    Availability,
    Calendar,
    CalendarRef,
    Caller,
    Credential,
    FolderId,
    Mailbox,
    NoAvailability,
)
from bridge.zone_definition import ZoneDefinition

_OLDEST_MAJOR = 14
"""Exchange 2010. Change keys have been enforced for as long; what is older is not asked."""
_READINGS = ("Convert", "Find", "GetAttachment", "GetFolder", "GetUserAvailability", "Resolve", "Sync")
"""How the operations are called that only read, and are asked alike in all editions."""
_SAYS_NOTHING = ("ErrorInternalServer", *WRONG_VERSION)
"""How codes begin after which it is not known what the server can do."""


@contextmanager
def _reading() -> Iterator[None]:
    """Translate what only a write can mean: a refused reading is trouble, and what it does not find is the folder."""
    try:
        yield
    except RequestRefused as error:
        raise ExchangeFailed(str(error), error.code) from error
    except ItemMissing as error:
        raise FolderMissing(f"Exchange knows no such calendar. {error}") from error


class EwsExchange:
    """One organisation's Exchange over EWS. Safe to call from many threads; every call is sent once."""

    def __init__(self, settings: EwsSettings) -> None:
        """Take where EWS is. Raises ConfigurationInvalid; asks nothing yet."""
        self._wire = Wire(settings)
        self._owners = Owners()
        self._legacy_names = LegacyNames()
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None

    def tallied(self) -> Tallied:
        """Give what was asked of Exchange so far, in numbers."""
        return self._wire.tally.tallied()

    def capabilities(self, caller: Caller, deadline: Deadline) -> Capabilities:
        """Say what the server can do; see `bridge.exchange.Exchange`.

        Change keys are trusted only where GetServerTimeZones is known: servers that are not Exchange mostly lack it
        and accept stale change keys. Exchange 2007 lacks it too, so it is not asked, and not trusted either. An answer
        that may be a passing trouble is not remembered, and no reason to refuse a zone.
        """
        if self._capabilities is not None:
            return self._capabilities
        finds_conflicts, is_sure = self._edition > Edition.EXCHANGE_2007, True
        try:
            if finds_conflicts:
                get_server_time_zones.read(self._ask(caller, get_server_time_zones.request(), deadline))
        except (RequestRefused, ExchangeFailed) as error:
            finds_conflicts = False
            is_sure = not error.code.startswith(_SAYS_NOTHING)
        defines_zones = finds_conflicts or not is_sure
        build = self._wire.build
        if build is not None and build[0] < _OLDEST_MAJOR:
            finds_conflicts = defines_zones = False
        found = Capabilities(
            writes_silently=True, chooses_uid=True, finds_conflicts=finds_conflicts, defines_zones=defines_zones
        )
        if is_sure:
            with self._lock:
                self._capabilities = found
        return found

    def zone(self, caller: Caller, id_: str, deadline: Deadline) -> ZoneDefinition | None:
        """Give the server's own rules for a zone; see `bridge.exchange.Exchange`."""
        request = get_server_time_zones.request(id_, full=True)
        with _reading():
            return get_server_time_zones.read_definition(self._ask(caller, request, deadline), id_)

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        """Try the credential and give its mailbox, in three calls; see `logins` and `bridge.exchange.Exchange`."""
        proving = iter([True])  # the first call; the others follow within the same moment

        def ask(request: Element) -> Element:
            is_first = next(proving, False)
            return self._in_a_known_version(lambda: self._wire.call(credential, request, deadline, proving=is_first))

        return LoginQuestion(credential.username, ask).mailbox()

    def calendars(self, caller: Caller, mailbox: Address, deadline: Deadline) -> tuple[Calendar, ...]:
        """List calendars; see `bridge.exchange.Exchange`.

        Two calls for one's own mailbox, one for another's, and once two questions whose it is.
        """
        is_own = mailbox == caller.viewer.address
        default = distinguished("calendar", None if is_own else mailbox)
        with _reading():
            response = self._ask(caller, get_folder.request([default]), deadline, mailbox)
            (first,) = get_folder.read(response, 1)
            others = other_calendars(self._asking(caller, deadline), first.id) if is_own else ()
        viewer, asking = caller.viewer, self._asking(caller, deadline, mailbox)
        owner = mailbox if is_own else self._owners.primary(asking, first.id, mailbox, viewer.address)
        owner_name = "" if is_own else self._owners.name(asking, owner)
        return tuple(
            Calendar(
                ref=CalendarRef(viewer, owner, folder.id),
                display_name=folder.display_name,
                is_default=folder.id == first.id,
                rights=folder.rights,
                stamp=folder.stamp,
                look=folder.look,
                owner_name=owner_name,
            )
            for folder in (first, *others)
        )

    def feed(self, caller: Caller, calendar: CalendarRef, cursor: Cursor | None, deadline: Deadline) -> Page:
        """Give a page of changes, at most 512; see `bridge.exchange.Exchange`."""
        request = sync_folder_items.request(calendar.folder, cursor)
        with _reading():
            return sync_folder_items.read(self._ask(caller, request, deadline, calendar.mailbox), cursor)

    def get(
        self, caller: Caller, calendar: CalendarRef, ids: Sequence[ItemId], deadline: Deadline
    ) -> tuple[Item | Unreadable | Missing, ...]:
        """Read items whole, fifty at a time, fewer where they are too large; see `bridge.exchange.Exchange`."""

        def ask(request: Element, until: Deadline) -> Element:
            return self._ask(caller, request, until)

        got: list[Item | Unreadable | Missing] = []
        most = get_item.BATCH
        while len(got) < len(ids):
            batch = ids[len(got) : len(got) + most]
            try:
                some = self._some(caller, calendar, batch, deadline)
            except AnswerTooLarge:
                if len(batch) > 1:
                    most = len(batch) // 2
                    continue
                some = (Unreadable(batch[0], AnswerTooLarge.__name__),)
            if not some:
                raise ExchangeBusy("Exchange gave up before the first item (ErrorBatchProcessingStopped).", 10)
            got += self._legacy_names.resolved(ask, some, deadline)
        return tuple(got)

    def _some(
        self, caller: Caller, calendar: CalendarRef, batch: Sequence[ItemId], deadline: Deadline
    ) -> tuple[Item | Unreadable | Missing, ...]:
        def ask() -> Element:
            return self._ask(caller, get_item.request(batch, self._edition), deadline, calendar.mailbox)

        with _reading():
            return get_item.read(self._in_a_known_version(ask), batch)

    def find(self, caller: Caller, calendar: CalendarRef, uid: Uid, deadline: Deadline) -> tuple[ItemRef, ...]:
        """Find the items of a UID; see `bridge.exchange.Exchange`."""
        request = find_item.request(calendar.folder, uid)
        with _reading():
            return find_item.read(self._ask(caller, request, deadline, calendar.mailbox), uid)

    def create(self, caller: Caller, calendar: CalendarRef, content: Content, deadline: Deadline) -> ItemRef:
        """Create a single event or a master; see `bridge.exchange.Exchange`."""
        request = create_item.request(calendar.folder, content, self._edition)
        return create_item.read(self._ask(caller, request, deadline, calendar.mailbox))

    def update(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        content: Content,
        changed: frozenset[Attribute],
        deadline: Deadline,
    ) -> ItemRef:
        """Write the named attributes; see `bridge.exchange.Exchange`.

        Times and their zones go together: who names one of them has the other written from the content too.
        """
        request = update_item.request(ref, content, changed, self._edition)
        return update_item.read(self._ask(caller, request, deadline, calendar.mailbox))

    def delete(self, caller: Caller, calendar: CalendarRef, ref: ItemRef, how: Deletion, deadline: Deadline) -> None:
        """Delete an event; see `bridge.exchange.Exchange`."""
        delete_item.read(self._ask(caller, delete_item.request(ref, how), deadline, calendar.mailbox))

    def update_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        writes: Sequence[OccurrenceWrite],
        deadline: Deadline,
    ) -> tuple[ItemRef | ExchangeSays, ...]:
        """Change occurrences, all in one call; see `bridge.exchange.Exchange`.

        A single one is refused when the master's change key is stale; several are not, see
        `update_item.occurrences_request`. The change keys in the answer are each outdated by the next write. Raises
        RequestRefused, with nothing sent, for what no occurrence can have, and Unavailable where it is not known
        which were written.
        """
        ask = self._asking(caller, deadline, calendar.mailbox)
        by_index = [write.index for write in writes if write.known is None]
        indexes = self._indexes(caller, calendar, master, by_index, deadline)
        return occurrence_writes.update(ask, master, writes, indexes, self._edition)

    def delete_occurrences(
        self,
        caller: Caller,
        calendar: CalendarRef,
        master: ItemRef,
        indexes: Sequence[int],
        deadline: Deadline,
    ) -> tuple[ExchangeSays | None, ...]:
        """Delete occurrences, all in one call; see `bridge.exchange.Exchange`.

        Those of another's calendar softly: a delegate may not write to Deleted Items. Raises Unavailable where it is
        not known which are gone.
        """
        is_own = calendar.mailbox == caller.viewer.address
        how = Deletion.TO_DELETED_ITEMS if is_own else Deletion.SOFT
        ask = self._asking(caller, deadline, calendar.mailbox)
        own = self._indexes(caller, calendar, master, indexes, deadline)
        return occurrence_writes.delete(ask, master, indexes, own, how)

    def attach(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, files: Sequence[AttachedFile], deadline: Deadline
    ) -> ItemRef:
        """Attach files, all in one call; see `bridge.exchange.Exchange`."""
        if not files:
            return ref
        response = self._ask(caller, create_attachment.request(ref, files), deadline, calendar.mailbox)
        return create_attachment.read(response, ref, len(files))

    def detach(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        attachments: Sequence[AttachmentId],
        deadline: Deadline,
    ) -> ItemRef:
        """Remove files, all in one call; see `bridge.exchange.Exchange`."""
        if not attachments:
            return ref
        response = self._ask(caller, delete_attachment.request(attachments), deadline, calendar.mailbox)
        return delete_attachment.read(response, ref, len(attachments))

    def attachment(
        self, caller: Caller, calendar: CalendarRef, attachment: AttachmentId, deadline: Deadline
    ) -> AttachedFile:
        """Fetch a file, of some 48 MiB at most (`line.LARGEST_ANSWER`); see `bridge.exchange.Exchange`."""
        response = self._ask(caller, get_attachment.request(attachment), deadline, calendar.mailbox)
        return get_attachment.read(response)

    def availability(
        self,
        caller: Caller,
        mailboxes: Sequence[Address],
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> tuple[Availability | NoAvailability, ...]:
        """Ask when people are busy, 42 days and a hundred mailboxes a call; see `bridge.exchange.Exchange`."""
        with _reading():
            return ask_availability(self._asking(caller, deadline), mailboxes, start, end)

    def create_calendar(
        self, caller: Caller, display_name: str, stamp: str, deadline: Deadline, look: str | None = None
    ) -> FolderId:
        """Create a calendar; see `bridge.exchange.Exchange`."""
        return create_folder.read(self._ask(caller, create_folder.request(display_name, stamp, look), deadline))

    def rename_calendar(self, caller: Caller, calendar: CalendarRef, display_name: str, deadline: Deadline) -> None:
        """Rename a calendar; see `bridge.exchange.Exchange`."""
        request = update_folder.request(calendar.folder, display_name)
        update_folder.read(self._ask(caller, request, deadline, calendar.mailbox))

    def set_look(self, caller: Caller, calendar: CalendarRef, look: str | None, deadline: Deadline) -> None:
        """Write a calendar's look; see `bridge.exchange.Exchange`."""
        request = update_folder.look_request(calendar.folder, look)
        update_folder.read(self._ask(caller, request, deadline, calendar.mailbox))

    def delete_calendar(self, caller: Caller, calendar: CalendarRef, deadline: Deadline) -> None:
        """Delete a calendar; see `bridge.exchange.Exchange`."""
        delete_folder.read(self._ask(caller, delete_folder.request(calendar.folder), deadline, calendar.mailbox))

    def move(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, target: CalendarRef, deadline: Deadline
    ) -> ItemRef:
        """Move an event; see `bridge.exchange.Exchange`."""
        request = move_item.request(ref, target.folder)
        return move_item.read(self._ask(caller, request, deadline, calendar.mailbox))

    def people(self, caller: Caller, text: str, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Look into the directory; see `bridge.exchange.Exchange`."""
        with _reading():
            return resolve_names.read(self._ask(caller, resolve_names.request(text), deadline))

    def rooms(self, caller: Caller, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Give the rooms, one call for each list of them; see `bridge.exchange.Exchange`. Exchange 2007 has none."""
        if self._edition is Edition.EXCHANGE_2007:
            return ()
        with _reading():
            return ask_rooms(self._asking(caller, deadline))

    def close(self) -> None:
        """Give back connections."""
        self._wire.close()

    @property
    def _edition(self) -> Edition:
        return edition_of(self._wire.version)

    def _ask(self, caller: Caller, request: Element, deadline: Deadline, mailbox: Address | None = None) -> Element:
        def send() -> Element:
            return self._wire.call(caller.credential, request, deadline, mailbox or caller.viewer.address)

        is_alike = etree.QName(request).localname.startswith(_READINGS)
        return self._in_a_known_version(send) if is_alike else send()

    def _in_a_known_version(self, ask: Callable[[], Element]) -> Element:
        """Ask for a reading, and once more where the server refuses the version and the wire has stepped down.

        Nothing was done then. So Exchange 2007 is found out without a reading that fails; a write is never sent again.
        """
        version = self._wire.version
        try:
            return ask()
        except ExchangeFailed as error:
            if error.code not in WRONG_VERSION or self._wire.version == version:
                raise
        return ask()

    def _asking(
        self, caller: Caller, deadline: Deadline, mailbox: Address | None = None
    ) -> Callable[[Element], Element]:
        return lambda request: self._ask(caller, request, deadline, mailbox)

    def _indexes(
        self, caller: Caller, calendar: CalendarRef, master: ItemRef, wanted: Sequence[int], deadline: Deadline
    ) -> Indexes:
        """Give the server's indexes of occurrences: the pattern's at Exchange, found out by reading elsewhere."""
        if not wanted or self.capabilities(caller, deadline).finds_conflicts:
            return {index: index for index in wanted}
        (found,) = self.get(caller, calendar, [master.id], deadline)
        if isinstance(found, Missing):
            return {index: index for index in wanted}  # the write itself is told so
        if isinstance(found, Unreadable):
            raise ExchangeFailed("Exchange does not tell which occurrences of the series are deleted.", found.reason)
        with _reading():
            return server_indexes(self._asking(caller, deadline, calendar.mailbox), found, wanted)
