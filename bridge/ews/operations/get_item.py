"""GetItem: items whole, some at a time."""

from collections.abc import Sequence

from bridge.errors import AnswerUnusable
from bridge.ews.reading import CALENDAR_ITEM, from_item, shape_paths
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.response_codes import NOT_OF_ONE_ITEM
from bridge.ews.xml import Element, find_message, message_element, text_element, type_element
from bridge.model import Item, ItemId, Missing, Unreadable

BATCH = 50
STOPPED = "ErrorBatchProcessingStopped"
"""Exchange gave up in the middle of a batch (past about a minute, EWS throttling); the rest is to be asked again."""


def request(ids: Sequence[ItemId]) -> Element:
    """Ask for items by id, with the body as text; at most `BATCH` of them."""
    shape = message_element(
        "ItemShape",
        text_element("BaseShape", "IdOnly"),
        text_element("BodyType", "Text"),
        type_element("AdditionalProperties", *shape_paths()),
    )
    item_ids = message_element("ItemIds", *(type_element("ItemId", Id=id_) for id_ in ids))
    return message_element("GetItem", shape, item_ids)


def read(response: Element, ids: Sequence[ItemId]) -> tuple[Item | Unreadable | Missing, ...]:
    """Read the items in the order of the ids; fewer of them when Exchange stopped in between.

    An item that could not be got or read is Unreadable, one that is not there Missing. Raises what a code stands for
    that is not about a single item, and AnswerUnusable when the answer is not one to these ids.
    """
    read_items: list[Item | Unreadable | Missing] = []
    asked = frozenset(ids)
    for id_, message in zip(ids, expect(response, len(ids)), strict=True):
        if message.code == STOPPED:
            break
        one = _one(id_, message)
        if isinstance(one, Item) and one.ref.id != id_ and one.ref.id in asked:
            raise AnswerUnusable("Exchange answered in another order than it was asked.")
        read_items.append(one)
    return tuple(read_items)


def _one(id_: ItemId, message: ResponseMessage) -> Item | Unreadable | Missing:
    if message.code == "ErrorItemNotFound":
        return Missing(id_)
    if message.is_error and message.code in NOT_OF_ONE_ITEM:
        message.content()
    if message.is_error:
        return Unreadable(id_, message.code)
    items = find_message(message.element, "Items")
    element = items.find(CALENDAR_ITEM) if items is not None else None
    if element is None:
        return Unreadable(id_, "NotACalendarItem")
    try:
        return from_item(element)
    except ValueError:
        return Unreadable(id_, "ItemNotUnderstood")
