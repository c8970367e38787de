"""Which index a server gives an occurrence, where deleted ones may not count.

At Exchange a deleted occurrence keeps its index (ErrorCalendarOccurrenceIsDeletedFromRecurrence). Other servers count
only what is left, so that the index of the pattern would name another occurrence there. Which it is shows in what the
server says to each index of a series that has deleted occurrences.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

from bridge.errors import ItemMissing, RequestRefused
from bridge.ews.operations import get_item
from bridge.ews.response_codes import OCCURRENCE_OUT_OF_RANGE
from bridge.ews.xml import Element
from bridge.item import Item

Ask = Callable[[Element], Element]
"""Sends a request, bound to a deadline, and gives its response."""
Indexes = Mapping[int, int | ItemMissing | RequestRefused]
"""For each index of the pattern the server's own; ItemMissing where it is deleted, RequestRefused beyond the end."""


def server_indexes(ask: Ask, master: Item, wanted: Collection[int]) -> Indexes:
    """Find the server's indexes of these occurrences. Asks nothing of a series without deleted ones."""
    if not master.deleted or not wanted:
        return {index: index for index in wanted}
    starts: list[datetime] = []
    for place in _places(ask, master, max(wanted)):
        if isinstance(place, ItemMissing):
            return {index: index for index in wanted}
        if isinstance(place, RequestRefused):
            break
        starts.append(place)
    own = {
        number + sum(deleted < start for deleted in master.deleted): number for number, start in enumerate(starts, 1)
    }
    ends = len(starts) < max(wanted)
    last = len(starts) + len(master.deleted) if ends else max(wanted)
    return {index: own.get(index) or _absent(index, last) for index in wanted}


def _places(ask: Ask, master: Item, last: int) -> Iterator[datetime | ItemMissing | RequestRefused]:
    for begin in range(1, last + 1, get_item.PLACES):
        indexes = range(begin, min(begin + get_item.PLACES, last + 1))
        yield from get_item.read_places(ask(get_item.places_request(master.ref, indexes)), indexes)


def _absent(index: int, last: int) -> ItemMissing | RequestRefused:
    if index <= last:
        return ItemMissing("The occurrence is not at Exchange any more.")
    return RequestRefused("The series has no such occurrence.", OCCURRENCE_OUT_OF_RANGE)
