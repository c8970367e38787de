"""What happens in mailboxes, as the store tells it and subscriptions are told of it.

Which events a change gives: [D] how to stream notifications (a new item: itself and its folder), pull notifications for
deletion-related mailbox events (deleted, moved to Deleted Items, folders). That FreeBusyChanged comes with what changes
the time of the default calendar, and names the item, is assumed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.simulator.mailboxes import Mailbox
from bridge.simulator.model import Folder, Item

# The values that say when somebody is busy, by element name
_TIMES = ("Start", "End", "LegacyFreeBusyStatus", "Recurrence", "IsAllDayEvent", "StartTimeZone")


@dataclass(frozen=True)
class Happening:
    """Something that happened to an item or a folder.

    `kind` is the event's element without its `Event`; `thing` is the item or folder as it is now (or was last),
    `parent` the folder it is in. After a move or a copy `old` is what it was before, in `old_parent`.
    """

    kind: str
    moment: datetime
    thing: Item | Folder
    parent: Folder
    old: Item | Folder | None = None
    old_parent: Folder | None = None

    @property
    def mailbox(self) -> str:
        """Give the mailbox it happened in."""
        return self.thing.mailbox

    @property
    def folders(self) -> frozenset[int]:
        """Give the numbers of the folders whose subscriptions are told of it."""
        touched = [self.parent, *([self.old_parent] if self.old_parent else [])]
        touched += [thing for thing in (self.thing, self.old) if isinstance(thing, Folder)]
        return frozenset(folder.number for folder in touched)


def changes_times(before: Item, after: Item) -> bool:
    """Tell whether a change of an item is one of when somebody is busy."""
    same = all(before.values.get(name) == after.values.get(name) for name in _TIMES)
    return not same or before.exceptions != after.exceptions or before.deleted != after.deleted


class Teller:
    """Tells a `listener`, if there is one, what each change of the store's amounts to."""

    def __init__(self, mailboxes: Mapping[str, Mailbox], clock: Callable[[], datetime]) -> None:
        self.listener: Callable[[Happening], None] | None = None
        self._mailboxes = mailboxes
        self._clock = clock

    def item(self, kind: str, item: Item, *, busy: bool = True) -> None:
        """Tell that an item was Created, Modified or Deleted; `busy`: the times taken may have changed."""
        folder = self._mailboxes[item.mailbox].folders[item.folder]
        self._tell(kind, item, folder)
        if busy and folder.distinguished == "calendar":
            self._tell("FreeBusyChanged", item, folder)
        self.modified(folder)

    def carried(self, old: Item, new: Item, *, copied: bool) -> None:
        """Tell that an item went elsewhere, or a copy of it; to another mailbox it is a new one (assumed)."""
        if old.mailbox != new.mailbox:
            self.item("Created", new)
            if not copied:
                self.item("Deleted", old)
            return
        source, target = (self._mailboxes[item.mailbox].folders[item.folder] for item in (old, new))
        self._tell("Copied" if copied else "Moved", new, target, old, source)
        for folder in (target,) if copied else (source, target):
            if folder.distinguished == "calendar":
                self._tell("FreeBusyChanged", new, folder)
            self.modified(folder)

    def folder(self, kind: str, folder: Folder) -> None:
        """Tell that a folder was Created or Deleted."""
        parent = self._parent(folder)
        self._tell(kind, folder, parent)
        self.modified(parent)

    def modified(self, folder: Folder) -> None:
        """Tell that a folder has changed, or what is in it."""
        self._tell("Modified", folder, self._parent(folder))

    def moved(self, before: Folder, after: Folder) -> None:
        """Tell that a folder went into another."""
        source, target = self._parent(before), self._parent(after)
        self._tell("Moved", after, target, before, source)
        self.modified(source)
        self.modified(target)

    def _parent(self, folder: Folder) -> Folder:
        return self._mailboxes[folder.mailbox].parent_of(folder)

    def _tell(
        self,
        kind: str,
        thing: Item | Folder,
        parent: Folder,
        old: Item | Folder | None = None,
        old_parent: Folder | None = None,
    ) -> None:
        if self.listener:
            self.listener(Happening(kind, self._clock(), thing, parent, old, old_parent))
