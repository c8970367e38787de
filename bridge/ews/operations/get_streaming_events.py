"""GetStreamingEvents: an answer of many envelopes that Exchange holds open (2010 SP1 and newer)."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.ews.events import LOST, from_notification, lost
from bridge.ews.response import response_messages
from bridge.ews.xml import Element, find_message, message_element, message_text, text_element
from bridge.exchange import SubscriptionId, Woken

OPERATION = "GetStreamingEvents"
MOST = 200
"""Subscriptions of one connection (Maintain affinity between a group of subscriptions and the Mailbox server)."""
LONGEST = 30
"""Minutes."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one envelope tells; ``is_closed``: it is the last."""

    woken: tuple[Woken, ...]
    is_closed: bool


def request(subscriptions: Sequence[SubscriptionId], minutes: int) -> Element:
    """Ask to be told of events for so long. Raises ValueError for what Exchange does not take."""
    if not 1 <= len(subscriptions) <= MOST or not 1 <= minutes <= LONGEST:
        raise ValueError("A stream is of 1 to 200 subscriptions and of 1 to 30 minutes.")
    ids = message_element("SubscriptionIds", *(text_element("SubscriptionId", one) for one in subscriptions))
    timeout = message_element("ConnectionTimeout")
    timeout.text = str(minutes)
    return message_element(OPERATION, ids, timeout)


def read(response: Element, subscriptions: Sequence[SubscriptionId]) -> Told:
    """Read an envelope's answer on a stream of these subscriptions.

    Where one is lost and Exchange does not name it, all of them are. Raises what any other error code stands for.
    """
    woken: list[Woken] = []
    is_closed = False
    for message in response_messages(response):
        if message.is_error and message.code in LOST:
            woken += map(lost, _named(message.element) or subscriptions)
        else:
            listed = find_message(message.content(), "Notifications")
            woken += filter(None, map(from_notification, [] if listed is None else listed))
        is_closed |= message_text(message.element, "ConnectionStatus").strip() == "Closed"
    return Told(tuple(woken), is_closed)


def _named(message: Element) -> list[SubscriptionId]:
    listed = find_message(message, "ErrorSubscriptionIds")
    if listed is None:
        return []
    return [SubscriptionId((one.text or "").strip()) for one in listed.iterchildren("{*}SubscriptionId")]
