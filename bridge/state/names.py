"""The path segments of calendars, fixed when a calendar is first seen or made. All viewers of a mailbox share them."""

import json

from sqlalchemy import delete, insert, select

from bridge.errors import BridgeError
from bridge.keys import Keys
from bridge.model import Address, CalendarName, CalendarRef, FolderId, OrganisationId
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.schema import names

SEALED = SealedColumn(names.c.label, (b"calendar name", names.c.mailbox, names.c.folder), json.loads)


class CalendarNameTaken(BridgeError):
    """Another folder of the mailbox has this name."""


class Names:
    """The name of each calendar folder within its mailbox."""

    def __init__(self, database: StateDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def get(self, ref: CalendarRef) -> CalendarName | None:
        """Give the name of a folder; which viewer asks does not matter."""
        mailbox, folder = self._place(ref)
        here = select(names.c.label).where(names.c.mailbox == mailbox, names.c.folder == folder)
        with self._database.reading() as connection:
            label = connection.execute(here).scalar_one_or_none()
        return None if label is None else self._open(mailbox, folder, label)[1]

    def all(self, organisation: OrganisationId, mailbox: Address) -> dict[FolderId, CalendarName]:
        """Give all names of a mailbox. Raises SealBroken when one is damaged."""
        key = self._mailbox(organisation, mailbox)
        with self._database.reading() as connection:
            rows = connection.execute(select(names.c.folder, names.c.label).where(names.c.mailbox == key)).all()
        return dict(self._open(key, folder, label) for folder, label in rows)

    def put(self, ref: CalendarRef, name: CalendarName) -> CalendarName:
        """Fix the name of a folder and give it. One that has a name already keeps it: that one is given.

        Raises CalendarNameTaken when another folder of the mailbox has the name.
        """
        mailbox, folder = self._place(ref)
        name_key = self._keys.mac(mailbox + name.encode("utf-8", "surrogatepass"), "state calendar name")
        label = self._keys.seal(json.dumps([ref.folder, name]).encode("ascii"), SEALED.bound(mailbox, folder))
        with self._database.writing() as connection:
            here = select(names.c.label).where(names.c.mailbox == mailbox)
            former = connection.execute(here.where(names.c.folder == folder)).scalar_one_or_none()
            if former is not None:
                return self._open(mailbox, folder, former)[1]
            if connection.execute(here.where(names.c.name == name_key)).first() is not None:
                raise CalendarNameTaken("Another calendar of this mailbox has this name.")
            connection.execute(insert(names).values(mailbox=mailbox, folder=folder, name=name_key, label=label))
        return name

    def drop(self, ref: CalendarRef) -> None:
        """Free the name of a folder that its owner has deleted."""
        mailbox, folder = self._place(ref)
        with self._database.writing() as connection:
            connection.execute(delete(names).where(names.c.mailbox == mailbox, names.c.folder == folder))

    def _place(self, ref: CalendarRef) -> tuple[bytes, bytes]:
        mailbox = self._mailbox(ref.viewer.organisation, ref.mailbox)
        return mailbox, self._keys.mac(mailbox + ref.folder.encode(), "state folder")

    def _mailbox(self, organisation: OrganisationId, mailbox: Address) -> bytes:
        return self._keys.mac(json.dumps([organisation, mailbox]).encode("ascii"), "state mailbox")

    def _open(self, mailbox: bytes, folder: bytes, label: bytes) -> tuple[FolderId, CalendarName]:
        folder_id, name = json.loads(self._keys.open(label, SEALED.bound(mailbox, folder)))
        return FolderId(folder_id), CalendarName(name)
