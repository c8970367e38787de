"""C:calendar-data in a report (RFC 4791 9.6): in which form a resource's text is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from bridge.dav.expand import expand, limit_recurrence_set
from bridge.dav.partial import Choice, cut, parse_choice
from bridge.dav.refusals import NotServed, bad_request
from bridge.dav.time_range import TimeRange, parse_window
from bridge.dav.xml import CALDAV, children
from bridge.occurrences import Occurrence
from bridge.resource import IndexRecord


@dataclass(frozen=True, slots=True)
class CalendarData:
    """A form of calendar data: ``expanded`` or ``limited`` to a range, and a choice of what is in it."""

    expanded: TimeRange | None = None
    limited: TimeRange | None = None
    choice: Choice | None = None

    @property
    def needs_times(self) -> bool:
        """Whether the times of the resource must be those of its text."""
        return self.expanded is not None or self.limited is not None

    def make(self, text: bytes, record: IndexRecord, occurrences: Sequence[Occurrence]) -> bytes:
        """Give a resource's text in this form; ``occurrences`` are those in the range of ``expanded``."""
        if self.expanded is not None:
            text = expand(text, record, occurrences)
        elif self.limited is not None:
            text = limit_recurrence_set(text, record, self.limited)
        return text if self.choice is None else cut(text, self.choice)


WHOLE = CalendarData()
"""The text as it is."""


def parse_calendar_data(element: etree._Element | None) -> CalendarData:
    """Read a C:calendar-data; None stands for the text as it is.

    Raises NotServed: 403 supported-calendar-data for another type or version, 400 where it breaks the grammar.
    limit-freebusy-set is read and has no effect: there are no VFREEBUSY resources here.
    """
    if element is None:
        return WHOLE
    kind, version = element.get("content-type", "text/calendar"), element.get("version", "2.0")
    if kind.lower() != "text/calendar" or version != "2.0":
        raise NotServed(403, "Calendar data are served as text/calendar 2.0.", "<C:supported-calendar-data/>")
    found: dict[str, etree._Element] = {}
    for child in children(element):
        name = str(child.tag).removeprefix(CALDAV)
        if name not in {"comp", "expand", "limit-recurrence-set", "limit-freebusy-set"} or name in found:
            raise bad_request("A calendar-data holds at most one of each of its elements.")
        found[name] = child
    if {"expand", "limit-recurrence-set"} <= found.keys():
        raise bad_request("A calendar-data holds expand or limit-recurrence-set, not both.")
    windows = {name: TimeRange(*parse_window(child)) for name, child in found.items() if name != "comp"}
    choice = parse_choice(found["comp"]) if "comp" in found else None
    return CalendarData(windows.get("expand"), windows.get("limit-recurrence-set"), choice)
