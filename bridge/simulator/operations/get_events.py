"""GetEvents: what happened since a watermark. Sources: [D] GetEvents, how to pull notifications."""

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.telling_events import add_events
from bridge.simulator.xml import Element, M, T, add, bool_text, text_of


def get_events(call: Call) -> Element:
    """Give the answer: the next events, or that there were none."""
    named, mark = (text_of(required(call.request, name)) for name in ("SubscriptionId", "Watermark"))
    return respond(call, [lambda: _one(call, named, mark)])


def _one(call: Call, named: str, mark: str) -> Element:
    subscription, notices = call.subscriptions.pull(named, call.login.address, mark, call.server)
    message = success("GetEvents")
    notification = add(message, M + "Notification")
    add(notification, T + "SubscriptionId", subscription.id)
    add(notification, T + "PreviousWatermark", mark)
    add(notification, T + "MoreEvents", bool_text(subscription.has_news))
    add_events(notification, notices, call.time_text, call.subscriptions.watermark, subscription.told)
    return message
