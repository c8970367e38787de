"""The state of a simulated Exchange: mailboxes with folders and items, and one count of changes per mailbox.

Everything is done under `lock`. Nothing here knows SOAP. Given the same seed, clock and calls it is the same.
"""

import random
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bridge.simulator.happenings import Teller, changes_times
from bridge.simulator.identifiers import ItemName, new_uid, parse_folder_id, parse_item_id
from bridge.simulator.mailboxes import STANDARD, Mailbox
from bridge.simulator.model import X500, ExtendedPath, Folder, Item, Mail, Person
from bridge.simulator.series import series_of, with_exception, without
from bridge.simulator.trouble import EwsError

Extended = Mapping[ExtendedPath, tuple[str, ...]]


def now() -> datetime:
    """Give this second."""
    return datetime.now(UTC).replace(microsecond=0)


class Store:
    """All mailboxes of one organisation; `clock` gives the time of a write.

    `teller` has a listener be told of everything, under the lock, when it has happened.
    """

    def __init__(self, seed: int = 0, clock: Callable[[], datetime] = now) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.seed = seed
        self.random = random.Random(seed)
        self.mailboxes: dict[str, Mailbox] = {}
        self.outbox: list[Mail] = []
        self.sync_epoch = 0
        self.teller = Teller(self.mailboxes, clock)

    # People

    def add_person(self, person: Person) -> Mailbox:
        """Give a new mailbox with the folders every mailbox has."""
        with self.lock:
            box = self.mailboxes[person.mailbox] = Mailbox(person)
            numbers = {"": 0}
            for distinguished, parent, name, folder_class in STANDARD:
                folder = self.add_folder(person.mailbox, numbers[parent], name, folder_class, distinguished)
                numbers[distinguished] = folder.number
            return box

    def guid(self, name: str) -> str:
        """Give the mailbox GUID that belongs to a name, the same for the same seed."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.seed}.{name}"))

    @property
    def people(self) -> tuple[Person, ...]:
        """Give everybody with a mailbox."""
        return tuple(box.owner for box in self.mailboxes.values())

    def person(self, address: str) -> Person | None:
        """Give whose address that is, by SMTP or X.500."""
        wanted = address.strip().casefold().removeprefix("smtp:").removeprefix("ex:")
        if wanted.startswith(X500):
            return next((person for person in self.people if person.legacy_name.casefold() == wanted), None)
        return next((person for person in self.people if wanted in person.addresses), None)

    def log_in(self, login: str, password: str) -> Person | None:
        """Give who that is: by address, alias address or account with domain; the password must be right."""
        wanted = login.casefold()
        for person in self.people:
            account = f"{person.domain}\\{person.login}".casefold()
            if (wanted in person.addresses or wanted == account) and person.password == password:
                return person
        return None

    # Folders

    def add_folder(
        self,
        mailbox: str,
        parent: int,
        name: str,
        folder_class: str,
        distinguished: str = "",
        *,
        permissions: Mapping[str, str] | None = None,
        extended: Extended | None = None,
    ) -> Folder:
        """Give a new folder."""
        with self.lock:
            box = self.mailboxes[mailbox]
            folder = Folder(
                mailbox=mailbox,
                number=box.next_number(),
                parent=parent,
                name=name,
                folder_class=folder_class,
                distinguished=distinguished,
                change=box.next_change(),
                permissions=permissions or {},
                extended=extended or {},
            )
            box.folders[folder.number] = folder
            box.items[folder.number] = {}
            box.touched[folder.number] = 0
            box.folder_touched = box.change
            self.teller.folder("Created", folder)
            return folder

    def put_folder(self, folder: Folder) -> Folder:
        """Give the folder stored in place of the one with its number, with a new change."""
        with self.lock:
            box = self.mailboxes[folder.mailbox]
            before, fresh = box.folders[folder.number], replace(folder, change=box.next_change())
            box.folders[folder.number] = fresh
            box.folder_touched = box.change
            if fresh.parent == before.parent:
                self.teller.modified(fresh)
            else:
                self.teller.moved(before, fresh)
            return fresh

    def remove_folder(self, folder: Folder) -> None:
        """Remove a folder and everything below it."""
        with self.lock:
            box = self.mailboxes[folder.mailbox]
            for child in [f for f in box.folders.values() if f.parent == folder.number]:
                self.remove_folder(child)
            del box.folders[folder.number], box.items[folder.number]
            box.folder_touched = box.next_change()
            self.teller.folder("Deleted", folder)

    def folder_by_id(self, text: str) -> Folder:
        """Give the folder with that FolderId."""
        mailbox, number = parse_folder_id(text)
        box = self.mailboxes.get(mailbox)
        folder = box.folders.get(number) if box else None
        if folder is None:
            raise EwsError("ErrorFolderNotFound")
        return folder

    def distinguished(self, mailbox: str, name: str) -> Folder:
        """Give a mailbox's folder of that distinguished id."""
        for folder in self.mailboxes[mailbox].folders.values():
            if folder.distinguished == name:
                return folder
        raise EwsError("ErrorFolderNotFound")

    def below(self, folder: Folder, *, deep: bool) -> list[Folder]:
        """Give the folders in a folder, all levels when `deep`."""
        found: list[Folder] = []
        for child in self.mailboxes[folder.mailbox].folders.values():
            if child.parent == folder.number:
                found.append(child)
                found += self.below(child, deep=True) if deep else []
        return found

    def items_in(self, folder: Folder) -> Iterable[Item]:
        """Give the items of a folder, oldest number first."""
        return self.mailboxes[folder.mailbox].items[folder.number].values()

    # Items

    def add_item(
        self, folder: Folder, values: Mapping[str, object], extended: Extended | None = None, by: str = ""
    ) -> Item:
        """Give a new item of a folder; without a UID it gets one of Exchange's form."""
        with self.lock:
            box = self.mailboxes[folder.mailbox]
            moment = self.clock()
            uid = values.get("UID") or new_uid(moment, self.random.randbytes(16))
            item = Item(
                mailbox=folder.mailbox,
                folder=folder.number,
                number=box.next_number(),
                change=box.next_change(),
                created=moment,
                modified=moment,
                modified_by=by or box.owner.name,
                values={**values, "UID": uid},
                extended=extended or {},
            )
            self._keep(item)
            self.teller.item("Created", item)
            return item

    def put_item(self, item: Item, by: str) -> Item:
        """Give the item stored in place of the one with its number, with a new change."""
        with self.lock:
            change = self.mailboxes[item.mailbox].next_change()
            fresh = replace(item, change=change, modified=self.clock(), modified_by=by)
            self._change(fresh)
            return fresh

    def remove_item(self, item: Item) -> None:
        """Remove an item for good."""
        with self.lock:
            self._drop(item)
            self.teller.item("Deleted", item)

    def move_item(self, item: Item, target: Folder, by: str, *, keep: bool = False) -> Item:
        """Give the item in its new folder, under a new id; `keep` leaves the old one, which makes it a copy."""
        with self.lock:
            if not keep:
                self._drop(item)
            box = self.mailboxes[target.mailbox]
            fresh = replace(
                item,
                mailbox=target.mailbox,
                folder=target.number,
                number=box.next_number(),
                change=box.next_change(),
                modified=self.clock(),
                modified_by=by,
            )
            self._keep(fresh)
            self.teller.carried(item, fresh, copied=keep)
            return fresh

    def item_by_id(self, text: str) -> Item:
        """Give the item with that ItemId."""
        return self.item_by_name(parse_item_id(text))

    def item_by_name(self, name: ItemName) -> Item:
        """Give the item of a parsed id; an occurrence that is deleted or not of the pattern is not found."""
        box = self.mailboxes.get(name.mailbox)
        item = box.items.get(name.folder, {}).get(name.number) if box else None
        if item is None:
            raise EwsError("ErrorItemNotFound")
        if name.day is None:
            return item
        if item.kind != "RecurringMaster" or not series_of(item).holds(name.day):
            raise EwsError("ErrorItemNotFound")
        return series_of(item).item(name.day)

    def master_of(self, item: Item) -> Item:
        """Give the master of an occurrence."""
        return self.item_by_name(replace(item.name, day=None))

    def put_occurrence(self, item: Item, by: str, *, touch: bool = True) -> Item:
        """Give the exception that an occurrence has become; `touch` gives its series a new change."""
        with self.lock:
            if item.occurrence is None:
                raise TypeError("not an occurrence")
            changed = replace(item, modified=self.clock(), modified_by=by)
            series = series_of(self.master_of(item))
            change = 0 if touch else self.mailboxes[item.mailbox].next_change()
            master = self._put_master(with_exception(series, changed, change), by, touch=touch)
            return series_of(master).item(item.occurrence.day)

    def remove_occurrence(self, item: Item, by: str, *, touch: bool = True) -> None:
        """Delete one of several occurrences of a series; `touch` gives the series a new change."""
        with self.lock:
            if item.occurrence is None:
                raise TypeError("not an occurrence")
            self._put_master(without(series_of(self.master_of(item)), item.occurrence.day), by, touch=touch)

    def _put_master(self, master: Item, by: str, *, touch: bool) -> Item:
        if touch:
            return self.put_item(master, by)
        self._change(master, touch=False)
        return master

    def folder_of(self, item: Item) -> Folder:
        """Give the folder an item is in."""
        return self.mailboxes[item.mailbox].folders[item.folder]

    def _keep(self, item: Item, *, touch: bool = True) -> None:
        box = self.mailboxes[item.mailbox]
        box.items[item.folder][item.number] = item
        if touch:
            box.touched[item.folder] = item.change

    def _change(self, item: Item, *, touch: bool = True) -> None:
        before = self.mailboxes[item.mailbox].items[item.folder].get(item.number, item)
        self._keep(item, touch=touch)
        self.teller.item("Modified", item, busy=changes_times(before, item))

    def _drop(self, item: Item) -> None:
        box = self.mailboxes[item.mailbox]
        del box.items[item.folder][item.number]
        box.touched[item.folder] = box.next_change()
