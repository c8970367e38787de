"""FindItem with a CalendarView: what takes place in a span of time, series by their occurrences.

A view tells occurrences, never masters, and what overlaps the span (CalendarView of MS-OXWSSRCH). It spans two years at
most, and what is too much for it is cut short or refused. Servers that are no Exchange may list masters in it.
"""

from dataclasses import dataclass
from datetime import datetime

from bridge.errors import AnswerUnusable
from bridge.ews.folders import by_id
from bridge.ews.reading import CALENDAR_ITEM
from bridge.ews.response import expect
from bridge.ews.xml import (
    Element,
    find_message,
    find_type,
    from_boolean,
    message_element,
    text_element,
    to_instant,
    type_element,
    type_text,
)
from bridge.item import ItemId
from bridge.model import FolderId

MOST = 500
"""Entries asked for at once: half of what an account may find at a time by default (EWSFindCountLimit)."""
TOO_MANY = "ErrorExceededFindCountLimit"
_OF_SERIES = frozenset({"Occurrence", "Exception"})


@dataclass(frozen=True, slots=True)
class View:
    """What a view listed. ``occurrences`` has one for each UID; ``is_whole``: nothing was cut off."""

    items: tuple[ItemId, ...]
    occurrences: tuple[tuple[str, ItemId], ...]
    is_whole: bool


def request(folder: FolderId, start: datetime, end: datetime) -> Element:
    """Ask what takes place in the span."""
    paths = (type_element("FieldURI", FieldURI=f"calendar:{name}") for name in ("UID", "CalendarItemType"))
    shape = message_element(
        "ItemShape", text_element("BaseShape", "IdOnly"), type_element("AdditionalProperties", *paths)
    )
    view = message_element(
        "CalendarView", MaxEntriesReturned=str(MOST), StartDate=to_instant(start), EndDate=to_instant(end)
    )
    return message_element(
        "FindItem", shape, view, message_element("ParentFolderIds", by_id(folder)), Traversal="Shallow"
    )


def read(response: Element) -> View:
    """Read the view. Raises what an error code stands for, AnswerUnusable for an item without an id.

    A view that was refused because it finds too much is one of which nothing is known yet.
    """
    (message,) = expect(response, 1)
    if message.code == TOO_MANY:
        return View((), (), is_whole=False)
    root = find_message(message.content(), "RootFolder")
    if root is None:
        return View((), (), is_whole=True)
    listed = find_type(root, "Items")
    elements = [] if listed is None else list(listed.iterchildren(CALENDAR_ITEM))
    told = root.get("IncludesLastItemInRange")
    is_whole = from_boolean(told) if told else len(elements) < MOST
    items: list[ItemId] = []
    occurrences: dict[str, ItemId] = {}
    for element in elements:
        id_ = _id(element)
        if type_text(element, "CalendarItemType") in _OF_SERIES:
            # What has no UID stands for a series of its own
            occurrences.setdefault(type_text(element, "UID") or id_, id_)
        else:
            items.append(id_)
    return View(tuple(items), tuple(occurrences.items()), is_whole)


def _id(element: Element) -> ItemId:
    reference = find_type(element, "ItemId")
    if reference is None or not reference.get("Id"):
        raise AnswerUnusable("Exchange found an item without an id.")
    return ItemId(reference.get("Id") or "")
