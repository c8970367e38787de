"""FindItem: pages, and calendar views. Sources: [V] recordings, [D] FindItem and CalendarView, `rules`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from bridge.simulator.answers import required, respond, success
from bridge.simulator.call import Call
from bridge.simulator.model import Folder, Item
from bridge.simulator.paging import paged
from bridge.simulator.places import folder_at
from bridge.simulator.restrictions import Test, read_restriction
from bridge.simulator.rights import need_folder
from bridge.simulator.series import overlaps, series_of
from bridge.simulator.shapes import Shape, cut_texts, item_element, path_of, read_shape
from bridge.simulator.telling import Told
from bridge.simulator.trouble import EwsError, NotSimulated, invalid
from bridge.simulator.xml import Element, M, T, add, children, name_of

_REFUSED = ("FractionalPageItemView", "SeekToConditionPageItemView", "ContactsView", "GroupBy", "DistinguishedGroupBy")


def find_item(call: Call) -> Element:
    """Give the answer: the items of each parent folder."""
    request = call.request
    for name in (*_REFUSED, "QueryString"):
        if request.find(M + name) is not None:
            raise NotSimulated(f"FindItem with {name}")
    if request.get("Traversal") != "Shallow":
        raise NotSimulated(f"FindItem with Traversal {request.get('Traversal')}")
    shape = read_shape(call, request.find(M + "ItemShape"))
    view = request.find(M + "CalendarView")
    if view is not None and any(request.find(M + name) is not None for name in ("Restriction", "SortOrder")):
        raise invalid("A CalendarView goes with neither Restriction nor SortOrder.")
    test = read_restriction(call, request.find(M + "Restriction"))
    parents = children(required(request, "ParentFolderIds"))
    return respond(call, (partial(_one, call, shape, test, view, parent) for parent in parents))


def _one(call: Call, shape: Shape, test: Test, view: Element | None, element: Element) -> Element:
    folder = need_folder(call.viewer, folder_at(call, element), call.personality, "read")
    message = success("FindItem")
    if view is not None:
        found, attributes = _in_view(call, folder, view)
    else:
        every = _sorted(call, [item for item in call.store.items_in(folder) if test(item)])
        found, attributes = paged(call, call.request.find(M + "IndexedPageItemView"), every)
        if len(found) > call.rules.find_count_limit:
            found, attributes = _cut(call, found, attributes)
    if call.rules.empty_left_out and not found:
        return message
    items = add(add(message, M + "RootFolder", None, attributes), T + "Items")
    rich = not call.rules.find_strips_rich
    items.extend(cut_texts(item_element(call, shape, item, rich=rich)) for item in found)
    return message


def _cut(call: Call, found: list[Item], attributes: dict[str, str]) -> tuple[list[Item], dict[str, str]]:
    limit = call.rules.find_count_limit
    view = call.request.find(M + "IndexedPageItemView")
    offset = int(view.get("Offset", "0")) if view is not None else 0
    told = {"IndexedPagingOffset": str(offset + limit), "TotalItemsInView": attributes["TotalItemsInView"]}
    return found[:limit], told | {"IncludesLastItemInRange": "false"}


def _in_view(call: Call, folder: Folder, view: Element) -> tuple[list[Item], dict[str, str]]:
    if not folder.is_calendar:
        raise EwsError("ErrorCalendarFolderIsInvalidForCalendarView")
    start, end = call.read_time(view.get("StartDate", "")), call.read_time(view.get("EndDate", ""))
    if end < start:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if end - start > timedelta(days=call.rules.view_limit_days):
        raise EwsError("ErrorCalendarViewRangeTooBig")
    every = call.store.items_in(folder)
    overlapping = [found for item in every for found in _overlapping(call, item, start, end)]
    found = sorted(overlapping, key=lambda item: (item.start, item.number))
    most = view.get("MaxEntriesReturned")
    limit = int(most) if most else len(found)
    if most is None and len(found) > call.rules.find_count_limit:
        raise EwsError("ErrorExceededFindCountLimit")
    if call.limits.page_size is not None:
        limit = min(limit, call.limits.page_size)
    complete = limit >= len(found)
    told = {"TotalItemsInView": str(len(found)), "IncludesLastItemInRange": "true" if complete else "false"}
    return found[:limit], told


def _overlapping(call: Call, item: Item, start: datetime, end: datetime) -> Iterator[Item]:
    """Give what a view shows of an item: itself, or the occurrences of its series."""
    if item.kind != "RecurringMaster":
        if overlaps(item.start, item.end, start, end):
            yield item
        return
    occurrences = series_of(item).in_window(start, end)
    if call.rules.view_expands:
        yield from occurrences
    elif next(occurrences, None):
        yield item


def _sorted(call: Call, items: list[Item]) -> list[Item]:
    """Give the items in the order asked for, newest first without. Source: [D] SortOrder; the default is assumed."""
    order = call.request.find(M + "SortOrder")
    items.sort(key=lambda item: item.number, reverse=True)
    for field_order in reversed(list(children(order))):
        uri = next(children(field_order))
        row = path_of(call, uri) if name_of(uri) == "FieldURI" else None
        if row is None or row.tell is None:
            raise NotSimulated("sorting by such a property")
        tell, told = row.tell, Told(call, rich=False)
        descending = field_order.get("Order") == "Descending"
        items.sort(key=lambda item: str(tell(told, item) or ""), reverse=descending)
    return items
