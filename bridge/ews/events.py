"""Notifications: what happened in folders, read as which of them to look at (NotificationType, MS-OXWSNTIF).

Several events come of one edit, some of them of items that live for a moment only, so they are no more than a reason to
ask for changes.
"""

from bridge.ews.xml import TYPES, Element
from bridge.exchange import SubscriptionId, Woken
from bridge.model import FolderId

LOST = frozenset(
    {
        "ErrorEventNotFound",
        "ErrorExpiredSubscription",
        "ErrorInvalidPullSubscriptionId",
        "ErrorInvalidSubscription",
        "ErrorInvalidWatermark",
        "ErrorMissedNotificationEvents",
        "ErrorReadEventsFailed",
        "ErrorSubscriptionAccessDenied",
        "ErrorSubscriptionNotFound",
        "ErrorSubscriptionUnsubscribed",
    }
)
"""After these a new subscription is made (Handling notification-related errors in EWS): the old one is gone, is
somebody else's, or has missed something."""

_OF_FOLDERS = tuple(f"{{{TYPES}}}{name}" for name in ("FolderId", "OldFolderId"))
_OF_ITEMS = tuple(f"{{{TYPES}}}{name}" for name in ("ParentFolderId", "OldParentFolderId"))
_STATUS = f"{{{TYPES}}}StatusEvent"


def from_notification(notification: Element) -> Woken | None:
    """Read which folders a notification names, None where it is a heartbeat.

    For an item it is the folder it is in, and the one it was in before a move. An event of a folder itself says nothing
    of the folder around it. On streams Exchange writes the id of the subscription in the messages namespace, against
    its own schema (ews-java-api 552), so either will do.
    """
    events = [event for event in notification if event.tag.endswith("Event") and event.tag != _STATUS]
    if not events:
        return None
    folders = frozenset(folder for event in events for folder in _folders(event))
    return Woken(SubscriptionId((notification.findtext("{*}SubscriptionId") or "").strip()), folders)


def _folders(event: Element) -> list[FolderId]:
    for paths in (_OF_FOLDERS, _OF_ITEMS):
        named = [one.get("Id") for one in map(event.find, paths) if one is not None]
        if named:
            return [FolderId(id_) for id_ in named if id_]
    return []


def lost(subscription: SubscriptionId) -> Woken:
    """Give what is told of a subscription that is to be made anew."""
    return Woken(subscription, frozenset(), is_lost=True)
