"""Let Exchange say when a calendar has changed, and pull it then: what is watched and quiet is served at once.

One thread keeps everything (`watched.py`) and waits in one selector for all streams; calls to Exchange and to the
database are done by helpers (`opening.py`, `wakes.py`). What a stream says is only a wake-up: what changed, the feed
tells. Whatever may have been missed (a connection that broke, a subscription that is lost, a stream that is opened
anew) is looked for by a pull. Where Exchange says nothing by itself it is asked now and then.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import BridgeError, CredentialRefused, ExchangeBusy, ExchangeSays, Unavailable
from bridge.exchange import Exchange, Notifications
from bridge.mirror.watching import Watching
from bridge.model import Address, CalendarRef, Caller, ServedCalendar, ServiceCredential, Viewer
from bridge.sync.loop import Loop
from bridge.sync.opening import Callers, Opened, OpenedUnit, Opener, Wanted
from bridge.sync.wakes import Heard, Start, Wakes
from bridge.sync.watched import MOST_UNITS, Channel, Place, Unit

LOG = logging.getLogger(__name__)

SIGN = 5.0
"""Seconds between two signs of life to the other processes; a third of `bridge.mirror.watching.LEASE`."""
IDLE = 30 * 60.0
"""Seconds after a viewer's last request after which his calendars are not watched any more."""
CLAIM_AGAIN = 15.0
"""Seconds until it is looked again whether another process still watches a calendar."""
GATHER = 0.2
"""Seconds that further calendars are waited for before a stream is opened, and opened anew: for each mailbox on it."""
LONGEST_GATHER = 30.0
SILENCE = 120.0
"""Seconds without a byte after which a stream counts as broken. Exchange beats about every 45 s."""


@dataclass(frozen=True, slots=True)
class Watches:
    """How calendars are watched.

    ``callers`` gives as whom Exchange is asked for a viewer, None for one for whom it cannot be asked any more.
    ``poll`` are the seconds between two questions where Exchange says nothing by itself. ``serves``: a service account
    asks for all mailboxes, many of them on one stream; without, each viewer is asked for with his own credential.
    """

    callers: Callers
    poll: float = 300.0
    serves: bool = False


class Watcher:
    """Watches the calendars that people ask for. `notice` and `close` may be called from any thread."""

    def __init__(
        self,
        exchange: Exchange,
        watching: Watching,
        start: Start,
        watches: Watches,
        process: str,
        *,
        on_refused: Callable[[Caller], None],
        now: Callable[[], datetime],
    ) -> None:
        """Take the back end, the notes for other processes, what pulls, how is watched, and this process's id.

        ``on_refused`` hears of credentials gone bad; ``now`` gives UTC.
        """
        self._watching = watching
        self._watches = watches
        self._process = process
        self._on_refused = on_refused
        self._now = now
        self._opener = Opener(exchange, watching, self._caller, now, process, self._forget)
        self._channels: list[Channel] = []
        self._places: dict[CalendarRef, tuple[Place, Channel]] = {}
        self._signed_at = float("-inf")
        self._is_signing = False
        self._is_refused = False
        self._loop = Loop("watch", self._tick)
        self._wakes = Wakes(self._loop, watching, start, self._caller, process)
        self._heard = Heard(refused=self._place_refused, gone=self._place_gone)
        self._loop.start()

    def notice(self, served: ServedCalendar) -> None:
        """Take note that somebody asks for this calendar. Costs nothing where it is watched."""
        found = self._places.get(served.calendar.ref)
        if found is not None:
            found[0].served, found[0].seen_at = served, time.monotonic()
        else:
            self._loop.post(lambda: self._add(served))

    def close(self) -> None:
        """End all streams and stop."""
        self._loop.close(self._hang_up_all)
        with suppress(Unavailable):
            self._watching.release(self._places, self._process)

    # --- what is watched -----------------------------------------------------------------------------

    def _add(self, served: ServedCalendar) -> None:
        ref = served.calendar.ref
        if ref in self._places or self._is_refused:
            return
        channel, place = self._channel_for(ref), Place(served, time.monotonic())
        self._places[ref] = (place, channel)
        owner = Viewer(ref.viewer.organisation, ref.mailbox)
        channel.units.setdefault(ref.mailbox, Unit(owner)).places[ref] = place
        channel.open_by(time.monotonic() + min(LONGEST_GATHER, GATHER * len(channel.units)))
        self._open_in_time(channel)

    def _channel_for(self, ref: CalendarRef) -> Channel:
        viewer = None if self._watches.serves else ref.viewer
        mine = [one for one in self._channels if one.viewer == viewer]
        holding = (one for one in mine if ref.mailbox in one.units)
        found = next(holding, None) or next((one for one in mine if len(one.units) < MOST_UNITS), None)
        if found is None:
            found = Channel(viewer)
            self._channels.append(found)
        return found

    def _drop(self, channel: Channel, places: Iterable[Place]) -> None:
        """Watch these no more."""
        gone = list(places)
        for place in gone:
            self._places.pop(place.ref, None)
            channel.units[place.ref.mailbox].places.pop(place.ref, None)
        ours = [place.ref for place in gone if place.is_ours]
        if ours:
            self._loop.do(lambda: self._watching.release(ours, self._process))
        for unit in list(channel.units.values()):
            if not unit.places:
                del channel.units[unit.mailbox]
                self._give_up(Wanted.of(channel, unit))
            elif gone and unit.how is not Notifications.NONE:
                channel.open_by(time.monotonic() + GATHER)
        if not channel.units and channel in self._channels:
            self._hang_up(channel)
            self._channels.remove(channel)

    def _give_up(self, wanted: Wanted) -> None:
        self._loop.ask(lambda: self._opener.give_up(wanted))

    def _hang_up(self, channel: Channel) -> None:
        if channel.stream is not None:
            self._loop.forget(channel.stream)
            channel.stream.close()
            channel.stream = None

    def _hang_up_all(self) -> None:
        for channel in self._channels:
            self._hang_up(channel)
        self._channels.clear()

    # --- looking round -------------------------------------------------------------------------------

    def _tick(self) -> None:
        at = time.monotonic()
        for channel in list(self._channels):
            self._drop(channel, [place for place in channel.places() if at - place.seen_at > IDLE])
        for channel in self._channels:
            if channel.stream is not None and at - channel.stream.heard_at > SILENCE:
                LOG.info("a connection on which Exchange tells of changes has fallen silent: it is opened anew")
                self._reopen(channel)
            self._open_in_time(channel)
            self._claim_in_time(channel, at)
            for unit in channel.units.values():
                self._ask_now_and_then(channel, unit, at)
            self._look(channel)
        self._sign_in_time(at)

    def _look(self, channel: Channel) -> None:
        """Pull what was said to have changed; not before a stream that is being opened is there: it has all pulled."""
        for unit in channel.units.values():
            if channel.is_opening and unit.how is Notifications.STREAM:
                continue
            for place in unit.places.values():
                is_told = channel.stream is not None and place.ref.folder in unit.subscribed
                self._wakes.look(place, self._heard, is_told=is_told)

    def _ask_now_and_then(self, channel: Channel, unit: Unit, at: float) -> None:
        """Look for changes where Exchange does not tell of them by itself."""
        if unit.how in {None, Notifications.STREAM} or at - unit.asked_at < self._watches.poll or unit.is_asking:
            return
        if unit.how is Notifications.NONE or unit.subscription is None:
            unit.asked_at = at
            unit.say()
            return
        unit.is_asking, wanted = True, Wanted.of(channel, unit)

        def told(opened: Opened) -> None:
            unit.is_asking = False
            self._heed(channel, opened, {unit.mailbox: wanted})

        self._loop.ask(lambda: self._deliver(self._opener.news(unit.mailbox, wanted), told))

    def _sign_in_time(self, at: float) -> None:
        if at - self._signed_at < SIGN or self._is_signing:
            return
        self._signed_at, self._is_signing = at, True
        quiet = [ref for ref, (place, _) in self._places.items() if place.is_ours and place.said == place.read]
        self._loop.do(lambda: self._sign(quiet))

    def _sign(self, quiet: list[CalendarRef]) -> None:
        """Show that this process lives, and find calendars of which the mirror does not know that they are quiet."""
        forgotten: set[CalendarRef] = set()
        try:
            self._watching.sign(self._process, self._now())
            if quiet:
                forgotten = set(quiet) - self._watching.quiet(quiet, self._process)
        except Unavailable as error:
            LOG.info("watching cannot be noted now: %s", error)
        finally:
            self._loop.post(lambda: self._signed(forgotten))

    def _signed(self, forgotten: set[CalendarRef]) -> None:
        self._is_signing = False
        for ref in forgotten:
            place, channel = self._places.get(ref, (None, None))
            if place is None or channel is None or place.said != place.read or place.is_pulling:
                continue
            if channel.stream is not None and ref.folder in channel.units[ref.mailbox].subscribed:
                place.is_ours = False
                place.said += 1
                channel.open_by(time.monotonic())

    # --- streams -------------------------------------------------------------------------------------

    def _open_in_time(self, channel: Channel) -> None:
        at = time.monotonic()
        if channel.open_at is None or max(channel.open_at, channel.retry.at) > at or channel.is_opening:
            return
        if channel.stream is not None:  # Exchange ends it by itself, with an error, when another one is opened
            self._reopen(channel)
        channel.is_opening, channel.open_at = True, None
        wanted = {mailbox: Wanted.of(channel, unit) for mailbox, unit in channel.units.items()}

        def opened(result: Opened) -> None:
            channel.is_opening = False
            self._heed(channel, result, wanted)

        self._loop.ask(lambda: self._deliver(self._opener.open(wanted), opened))

    def _claim_in_time(self, channel: Channel, at: float) -> None:
        """Become the watcher of what another process has let go of: only then the stream is opened anew."""
        if channel.claim_at is None or channel.claim_at > at:
            return
        others = [place.ref for place in channel.places() if not place.is_ours]
        channel.claim_at = at + CLAIM_AGAIN if others else None
        if others:
            self._loop.do(lambda: self._claim(channel, others))

    def _claim(self, channel: Channel, refs: list[CalendarRef]) -> None:
        """Try to become the watcher of these, on a helper's thread."""
        with suppress(Unavailable):
            claimed = self._watching.claim(refs, self._process, self._now())
            if claimed:
                self._loop.post(lambda: self._claimed(channel, claimed))

    def _claimed(self, channel: Channel, refs: frozenset[CalendarRef]) -> None:
        channel.open_by(time.monotonic())
        left = refs - self._places.keys()
        if left:
            self._loop.do(lambda: self._watching.release(left, self._process))

    def _deliver(self, result: Opened, then: Callable[[Opened], None]) -> None:
        """Bring a result to the thread."""
        self._loop.post(lambda: then(result))

    def _heed(self, channel: Channel, result: Opened, wanted: Mapping[Address, Wanted]) -> None:
        """Take in what came of opening a channel, or of asking for news."""
        self._let_go(channel, result, wanted)
        if channel not in self._channels:
            if result.stream is not None:
                result.stream.close()
            return
        if isinstance(result.error, CredentialRefused):
            self._refuse(channel)
            return
        if result.is_nobody:
            self._drop(channel, list(channel.places()))
            return
        for mailbox, told in result.units.items():
            if mailbox in channel.units:
                self._take(channel, channel.units[mailbox], told)
        if result.error is not None:
            LOG.info("calendars cannot be watched now: %s", result.error)
            channel.retry.fail(time.monotonic(), getattr(result.error, "retry_after", 0.0))
            channel.open_by(channel.retry.at)
        elif result.stream is None and channel.stream is None:
            channel.retry.succeed()
        if result.stream is not None:
            self._hang_up(channel)
            channel.stream, channel.caller, channel.opened_at = result.stream, result.caller, time.monotonic()
            self._loop.listen(result.stream, lambda: self._hear(channel))
            self._loop.post(lambda: self._hear(channel))  # what came with its head no selector tells of
        self._look(channel)

    def _let_go(self, channel: Channel, result: Opened, wanted: Mapping[Address, Wanted]) -> None:
        """Give back what was got for calendars that are not watched any more."""
        units = channel.units if channel in self._channels else {}
        for mailbox, told in result.units.items():
            if mailbox not in units and told.subscription is not None:
                self._give_up(replace(wanted[mailbox], subscription=told.subscription))
        left = [ref for told in result.units.values() for ref in told.claimed if ref not in self._places]
        if left:
            self._loop.do(lambda: self._watching.release(left, self._process))

    def _take(self, channel: Channel, unit: Unit, told: OpenedUnit) -> None:
        unit.how, unit.subscription, unit.subscribed = told.how, told.subscription, told.subscribed
        unit.asked_at = time.monotonic()
        if told.how is Notifications.PULL and told.subscription is None:
            channel.open_by(time.monotonic())
        for ref in told.claimed & unit.places.keys():
            unit.places[ref].is_ours = True
        if told.woken is not None:
            unit.say(told.woken)
        if any(not place.is_ours for place in unit.places.values()):
            channel.claim_at = time.monotonic() + CLAIM_AGAIN

    def _hear(self, channel: Channel) -> None:
        """Read what a stream says."""
        stream = channel.stream
        if stream is None:
            return
        try:
            woken = stream.receive()
        except CredentialRefused:
            caller = channel.caller
            if caller is not None:
                self._loop.do(lambda: self._forget(caller))
            self._refuse(channel)
            return
        except BridgeError as error:
            LOG.info("a connection on which Exchange tells of changes has ended: %s", error)
            if isinstance(error, ExchangeSays):
                channel.lose_subscriptions()
            self._reopen(channel)
            self._put_off(channel, error)
            return
        for one in woken:
            unit = channel.unit_of(one.subscription)
            if unit is not None:
                unit.say(frozenset() if one.is_lost else one.folders)
            if unit is not None and one.is_lost:
                unit.subscription = None
                channel.open_by(time.monotonic())
        if stream.is_over:
            channel.retry.succeed()
            self._reopen(channel)
        self._open_in_time(channel)
        self._look(channel)

    def _put_off(self, channel: Channel, error: BridgeError) -> None:
        """Open a channel later whose stream has ended with a trouble: the later, the more have ended at once."""
        now = time.monotonic()
        if now - channel.opened_at > SILENCE:
            channel.retry.succeed()
        channel.retry.fail(now, error.retry_after if isinstance(error, ExchangeBusy) else 0.0)

    def _reopen(self, channel: Channel) -> None:
        self._hang_up(channel)
        channel.open_by(time.monotonic())
        for place in channel.places():
            self._wakes.unsettle(place)

    # --- what ends it --------------------------------------------------------------------------------

    def _place_refused(self, place: Place) -> None:
        known, channel = self._places.get(place.ref, (None, None))
        if channel is not None and known is place:
            self._refuse(channel)

    def _place_gone(self, place: Place) -> None:
        known, channel = self._places.get(place.ref, (None, None))
        if channel is not None and known is place:
            self._drop(channel, [place])

    def _caller(self, viewer: Viewer) -> Caller | None:
        """Give as whom Exchange is asked, None for nobody; from any thread."""
        return None if self._is_refused or self._loop.is_closing else self._watches.callers(viewer)

    def _forget(self, caller: Caller) -> None:
        """Have nothing more asked with a credential that was refused; on a helper's thread."""
        if isinstance(caller.credential, ServiceCredential):
            self._is_refused = True
        self._on_refused(caller)

    def _refuse(self, channel: Channel) -> None:
        """Watch nothing any more with a credential that Exchange does not accept."""
        channels = [channel]
        if channel.viewer is None:
            self._is_refused, channels = True, list(self._channels)
            LOG.error("Exchange refuses the service account: nothing is watched until the bridge is started anew.")
        for one in channels:
            one.lose_subscriptions()  # they end by themselves: giving them up would take the password
            self._drop(one, list(one.places()))
