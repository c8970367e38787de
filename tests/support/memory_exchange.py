"""An Exchange in memory: the port's second back end, and what tests of `sync` stand on.

It does what the port's contract asks (``tests/contract``). Calls are counted, and `fail` makes coming calls fail before
or after they were carried out.
"""

from collections.abc import Sequence
from dataclasses import replace

from memory_items import has_occurrence, occurrence_of, outline_of, start_of
from memory_store import Folder
from memory_watching import MemoryWatching

from bridge.errors import (
    AccessDenied,
    CursorExpired,
    ExchangeSays,
    ItemChanged,
    ItemMissing,
    RequestRefused,
)
from bridge.exchange import Capabilities, Deadline, Deletion, OccurrenceWrite
from bridge.item import (
    AttachedFile,
    AttachmentId,
    Attribute,
    Content,
    Cursor,
    Entry,
    Item,
    ItemId,
    ItemRef,
    Missing,
    Page,
    Uid,
    Unreadable,
    Zone,
)
from bridge.model import CalendarRef, Caller
from bridge.zone_definition import ZoneDefinition
from bridge.zone_rules import make_definition
from bridge.zones import to_rules

_OUT_OF_RANGE = RequestRefused("No such occurrence.", "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")


class MemoryExchange(MemoryWatching):
    """The port over dictionaries."""

    def capabilities(self, caller: Caller, deadline: Deadline) -> Capabilities:
        """See `bridge.exchange.Exchange`."""
        del caller, deadline
        return Capabilities(
            writes_silently=True,
            chooses_uid=True,
            finds_conflicts=self.finds_conflicts,
            defines_zones=self.defines_zones,
            notifications=self.notifications,
        )

    def zone(self, caller: Caller, id_: str, deadline: Deadline) -> ZoneDefinition | None:
        """Give what a test has put into `zones`, or else the rules of the tz database for the years around now."""
        del deadline

        def work() -> ZoneDefinition | None:
            self.authenticate(caller.credential)
            rules = to_rules(Zone(id_))
            return self.zones.get(id_) or (make_definition(rules, 2000, 2040) if rules else None)

        return self.call("zone", work)

    def feed(self, caller: Caller, calendar: CalendarRef, cursor: Cursor | None, deadline: Deadline) -> Page:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> Page:
            folder = self.folder(caller, calendar)
            since = 0
            if cursor is not None:
                born, _, position = cursor.partition(":")
                if born.isdigit() and position.isdigit() and int(born) >= self.known_from:
                    since = int(position)
                elif not self.lists_all:
                    raise CursorExpired("The cursor is not known.")
            end = min(len(folder.log), since + self.page_size)
            touched = list(dict.fromkeys(folder.log[since:end]))
            known = set(folder.log[:since])  # of what a cursor has never known, no removal is told
            entries = tuple(
                Entry(folder.items[one].ref, outline_of(folder.items[one]), is_new=one not in known)
                for one in touched
                if one in folder.items
            )
            removed = tuple(one for one in touched if one not in folder.items and one in known)
            return Page(entries, removed, Cursor(f"{self.known_from}:{end}"), end == len(folder.log))

        return self.call("feed", work)

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
            folder = self.folder(caller, calendar)
            return tuple(one(folder, item) for item in ids)

        return self.call("get", work)

    def find(self, caller: Caller, calendar: CalendarRef, uid: Uid, deadline: Deadline) -> tuple[ItemRef, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[ItemRef, ...]:
            folder = self.folder(caller, calendar)
            return tuple(item.ref for item in folder.items.values() if item.content.uid == uid)

        return self.call("find", work)

    def create(self, caller: Caller, calendar: CalendarRef, content: Content, deadline: Deadline) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline
        return self.call("create", lambda: self.put_item(self.folder(caller, calendar, write=True), content).ref)

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
            folder = self.folder(caller, calendar, write=True)
            item = folder.items.get(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            if self.finds_conflicts and item.ref.change_key != ref.change_key:
                raise ItemChanged("The change key is stale.")
            new = replace(item.content, **{name: getattr(content, name) for name in _together(changed)})
            return self.put_item(folder, new, item=item).ref

        return self.call("update", work)

    def delete(self, caller: Caller, calendar: CalendarRef, ref: ItemRef, how: Deletion, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self.folder(caller, calendar, write=True)
            if how is Deletion.TO_DELETED_ITEMS and folder.mailbox != caller.viewer.address:
                raise AccessDenied("A delegate may not write to Deleted Items.")
            if ref.id not in folder.items:
                raise ItemMissing("The item was not found.")
            self.drop_item(folder, ref.id)

        self.call("delete", work)

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
            if not has_occurrence(series.content, write.index):
                return _OUT_OF_RANGE
            start = start_of(series.content, write.index)
            if start in series.deleted:
                return ItemMissing("The occurrence is deleted.")
            known = next((ref for ref in series.exceptions if ref.original_start == start), None)
            before = folder.occurrences[known.ref.id].content if known else occurrence_of(series.content, start)
            after = replace(before, **{name: getattr(write.content, name) for name in _together(write.changed)})
            return self.put_occurrence(folder, master.id, start, after).ref

        def work() -> tuple[ItemRef | ExchangeSays, ...]:
            folder = self.folder(caller, calendar, write=True)
            return tuple(one(folder, write) for write in writes)

        return self.call("update_occurrences", work)

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
            if not has_occurrence(series.content, index):
                return _OUT_OF_RANGE
            self.drop_occurrence(folder, master.id, start_of(series.content, index))
            return None

        def work() -> tuple[ExchangeSays | None, ...]:
            folder = self.folder(caller, calendar, write=True)
            return tuple(one(folder, index) for index in indexes)

        return self.call("delete_occurrences", work)

    def attach(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, files: Sequence[AttachedFile], deadline: Deadline
    ) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> ItemRef:
            folder = self.folder(caller, calendar, write=True)
            item = folder.find(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            fitting = [file for file in files if len(file.data) <= self.largest_file]
            new = self.put_files(folder, item, fitting) if fitting else item
            if len(fitting) < len(files):
                raise RequestRefused("A file is too large.", "ErrorAttachmentSizeLimitExceeded")
            return new.ref

        return self.call("attach", work)

    def detach(
        self,
        caller: Caller,
        calendar: CalendarRef,
        ref: ItemRef,
        attachments: Sequence[AttachmentId],
        deadline: Deadline,
    ) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> ItemRef:
            folder = self.folder(caller, calendar, write=True)
            item = folder.find(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            left = tuple(one for one in item.attachments if one.id not in attachments)
            for one in attachments:
                folder.files.pop(one, None)
            return ref if left == item.attachments else self.set_attachments(folder, item, left).ref

        return self.call("detach", work)

    def attachment(
        self, caller: Caller, calendar: CalendarRef, attachment: AttachmentId, deadline: Deadline
    ) -> AttachedFile:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> AttachedFile:
            folder = self.folder(caller, calendar)
            owner, file = folder.files.get(attachment, (ItemId(""), None))
            if file is None or folder.find(owner) is None:
                raise ItemMissing("The file was not found.")
            return file

        return self.call("attachment", work)

    def move(
        self, caller: Caller, calendar: CalendarRef, ref: ItemRef, target: CalendarRef, deadline: Deadline
    ) -> ItemRef:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> ItemRef:
            here = self.folder(caller, calendar, write=True)
            there = self.folder(caller, target, write=True)
            item = here.items.get(ref.id)
            if item is None:
                raise ItemMissing("The item was not found.")
            self.drop_item(here, ref.id)
            moved = replace(item, ref=ItemRef(ItemId(f"Item-{next(self.numbers)}"), self.change_key()))
            for one in item.exceptions:
                there.occurrences[one.ref.id] = here.occurrences[one.ref.id]
            for id_, (owner, file) in here.files.items():
                there.files[id_] = (moved.ref.id if owner == ref.id else owner, file)
            there.items[moved.ref.id] = moved
            self.note(there, moved.ref.id)
            return moved.ref

        return self.call("move", work)

    def close(self) -> None:
        """See `bridge.exchange.Exchange`."""


def _together(changed: frozenset[Attribute]) -> set[str]:
    """Give what is written: a body is one thing, formatted or not."""
    bodies = {"body", "html"}
    return {str(name) for name in changed} | (bodies if changed & bodies else set())
