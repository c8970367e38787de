"""Which files an event's write attaches and detaches, decided from what its items hold. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bridge.errors import AttachmentTooLarge, NotExpressible, TooManyAttachments
from bridge.ids import make_file_key
from bridge.item import AttachedFile, AttachmentId, AttachmentRef, Item, ItemKind
from bridge.mapping.attachments import MOST_FILES, WantedFiles, shown_files
from bridge.mapping.resource import instance_start
from bridge.mapping.series import WantedSeries
from bridge.model import FileKey

T = TypeVar("T")

IsHeld = Callable[[AttachmentRef, AttachedFile], bool]
"""Whether a file at Exchange is one that a client has sent."""
AreAlike = Callable[[AttachmentRef, AttachmentRef], bool]
"""Whether two files at Exchange are the same, byte for byte; asked only of such as `are_twins`."""


@dataclass(frozen=True, slots=True)
class FileStep:
    """What becomes of the files of one item; None is an occurrence, or an item, that is not at Exchange yet.

    ``copies`` are files of the resource's other items.
    """

    item: Item | None
    new: tuple[AttachedFile, ...] = ()
    copies: tuple[AttachmentRef, ...] = ()
    gone: tuple[AttachmentId, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.new or self.copies or self.gone)


def plan_files(
    wanted: WantedSeries,
    items: Sequence[Item],
    base: frozenset[AttachmentId],
    is_held: IsHeld,
    are_alike: AreAlike,
) -> tuple[FileStep, ...]:
    """Decide what makes the items' files those that the client wants.

    ``base`` are the files that it was shown in what it edits: what it has not seen, it does not take away. A file that
    is there is not attached again, so that this can be asked anew after every step. Servers let an occurrence have what
    its series has: what it is to keep of that is attached to it before the series loses it.
    """
    by_part = {part_of(item): item for item in items}
    known = {make_file_key(one.id): one for item in items for one in shown_files(item)}
    whole = by_part.get(None)
    steps = []
    leaving: list[AttachmentRef] = []
    if None in wanted.files:
        steps.append(_plan_part(whole, wanted.files[None], _Around(known, base, is_held, are_alike)))
        leaving = [one for one in shown_files(whole) if one.id in steps[0].gone] if whole else []
    shared = frozenset(files_of([whole] if whole else ()))
    around = _Around(known, base - shared, is_held, are_alike, leaving)
    others = (_plan_part(by_part.get(part), files, around) for part, files in wanted.files.items() if part is not None)
    return tuple(step for step in (*others, *steps) if not step.is_done)


def has_strangers(
    wanted: WantedSeries, items: Iterable[Item], noted: Mapping[str, str], is_held: IsHeld, are_alike: AreAlike
) -> bool:
    """Say whether an item has a file that neither was ``noted`` nor is one that this write attaches."""
    items = tuple(items)
    known = {make_file_key(one.id): one for item in items for one in shown_files(item)}
    for item in items:
        files = wanted.files.get(part_of(item), WantedFiles())
        linked = [known[key] for key in files.links if key in known]
        for one in shown_files(item):
            if make_file_key(one.id) in noted or any(is_held(one, file) for file in files.new):
                continue
            if not any(are_twins(one, other) and are_alike(one, other) for other in linked):
                return True
    return False


def check_files(steps: Iterable[FileStep], items: Iterable[Item], most_bytes: int) -> None:
    """Refuse what is too much. Raises AttachmentTooLarge, TooManyAttachments."""
    steps = tuple(steps)
    if not any(step.new or step.copies for step in steps):
        return
    sizes = [len(file.data) for step in steps for file in step.new] + [
        one.size for step in steps for one in step.copies
    ]
    if sum(sizes) > most_bytes:
        raise AttachmentTooLarge(f"ATTACH: files of more than {most_bytes} bytes are not taken with one event.")
    there = sum(len(shown_files(item)) for item in items) - sum(len(step.gone) for step in steps)
    if there + len(sizes) > MOST_FILES:
        raise TooManyAttachments(f"ATTACH: an event has at most {MOST_FILES} files here.")


def check_reshaping(wanted: WantedSeries, stored: Sequence[Item], are_alike: AreAlike) -> None:
    """Refuse a new pattern for a series where a changed occurrence has a file of its own that it is to keep.

    Servers drop changed occurrences then, with their files. Raises NotExpressible.
    """
    if not stored:
        return
    whole = shown_files(stored[0])
    for item in stored[1:]:
        links = wanted.files.get(part_of(item), WantedFiles()).links
        for one in shown_files(item):
            if make_file_key(one.id) in links and not any(are_twins(one, it) and are_alike(one, it) for it in whole):
                raise NotExpressible(
                    "ATTACH: an occurrence has a file of its own, which Exchange drops when the times or the rule of "
                    "its series change; take that file away first."
                )


def part_of(item: Item) -> datetime | None:
    """Give the original start by which a part of a resource is known, None for its master or single event."""
    return item.original_start if item.kind is ItemKind.EXCEPTION else instance_start(item)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known beside one item: all files of the resource, those that may go, those that the series loses."""

    known: Mapping[FileKey, AttachmentRef]
    base: frozenset[AttachmentId]
    is_held: IsHeld
    are_alike: AreAlike
    leaving: Sequence[AttachmentRef] = ()


def _plan_part(item: Item | None, files: WantedFiles, around: _Around) -> FileStep:
    if item is None:  # it follows its master, and has the files of that
        return FileStep(None, files.new)
    held = {make_file_key(one.id): one for one in shown_files(item)}
    lost = {key for key in files.links & held.keys() if any(are_twins(held[key], one) for one in around.leaving)}
    stays = files.links & held.keys() - lost
    left = [one for key, one in held.items() if key not in stays | lost]
    linked = (around.known[key] for key in files.links - stays if key in around.known)
    copies = [one for one in linked if not _claim(left, one, lambda *two: are_twins(*two) and around.are_alike(*two))]
    new = [file for file in files.new if not _claim(left, file, around.is_held)]
    gone = [one.id for one in (*left, *(held[key] for key in lost)) if one.id in around.base]
    return FileStep(item, tuple(new), tuple(copies), tuple(gone))


def _claim(left: list[AttachmentRef], wanted: T, fits: Callable[[AttachmentRef, T], bool]) -> bool:
    """Take a file that fits from those that are left; say whether there was one."""
    found = next((one for one in left if fits(one, wanted)), None)
    if found is not None:
        left.remove(found)
    return found is not None


def are_twins(one: AttachmentRef, other: AttachmentRef) -> bool:
    """Whether two files may be the same, by what is known without fetching them."""
    return (one.name, one.size) == (other.name, other.size)


def files_of(items: Iterable[Item]) -> Iterator[AttachmentId]:
    """Give the ids of the files that clients are shown of items."""
    for item in items:
        yield from (one.id for one in shown_files(item))
