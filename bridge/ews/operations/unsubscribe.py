"""Unsubscribe: to be told no more."""

from bridge.ews.events import LOST
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element
from bridge.exchange import SubscriptionId


def request(subscription: SubscriptionId) -> Element:
    """Ask for the end of a subscription."""
    id_ = message_element("SubscriptionId")
    id_.text = subscription
    return message_element("Unsubscribe", id_)


def read(response: Element) -> None:
    """Read that it is gone; it may have been before. Raises what any other code stands for."""
    (message,) = expect(response, 1)
    if message.is_error and message.code not in LOST:
        message.content()
