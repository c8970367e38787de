"""One mailbox as the store keeps it, and the folders that every mailbox has."""

from dataclasses import dataclass, field

from bridge.simulator.model import Folder, Item, Person

# The folders every mailbox has: distinguished id, parent, name, class. Source: [D] DistinguishedFolderId
STANDARD = (
    ("root", "", "Root", "IPF"),
    ("msgfolderroot", "root", "Top of Information Store", "IPF"),
    ("inbox", "msgfolderroot", "Inbox", "IPF.Note"),
    ("outbox", "msgfolderroot", "Outbox", "IPF.Note"),
    ("sentitems", "msgfolderroot", "Sent Items", "IPF.Note"),
    ("deleteditems", "msgfolderroot", "Deleted Items", "IPF.Note"),
    ("drafts", "msgfolderroot", "Drafts", "IPF.Note"),
    ("junkemail", "msgfolderroot", "Junk E-mail", "IPF.Note"),
    ("contacts", "msgfolderroot", "Contacts", "IPF.Contact"),
    ("tasks", "msgfolderroot", "Tasks", "IPF.Task"),
    ("notes", "msgfolderroot", "Notes", "IPF.StickyNote"),
    ("journal", "msgfolderroot", "Journal", "IPF.Journal"),
    ("calendar", "msgfolderroot", "Calendar", "IPF.Appointment"),
    ("searchfolders", "root", "Finder", "IPF"),
)


@dataclass
class Mailbox:
    """One mailbox: its owner, folders by number, items by folder and number, its counters."""

    owner: Person
    folders: dict[int, Folder] = field(default_factory=dict)
    items: dict[int, dict[int, Item]] = field(default_factory=dict)
    touched: dict[int, int] = field(default_factory=dict)
    folder_touched: int = 0
    number: int = 0
    change: int = 0

    def next_number(self) -> int:
        """Give a number never used before in this mailbox."""
        self.number += 1
        return self.number

    def next_change(self) -> int:
        """Give the next change number."""
        self.change += 1
        return self.change

    def parent_of(self, folder: Folder) -> Folder:
        """Give the folder that a folder is in; the uppermost is in itself."""
        return self.folders.get(folder.parent, folder)
