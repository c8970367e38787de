"""The viewer's own calendars: made, renamed and deleted at Exchange."""

import logging
from collections.abc import Callable

from bridge.errors import (
    AccessDenied,
    ExchangeFailed,
    FolderMissing,
    NameTaken,
    NotExpressible,
    NotPermitted,
    RequestRefused,
)
from bridge.exchange import Deadline, Exchange
from bridge.ids import RESERVED_NAMES, make_name_stamp, parse_shared_calendar_name
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarName, Login, ServedCalendar
from bridge.state.names import Names
from bridge.sync.calendars import Listing

LOG = logging.getLogger(__name__)

CALL = 30.0
"""Seconds for one writing call."""
MOST_OF_A_NAME = 20
"""How many calendars of one display name there may be."""


class Folders:
    """Makes, renames and deletes calendars of one organisation's viewers."""

    def __init__(self, exchange: Exchange, mirror: Mirror, names: Names, listing: Listing) -> None:
        """Take the back end, the mirror, the names that are fixed, and what lists calendars."""
        self._exchange = exchange
        self._mirror = mirror
        self._names = names
        self._listing = listing

    def create(self, login: Login, name: CalendarName, display_name: str) -> ServedCalendar:
        """Make a calendar of this name; a display name that is taken gets a number. Raises NameTaken, NotPermitted.

        Exchange is asked first what there is: an earlier try whose answer was lost has made it already.
        """
        if name in RESERVED_NAMES or name.startswith(".") or parse_shared_calendar_name(name) is not None:
            raise NotPermitted("Names that begin with a dot, and some others, are the bridge's own.", "bind")
        if any(one.name == name for one in self._listing.calendars(login, fresh=True)):
            raise NameTaken("There is a calendar of this name already.")
        stamp = make_name_stamp(name, login.mailbox.address)
        self._create(login, display_name.strip() or name, stamp)
        for served in self._listing.calendars(login, fresh=True):
            if served.name == name:
                return served
        raise ExchangeFailed("Exchange made the calendar and does not list it yet.")

    def _create(self, login: Login, display_name: str, stamp: str) -> None:
        def create(told: str) -> None:
            self._exchange.create_calendar(login.caller, told, stamp, Deadline.after(CALL))

        try:
            _with_a_free_name(display_name, create)
        except AccessDenied as error:
            raise NotPermitted("Exchange does not let you make calendars.", "bind") from error

    def rename(self, login: Login, served: ServedCalendar, display_name: str) -> None:
        """Give one of the viewer's own calendars another display name, with a number where it is taken.

        Raises NotPermitted, NotExpressible.
        """
        _need_own(login, served, "write-properties")
        if display_name == served.calendar.display_name:
            return

        def rename(told: str) -> None:
            self._exchange.rename_calendar(login.caller, served.calendar.ref, told, Deadline.after(CALL))

        try:
            _with_a_free_name(display_name, rename)
        except AccessDenied as error:
            raise NotPermitted("Exchange does not let this calendar be renamed.", "write-properties") from error
        self._listing.calendars(login, fresh=True)

    def delete(self, login: Login, served: ServedCalendar) -> None:
        """Delete one of the viewer's own calendars, to Deleted Items; never the default one. Raises NotPermitted."""
        _need_own(login, served, "unbind")
        if served.calendar.is_default:
            raise NotPermitted("The default calendar of a mailbox cannot be deleted.", "unbind")
        ref = served.calendar.ref
        try:
            self._exchange.delete_calendar(login.caller, ref, Deadline.after(CALL))
        except FolderMissing:
            LOG.debug("the calendar to be deleted was gone already")
        except (AccessDenied, RequestRefused) as error:
            raise NotPermitted("Exchange does not let this calendar be deleted.", "unbind") from error
        self._listing.calendars(login, fresh=True)
        self._names.drop(ref)
        self._mirror.drop(ref)


def _with_a_free_name(display_name: str, work: Callable[[str], None]) -> None:
    """Do what needs a display name that no other folder has. Raises NotExpressible."""
    for number in range(1, MOST_OF_A_NAME + 1):
        try:
            work(display_name if number == 1 else f"{display_name} {number}")
        except RequestRefused as error:
            if error.code != "ErrorFolderExists" or number == MOST_OF_A_NAME:
                raise NotExpressible(f"Exchange does not let a calendar be called so ({error.code}).") from error
        else:
            return


def _need_own(login: Login, served: ServedCalendar, privilege: str) -> None:
    if served.calendar.ref.mailbox != login.mailbox.address:
        raise NotPermitted("This calendar is somebody else's: only its owner can do that.", privilege)
