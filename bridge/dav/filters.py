"""The filter of a calendar-query (RFC 4791 9.7), over index records: no iCalendar is parsed.

Done: components, their absence, time ranges, and the UID. All else is refused with CALDAV:supported-filter, since a
filter that is skipped gives a wrong answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from bridge.dav.refusals import NotServed
from bridge.dav.xml import CALDAV, children
from bridge.model import IndexRecord, Listed

_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
_ALL_COLLATIONS = frozenset({"i;ascii-casemap", "i;octet"})
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start`` until before ``end``, UTC; None is open."""

    start: datetime | None
    end: datetime | None

    def overlaps(self, record: IndexRecord) -> bool:
        """Say whether an event is in the range, by RFC 4791 9.9's table for VEVENT.

        An event of no length is in the range when it begins there; the range's first instant counts. Days and
        floating times are taken at the record's instants.
        """
        if self.end is not None and record.start >= self.end:
            return False
        if self.start is None:
            return True
        return record.end > self.start or record.start == record.end == self.start


@dataclass(frozen=True, slots=True)
class UidMatch:
    """A text-match on UID (RFC 4791 9.7.5): a part of it, compared by octets or without regard to ASCII case."""

    part: str
    ignores_case: bool
    is_negated: bool

    def holds(self, uid: str) -> bool:
        """Say whether the UID matches."""
        if self.ignores_case:
            return (self.part.translate(_ASCII_LOWER) in uid.translate(_ASCII_LOWER)) != self.is_negated
        return (self.part in uid) != self.is_negated


@dataclass(frozen=True, slots=True)
class ComponentFilter:
    """One comp-filter below VCALENDAR. ``is_absent``: the component is not defined."""

    component: str
    is_absent: bool = False
    time_range: TimeRange | None = None
    uids: tuple[UidMatch, ...] = ()

    def holds(self, listed: Listed) -> bool:
        """Say whether the resource passes."""
        if listed.index.component != self.component:
            return self.is_absent
        if self.is_absent or (self.time_range is not None and not self.time_range.overlaps(listed.index)):
            return False
        return all(match.holds(listed.uid) for match in self.uids)


@dataclass(frozen=True, slots=True)
class Filter:
    """A whole filter: every part must hold."""

    parts: tuple[ComponentFilter, ...]

    def holds(self, listed: Listed) -> bool:
        """Say whether the resource passes."""
        return all(part.holds(listed) for part in self.parts)


def parse_filter(element: etree._Element | None) -> Filter:
    """Read a C:filter. Raises NotServed: valid-filter where it breaks the grammar, supported-filter where we cannot."""
    roots = [] if element is None else children(element)
    if len(roots) != 1 or roots[0].tag != f"{CALDAV}comp-filter" or roots[0].get("name", "").upper() != "VCALENDAR":
        raise _invalid("A filter holds one comp-filter, named VCALENDAR.")
    parts = []
    for child in children(roots[0]):
        if child.tag == f"{CALDAV}time-range":
            raise _invalid("VCALENDAR itself has no time range; it belongs into the comp-filter of a component.")
        if child.tag != f"{CALDAV}comp-filter":
            raise _unsupported(f"{etree.QName(child).localname} is not supported on VCALENDAR.")
        parts.append(_component_filter(child))
    return Filter(tuple(parts))


def _component_filter(element: etree._Element) -> ComponentFilter:
    component = element.get("name", "").upper()
    if not component:
        raise _invalid("A comp-filter has a name.")
    if component not in _COMPONENTS:
        raise _unsupported("Filters by this component are not supported; VEVENT is.")
    if element.get("test", "allof") != "allof":
        raise _unsupported("Only filters of which every part must hold are supported.")
    inside = children(element)
    if any(child.tag == f"{CALDAV}is-not-defined" for child in inside):
        if len(inside) > 1:
            raise _invalid("is-not-defined stands alone.")
        return ComponentFilter(component, is_absent=True)
    time_range: TimeRange | None = None
    uids: list[UidMatch] = []
    for child in inside:
        if child.tag == f"{CALDAV}time-range":
            if time_range is not None:
                raise _invalid("A comp-filter has one time-range.")
            time_range = _time_range(child)
        elif child.tag == f"{CALDAV}prop-filter":
            uids += _uid_filter(child)
        else:
            raise _unsupported(f"{etree.QName(child).localname} is not supported inside {component}.")
    return ComponentFilter(component, time_range=time_range, uids=tuple(uids))


def _uid_filter(element: etree._Element) -> list[UidMatch]:
    name = element.get("name", "").upper()
    if not name:
        raise _invalid("A prop-filter has a name.")
    if name != "UID":
        raise _unsupported("Filters by properties other than UID are not supported.")
    matches = []
    for child in children(element):
        if child.tag != f"{CALDAV}text-match":
            raise _unsupported(f"{etree.QName(child).localname} is not supported on UID; text-match is.")
        matches.append(_text_match(child))
    return matches


def _text_match(element: etree._Element) -> UidMatch:
    collation = element.get("collation", "i;ascii-casemap")
    negated = element.get("negate-condition", "no")
    if collation not in _ALL_COLLATIONS:
        raise NotServed(403, "This collation is not supported.", "<C:supported-collation/>")
    if negated not in {"yes", "no"}:
        raise _invalid("negate-condition is yes or no.")
    if element.get("match-type", "contains") != "contains":
        raise _unsupported("Only text-match by a part of the text is supported.")
    return UidMatch(element.text or "", collation == "i;ascii-casemap", negated == "yes")


def _time_range(element: etree._Element) -> TimeRange:
    start, end = _instant(element.get("start")), _instant(element.get("end"))
    if start is None and end is None:
        raise _invalid("A time-range has a start, an end, or both.")
    if start is not None and end is not None and start >= end:
        raise _invalid("The end of a time-range is after its start.")
    return TimeRange(start, end)


def _instant(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _invalid("The ends of a time-range are UTC times, written as 20260131T120000Z.") from None


def _invalid(sentence: str) -> NotServed:
    return NotServed(403, sentence, "<C:valid-filter/>")


def _unsupported(sentence: str) -> NotServed:
    return NotServed(403, sentence, "<C:supported-filter/>")
