"""Subscribe: to be told of what happens in folders of one mailbox, when asked (pull) or on a held connection."""

from collections.abc import Sequence

from bridge.errors import AccessDenied, AnswerUnusable, ExchangeFailed, RequestRefused
from bridge.ews.folders import by_id
from bridge.ews.response import expect
from bridge.ews.xml import Element, message_element, message_text, text_element, type_element
from bridge.exchange import Notifications, Subscription, SubscriptionId
from bridge.model import Address, FolderId

PULL_MINUTES = 60
"""How long a subscription that nobody asks lives at Exchange, 1 to 1440 (SubscriptionTimeoutType)."""
TOO_MANY = "ErrorExceededSubscriptionCount"

_EVENTS = ("CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "CopiedEvent")
_NOT_FOR_DELEGATES = frozenset({"ErrorSubscriptionDelegateAccessNotSupported", "ErrorSubscriptionAccessDenied"})
_NOT_AT_ALL = frozenset(
    {
        "ErrorInvalidOperation",
        "ErrorInvalidRequest",
        "ErrorInvalidSubscriptionRequest",
        "ErrorNotSupported",
        "ErrorProxyRequestNotAllowed",
        "ErrorSubscriptionsDisabledForGroup",
        "HTTP 400",
        "HTTP 404",
        "HTTP 405",
        "HTTP 501",
        TOO_MANY,
    }
)
"""What a server answers that does not do this, or not for this mailbox, or no more of it."""


def request(folders: Sequence[FolderId], how: Notifications) -> Element:
    """Ask for a subscription to folders of one mailbox."""
    folder_ids = type_element("FolderIds", *map(by_id, folders))
    types = type_element("EventTypes", *(text_element("EventType", name) for name in _EVENTS))
    if how is Notifications.STREAM:
        return message_element("Subscribe", message_element("StreamingSubscriptionRequest", folder_ids, types))
    timeout = text_element("Timeout", str(PULL_MINUTES))
    return message_element("Subscribe", message_element("PullSubscriptionRequest", folder_ids, types, timeout))


def read(response: Element, mailbox: Address, how: Notifications) -> Subscription:
    """Read the subscription.

    Raises AccessDenied where a delegate may not have one, RequestRefused where the server has none or no more, what any
    other code stands for, and AnswerUnusable for one without an id, or to be pulled without a watermark.
    """
    (message,) = expect(response, 1)
    if message.is_error and message.code in _NOT_FOR_DELEGATES:
        raise AccessDenied(f"Exchange does not tell delegates of changes in this mailbox ({message.code}).")
    content = message.content()
    id_ = message_text(content, "SubscriptionId").strip()
    watermark = message_text(content, "Watermark").strip() or None
    if not id_ or (how is Notifications.PULL and watermark is None):
        raise AnswerUnusable("Exchange answered without a subscription.")
    return Subscription(SubscriptionId(id_), mailbox, watermark if how is Notifications.PULL else None)


def refusal(error: ExchangeFailed) -> RequestRefused | None:
    """Give the definite answer in a trouble; None where it may pass."""
    return RequestRefused(str(error), error.code) if error.code in _NOT_AT_ALL else None
