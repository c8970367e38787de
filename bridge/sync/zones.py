"""What the server says of its zones, asked for when a series is written in one, and once in a process."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from cachetools import LRUCache

from bridge.exchange import Deadline, Exchange
from bridge.item import UTC_ZONE
from bridge.mapping.calendar_object import CalendarObject
from bridge.mapping.context import Context, ServerZones
from bridge.mapping.series_zone import zone_asked_for
from bridge.model import Caller
from bridge.zone_definition import ZoneDefinition

CALL = 10.0
"""Seconds for one question."""
YEARS_AHEAD = 5
"""For so many years a series without end is held against the server's rules."""
_MOST = 1000
"""Zones that are remembered; there are some hundred and forty."""


class Zones:
    """Asks the server of one organisation for its rules, which are nobody's secret. Thread-safe."""

    def __init__(self, exchange: Exchange, now: Callable[[], datetime]) -> None:
        """Take the back end, and a clock that gives UTC."""
        self._exchange = exchange
        self._now = now
        self._lock = Lock()
        self._told: LRUCache[str, ZoneDefinition | None] = LRUCache(_MOST)

    def known_for(self, caller: Caller, obj: CalendarObject, context: Context) -> ServerZones:
        """Give what must be known of the server's zones to write this object. Raises Unavailable."""
        until = self._now().year + YEARS_AHEAD
        zone = zone_asked_for(obj, context)
        if zone is None:
            return ServerZones(until=until)
        if not self._exchange.capabilities(caller, Deadline.after(CALL)).defines_zones:
            return ServerZones(until=until, defines_zones=False)
        if zone == UTC_ZONE or zone.definition is not None:
            return ServerZones(until=until)
        return ServerZones({zone.id: self._ask(caller, zone.id)}, until)

    def _ask(self, caller: Caller, id_: str) -> ZoneDefinition | None:
        with self._lock:
            if id_ in self._told:
                known: ZoneDefinition | None = self._told[id_]
                return known
        told = self._exchange.zone(caller, id_, Deadline.after(CALL))
        with self._lock:
            self._told[id_] = told
        return told
