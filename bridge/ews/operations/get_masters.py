"""GetItem of the masters of occurrences (RecurringMasterItemId): their ids alone."""

from collections.abc import Sequence

from bridge.errors import AnswerUnusable, ItemMissing
from bridge.ews.operations.get_item import STOPPED
from bridge.ews.reading import CALENDAR_ITEM
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.xml import Element, find_message, find_type, message_element, text_element, type_element
from bridge.item import ItemId

BATCH = 200


def request(occurrences: Sequence[ItemId]) -> Element:
    """Ask for the master of each occurrence; at most `BATCH` of them."""
    shape = message_element("ItemShape", text_element("BaseShape", "IdOnly"))
    ids = (type_element("RecurringMasterItemId", OccurrenceId=id_) for id_ in occurrences)
    return message_element("GetItem", shape, message_element("ItemIds", *ids))


def read(response: Element, count: int) -> tuple[ItemId | None, ...]:
    """Read the masters in order, None for one that is gone; fewer of them when Exchange stopped in between.

    Raises what the code of any other error stands for.
    """
    masters: list[ItemId | None] = []
    for message in expect(response, count):
        if message.code == STOPPED:
            break
        masters.append(_master(message))
    return tuple(masters)


def _master(message: ResponseMessage) -> ItemId | None:
    try:
        content = message.content()
    except ItemMissing:
        return None
    items = find_message(content, "Items")
    element = items.find(CALENDAR_ITEM) if items is not None else None
    reference = find_type(element, "ItemId") if element is not None else None
    id_ = reference.get("Id") if reference is not None else None
    if not id_:
        raise AnswerUnusable("Exchange told of a series without an id.")
    return ItemId(id_)
