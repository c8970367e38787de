"""Whose mailbox a credential opens.

The directory is not asked who has the login's name, since a user name of one person may be an address of another: the
mailbox itself tells. Three calls on Exchange:

1. GetFolder of the default calendar proves the credential (401 else) and gives an id of the mailbox;
2. ConvertId of that id tells the primary address of the mailbox it belongs to;
3. ResolveNames of the address tells display name and further addresses.

Where ConvertId is not known, or only repeats what it was sent, the login is looked up in the directory instead, and
believed only if the calendar of the address found there is the very one that the credential opens.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bridge.errors import AccessDenied, CredentialRefused, ExchangeFailed, FolderMissing, RequestRefused
from bridge.ews.folders import distinguished
from bridge.ews.operations import convert_id, get_folder, resolve_names
from bridge.ews.xml import Element
from bridge.ids import make_address
from bridge.model import Address, FolderId, Mailbox

Ask = Callable[[Element], Element]
"""Sends an operation's request with the credential and gives the response element."""


@dataclass(frozen=True, slots=True)
class LoginQuestion:
    """A credential's user name, and a way to ask with the credential.

    Of a service account it is the address it acts as, and not ``is_own``.
    """

    username: str
    ask: Ask
    is_own: bool = True

    def mailbox(self) -> Mailbox:
        """Find out the mailbox. Raises CredentialRefused, also for an account without one, and Unavailable.

        What a service account may not open says nothing of its password: AccessDenied, FolderMissing.
        """
        try:
            calendar = self._calendar()
        except (FolderMissing, AccessDenied) as error:
            if not self.is_own:
                raise
            raise CredentialRefused(f"This account opens no mailbox. {error}") from error
        address = self._told_address(calendar)
        if address is not None:
            return self._described(address)
        return self._looked_up(calendar)

    def _calendar(self, mailbox: Address | None = None) -> FolderId:
        response = self.ask(get_folder.request([distinguished("calendar", mailbox)]))
        (folder,) = get_folder.read(response, 1)
        return folder.id

    def _told_address(self, calendar: FolderId) -> Address | None:
        try:
            return convert_id.read(self.ask(convert_id.request(calendar)))
        except (ExchangeFailed, RequestRefused):
            return None

    def _described(self, address: Address) -> Mailbox:
        """Add what the directory knows; an address without it is enough to go on with."""
        found = self._resolved(address)
        return next((one for one in found if address in one.addresses), Mailbox(address))

    def _looked_up(self, calendar: FolderId) -> Mailbox:
        for candidate in self._candidates():
            try:
                opened = self._calendar(candidate.address)
            except (FolderMissing, AccessDenied):
                continue
            if opened == calendar:
                return candidate
        raise ExchangeFailed("Exchange does not tell whose mailbox this account opens.")

    def _candidates(self) -> Iterable[Mailbox]:
        name = self.username.rpartition("\\")[2]
        yield from self._resolved(name)
        if "@" in name:
            yield Mailbox(make_address(name))

    def _resolved(self, entry: str) -> tuple[Mailbox, ...]:
        try:
            return resolve_names.read(self.ask(resolve_names.request(entry)))
        except (ExchangeFailed, RequestRefused, AccessDenied):
            return ()
