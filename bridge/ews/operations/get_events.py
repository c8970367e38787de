"""GetEvents: what a subscription has to tell since a watermark, at most fifty events a time."""

from dataclasses import dataclass

from bridge.errors import AnswerUnusable
from bridge.ews.events import LOST, from_notification, lost
from bridge.ews.response import expect
from bridge.ews.xml import TYPES, Element, find_message, from_boolean, message_element, type_text
from bridge.exchange import SubscriptionId, Woken


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer tells; the next is asked with ``watermark``, and at once where ``has_more``."""

    woken: Woken | None
    watermark: str
    has_more: bool = False


def request(subscription: SubscriptionId, watermark: str) -> Element:
    """Ask for the events after the watermark.

    Here both elements are of the messages namespace, as the schema has it (GetEventsType). A watermark in Subscribe
    would be of the types namespace; exchangelib writes it wrongly there. None is sent here: resuming costs Exchange
    more than a new subscription.
    """
    elements = [message_element("SubscriptionId"), message_element("Watermark")]
    for element, text in zip(elements, (subscription, watermark), strict=True):
        element.text = text
    return message_element("GetEvents", *elements)


def read(response: Element, subscription: SubscriptionId, watermark: str) -> Told:
    """Read the events. Raises what an error code stands for but that the subscription is lost, which is told."""
    (message,) = expect(response, 1)
    if message.is_error and message.code in LOST:
        return Told(lost(subscription), watermark)
    notification = find_message(message.content(), "Notification")
    if notification is None:
        raise AnswerUnusable("Exchange answered without a notification.")
    marks = [mark.text.strip() for mark in notification.iter(f"{{{TYPES}}}Watermark") if mark.text]
    has_more = from_boolean(type_text(notification, "MoreEvents"))
    reached = marks[-1] if marks else watermark
    return Told(from_notification(notification), reached, has_more and reached != watermark)
