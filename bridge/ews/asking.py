"""How one organisation's Exchange is asked: by a caller, in a version that the server knows, each request once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lxml import etree

from bridge.errors import (
    ExchangeFailed,
    FolderMissing,
    ItemMissing,
    RequestRefused,
)
from bridge.ews.editions import Edition, edition_of
from bridge.ews.response_codes import WRONG_VERSION
from bridge.ews.settings import EwsSettings
from bridge.ews.tally import Tallied
from bridge.ews.wire import Wire
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.model import Address, Caller

_READINGS = ("Convert", "Find", "GetAttachment", "GetFolder", "GetUserAvailability", "Resolve", "Sync")
"""How the operations are called that only read, and are asked alike in all editions."""


@contextmanager
def reading() -> Iterator[None]:
    """Translate what only a write can mean: a refused reading is trouble, and what it does not find is the folder."""
    try:
        yield
    except RequestRefused as error:
        raise ExchangeFailed(str(error), error.code) from error
    except ItemMissing as error:
        raise FolderMissing(f"Exchange knows no such calendar. {error}") from error


class Asking:
    """The wire to one organisation, and what its server is known to be. Safe to use from many threads."""

    def __init__(self, settings: EwsSettings) -> None:
        """Take where EWS is. Raises ConfigurationInvalid; asks nothing yet."""
        self._wire = Wire(settings)

    def tallied(self) -> Tallied:
        """Give what was asked of Exchange so far, in numbers."""
        return self._wire.tally.tallied()

    def close(self) -> None:
        """Give back connections."""
        self._wire.close()

    @property
    def _edition(self) -> Edition:
        return edition_of(self._wire.version)

    def _ask(self, caller: Caller, request: Element, deadline: Deadline, mailbox: Address | None = None) -> Element:
        def send() -> Element:
            return self._wire.call(caller.credential, request, deadline, mailbox or caller.viewer.address)

        is_alike = etree.QName(request).localname.startswith(_READINGS)
        return self._in_a_known_version(send) if is_alike else send()

    def _in_a_known_version(self, ask: Callable[[], Element]) -> Element:
        """Ask for a reading, and once more where the server refuses the version and the wire has stepped down.

        Nothing was done then. So Exchange 2007 is found out without a reading that fails; a write is never sent again.
        """
        version = self._wire.version
        try:
            return ask()
        except ExchangeFailed as error:
            if error.code not in WRONG_VERSION or self._wire.version == version:
                raise
        return ask()

    def _asking(
        self, caller: Caller, deadline: Deadline, mailbox: Address | None = None
    ) -> Callable[[Element], Element]:
        return lambda request: self._ask(caller, request, deadline, mailbox)
