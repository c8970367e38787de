"""The port's verbs about logins, calendars and people, over EWS; those about items are in `exchange`."""

from collections.abc import Sequence
from datetime import datetime

from bridge.ews.asking import Asking, reading
from bridge.ews.availability import ask_availability
from bridge.ews.calendars import other_calendars
from bridge.ews.editions import Edition
from bridge.ews.folders import distinguished
from bridge.ews.logins import LoginQuestion
from bridge.ews.operations import (
    create_folder,
    delete_folder,
    get_folder,
    resolve_names,
    update_folder,
)
from bridge.ews.owners import Owners
from bridge.ews.rooms import ask_rooms
from bridge.ews.settings import EwsSettings
from bridge.ews.xml import Element
from bridge.exchange import Deadline
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
    ServiceCredential,
)


class EwsDirectory(Asking):
    """Logins, calendars, people, and when they are busy."""

    def __init__(self, settings: EwsSettings) -> None:
        """Take where EWS is. Raises ConfigurationInvalid; asks nothing yet."""
        super().__init__(settings)
        self._owners = Owners()

    def log_in(self, credential: Credential, deadline: Deadline) -> Mailbox:
        """Try the credential and give its mailbox, in three calls; see `logins` and `bridge.exchange.Exchange`."""
        proving = iter([True])  # the first call; the others follow within the same moment

        def ask(request: Element) -> Element:
            is_first = next(proving, False)
            return self._in_a_known_version(lambda: self._wire.call(credential, request, deadline, proving=is_first))

        if isinstance(credential, ServiceCredential):
            return LoginQuestion(credential.acts_as, ask, is_own=False).mailbox()
        return LoginQuestion(credential.username, ask).mailbox()

    def calendars(self, caller: Caller, mailbox: Address, deadline: Deadline) -> tuple[Calendar, ...]:
        """List calendars; see `bridge.exchange.Exchange`.

        Two calls for one's own mailbox, one for another's, and once two questions whose it is.
        """
        is_own = mailbox == caller.viewer.address
        default = distinguished("calendar", None if is_own else mailbox)
        with reading():
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
                total=folder.total,
            )
            for folder in (first, *others)
        )

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

    def availability(
        self,
        caller: Caller,
        mailboxes: Sequence[Address],
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> tuple[Availability | NoAvailability, ...]:
        """Ask when people are busy, 42 days and a hundred mailboxes a call; see `bridge.exchange.Exchange`."""
        with reading():
            return ask_availability(self._asking(caller, deadline), mailboxes, start, end)

    def people(self, caller: Caller, text: str, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Look into the directory; see `bridge.exchange.Exchange`."""
        with reading():
            return resolve_names.read(self._ask(caller, resolve_names.request(text), deadline))

    def rooms(self, caller: Caller, deadline: Deadline) -> tuple[Mailbox, ...]:
        """Give the rooms, one call for each list of them; see `bridge.exchange.Exchange`. Exchange 2007 has none."""
        if self._edition is Edition.EXCHANGE_2007:
            return ()
        with reading():
            return ask_rooms(self._asking(caller, deadline))
