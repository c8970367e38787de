"""GetStreamingEvents: opens an answer that is held. Sources: [D] GetStreamingEvents, how to maintain affinity.

What is wrong with some of the subscriptions is told of those alone, and the others are told nothing:
[C] exchangelib's tests against Online.
"""

from bridge.simulator.answers import required, respond
from bridge.simulator.call import Call
from bridge.simulator.streams import OPERATION, HeldStream, Told
from bridge.simulator.subscriptions import Subscription
from bridge.simulator.telling_events import stream_answer
from bridge.simulator.trouble import EwsError, invalid
from bridge.simulator.xml import Element, M, children, text_of

_MOST = 200  # [D] how to maintain affinity
_LONGEST = 30  # [XSD] StreamingSubscriptionConnectionTimeoutType, minutes
_TOLD_AS = {
    "ErrorSubscriptionNotFound": "ErrorInvalidSubscription",
    "ErrorExpiredSubscription": "ErrorInvalidSubscription",
}


def get_streaming_events(call: Call) -> Element:
    """Give the first part of the answer: that the connection is open, or what is wrong; `call.streams` goes on."""
    named = [text_of(element) for element in children(required(call.request, "SubscriptionIds"))]
    text = text_of(required(call.request, "ConnectionTimeout"))
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST:
        raise invalid(f"The 'ConnectionTimeout' element is invalid - The value '{text}' is invalid.")
    return respond(call, [lambda: _open(call, list(dict.fromkeys(named)), int(text))])


def _open(call: Call, named: list[str], minutes: int) -> Element:
    if len(named) > _MOST:
        raise EwsError("ErrorInvalidSubscriptionRequest", f"At most {_MOST} subscriptions can be asked for at once.")
    found, wrong = _find(call, named)
    if wrong:
        code = next(iter(wrong.values()))
        ids = [one for one, why in wrong.items() if why == code]
        return _message(call, Told(error=code, ids=ids, status="Closed"))
    stream = HeldStream(call.store, call.faults, call.rules, found)
    call.streams.append(stream)
    return _message(call, stream.begin(minutes))


def _find(call: Call, named: list[str]) -> tuple[list[Subscription], dict[str, str]]:
    """Give the subscriptions, and the error of each that cannot be had."""
    found: list[Subscription] = []
    wrong: dict[str, str] = {}
    for one in named:
        try:
            subscription = call.subscriptions.find(one, call.login.address, call.server)
        except EwsError as error:
            wrong[one] = _TOLD_AS.get(error.code, error.code)
            continue
        if subscription.wish.is_streaming:
            found.append(subscription)
        else:
            wrong[one] = "ErrorInvalidSubscription"
    return found, wrong


def _message(call: Call, told: Told) -> Element:
    return next(stream_answer(told, call.time_text).iter(f"{M}{OPERATION}ResponseMessage"))
