"""FindItem: the items of a UID in a folder.

calendar:UID cannot be searched for; the global object id, which the UID becomes, can (extended property Meeting/0x23,
and 0x03 for items that have no clean one).
"""

import base64

from bridge.errors import AnswerUnusable
from bridge.ews.folders import MOST_FOUND, by_id
from bridge.ews.named_properties import CLEAN_GLOBAL_OBJECT_ID, GLOBAL_OBJECT_ID, meeting_uri
from bridge.ews.reading import CALENDAR_ITEM, from_reference
from bridge.ews.response import expect
from bridge.ews.xml import Element, find_message, find_type, message_element, text_element, type_element, type_text
from bridge.ids import make_goid
from bridge.item import ItemRef, Uid
from bridge.model import FolderId

MOST = 100
"""Copies of one UID in one folder; more are not looked at."""


def request(folder: FolderId, uid: Uid) -> Element:
    """Ask for the items of the UID in the folder."""
    goid = base64.b64encode(make_goid(uid)).decode()
    uid_path = type_element("FieldURI", FieldURI="calendar:UID")
    shape = message_element(
        "ItemShape", text_element("BaseShape", "IdOnly"), type_element("AdditionalProperties", uid_path)
    )
    view = message_element("IndexedPageItemView", MaxEntriesReturned=str(MOST), Offset="0", BasePoint="Beginning")
    either = type_element("Or", *(_equals(number, goid) for number in (CLEAN_GLOBAL_OBJECT_ID, GLOBAL_OBJECT_ID)))
    return message_element(
        "FindItem",
        shape,
        view,
        message_element("Restriction", either),
        message_element("ParentFolderIds", by_id(folder)),
        Traversal="Shallow",
    )


def read(response: Element, uid: Uid) -> tuple[ItemRef, ...]:
    """Read who was found. An item with another UID is left out: not every server keeps to the restriction."""
    (message,) = expect(response, 1)
    root = find_message(message.content(), "RootFolder")
    listed = find_type(root, "Items") if root is not None else None
    items = [] if listed is None else list(listed.iterchildren(CALENDAR_ITEM))
    try:
        return tuple(from_reference(item) for item in items if _is_of(item, uid))
    except ValueError as error:
        raise AnswerUnusable("Exchange found an item without an id.") from error


def _equals(number: int, goid: str) -> Element:
    constant = type_element("FieldURIOrConstant", type_element("Constant", Value=goid))
    return type_element("IsEqualTo", meeting_uri(number), constant)


def _is_of(item: Element, uid: Uid) -> bool:
    told = type_text(item, "UID")
    if len(told) >= MOST_FOUND:
        return uid.startswith(told)
    return not told or make_goid(Uid(told)) == make_goid(uid)
