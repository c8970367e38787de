"""Subscribe, to be asked (pull) or told (streaming). Sources: [D] Subscribe, responsecode, EWS throttling."""

from bridge.simulator.answers import respond, success
from bridge.simulator.call import Call
from bridge.simulator.model import Folder
from bridge.simulator.places import folder_at
from bridge.simulator.rights import need_folder
from bridge.simulator.rules import rank
from bridge.simulator.subscriptions import Wish
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, M, T, add, children, flag, name_of, text_of

_LONGEST = 1440  # [XSD] SubscriptionTimeoutType, minutes
_ALLOWED = {"PullSubscriptionRequest": {"pull", "streaming"}, "StreamingSubscriptionRequest": {"streaming"}}


def subscribe(call: Call) -> Element:
    """Give the answer: an id, for a pull subscription the watermark to begin at, too."""
    asked = next(children(call.request))
    if name_of(asked) not in _ALLOWED:
        raise NotSimulated(f"a {name_of(asked)}")
    wished = {text_of(kind) for kind in children(asked.find(T + "EventTypes"))}
    if "FreeBusyChangedEvent" in wished and call.personality.level < rank("Exchange2010_SP1"):  # [C]
        raise invalid("The 'EventType' element is invalid - The value 'FreeBusyChangedEvent' is invalid.")
    minutes = _minutes(call, asked)
    return respond(call, [lambda: _one(call, asked, frozenset(wished), minutes)])


def _minutes(call: Call, asked: Element) -> int:
    if name_of(asked) == "StreamingSubscriptionRequest":
        return call.rules.streaming_subscription_minutes
    text = text_of(asked, T + "Timeout")
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST:
        raise invalid(f"The 'Timeout' element is invalid - The value '{text}' is invalid.")
    return int(text)


def _one(call: Call, asked: Element, kinds: frozenset[str], minutes: int) -> Element:
    if call.subscriptions.allowed not in _ALLOWED[name_of(asked)]:
        raise EwsError("ErrorAccessDenied", "Notifications are not allowed.")
    folders = _folders(call, asked)
    is_streaming = name_of(asked) == "StreamingSubscriptionRequest"
    wish = Wish(
        owner=call.login.address,
        payer=call.payer,
        mailbox=folders[0].mailbox if folders else call.viewer.mailbox,
        folders=frozenset(folder.number for folder in folders) if folders else None,
        kinds=kinds,
        minutes=minutes,
        is_streaming=is_streaming,
        server=call.server,
    )
    subscription = call.subscriptions.subscribe(wish, text_of(asked, T + "Watermark"))
    message = success("Subscribe")
    add(message, M + "SubscriptionId", subscription.id)
    if not is_streaming:
        add(message, M + "Watermark", call.subscriptions.watermark(subscription.told))
    return message


def _folders(call: Call, asked: Element) -> list[Folder]:
    """Give the folders of one mailbox, none for all of the viewer's."""
    named = list(children(asked.find(T + "FolderIds")))
    if bool(named) == flag(asked.get("SubscribeToAllFolders")):  # rule folders_or_all
        raise EwsError("ErrorInvalidSubscriptionRequest", "Either folders or all of them must be subscribed to.")
    folders = [folder_at(call, element) for element in named]
    if len({folder.mailbox for folder in folders}) > 1:  # [D] handling notification-related errors
        raise EwsError("ErrorInvalidSubscriptionRequest", "A subscription is of one mailbox.")
    for folder in folders:
        if folder.mailbox != call.viewer.mailbox and not call.rules.delegates_subscribe:
            raise EwsError("ErrorSubscriptionDelegateAccessNotSupported")
        need_folder(call.viewer, folder, call.personality, "read")
    return folders
