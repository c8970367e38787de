"""The port's verbs about being told of changes, over EWS."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bridge.errors import ExchangeBusy, ExchangeFailed, FolderMissing, ItemMissing, Unavailable
from bridge.ews.affinity import Affinities, Affinity
from bridge.ews.directory import EwsDirectory
from bridge.ews.editions import Edition
from bridge.ews.hanging import Hanging
from bridge.ews.operations import get_events, get_streaming_events, subscribe, unsubscribe
from bridge.ews.settings import EwsSettings
from bridge.ews.xml import Element
from bridge.exchange import Deadline, Notifications, Stream, Subscription, Woken
from bridge.model import Address, CalendarRef, Caller

_OLDEST_TO_STREAM = (14, 1)
"""Exchange 2010 with service pack 1."""
_MOST_ROUNDS = 20
"""How often GetEvents is asked while it has more: a thousand events; the rest is for the next time."""


class EwsWatching(EwsDirectory):
    """Subscriptions, held on one server for each account; see `affinity`."""

    def __init__(self, settings: EwsSettings) -> None:
        """Take where EWS is. Raises ConfigurationInvalid; asks nothing yet."""
        super().__init__(settings)
        self._affinities = Affinities()

    def subscribe(
        self, caller: Caller, calendars: Sequence[CalendarRef], how: Notifications, deadline: Deadline
    ) -> Subscription:
        """Subscribe; see `bridge.exchange.Exchange`.

        Where the answer is lost, there may be a subscription that nobody asks, which expires.
        """
        (mailbox,) = {calendar.mailbox for calendar in calendars}
        request = subscribe.request([calendar.folder for calendar in calendars], how)
        try:
            return subscribe.read(self._ask_there(caller, mailbox, request, deadline), mailbox, how)
        except ExchangeFailed as error:
            refused = subscribe.refusal(error)
            if refused is None:
                raise
            raise refused from error
        except ItemMissing as error:
            raise FolderMissing(f"Exchange knows no such calendar. {error}") from error

    def unsubscribe(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> None:
        """Unsubscribe; see `bridge.exchange.Exchange`."""
        request = unsubscribe.request(subscription.id)
        unsubscribe.read(self._ask_there(caller, subscription.mailbox, request, deadline))

    def listen(self, caller: Caller, subscriptions: Sequence[Subscription], minutes: int, deadline: Deadline) -> Stream:
        """Open a stream, on a connection of its own; see `bridge.exchange.Exchange`.

        With a service account it counts against the hanging connections of the mailbox the credential acts as.
        """
        ids = [subscription.id for subscription in subscriptions]
        request = get_streaming_events.request(ids, minutes)
        affinity = self._affinities.of(caller.credential.username, subscriptions[0].mailbox)
        with _staying(affinity):
            held = self._wire.hold(caller.credential, request, deadline, affinity)
        return Hanging(held, ids, lambda busy: self._wire.back_off(caller.credential, busy))

    def news(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> tuple[Subscription, Woken | None]:
        """Pull, as often as there is more; see `bridge.exchange.Exchange`."""
        watermark, woken = subscription.watermark or "", Woken(subscription.id, frozenset())
        has_news = False
        for _ in range(_MOST_ROUNDS):
            request = get_events.request(subscription.id, watermark)
            response = self._ask_there(caller, subscription.mailbox, request, deadline)
            told = get_events.read(response, subscription.id, watermark)
            watermark = told.watermark
            if told.woken is not None:
                has_news = True
                woken = Woken(subscription.id, woken.folders | told.woken.folders, told.woken.is_lost)
            if not told.has_more:
                break
        next_one = Subscription(subscription.id, subscription.mailbox, watermark)
        return next_one, woken if has_news else None

    def _notifications(self) -> Notifications:
        """Say what the server's version promises; where it told no build, by the version it is asked in."""
        build = self._wire.build
        if self._edition is Edition.EXCHANGE_2007 or (build is not None and build[:2] < _OLDEST_TO_STREAM):
            return Notifications.PULL
        return Notifications.STREAM

    def _ask_there(self, caller: Caller, mailbox: Address, request: Element, deadline: Deadline) -> Element:
        """Ask the server that keeps the account's subscriptions."""
        affinity = self._affinities.of(caller.credential.username, mailbox)
        with _staying(affinity):
            return self._wire.call(caller.credential, request, deadline, affinity=affinity)


@contextmanager
def _staying(affinity: Affinity) -> Iterator[None]:
    """Forget which server it is where that is of no use: it may be gone, and its subscriptions with it."""
    try:
        yield
    except ExchangeBusy:
        raise
    except Unavailable:
        affinity.forget()
        raise
