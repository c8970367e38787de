"""Unsubscribe. Sources: [D] Unsubscribe, responsecode."""

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.xml import Element, text_of


def unsubscribe(call: Call) -> Element:
    """Give the answer: done or not."""
    named = text_of(required(call.request, "SubscriptionId"))

    def one() -> Element:
        call.subscriptions.unsubscribe(named, call.login.address, call.server)
        return success("Unsubscribe")

    return respond(call, [one])
