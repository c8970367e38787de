"""Internet addresses of people whom an item names by the directory's own X.500 name (RoutingType EX).

GetItem mostly tells SMTP addresses, and then nothing is asked. Where it does not, the directory is (ResolveNames, which
takes such a name as an entry), once for each name. What it does not tell stays as it was: an item is read in any case.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from cachetools import LRUCache

from bridge.errors import BridgeError, RequestRefused
from bridge.ews.operations import resolve_names
from bridge.ews.people import has_legacy_address
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.item import Attendee, Item, Person

Ask = Callable[[Element, Deadline], Element]
"""Sends an operation's request and gives the response element."""
MOST_ASKED = 20
"""Names that are asked for in the course of one reading; what is over stays for a later one."""
_MOST = 10_000
_T = TypeVar("_T")


class LegacyNames:
    """The addresses behind X.500 names, asked of Exchange once in a process. Safe to use from many threads."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._lock = Lock()
        self._known: LRUCache[str, str | None] = LRUCache(_MOST)

    def resolved(self, ask: Ask, found: Sequence[_T], deadline: Deadline) -> list[_T]:
        """Give what was read, with addresses of the internet where the directory tells them. Raises nothing.

        It takes at most half of the time that is left.
        """
        names = dict.fromkeys(name for one in found if isinstance(one, Item) for name in _legacy_names(one))
        if not names:
            return list(found)
        self._learn(ask, list(names), Deadline.after(deadline.remaining() / 2))
        with self._lock:
            known = {name: self._known.get(name) for name in names}
        addresses = {name: address for name, address in known.items() if address is not None}
        return [_with_addresses(one, addresses) if isinstance(one, Item) else one for one in found]  # type: ignore[misc]  # an Item for an Item

    def _learn(self, ask: Ask, names: Sequence[str], deadline: Deadline) -> None:
        with self._lock:
            unknown = [name for name in names if name not in self._known]
        for name in unknown[:MOST_ASKED]:
            if deadline.remaining() <= 0:
                return
            try:
                told = resolve_names.read(ask(resolve_names.request(name), deadline))
            except RequestRefused:
                told = ()
            except BridgeError:
                return  # of this moment or this viewer: asked again with the next reading
            with self._lock:
                self._known[name] = told[0].address if len(told) == 1 else None


def _people(item: Item) -> Iterator[Person]:
    if item.organizer is not None:
        yield item.organizer
    for attendee in item.content.attendees:
        yield attendee.person


def _legacy_names(item: Item) -> list[str]:
    return [person.address for person in _people(item) if has_legacy_address(person)]


def _with_addresses(item: Item, addresses: dict[str, str]) -> Item:
    if not any(name in addresses for name in _legacy_names(item)):
        return item

    def person(one: Person) -> Person:
        return replace(one, address=addresses.get(one.address, one.address))

    def attendee(one: Attendee) -> Attendee:
        return replace(one, person=person(one.person))

    attendees = tuple(map(attendee, item.content.attendees))
    organizer = person(item.organizer) if item.organizer is not None else None
    return replace(item, organizer=organizer, content=replace(item.content, attendees=attendees))
