"""The files of events at Exchange: found by the links that clients have, fetched, attached and detached."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bridge.errors import (
    AccessDenied,
    AttachmentTooLarge,
    ExchangeFailed,
    ItemMissing,
    MirrorFilling,
    NotExpressible,
    NotPermitted,
    TooManyAttachments,
    Unavailable,
)
from bridge.exchange import Deadline, Exchange
from bridge.ids import FilePlace, make_file_key
from bridge.item import AttachedFile, AttachmentId, AttachmentRef, Item, ItemRef
from bridge.mapping.attachments import MOST_FILES, WantedFiles, shown_files
from bridge.mapping.series import WantedSeries
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, FileKey, Name
from bridge.sync.file_plan import (
    AreAlike,
    FileStep,
    IsHeld,
    check_files,
    check_reshaping,
    files_of,
    has_strangers,
    plan_files,
)
from bridge.sync.outcome import Write

LOG = logging.getLogger(__name__)

FETCH = 60.0
"""Seconds for fetching one file."""
SEND = 60.0
"""Seconds for attaching the files of one item."""
_ROOM = 64 * 1024
"""Bytes by which the size that Exchange tells may be off, and as much again as the file has."""


class Files:
    """Finds, fetches and writes files for one organisation."""

    def __init__(self, exchange: Exchange, mirror: Mirror, most_bytes: int) -> None:
        """Take the back end, the mirror, and how many bytes of files may come with one write."""
        self._exchange = exchange
        self._mirror = mirror
        self._most_bytes = most_bytes

    def find(self, ref: CalendarRef, name: Name, key: FileKey) -> AttachmentRef | None:
        """Give a file of a resource as the mirror has it, None where the resource has none of this key."""
        rendered = self._mirror.read(ref, name)
        items = rendered.facts if rendered is not None else ()
        return next((one for item in items for one in shown_files(item) if make_file_key(one.id) == key), None)

    def fetch(self, caller: Caller, ref: CalendarRef, file: AttachmentId) -> AttachedFile:
        """Fetch a file from Exchange. Raises ItemMissing, NotPermitted, Unavailable."""
        try:
            return self._exchange.attachment(caller, ref, file, Deadline.after(FETCH))
        except AccessDenied:
            raise NotPermitted("Exchange does not let you read this file.", "read") from None

    def try_to_fetch(self, caller: Caller, ref: CalendarRef, file: AttachmentId) -> AttachedFile | None:
        """Fetch a file from Exchange, None where it does not know it any more. Raises NotPermitted, Unavailable."""
        try:
            return self.fetch(caller, ref, file)
        except ItemMissing:
            return None

    # --- before a write ------------------------------------------------------------------------------

    def bring(self, write: Write, wanted: WantedSeries, stored: tuple[Item, ...]) -> WantedSeries:
        """Fetch the files that links of other events lead to, so that they are new ones of this event.

        A link to a file that this very event had is let go: somebody has taken the file away. Raises NotExpressible
        for a link that leads nowhere, AttachmentTooLarge, Unavailable.
        """
        places = {place.key: place for files in wanted.files.values() for place in files.others}
        if not places:
            return wanted
        if len(places) > MOST_FILES:
            raise TooManyAttachments(f"ATTACH: more than {MOST_FILES} files are not copied to one event.")
        found = self._find_all(write, places.values(), stored)
        if sum(file.size for _, file in found.values()) > self._most_bytes + _ROOM:
            raise AttachmentTooLarge(
                f"ATTACH: files of more than {self._most_bytes} bytes are not copied to one event."
            )
        copies = {key: self._copy(write, ref, file) for key, (ref, file) in found.items()}
        return replace(wanted, files={part: _with_copies(files, copies) for part, files in wanted.files.items()})

    def _find_all(
        self, write: Write, places: Iterable[FilePlace], stored: tuple[Item, ...]
    ) -> dict[FileKey, tuple[CalendarRef, AttachmentRef]]:
        calendars = write.calendars()
        found = {}
        for place in places:
            ref = calendars.get(place.calendar)
            file = self.find(ref, place.name, place.key) if ref is not None else None
            if ref is not None and file is not None:
                found[place.key] = ref, file
            elif ref is not None and (trouble := self._trouble(ref)) is not None:
                raise trouble
            elif not (stored and ref == write.ref and place.name == write.name):
                raise _nowhere()
        return found

    def _trouble(self, ref: CalendarRef) -> Unavailable | None:
        """Say why a file may be there although the mirror does not have it, None where it is not.

        An event that cannot be read may bear another name than the one it had.
        """
        snapshot = self._mirror.snapshot(ref)
        if not snapshot.is_complete:
            return MirrorFilling("The calendar that a file is to be copied from is still to be read.", 5)
        if not all(one.is_readable for one in snapshot.resources.values()):
            return ExchangeFailed("The event that a file is to be copied from could not be read from Exchange yet.")
        return None

    def _copy(self, write: Write, ref: CalendarRef, file: AttachmentRef) -> AttachedFile:
        try:
            return self._fetched(write, ref, file.id)
        except ItemMissing:
            raise _nowhere() from None

    def judge(self, write: Write, wanted: WantedSeries, stored: Sequence[Item]) -> tuple[FileStep, ...]:
        """Decide what would be done with the files of items as they are stored.

        Raises AttachmentTooLarge, TooManyAttachments, Unavailable.
        """
        steps = self.plan(write, wanted, stored, stored)
        check_files(steps, stored, self._most_bytes)
        return steps

    def plan(
        self, write: Write, wanted: WantedSeries, items: Sequence[Item], stored: Sequence[Item]
    ) -> tuple[FileStep, ...]:
        """Decide what is to be done with the items' files; ``stored`` are those that the client has edited.

        Only who names the version it edits says what it has seen. Raises Unavailable.
        """
        base = frozenset(files_of(stored)) if write.conditions.names_version else frozenset()
        is_held, are_alike = self._compares(write)
        return plan_files(wanted, items, base, is_held, are_alike)

    def are_strange(self, write: Write, wanted: WantedSeries, items: Sequence[Item], noted: Mapping[str, str]) -> bool:
        """Say whether an item has a file that neither was noted before an earlier try nor comes from that."""
        return has_strangers(wanted, items, noted, *self._compares(write))

    def check_reshaping(self, write: Write, wanted: WantedSeries, stored: Sequence[Item]) -> None:
        """Refuse a new pattern that would lose files of changed occurrences. Raises NotExpressible, Unavailable."""
        check_reshaping(wanted, stored, self._compares(write)[1])

    def _compares(self, write: Write) -> tuple[IsHeld, AreAlike]:
        return partial(self.is_held, write), partial(self._are_alike, write)

    def is_held(self, write: Write, there: AttachmentRef, file: AttachedFile) -> bool:
        """Say whether a file that is there is one that a client has sent: by name, size, and then byte for byte.

        Raises Unavailable.
        """
        size = len(file.data)
        if there.name.casefold() != file.name.casefold():
            return False
        if there.size and not size // 2 <= there.size <= 2 * size + _ROOM:
            return False
        try:
            return self._fetched(write, write.ref, there.id).data == file.data
        except ItemMissing:
            return False

    def _are_alike(self, write: Write, one: AttachmentRef, other: AttachmentRef) -> bool:
        if one.id == other.id:
            return True
        try:
            return self._fetched(write, write.ref, one.id).data == self._fetched(write, write.ref, other.id).data
        except ItemMissing:
            return False

    def _fetched(self, write: Write, ref: CalendarRef, file: AttachmentId) -> AttachedFile:
        if file not in write.fetched:
            write.fetched[file] = self.fetch(write.caller, ref, file)
        return write.fetched[file]

    # --- the write itself ----------------------------------------------------------------------------

    def send(self, write: Write, steps: Sequence[FileStep]) -> None:
        """Attach and detach, what comes before what goes. Raises ExchangeSays, Unavailable."""
        for step in steps:
            if step.item is None:
                raise ExchangeFailed("Exchange does not tell of an occurrence that was just written.")
            ref = step.item.ref
            copies = [self._fetched(write, write.ref, one.id) for one in step.copies]
            if step.new or copies:
                ref = self._attach(write, ref, (*step.new, *copies))
            if step.gone:
                self._exchange.detach(write.caller, write.ref, ref, step.gone, Deadline.after(SEND))

    def _attach(self, write: Write, ref: ItemRef, files: Sequence[AttachedFile]) -> ItemRef:
        return self._exchange.attach(write.caller, write.ref, ref, files, Deadline.after(SEND))


def _with_copies(files: WantedFiles, copies: Mapping[FileKey, AttachedFile]) -> WantedFiles:
    brought = (copies[place.key] for place in files.others if place.key in copies)
    return WantedFiles(files.links, new=(*files.new, *brought))


def _nowhere() -> NotExpressible:
    return NotExpressible("ATTACH: a link leads to no file of your calendars, or to none any more.")
