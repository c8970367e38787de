"""The port's verbs about being told of changes, over EWS."""

from collections.abc import Sequence

from bridge.errors import RequestRefused
from bridge.ews.directory import EwsDirectory
from bridge.exchange import Deadline, Notifications, Stream, Subscription, Woken
from bridge.model import CalendarRef, Caller

_NOT_YET = RequestRefused("Calendars of Exchange are not watched yet.", "ErrorInvalidOperation")


class EwsWatching(EwsDirectory):
    """Subscriptions. Capabilities say that there are none, so nobody asks."""

    def subscribe(
        self, caller: Caller, calendars: Sequence[CalendarRef], how: Notifications, deadline: Deadline
    ) -> Subscription:
        """See `bridge.exchange.Exchange`."""
        del caller, calendars, how, deadline
        raise _NOT_YET

    def unsubscribe(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> None:
        """See `bridge.exchange.Exchange`."""
        del caller, subscription, deadline
        raise _NOT_YET

    def listen(self, caller: Caller, subscriptions: Sequence[Subscription], minutes: int, deadline: Deadline) -> Stream:
        """See `bridge.exchange.Exchange`."""
        del caller, subscriptions, minutes, deadline
        raise _NOT_YET

    def news(self, caller: Caller, subscription: Subscription, deadline: Deadline) -> tuple[Subscription, Woken | None]:
        """See `bridge.exchange.Exchange`."""
        del caller, subscription, deadline
        raise _NOT_YET
