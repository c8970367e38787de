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
from bridge.ids import RESERVED_NAMES, make_look, make_name_stamp, parse_look, parse_shared_calendar_name
from bridge.item import UTC_ZONE, Uid
from bridge.mapping.context import Context
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarLook, CalendarName, CalendarRef, FolderId, Login, Name, ServedCalendar
from bridge.resource import Conditions
from bridge.state.state import State
from bridge.sync.calendars import Listing
from bridge.sync.outcome import Outcomes, Write

LOG = logging.getLogger(__name__)

CALL = 30.0
"""Seconds for one writing call."""
MOST_OF_A_NAME = 20
"""How many calendars of one display name there may be."""


class Folders:
    """Makes, renames and deletes calendars of one organisation's viewers."""

    def __init__(self, exchange: Exchange, mirror: Mirror, state: State, listing: Listing, outcomes: Outcomes) -> None:
        """Take the back end, the mirror, what is kept of calendars, what lists them, what keeps the intents."""
        self._exchange = exchange
        self._mirror = mirror
        self._state = state
        self._listing = listing
        self._outcomes = outcomes

    def create(
        self, login: Login, name: CalendarName, display_name: str, look: CalendarLook | None = None
    ) -> ServedCalendar:
        """Make a calendar of this name; a display name that is taken gets a number. Raises NameTaken, NotPermitted.

        The name is locked meanwhile, so that two who ask at once do not make two. Exchange is asked first what there
        is: an earlier try whose answer was lost has made it already, and its retry is answered as it would have been.
        """
        if name in RESERVED_NAMES or name.startswith(".") or parse_shared_calendar_name(name) is not None:
            raise NotPermitted("Names that begin with a dot, and some others, are the bridge's own.", "bind")
        write = _making(login, name, display_name)
        earlier = self._outcomes.earlier(write)
        with self._outcomes.intent(write, "create calendar", Uid(name), None):
            there = self._named(login, name)
            if there is not None and earlier is not None:
                return there
            if there is not None:
                raise NameTaken("There is a calendar of this name already.")
            stamp = make_name_stamp(name, login.mailbox.address)
            self._create(login, display_name.strip() or name, stamp, make_look(look or CalendarLook()))
            there = self._named(login, name)
            if there is None:
                raise ExchangeFailed("Exchange made the calendar and does not list it yet.")
            return there

    def _named(self, login: Login, name: CalendarName) -> ServedCalendar | None:
        """Give the viewer's own calendar of this name, as Exchange lists them now."""
        return next((one for one in self._listing.renew(login) if one.name == name), None)

    def _create(self, login: Login, display_name: str, stamp: str, look: str | None) -> None:
        def create(told: str) -> None:
            self._exchange.create_calendar(login.caller, told, stamp, Deadline.after(CALL), look)

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
        self._listing.renew(login)

    def set_look(self, login: Login, served: ServedCalendar, look: CalendarLook) -> bool:
        """Write at Exchange how one of the viewer's own calendars looks; say whether Exchange has all of it then.

        It has nothing of others' calendars, of those whose folder may not be written, and no very long description.
        """
        if served.calendar.ref.mailbox != login.mailbox.address:
            return False
        wanted = make_look(look)
        is_all = parse_look(wanted) == look
        if wanted == served.calendar.look:
            return is_all
        try:
            self._exchange.set_look(login.caller, served.calendar.ref, wanted, Deadline.after(CALL))
        except (AccessDenied, RequestRefused):
            LOG.info("a calendar's look is not at Exchange: it does not let its folder be written")
            return False
        self._listing.renew(login)
        return is_all

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
        self._state.names.drop(ref)
        self._state.properties.drop(ref)
        self._mirror.drop(ref)
        self._listing.renew(login)


def _making(login: Login, name: CalendarName, display_name: str) -> Write:
    """Give the making of a calendar as a write: its place is the viewer's home, which is no folder."""
    home = CalendarRef(login.caller.viewer, login.mailbox.address, FolderId(""))
    context = Context(login.mailbox, UTC_ZONE)
    return Write(login.caller, home, context, Name(name), b"calendar " + display_name.encode(), Conditions())


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
