"""The answer to GetStreamingEvents as the port's `Stream`: held open by Exchange, an envelope for each thing it tells.

Sources: MS-OXWSNTIF and the GetStreamingEvents operation. A heartbeat is an envelope too.
"""

from collections.abc import Callable, Iterator, Sequence

from bridge.errors import AnswerUnusable, BridgeError, ExchangeBusy, ExchangeUnreachable
from bridge.ews.answer import read_answer
from bridge.ews.envelopes import Envelopes, NotEnvelopes
from bridge.ews.held import Held
from bridge.ews.line import HttpAnswer
from bridge.ews.operations import get_streaming_events
from bridge.ews.xml import Element
from bridge.exchange import SubscriptionId, Woken


class Hanging:
    """A stream of what subscriptions have to tell; see `bridge.exchange.Stream`."""

    def __init__(
        self, held: Held, subscriptions: Sequence[SubscriptionId], on_busy: Callable[[ExchangeBusy], None]
    ) -> None:
        """Take the answer, whose subscriptions it tells of, and who must know where Exchange asks us to wait."""
        self._held = held
        self._subscriptions = tuple(subscriptions)
        self._on_busy = on_busy
        self._envelopes = Envelopes()
        self._trouble: BridgeError | None = None
        self._is_over = False
        self._has_lost = False

    def fileno(self) -> int:
        """See `bridge.exchange.Stream`."""
        return self._held.fileno()

    @property
    def is_over(self) -> bool:
        """See `bridge.exchange.Stream`."""
        return self._is_over

    @property
    def heard_at(self) -> float:
        """See `bridge.exchange.Stream`."""
        return self._held.heard_at

    def receive(self) -> tuple[Woken, ...]:
        """See `bridge.exchange.Stream`. What was told before a trouble is given first, the trouble raised next time."""
        if self._trouble is not None:
            raise self._trouble
        woken: list[Woken] = []
        try:
            self._take(woken)
        except BridgeError as trouble:
            if isinstance(trouble, ExchangeBusy):
                self._on_busy(trouble)
            self._trouble = trouble
            if not woken:
                raise
            self._held.interrupt()
        return tuple(woken)

    def close(self) -> None:
        """See `bridge.exchange.Stream`."""
        self._held.close()

    def _take(self, woken: list[Woken]) -> None:
        if self._is_over:
            return
        for envelope in self._cut():
            told = get_streaming_events.read(_response(envelope), self._subscriptions)
            woken += told.woken
            self._has_lost |= any(one.is_lost for one in told.woken)
            if told.is_closed:
                self._is_over = True
                return
        if self._held.is_ended:
            self._end()

    def _cut(self) -> Iterator[bytes]:
        try:
            for piece in self._held.receive():
                yield from self._envelopes.feed(piece)
        except NotEnvelopes as error:
            raise AnswerUnusable("What Exchange sends on a stream is no SOAP envelope.") from error

    def _end(self) -> None:
        if self._envelopes.has_part:
            raise AnswerUnusable("Exchange's answer broke off.")
        if not self._has_lost:
            raise ExchangeUnreachable("Exchange ended the stream before it was over.")
        self._is_over = True  # it ends after telling that a subscription is lost


def _response(envelope: bytes) -> Element:
    return read_answer(HttpAnswer(200, {}, envelope), get_streaming_events.OPERATION).response
