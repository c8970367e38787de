"""Reading a C:filter (RFC 4791 9.7). What breaks the grammar is valid-filter; what is not done, supported-filter.

Nothing is skipped: a filter of which a part is not looked at gives a wrong answer.
"""

from lxml import etree

from bridge.dav.collations import COLLATIONS
from bridge.dav.filters import ComponentFilter, Filter, ParameterFilter, PropertyFilter, TextMatch
from bridge.dav.refusals import NotServed
from bridge.dav.time_range import TimeRange, parse_time_range
from bridge.dav.xml import CALDAV, children

_TIMED = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
_IN_CALENDAR = _TIMED | {"VTIMEZONE"}
_DATES = frozenset({"COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED", "RECURRENCE-ID"})
"""Properties whose one value is a date or a time."""


def parse_filter(element: etree._Element | None) -> Filter:
    """Read a C:filter. Raises NotServed (403): valid-filter, supported-filter or supported-collation."""
    roots = [] if element is None else children(element)
    if len(roots) != 1 or roots[0].tag != f"{CALDAV}comp-filter" or roots[0].get("name", "").upper() != "VCALENDAR":
        raise _invalid("A filter holds one comp-filter, named VCALENDAR.")
    calendar = _component_filter(roots[0], frozenset({"VCALENDAR"}), _IN_CALENDAR)
    if calendar.time_range is not None:
        raise _invalid("VCALENDAR itself has no time range; it belongs into the comp-filter of a component.")
    if calendar.is_absent:
        raise _invalid("Every resource here has a VCALENDAR.")
    return Filter(calendar.components, calendar.properties)


def _component_filter(element: etree._Element, known: frozenset[str], inside: frozenset[str]) -> ComponentFilter:
    name = _name(element).upper()
    if name not in known:
        raise _unsupported("Filters by this component are not supported here.")
    _check_test(element)
    parts = _parts(element)
    if parts.is_absent:
        return ComponentFilter(name, is_absent=True)
    if parts.match is not None or parts.parameters:
        raise _invalid("text-match and param-filter belong into a prop-filter.")
    if name == "VALARM" and parts.time_range is not None and None in {parts.time_range.start, parts.time_range.end}:
        raise _unsupported("A time range of alarms has a start and an end.")
    if name == "VTIMEZONE" and parts.time_range is not None:
        raise _unsupported("A time zone has no time range.")
    below = frozenset({"VALARM"}) if name in _TIMED else frozenset()
    nested = tuple(
        _component_filter(each, inside if name == "VCALENDAR" else below, below) for each in parts.components
    )
    return ComponentFilter(
        name,
        time_range=parts.time_range,
        properties=tuple(_property_filter(each) for each in parts.properties),
        components=nested,
    )


def _property_filter(element: etree._Element) -> PropertyFilter:
    name = _name(element).upper()
    _check_test(element)
    parts = _parts(element)
    if parts.is_absent:
        return PropertyFilter(name, is_absent=True)
    if parts.properties or parts.components:
        raise _invalid("A prop-filter holds a time-range or a text-match, and param-filters.")
    if parts.time_range is not None and parts.match is not None:
        raise _invalid("A prop-filter has a time-range or a text-match, not both.")
    if parts.time_range is not None and name not in _DATES:
        raise _unsupported("A time range is supported on properties that are a date or a time.")
    return PropertyFilter(
        name,
        time_range=parts.time_range,
        match=parts.match,
        parameters=tuple(_parameter_filter(each) for each in parts.parameters),
    )


def _parameter_filter(element: etree._Element) -> ParameterFilter:
    name = _name(element).upper()
    parts = _parts(element)
    if parts.properties or parts.components or parts.parameters or parts.time_range is not None:
        raise _invalid("A param-filter holds is-not-defined or a text-match.")
    return ParameterFilter(name, parts.is_absent, parts.match)


class _Parts:
    """What stands in an element of a filter."""

    def __init__(self) -> None:
        self.is_absent = False
        self.time_range: TimeRange | None = None
        self.match: TextMatch | None = None
        self.properties: list[etree._Element] = []
        self.components: list[etree._Element] = []
        self.parameters: list[etree._Element] = []


def _parts(element: etree._Element) -> _Parts:
    parts = _Parts()
    inside = children(element)
    for child in inside:
        match str(child.tag).removeprefix(CALDAV):
            case "is-not-defined":
                if len(inside) > 1:
                    raise _invalid("is-not-defined stands alone.")
                parts.is_absent = True
            case "time-range":
                if parts.time_range is not None:
                    raise _invalid("There is one time-range in an element.")
                parts.time_range = parse_time_range(child)
            case "text-match":
                if parts.match is not None:
                    raise _invalid("There is one text-match in an element.")
                parts.match = _text_match(child)
            case "prop-filter":
                parts.properties.append(child)
            case "comp-filter":
                parts.components.append(child)
            case "param-filter":
                parts.parameters.append(child)
            case _:
                raise _unsupported(f"{etree.QName(child).localname} is not supported in a filter.")
    return parts


def _text_match(element: etree._Element) -> TextMatch:
    collation = COLLATIONS.get(element.get("collation", "i;ascii-casemap"))
    negated = element.get("negate-condition", "no")
    if collation is None:
        raise NotServed(403, "This collation is not supported.", "<C:supported-collation/>")
    if negated not in {"yes", "no"}:
        raise _invalid("negate-condition is yes or no.")
    if element.get("match-type", "contains") != "contains":
        raise _unsupported("Only text-match by a part of the text is supported.")
    return TextMatch(element.text or "", collation, negated == "yes")


def _name(element: etree._Element) -> str:
    name = element.get("name", "").strip()
    if not name:
        raise _invalid(f"A {etree.QName(element).localname} has a name.")
    return name


def _check_test(element: etree._Element) -> None:
    if element.get("test", "allof") != "allof":
        raise _unsupported("Only filters of which every part must hold are supported.")


def _invalid(sentence: str) -> NotServed:
    return NotServed(403, sentence, "<C:valid-filter/>")


def _unsupported(sentence: str) -> NotServed:
    return NotServed(403, sentence, "<C:supported-filter/>")
