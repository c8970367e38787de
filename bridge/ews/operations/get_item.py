"""GetItem: items whole, some at a time, occurrences among them by the ids they have as items."""

from collections.abc import Sequence
from datetime import datetime

from bridge.errors import AnswerUnusable, ItemMissing, RequestRefused
from bridge.ews.editions import Edition
from bridge.ews.reading import CALENDAR_ITEM, from_item, shape_paths
from bridge.ews.recurrence import RecurrenceNotUnderstood
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.response_codes import NOT_OF_ONE_ITEM, OCCURRENCE_DELETED, OCCURRENCE_OUT_OF_RANGE
from bridge.ews.series import OccurrencesNotUnderstood, occurrence_id
from bridge.ews.xml import Element, find_message, from_instant, message_element, text_element, type_element, type_text
from bridge.item import Item, ItemId, ItemRef, Missing, Unreadable

BATCH = 50
PLACES = 200
STOPPED = "ErrorBatchProcessingStopped"
"""Exchange gave up in the middle of a batch (past about a minute, EWS throttling); the rest is to be asked again."""
_PLACE = ("RecurrenceId", "OriginalStart", "Start")
"""What tells where the pattern has an occurrence: the first of these that is there."""
_GONE = frozenset({"ErrorItemNotFound", OCCURRENCE_DELETED, OCCURRENCE_OUT_OF_RANGE})
"""Not there any more; an occurrence is gone when it was deleted, or its series no longer reaches so far."""


def request(ids: Sequence[ItemId], edition: Edition) -> Element:
    """Ask for items by id, with the body as it is kept; at most `BATCH` of them."""
    shape = message_element(
        "ItemShape",
        text_element("BaseShape", "IdOnly"),
        text_element("BodyType", "Best"),
        type_element("AdditionalProperties", *shape_paths(edition)),
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


def places_request(master: ItemRef, indexes: Sequence[int]) -> Element:
    """Ask where the pattern has occurrences of a series, by index; at most `PLACES` of them."""
    paths = (type_element("FieldURI", FieldURI=f"calendar:{name}") for name in _PLACE)
    shape = message_element(
        "ItemShape", text_element("BaseShape", "IdOnly"), type_element("AdditionalProperties", *paths)
    )
    item_ids = message_element("ItemIds", *(occurrence_id(master, index) for index in indexes))
    return message_element("GetItem", shape, item_ids)


def read_places(response: Element, indexes: Sequence[int]) -> tuple[datetime | ItemMissing | RequestRefused, ...]:
    """Read the original start (UTC) of each, ItemMissing for one that is deleted, RequestRefused beyond the end.

    Raises what any other code stands for, and AnswerUnusable where an occurrence does not tell its start.
    """
    return tuple(_place(message) for message in expect(response, len(indexes)))


def _place(message: ResponseMessage) -> datetime | ItemMissing | RequestRefused:
    try:
        content = message.content()
    except (ItemMissing, RequestRefused) as error:
        return error
    items = find_message(content, "Items")
    element = items.find(CALENDAR_ITEM) if items is not None else None
    told = [] if element is None else [type_text(element, name) for name in _PLACE]
    try:
        return from_instant(next(filter(None, told), None))
    except ValueError as error:
        raise AnswerUnusable("Exchange told of an occurrence without its start.") from error


def _one(id_: ItemId, message: ResponseMessage) -> Item | Unreadable | Missing:
    if message.code in _GONE:
        return Missing(id_)
    if message.is_error and message.code in NOT_OF_ONE_ITEM:
        message.content()
    if message.is_error:
        return Unreadable(id_, message.code)
    items = find_message(message.element, "Items")
    element = items.find(CALENDAR_ITEM) if items is not None else None
    return Unreadable(id_, "NotACalendarItem") if element is None else _read(id_, element)


def _read(id_: ItemId, element: Element) -> Item | Unreadable:
    try:
        return from_item(element)
    except (RecurrenceNotUnderstood, OccurrencesNotUnderstood) as error:
        return Unreadable(id_, type(error).__name__)
    except ValueError:
        return Unreadable(id_, "ItemNotUnderstood")
