"""Events as Exchange writes them: in GetEvents and in GetStreamingEvents.

Sources: [D] samples of both (change keys are cut down to the kind of thing; watermarks are told by GetEvents alone),
[D] StatusEvent where nothing happened, [R] streams of 14.1, 15.0 and 15.1 (node-ews 48 and 56, php-ews 453,
ews-java-api 552).
"""

import base64
import struct
from collections.abc import Callable, Sequence
from datetime import datetime

from lxml import etree

from bridge.simulator.answers import failure, success
from bridge.simulator.model import Folder, Item
from bridge.simulator.streams import OPERATION, Told
from bridge.simulator.subscriptions import Notice
from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, M, T, add, make

TimeText = Callable[[datetime], str]
Mark = Callable[[int], str]
# Of folders, calendars and calendar items
_FOLDER, _CALENDAR, _ITEM = (base64.b64encode(struct.pack("<I", kind)).decode() for kind in (1, 2, 15))


def add_events(
    notification: Element, notices: Sequence[Notice], time_text: TimeText, mark: Mark | None, last: int = 0
) -> None:
    """Add events, or a StatusEvent where there are none; `mark` gives their watermarks, `last` the one of the status.

    Without `mark` nothing has a watermark.
    """
    for notice in notices:
        happening = notice.happening
        event = add(notification, f"{T}{happening.kind}Event")
        if mark:
            add(event, T + "Watermark", mark(notice.number))
        add(event, T + "TimeStamp", time_text(happening.moment))
        _add_place(event, happening.thing, happening.parent, "")
        if happening.old and happening.old_parent:
            _add_place(event, happening.old, happening.old_parent, "Old")
        if happening.kind == "Modified" and isinstance(happening.thing, Folder):
            add(event, T + "UnreadCount", "0")
    if not notices:
        status = add(notification, T + "StatusEvent")
        if mark:
            add(status, T + "Watermark", mark(last))


def stream_answer(told: Told, time_text: TimeText) -> Element:
    """Give GetStreamingEventsResponse for what is told at once."""
    response = make(f"{M}{OPERATION}Response")
    messages = add(response, M + "ResponseMessages")
    message = failure(OPERATION, EwsError(told.error)) if told.error else success(OPERATION)
    messages.append(message)
    if told.batches:
        holder = add(message, M + "Notifications")
        for named, notices in told.batches:
            notification = add(holder, M + "Notification")
            add(notification, T + "SubscriptionId", named)
            add_events(notification, notices, time_text, None)
    if told.ids:
        holder = add(message, M + "ErrorSubscriptionIds")
        for named in told.ids:
            add(holder, M + "SubscriptionId", named)
    if told.status:
        add(message, M + "ConnectionStatus", told.status)
    return response


def by_schema(content: bytes) -> bytes:
    """Give a stream's answer with two elements in the namespace that the schema has them in; rule `stream_names`."""
    response = etree.fromstring(content)
    for path in (f".//{M}Notifications/{M}Notification", f".//{M}ErrorSubscriptionIds/{M}SubscriptionId"):
        for element in response.iterfind(path):
            element.tag = T + etree.QName(element).localname
    return etree.tostring(response)


def _add_place(event: Element, thing: Item | Folder, parent: Folder, prefix: str) -> None:
    if isinstance(thing, Item):
        add(event, f"{T}{prefix}ItemId", None, {"Id": thing.id, "ChangeKey": _ITEM})
    else:
        add(event, f"{T}{prefix}FolderId", None, _named(thing))
    add(event, f"{T}{prefix}ParentFolderId", None, _named(parent))


def _named(folder: Folder) -> dict[str, str]:
    return {"Id": folder.id, "ChangeKey": _CALENDAR if folder.is_calendar else _FOLDER}
