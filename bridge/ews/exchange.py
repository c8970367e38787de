"""The port `bridge.exchange.Exchange` over EWS."""

import threading
from collections.abc import Sequence
from datetime import datetime

from bridge.errors import (
    ExchangeBusy,
    ExchangeFailed,
    ExchangeSays,
    FolderMissing,
    ItemMissing,
    RequestRefused,
)
from bridge.ews import occurrence_writes
from bridge.ews.asking import reading
from bridge.ews.editions import Edition
from bridge.ews.indexes import Indexes, server_indexes
from bridge.ews.legacy_names import LegacyNames
from bridge.ews.line import AnswerTooLarge
from bridge.ews.operations import (
    create_attachment,
    create_item,
    delete_attachment,
    delete_item,
    find_item,
    get_attachment,
    get_item,
    get_server_time_zones,
    move_item,
    sync_folder_items,
    update_item,
)
from bridge.ews.response_codes import WRONG_VERSION
from bridge.ews.settings import EwsSettings
from bridge.ews.watching import EwsWatching
from bridge.ews.windows import ask_window
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
from bridge.model import CalendarRef, Caller
from bridge.zone_definition import ZoneDefinition

_OLDEST_MAJOR = 14
"""Exchange 2010. Change keys have been enforced for as long; what is older is not asked."""
_SAYS_NOTHING = ("ErrorInternalServer", *WRONG_VERSION)
"""How codes begin after which it is not known what the server can do."""


class EwsExchange(EwsWatching):
    """One organisation's Exchange over EWS. Safe to call from many threads; every call is sent once."""

    def __init__(self, settings: EwsSettings) -> None:
        """Take where EWS is. Raises ConfigurationInvalid; asks nothing yet."""
        super().__init__(settings)
        self._legacy_names = LegacyNames()
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None

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
            writes_silently=True,
            chooses_uid=True,
            finds_conflicts=finds_conflicts,
            defines_zones=defines_zones,
            has_working_elsewhere=self._edition >= Edition.EXCHANGE_2013,
            notifications=self._notifications(),
        )
        if is_sure:
            with self._lock:
                self._capabilities = found
        return found

    def zone(self, caller: Caller, id_: str, deadline: Deadline) -> ZoneDefinition | None:
        """Give the server's own rules for a zone; see `bridge.exchange.Exchange`."""
        request = get_server_time_zones.request(id_, full=True)
        with reading():
            return get_server_time_zones.read_definition(self._ask(caller, request, deadline), id_)

    def feed(self, caller: Caller, calendar: CalendarRef, cursor: Cursor | None, deadline: Deadline) -> Page:
        """Give a page of changes, at most 512; see `bridge.exchange.Exchange`."""
        request = sync_folder_items.request(calendar.folder, cursor)
        with reading():
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

        with reading():
            return get_item.read(self._in_a_known_version(ask), batch)

    def find(self, caller: Caller, calendar: CalendarRef, uid: Uid, deadline: Deadline) -> tuple[ItemRef, ...]:
        """Find the items of a UID; see `bridge.exchange.Exchange`."""
        request = find_item.request(calendar.folder, uid)
        with reading():
            return find_item.read(self._ask(caller, request, deadline, calendar.mailbox), uid)

    def window(
        self, caller: Caller, calendar: CalendarRef, start: datetime, end: datetime, deadline: Deadline
    ) -> tuple[ItemId, ...]:
        """Give what takes place in a window, by calendar views; see `bridge.exchange.Exchange`.

        Raises RequestRefused where the server knows no calendar views.
        """

        def ask(request: Element) -> Element:
            return self._in_a_known_version(lambda: self._ask(caller, request, deadline, calendar.mailbox))

        try:
            return ask_window(ask, calendar.folder, start, end)
        except ItemMissing as error:
            raise FolderMissing(f"Exchange knows no such calendar. {error}") from error

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

    def move(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, target: CalendarRef, deadline: Deadline
    ) -> ItemRef:
        """Move an event; see `bridge.exchange.Exchange`."""
        request = move_item.request(ref, target.folder)
        return move_item.read(self._ask(caller, request, deadline, calendar.mailbox))

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
        with reading():
            return server_indexes(self._asking(caller, deadline, calendar.mailbox), found, wanted)
