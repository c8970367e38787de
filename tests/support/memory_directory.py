"""The verbs of the Exchange in memory about people and calendars; those about items are in `memory_exchange`."""

from collections.abc import Sequence
from datetime import datetime

from memory_items import times_of
from memory_store import MemoryStore

from bridge.errors import (
    AccessDenied,
    FolderMissing,
    RequestRefused,
)
from bridge.exchange import Deadline
from bridge.item import BusyStatus
from bridge.model import (
    Address,
    Availability,
    Block,
    Calendar,
    CalendarRef,
    Caller,
    Credential,
    FolderId,
    Mailbox,
    NoAvailability,
)


class MemoryDirectory(MemoryStore):
    """Logins, calendars, people, and when they are busy."""

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        """See `bridge.exchange.Exchange`."""
        del deadline
        return self.call("log_in", lambda: self.authenticate(credential))

    def calendars(self, caller: Caller, mailbox: Address, deadline: Deadline) -> tuple[Calendar, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Calendar, ...]:
            self.authenticate(caller.credential)
            own = mailbox == caller.viewer.address
            _, owner = self.passwords.get(mailbox, ("", Mailbox(mailbox)))
            found = [
                Calendar(
                    CalendarRef(caller.viewer, owner.address, folder.id),
                    folder.display_name,
                    folder.is_default,
                    self.rights(caller, folder),
                    stamp=folder.stamp,
                    look=folder.look,
                    owner_name="" if own else owner.display_name,
                    total=len(folder.items),
                )
                for folder in self.folders.values()
                if folder.mailbox == owner.address and (own or folder.is_default)
            ]
            if not found or not any(one.rights.read for one in found):
                raise FolderMissing("The folder was not found.")
            return tuple(sorted(found, key=lambda one: not one.is_default))

        return self.call("calendars", work)

    def create_calendar(
        self, caller: Caller, display_name: str, stamp: str, deadline: Deadline, look: str | None = None
    ) -> FolderId:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> FolderId:
            mailbox = self.authenticate(caller.credential)
            self.check_folder_name(mailbox.address, display_name)
            folder = self.add_folder(mailbox.address, display_name)
            folder.stamp, folder.look = stamp, look
            return folder.id

        return self.call("create_calendar", work)

    def rename_calendar(self, caller: Caller, calendar: CalendarRef, display_name: str, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self.own_folder(caller, calendar)
            if folder.is_default:
                raise AccessDenied("A distinguished folder cannot be renamed.")
            if folder.display_name != display_name:
                self.check_folder_name(folder.mailbox, display_name)
            folder.display_name = display_name

        self.call("rename_calendar", work)

    def set_look(self, caller: Caller, calendar: CalendarRef, look: str | None, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            self.own_folder(caller, calendar).look = look

        self.call("set_look", work)

    def delete_calendar(self, caller: Caller, calendar: CalendarRef, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> None:
            folder = self.own_folder(caller, calendar)
            if folder.is_default:
                raise RequestRefused("A distinguished folder cannot be deleted.", "ErrorDeleteDistinguishedFolder")
            del self.folders[folder.id]

        self.call("delete_calendar", work)

    def availability(
        self,
        caller: Caller,
        mailboxes: Sequence[Address],
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> tuple[Availability | NoAvailability, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def one(mailbox: Address) -> Availability | NoAvailability:
            folder = next((one for one in self.folders.values() if one.mailbox == mailbox and one.is_default), None)
            if folder is None:
                return NoAvailability(mailbox, "ErrorMailRecipientNotFound", is_unknown=True)
            blocks = [
                Block(max(begin, start), min(finish, end), item.content.busy_status)
                for item in folder.items.values()
                for begin, finish in times_of(item, start, end)
                if item.content.busy_status is not BusyStatus.FREE
            ]
            return Availability(mailbox, tuple(sorted(blocks, key=lambda block: block.start)))

        def work() -> tuple[Availability | NoAvailability, ...]:
            self.authenticate(caller.credential)
            return tuple(one(mailbox) for mailbox in mailboxes)

        return self.call("availability", work)

    def people(self, caller: Caller, text: str, deadline: Deadline) -> tuple[Mailbox, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Mailbox, ...]:
            self.authenticate(caller.credential)
            known = {mailbox.address: mailbox for _, mailbox in self.passwords.values()}
            wanted = text.casefold()
            return tuple(
                one
                for one in known.values()
                if any(name.casefold().startswith(wanted) for name in (one.display_name, *one.addresses))
            )

        return self.call("people", work)

    def rooms(self, caller: Caller, deadline: Deadline) -> tuple[Mailbox, ...]:
        """See `bridge.exchange.Exchange`."""
        del deadline

        def work() -> tuple[Mailbox, ...]:
            self.authenticate(caller.credential)
            return tuple(self.room_list)

        return self.call("rooms", work)
