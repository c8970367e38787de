"""free-busy-query on a calendar (RFC 4791 7.10), and on a person, as Evolution asks."""

from datetime import UTC, datetime

from bridge.dav.refusals import NotServed
from bridge.dav.report_bodies import FreeBusyQuery
from bridge.dav.response import FREE_BUSY, Response
from bridge.errors import ExchangeFailed, NotPermitted
from bridge.freebusy.busy_time import LONGEST
from bridge.freebusy.vfreebusy import to_vfreebusy
from bridge.model import NoAvailability
from bridge.storage_plugin.visit import Visit


def free_busy(visit: Visit, wanted: FreeBusyQuery) -> Response:
    """Answer with one VFREEBUSY. Nobody is said to be free of whom Exchange does not tell."""
    _ = visit.request.depth  # refuses what is none
    start, end = wanted.start, wanted.end
    if end - start > LONGEST:
        raise NotServed(
            403, f"At most {LONGEST.days} days are answered at once.", "<D:number-of-matches-within-limits/>"
        )
    person = visit.path.principal if visit.path.calendar is None else None
    busy = visit.busy(start, end) if person is None else visit.busy_person(person, start, end)
    if isinstance(busy, NoAvailability):
        whose = "this calendar belongs to" if person is None else "is asked about"
        if busy.is_unknown:
            raise NotServed(403, f"Exchange does not know the mailbox that {whose}.")
        if not busy.is_refused:
            raise ExchangeFailed("Exchange cannot tell at this moment when this person is busy.")
        raise NotPermitted("Exchange does not tell you when this person is busy.", "read-free-busy")
    headers = {"Content-Type": FREE_BUSY, **({} if busy.asked_at is None else visit.age_of(busy.asked_at))}
    return Response(200, headers, to_vfreebusy(busy.blocks, start, end, datetime.now(UTC)))
