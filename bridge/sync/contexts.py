"""What the mapping must know of a calendar that is served."""

import threading
from collections import Counter

from cachetools import LRUCache

from bridge.ids import Path, make_href
from bridge.item import UTC_ZONE, Zone
from bridge.mapping.context import Context
from bridge.model import CalendarRef, Epoch, Revision, ServedCalendar
from bridge.resource import Snapshot

REMEMBERED = 10_000
"""Calendars whose zone is remembered: a pull that brings nothing then needs no event of theirs."""


class Contexts:
    """Makes contexts. Safe to use from many threads."""

    def __init__(self, zone: Zone, url: str) -> None:
        """Take a zone and a URL as in `bridge.sync.store.StoreSettings`."""
        self._zone = zone
        self._url = url
        self._zones: LRUCache[CalendarRef, tuple[Epoch, Revision, Zone]] = LRUCache(REMEMBERED)
        self._lock = threading.Lock()

    def of(self, served: ServedCalendar, snapshot: Snapshot) -> Context:
        """Give a calendar's: floating times and new whole days live in the zone that most events are in."""
        with self._lock:
            epoch, revision, zone = self._zones.get(snapshot.ref) or (None, None, self._zone)
        if (epoch, revision) != (snapshot.epoch, snapshot.revision):
            zone = self._most_used(snapshot)
            with self._lock:
                self._zones[snapshot.ref] = (snapshot.epoch, snapshot.revision, zone)
        url = self._url + make_href(Path(served.calendar.ref.viewer.address, served.name))
        return Context(served.owner, zone, url)

    def _most_used(self, snapshot: Snapshot) -> Zone:
        timed = [
            listed.index
            for listed in snapshot.resources.values()
            if listed.index.zone_id != UTC_ZONE.id and not listed.index.is_all_day
        ]
        most = Counter(index.zone_id for index in timed).most_common(1)
        return next((index.zone for index in timed if index.zone_id == most[0][0]), self._zone)
