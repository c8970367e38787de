"""The rules of a time zone that an item brings along: the nouns.

Named after nothing of EWS, which writes them as TimeZoneDefinition. Offsets are seconds east of Greenwich. Exchange
stores what fits into a TZRULE of MS-OXOCAL 2.2.1.41.1: eras that begin with a year, two changes a year at most.
"""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of the clock that comes every year, to ``offset`` from then on.

    It comes on ``day`` of the month, or where that is None on the ``position``-th ``weekday`` of it: Monday is 0, 1 to
    4 count from the month's beginning, and -1 is the last. ``seconds`` after midnight, 86400 at most, is when, by the
    clock before the change.
    """

    month: int
    seconds: int
    offset: int
    is_daylight: bool = False
    weekday: int = 0
    position: int = -1
    day: int | None = None


@dataclass(frozen=True, slots=True)
class ZoneEra:
    """The rules from a day on: at midnight of ``since``, or ``since_seconds`` later, by the clock before.

    Without changes the clock shows ``offset``. With some, an era begins with the one that came last in its year, or
    with the last of the year where none has come yet. ``since`` is None for what was always so.
    """

    offset: int
    changes: tuple[ClockChange, ...] = ()
    since: date | None = None
    since_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ZoneDefinition:
    """The rules of a zone, each era good until the next one; ``name`` is for people and tells nothing apart."""

    eras: tuple[ZoneEra, ...]
    name: str = field(default="", compare=False)
