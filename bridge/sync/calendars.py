"""Which calendars a viewer has, and what each is called in his home."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import AccessDenied, ExchangeFailed, FolderMissing
from bridge.exchange import Deadline, Exchange
from bridge.ids import (
    DEFAULT_CALENDAR,
    RESERVED_NAMES,
    make_calendar_name,
    make_shared_calendar_name,
    parse_name_stamp,
    parse_shared_calendar_name,
)
from bridge.mirror.mirror import Mirror
from bridge.model import Address, Calendar, CalendarName, Login, Mailbox, ServedCalendar
from bridge.state.names import CalendarNameTaken
from bridge.state.state import State
from bridge.sync.asking import Asking

LOG = logging.getLogger(__name__)

CALL = 20.0
"""Seconds for listing the folders of one mailbox."""
FRESH = timedelta(seconds=60)
"""How long a listing of folders is served without asking again to who looks for calendars."""
JUST_NOW = timedelta(seconds=5)
"""The same where it is to be known whether a calendar is gone: not with every request of an app that asks for it."""
FRESH_FOR_ONE, OTHERS_FRESH_FOR_ONE = timedelta(hours=1), timedelta(minutes=15)
"""The same for who asks for one that is listed, his own or another's; then it is listed again behind the request.

An app that polls asks for nothing else. That a calendar is gone, its pull tells.
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """Another's calendar that a viewer is to see, as configured."""

    viewer: Address
    owner: Address


class Listing:
    """Lists the calendars of viewers, from Exchange or as it last told."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        state: State,
        shares: Sequence[Shared],
        asking: Asking,
        now: Callable[[], datetime],
    ) -> None:
        """Take the back end, where listings, names and added shares are kept, the configured ones, a UTC clock."""
        self._exchange = exchange
        self._mirror = mirror
        self._names = state.names
        self._added = state.shares
        self._shares = tuple(shares)
        self._asking = asking
        self._now = now

    def calendars(self, login: Login, *, fresh: bool = False) -> tuple[ServedCalendar, ...]:
        """List the viewer's calendars, his default one first. ``fresh`` asks Exchange whatever is known."""
        return self._all(login, timedelta() if fresh else FRESH)

    def lately(self, login: Login) -> tuple[ServedCalendar, ...]:
        """List the viewer's calendars as they were within `JUST_NOW`."""
        return self._all(login, JUST_NOW)

    def calendar(self, login: Login, name: CalendarName) -> ServedCalendar | None:
        """Give one of the viewer's calendars, None where there is none of this name."""
        if parse_shared_calendar_name(name) is None:
            own = self._named(login.mailbox, self._of(login, login.mailbox.address, None), {})
            found = next((one for one in own if one.name == name), None)
            if found is not None:
                return found
        for age in (None, FRESH):
            for served in self._all(login, age):
                if served.name == name:
                    return served
        return None

    def _all(self, login: Login, age: timedelta | None) -> tuple[ServedCalendar, ...]:
        """List the calendars, at most so old: 0 as they are now; None: whatever is known will do for now."""
        own = login.mailbox
        served = self._named(own, self._of(login, own.address, age), {})
        for owner in self._owners(login):
            known = {one.calendar.ref for one in served}
            for calendar in self._shared(login, owner, age):
                if calendar.ref not in known:  # he may be named twice, by an alias too
                    whose = Mailbox(calendar.ref.mailbox, calendar.owner_name)
                    taken = {one.name: one for one in served}
                    served += self._named(whose, [calendar], taken, shared=True)
        return served

    def renew(self, login: Login) -> tuple[ServedCalendar, ...]:
        """Ask for the viewer's own calendars now, whatever is being asked already, and give them.

        So one's own change is seen by the next request of every process. Raises Unavailable.
        """
        return self._named(login.mailbox, self._ask(login, login.mailbox.address), {})

    def _owners(self, login: Login) -> tuple[Address, ...]:
        """Give whose calendars the viewer is to see, as configured and as added, each once."""
        own = login.mailbox.addresses
        configured = [share.owner for share in self._shares if share.viewer in own]
        added = [share.owner for share in self._added.of(login.caller.viewer.organisation, own)]
        return tuple(owner for owner in dict.fromkeys(configured + added) if owner not in own)

    def _shared(self, login: Login, owner: Address, age: timedelta | None) -> tuple[Calendar, ...]:
        """List what of another's calendars the viewer may read: nothing, where Exchange says he may see nothing."""
        return tuple(one for one in self._of(login, owner, age) if one.rights.read)

    def _of(self, login: Login, mailbox: Address, age: timedelta | None) -> tuple[Calendar, ...]:
        viewer = login.caller.viewer
        question = ("calendars", viewer, mailbox)
        known = self._mirror.calendars(viewer, mailbox)
        listed_ago = None if known is None else self._now() - known.listed_at

        def ask() -> None:
            self._ask(login, mailbox)

        if listed_ago is None or (age is not None and (listed_ago > age or not age)):
            self._asking.bring(question, ask, caller=login.caller, known=known is not None)
            known = self._mirror.calendars(viewer, mailbox)
        elif listed_ago > (FRESH_FOR_ONE if mailbox == viewer.address else OTHERS_FRESH_FOR_ONE):
            self._asking.start(question, ask, lambda _: None, login.caller)
        return known.calendars if known is not None else ()

    def _ask(self, login: Login, mailbox: Address) -> tuple[Calendar, ...]:
        viewer, asked_at = login.caller.viewer, self._now()
        try:
            found = self._exchange.calendars(login.caller, mailbox, Deadline.after(CALL))
        except (FolderMissing, AccessDenied) as error:
            if mailbox == viewer.address:
                raise ExchangeFailed("Exchange does not show this mailbox's own calendars.") from error
            LOG.info("a shared calendar is not shown: Exchange does not let its viewer see it")
            found = ()
        self._mirror.put_calendars(viewer, mailbox, found, asked_at)
        return found

    def _named(
        self,
        owner: Mailbox,
        calendars: Sequence[Calendar],
        taken: dict[CalendarName, ServedCalendar],
        *,
        shared: bool = False,
    ) -> tuple[ServedCalendar, ...]:
        served = []
        used = set(taken)
        for calendar in calendars:
            name = self._name(owner, calendar)
            if shared:
                name = make_shared_calendar_name(owner.address, name)
            if name in used:
                name = make_calendar_name(name, frozenset(used))
            used.add(name)
            served.append(ServedCalendar(name, calendar, owner))
        return tuple(served)

    def _name(self, owner: Mailbox, calendar: Calendar) -> CalendarName:
        """Give the name a client chose, else a slug of the display name, fixed at first sight."""
        if calendar.is_default:
            return DEFAULT_CALENDAR
        stamped = parse_name_stamp(calendar.stamp, owner.address)
        if stamped and stamped not in RESERVED_NAMES and not stamped.startswith("."):
            return CalendarName(stamped)
        return self._names.get(calendar.ref) or self._fix_name(owner, calendar)

    def _fix_name(self, owner: Mailbox, calendar: Calendar) -> CalendarName:
        while True:
            others = self._names.all(calendar.ref.viewer.organisation, owner.address).values()
            wished = make_calendar_name(calendar.display_name, frozenset({DEFAULT_CALENDAR, *others}))
            try:
                return self._names.put(calendar.ref, wished)
            except CalendarNameTaken:
                LOG.debug("another process gave this name meanwhile; the next one is tried")
