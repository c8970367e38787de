"""Calendars held decoded in memory, while the database says that nothing was written to them since."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from weakref import WeakValueDictionary

from cachetools import LRUCache

from bridge.model import CalendarRef, Epoch, Name, Revision, Viewer
from bridge.resource import Listed


@dataclass(frozen=True, slots=True)
class Held:
    """A calendar's resources as of one serial of one epoch."""

    epoch: Epoch
    serial: int
    revision: Revision
    resources: Mapping[Name, Listed]
    size: int

    def advance(self, serial: int, revision: Revision, changed: Iterable[Listed], removed: Iterable[Name]) -> "Held":
        """Give what it is once these resources have changed and these names are gone; it shares the rest with this."""
        resources, size = dict(self.resources), self.size
        for name in removed:
            listed = resources.pop(name, None)
            size -= _size_of(listed) if listed is not None else 0
        for listed in changed:
            former = resources.get(listed.name)
            resources[listed.name] = listed
            size += _size_of(listed) - (_size_of(former) if former is not None else 0)
        return Held(self.epoch, serial, revision, MappingProxyType(resources), size)


def empty(epoch: Epoch) -> Held:
    """Give a calendar of which nothing was loaded yet."""
    return Held(epoch, -1, Revision(-1), MappingProxyType({}), 0)


class _Gate:
    """A lock that goes when nobody holds on to it."""

    __slots__ = ("__weakref__", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Snapshots:
    """The calendars of one process, those least recently asked for going first. Safe to share between threads."""

    def __init__(self, memory: int) -> None:
        """Take how many bytes may be held, by estimate."""
        self._memory = memory
        self._held: LRUCache[CalendarRef, Held] = LRUCache(maxsize=memory, getsizeof=lambda held: held.size)
        self._gates: WeakValueDictionary[CalendarRef, _Gate] = WeakValueDictionary()
        self._lock = threading.Lock()

    def get(self, ref: CalendarRef) -> Held | None:
        """Give what is held of the calendar, however old."""
        with self._lock:
            return self._held.get(ref)

    def put(self, ref: CalendarRef, held: Held) -> None:
        """Hold this; a calendar larger than all the memory is not held."""
        with self._lock:
            if held.size <= self._memory:
                self._held[ref] = held
            else:
                self._held.pop(ref, None)

    def forget(self, viewer: Viewer) -> None:
        """Let go of all calendars of a viewer."""
        with self._lock:
            for ref in [ref for ref in self._held if ref.viewer == viewer]:
                del self._held[ref]

    def gate(self, ref: CalendarRef) -> _Gate:
        """Give the gate through which one thread at a time loads the calendar; keep it while its lock is used."""
        with self._lock:
            return self._gates.setdefault(ref, _Gate())


def _size_of(listed: Listed) -> int:
    """Estimate the memory of one resource in bytes; a test compares it with what Python says."""
    strings = len(listed.name) + len(listed.uid) + len(listed.etag)
    return 750 + strings + sum(200 + len(ref.id) + len(ref.change_key) for ref in listed.items)
