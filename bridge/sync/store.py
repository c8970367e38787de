"""What the DAV side and the pages read and write: calendars, their resources, and changes to them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from bridge.errors import (
    AccessDenied,
    BridgeError,
    CredentialRefused,
    ExchangeFailed,
    ExchangeSays,
    FolderMissing,
    LoginRefused,
    MirrorFilling,
    NotFound,
    NotPermitted,
)
from bridge.exchange import Exchange, Waiters
from bridge.item import UTC_ZONE, AttachedFile, Zone
from bridge.mirror.mirror import Mirror
from bridge.mirror.viewers import NOTED_FOR
from bridge.model import (
    CalendarLook,
    CalendarName,
    CalendarRef,
    Caller,
    FileKey,
    Login,
    Mailbox,
    Name,
    ServedCalendar,
    Viewer,
)
from bridge.resource import ANY_ETAG, WHOLE, Changes, Conditions, Need, Snapshot, Stored
from bridge.state.kept_properties import home_of
from bridge.state.state import State
from bridge.sync.asking import Asking
from bridge.sync.calendars import Listing, Shared
from bridge.sync.changes import changes_since, told_up_to
from bridge.sync.contexts import Contexts
from bridge.sync.directory import Directory
from bridge.sync.files import Files
from bridge.sync.folders import Folders
from bridge.sync.freshness import DEFAULT, Patience, Policy
from bridge.sync.look import Look
from bridge.sync.move import Mover, need_own
from bridge.sync.outcome import Outcomes, Write
from bridge.sync.pull import Puller
from bridge.sync.push import Pusher
from bridge.sync.refresh import Refresher
from bridge.sync.remove import Remover
from bridge.sync.render import Renderer
from bridge.sync.watch import Watcher, Watches
from bridge.sync.zones import Zones

LOG = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What the configuration says of calendars.

    ``fresh`` in seconds; ``zone`` is where floating times live in a calendar that tells nothing better. ``url`` is how
    clients reach the bridge, without a slash at its end; ``most_bytes`` of files may come with one event. ``watches``
    says how calendars are watched, None that they are not. What a viewer was told is removed when he was not here for
    ``keep``; None: it stays.
    """

    fresh: float = 15.0
    zone: Zone = UTC_ZONE
    shares: tuple[Shared, ...] = ()
    url: str = ""
    most_bytes: int = 10 * 2**20
    patience: Patience = DEFAULT
    watches: Watches | None = None
    keep: timedelta | None = None


class Logins(Protocol):
    """Who hears how Exchange takes the credentials that it is asked with."""

    def forget(self, caller: Caller) -> None:
        """Take note that it has refused this one."""

    def proved(self, caller: Caller) -> None:
        """Take note that it has just answered this one."""


class CalendarStore:
    """Every read and write of calendars, for one organisation. Safe to call from many threads."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        state: State,
        settings: StoreSettings,
        waiters: Waiters,
        *,
        now: Callable[[], datetime],
        logins: Logins,
    ) -> None:
        """Take the rooms it stands between; ``now`` gives UTC, ``logins`` hear how Exchange takes credentials."""
        self._mirror = mirror
        self._properties = state.properties
        self._waiters = waiters
        self._logins = logins
        self._keep = settings.keep
        self._swept_at = datetime.min.replace(tzinfo=UTC)
        self._now = now
        self._directory = Directory(exchange, now)
        renderer = Renderer(state.personal)
        look = Look(exchange, mirror, renderer)
        self._questions = Asking(waiters, now, settings.patience, logins.forget)
        self._listing = Listing(exchange, mirror, state, settings.shares, self._questions, now)
        outcomes = Outcomes(look, mirror, state.intents, state.processes, now)
        self._contexts = Contexts(settings.zone, settings.url)
        self._refresher = Refresher(
            mirror,
            outcomes,
            Puller(exchange, mirror, state, renderer, now, on_part=self._questions.tell),
            self._questions,
            Policy(settings.fresh, now),
            self._contexts,
            on_answer=logins.proved,
        )
        self._watcher = None
        if settings.watches is not None:
            self._watcher = Watcher(
                exchange,
                mirror.watching,
                self._refresher.start,
                settings.watches,
                state.processes.own_id,
                on_refused=logins.forget,
                now=now,
            )
        self._folders = Folders(exchange, mirror, state, self._listing, outcomes)
        self._files = Files(exchange, mirror, settings.most_bytes)
        self._pusher = Pusher(exchange, mirror, renderer, look, outcomes, self._files, zones=Zones(exchange, now))
        self._mover = Mover(exchange, mirror, look, outcomes)
        self._remover = Remover(exchange, mirror, look, outcomes)

    # --- reading -------------------------------------------------------------------------------------

    def calendars(self, login: Login) -> tuple[ServedCalendar, ...]:
        """List what the viewer may see, the default calendar first. Raises Unavailable."""
        self._note_viewer(login.caller.viewer)
        return self._asking(login, lambda: self._listing.calendars(login))

    def calendar(self, login: Login, name: CalendarName) -> ServedCalendar:
        """Give one of the viewer's calendars. Raises NotFound, Unavailable."""
        self._note_viewer(login.caller.viewer)
        served = self._asking(login, lambda: self._listing.calendar(login, name))
        if served is None:
            raise NotFound("There is no calendar of this name.")
        return served

    def snapshot(self, login: Login, served: ServedCalendar, *, fresh: bool = False, need: Need = WHOLE) -> Snapshot:
        """Give the calendar as mirrored, brought up to date first where the freshness policy says so.

        ``fresh`` is a client's ``Cache-Control: no-cache``. Raises Unavailable when less is known than the need.
        """
        snapshot = self._asking(login, lambda: self._brought_up(login, served, fresh=fresh, need=need), served)
        if self._watcher is not None:
            self._watcher.notice(served)
        return snapshot

    def _brought_up(self, login: Login, served: ServedCalendar, *, fresh: bool, need: Need) -> Snapshot:
        """Give the calendar; as last known where Exchange lists it and denies it at the same time."""
        try:
            return self._refresher.snapshot(login, served, fresh=fresh, need=need)
        except (FolderMissing, AccessDenied):
            known = self._mirror.snapshot(served.calendar.ref)
            if not known.is_complete or not _is_among(served, self._listing.lately(login)):
                raise
            LOG.warning(
                "served as last known: Exchange lists a calendar and says that it may not be read or is not there"
            )
            return known

    def texts(self, served: ServedCalendar, names: Iterable[Name]) -> dict[Name, bytes]:
        """Give the bytes served for these resources, from the mirror; names that are not there are left out."""
        return self._mirror.texts(served.calendar.ref, names)

    def attachment(self, login: Login, served: ServedCalendar, name: Name, key: FileKey) -> AttachedFile:
        """Fetch a file of an event from Exchange.

        Raises NotFound when the event does not have it, NotPermitted, Unavailable.
        """
        if not self.snapshot(login, served).is_complete:
            raise MirrorFilling("This calendar is being read from Exchange for the first time.", retry_after=5)
        ref = served.calendar.ref
        file = self._files.find(ref, name, key)
        fetched = None
        if file is not None:
            fetched = self._waiting(login, lambda: self._files.try_to_fetch(login.caller, ref, file.id), served)
        if file is not None and fetched is None:
            # Taken away, or the event was moved: only what Exchange tells of the event now says so
            self.snapshot(login, served, fresh=True)
            if self._files.find(ref, name, key) is not None:
                raise ExchangeFailed("Exchange lists this file and does not give it at this moment.")
        if fetched is None:
            raise NotFound("This event has no such file.")
        return fetched

    def changes(
        self, login: Login, served: ServedCalendar, token: str | None, limit: int | None = None, *, fresh: bool = False
    ) -> Changes:
        """Give what changed since the token, at most ``limit`` of it; None or empty lists everything.

        While the calendar is read for the first time, what there is so far is given, cut. Raises TokenUnknown,
        Unavailable.
        """
        need = Need(newer_than=told_up_to(token))
        snapshot = self.snapshot(login, served, fresh=fresh, need=need)
        removed = partial(self._mirror.removed, snapshot.ref, snapshot.epoch)
        return changes_since(snapshot, removed, token, limit)

    # --- calendars -----------------------------------------------------------------------------------

    def create_calendar(
        self, login: Login, name: CalendarName, display_name: str = "", look: CalendarLook | None = None
    ) -> ServedCalendar:
        """Make a calendar in the viewer's home. Raises NameTaken, NotPermitted, NotExpressible, Unavailable."""
        return self._waiting(login, lambda: self._folders.create(login, name, display_name, look))

    def set_look(self, login: Login, served: ServedCalendar, look: CalendarLook) -> bool:
        """Write at Exchange how a calendar looks, in whole; say whether Exchange has all of it then.

        It comes with the listing, `ids.parse_look(served.calendar.look)`. Of others' calendars Exchange has nothing.
        Raises Unavailable.
        """
        return self._waiting(login, lambda: self._folders.set_look(login, served, look), served)

    def rename_calendar(self, login: Login, served: ServedCalendar, display_name: str) -> None:
        """Give a calendar another display name. Raises NotPermitted, NotExpressible, Unavailable."""
        self._waiting(login, lambda: self._folders.rename(login, served, display_name), served)

    def delete_calendar(self, login: Login, served: ServedCalendar) -> None:
        """Delete a calendar, to Deleted Items. Raises NotPermitted, Unavailable."""
        self._waiting(login, lambda: self._folders.delete(login, served), served)

    def people(self, login: Login, text: str) -> tuple[Mailbox, ...]:
        """Give whom the directory knows whose name or address begins so, a hundred at most. Raises Unavailable."""
        return self._waiting(login, lambda: self._directory.people(login, text))

    def properties(self, login: Login, served: ServedCalendar | None) -> dict[str, str]:
        """Give the elements the viewer's clients have stored at a calendar, or at his home (None), by Clark name.

        Raises Unavailable.
        """
        return self._properties.get(home_of(login.caller.viewer) if served is None else served.calendar.ref)

    def set_properties(self, login: Login, served: ServedCalendar | None, changes: Mapping[str, str | None]) -> None:
        """Store such elements, and remove those of which None is told: all or none. Exchange is not asked.

        Raises NotExpressible where it becomes too much, Unavailable.
        """
        self._properties.change(home_of(login.caller.viewer) if served is None else served.calendar.ref, changes)

    # --- writing -------------------------------------------------------------------------------------

    def put(self, login: Login, served: ServedCalendar, name: Name, body: bytes, conditions: Conditions) -> Stored:
        """Write a resource to Exchange and read it back. Raises Refused and its kinds, Unavailable.

        On another's calendar, what is personal to the viewer is kept for him alone, and he need not have a right to
        write for that.
        """
        write = self._write(login, served, name, body, conditions)
        return self._waiting(login, lambda: self._pusher.put(write), served)

    def delete(self, login: Login, served: ServedCalendar, name: Name, conditions: Conditions) -> None:
        """Delete a resource at Exchange. Raises NotFound, PreconditionFailed, NotPermitted, Unavailable."""
        if not served.calendar.rights.delete:
            raise NotPermitted("You may read this calendar, not delete from it.", "unbind")
        write = self._write(login, served, name, None, conditions)
        self._waiting(login, lambda: self._remover.delete(write), served)

    def move(
        self,
        login: Login,
        served: ServedCalendar,
        name: Name,
        target: ServedCalendar,
        new_name: Name,
        conditions: Conditions,
        *,
        overwrites: bool,
    ) -> bool:
        """Move a resource within the viewer's own calendars; say whether there was none at the target.

        Raises NotFound, PreconditionFailed, UidTaken, NotPermitted, Unavailable.
        """
        need_own(login.mailbox.address, served.calendar.ref.mailbox, target.calendar.ref.mailbox)
        come_from = f"MOVE {served.calendar.ref.folder} {name}".encode("utf-8", "surrogatepass")
        unless_there = Conditions() if overwrites else Conditions(if_none_match=frozenset({ANY_ETAG}))
        source = self._write(login, served, name, None, conditions)
        wanted = self._write(login, target, new_name, come_from, unless_there)
        return self._waiting(login, lambda: self._mover.move(source, wanted), served)

    def _write(
        self, login: Login, served: ServedCalendar, name: Name, body: bytes | None, conditions: Conditions
    ) -> Write:
        snapshot = self.snapshot(login, served)
        context, ref = self._contexts.of(served, snapshot).of(name), served.calendar.ref
        may_write = served.calendar.rights.write

        def calendars() -> dict[CalendarName, CalendarRef]:
            return {one.name: one.calendar.ref for one in self.calendars(login)}

        return Write(login.caller, ref, context, name, body, conditions, calendars=calendars, may_write=may_write)

    # --- between -------------------------------------------------------------------------------------

    def _note_viewer(self, viewer: Viewer) -> None:
        """Note that a viewer was here, and let go of those who were not for long."""
        now, keep = self._now(), self._keep
        self._mirror.viewers.seen(viewer, now)
        if keep is not None and now - self._swept_at >= NOTED_FOR:
            self._swept_at = now
            self._questions.start("absent viewers", lambda: self._remove_absent(now, keep), lambda _: None)

    def _remove_absent(self, now: datetime, keep: timedelta) -> None:
        removed = self._mirror.viewers.remove_absent(now, keep)
        if removed:
            LOG.info("what %d viewers were told was removed: they have not been here for %d days", removed, keep.days)

    def _see_whether_gone(self, login: Login, served: ServedCalendar) -> BridgeError:
        """Tell a calendar that is gone, or not shown any more, from trouble (architecture, law 3)."""
        if not _is_among(served, self._listing.calendars(login, fresh=True)):
            return NotFound("There is no calendar of this name any more.")
        return ExchangeFailed("Exchange lists this calendar but does not let it be used at this moment.")

    def _waiting(self, login: Login, ask: Callable[[], T], served: ServedCalendar | None = None) -> T:
        """Ask on the request's own thread, which holds a place meanwhile. Raises Unavailable, Refused."""

        def ask_in_a_place() -> T:
            with self._waiters.waiting(login.caller.viewer):
                try:
                    return ask()
                except CredentialRefused:
                    self._logins.forget(login.caller)
                    raise

        return self._asking(login, ask_in_a_place, served)

    def _asking(self, login: Login, ask: Callable[[], T], served: ServedCalendar | None = None) -> T:
        """Ask, and turn Exchange's definite answers into what they mean for a client. Raises Unavailable, Refused."""
        try:
            return ask()
        except CredentialRefused as error:
            raise LoginRefused("Exchange does not accept this user name and password any more.") from error
        except (FolderMissing, AccessDenied) as error:
            if served is None:
                raise ExchangeFailed("Exchange does not show the calendars.") from error
            raise self._see_whether_gone(login, served) from error
        except ExchangeSays as error:
            raise ExchangeFailed(f"Exchange refused what the bridge asked ({type(error).__name__}).") from error

    def close(self) -> None:
        """Wait for running pulls to end their call, and take no new ones."""
        if self._watcher is not None:
            self._watcher.close()
        self._questions.close()


def _is_among(served: ServedCalendar, listed: Iterable[ServedCalendar]) -> bool:
    return served.calendar.ref in {one.calendar.ref for one in listed}
