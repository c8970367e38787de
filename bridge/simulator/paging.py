"""Pages of FindItem and FindFolder. Source: [D] IndexedPageItemView; [V] IndexedPagingOffset only when more follows."""

from collections.abc import Sequence
from typing import TypeVar

from bridge.simulator.call import Call
from bridge.simulator.trouble import invalid
from bridge.simulator.xml import Element

Thing = TypeVar("Thing")


def paged(call: Call, view: Element | None, found: Sequence[Thing]) -> tuple[list[Thing], dict[str, str]]:
    """Give a page of what was found, as an IndexedPageView asks (None: everything), and the page's attributes."""
    offset, most, from_end = 0, len(found), False
    if view is not None:
        from_end = view.get("BasePoint") == "End"
        try:
            offset, most = int(view.get("Offset", "0")), int(view.get("MaxEntriesReturned", str(len(found))))
        except ValueError as cause:
            raise invalid("Offset and MaxEntriesReturned are numbers.") from cause
    if call.limits.page_size is not None:
        most = min(most, call.limits.page_size)
    if from_end:
        last = max(len(found) - offset, 0)
        first = max(last - most, 0)
        page, following, complete = list(found[first:last]), len(found) - first, first == 0
    else:
        page = list(found[offset : offset + most])
        following, complete = offset + len(page), offset + most >= len(found)
    attributes = {} if complete or view is None else {"IndexedPagingOffset": str(following)}
    attributes["TotalItemsInView"] = str(len(found))
    attributes["IncludesLastItemInRange"] = "true" if complete else "false"
    return page, attributes
