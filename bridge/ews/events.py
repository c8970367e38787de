"""Notifications: what happened in folders, read as which of them to look at (NotificationType, MS-OXWSNTIF).

Several events come of one edit, some of them of items that live for a moment only, so they are no more than a reason to
ask for changes.
"""

from bridge.ews.xml import TYPES, Element, type_text
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

_FOLDERS = tuple(f"{{{TYPES}}}{name}" for name in ("FolderId", "ParentFolderId", "OldFolderId", "OldParentFolderId"))
_STATUS = f"{{{TYPES}}}StatusEvent"


def from_notification(notification: Element) -> Woken | None:
    """Read which folders a notification names, None where it is a heartbeat.

    An event of a folder itself names the folder and the one it is in; of an item, the folder it is in; each with where
    it was before a move.
    """
    events = [event for event in notification if event.tag.endswith("Event") and event.tag != _STATUS]
    if not events:
        return None
    named = (event.find(path) for event in events for path in _FOLDERS)
    folders = frozenset(FolderId(one.get("Id") or "") for one in named if one is not None and one.get("Id"))
    return Woken(SubscriptionId(type_text(notification, "SubscriptionId").strip()), folders)


def lost(subscription: SubscriptionId) -> Woken:
    """Give what is told of a subscription that is to be made anew."""
    return Woken(subscription, frozenset(), is_lost=True)
