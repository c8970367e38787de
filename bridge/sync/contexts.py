"""What the mapping must know of a calendar that is served."""

from collections import Counter
from dataclasses import dataclass

from bridge.ids import Path, make_href
from bridge.item import UTC_ZONE, Zone
from bridge.mapping.context import Context
from bridge.model import ServedCalendar
from bridge.resource import Snapshot


@dataclass(frozen=True, slots=True)
class Contexts:
    """Makes contexts; ``zone`` and ``url`` are as in `bridge.sync.store.StoreSettings`."""

    zone: Zone
    url: str

    def of(self, served: ServedCalendar, snapshot: Snapshot) -> Context:
        """Give a calendar's: floating times and new whole days live in the zone that most events are in."""
        timed = [
            listed.index
            for listed in snapshot.resources.values()
            if listed.index.zone_id != UTC_ZONE.id and not listed.index.is_all_day
        ]
        most = Counter(index.zone_id for index in timed).most_common(1)
        zone = next((index.zone for index in timed if index.zone_id == most[0][0]), self.zone)
        url = self.url + make_href(Path(served.calendar.ref.viewer.address, served.name))
        return Context(served.owner, zone, url)
