"""An item's time zones as EWS carries them: a Windows id, and the rules (TimeZoneDefinitionType of types.xsd).

Biases are what is added to the clock's time to get UTC. Exchange writes the end of a day as its last millisecond.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache

from lxml import etree

from bridge.ews.xml import TYPES, Element, find_type, text_element, type_element, type_text
from bridge.item import UTC_ZONE, Zone
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zone_rules import agree
from bridge.zones import to_custom, to_rules, to_windows

_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_POSITIONS = {1: 1, 2: 2, 3: 3, 4: 4, 5: -1, -1: -1}
"""Occurrence, counted from a month's beginning; the last is -1, as Exchange has it, or 5, as Windows has it."""
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?")
_DAY_SECONDS = 86400
_END_OF_DAY = "PT23H59M59.999S"


class DefinitionNotUnderstood(ValueError):
    """A definition of a zone that makes no sense, or has what no zone of Exchange's has."""


@lru_cache(maxsize=512)
def _known(id_: str) -> Zone | None:
    return to_windows(id_)


# --- from Exchange -----------------------------------------------------------------------------------


def from_zone(element: Element) -> Zone:
    """Read StartTimeZone or EndTimeZone (TimeZoneDefinitionType).

    A known id is told in its one Windows form (``tzone://Microsoft/Utc`` is ``UTC``), without the rules that came with
    it: `with_rules` has those. Another has its rules, where they make sense.
    """
    id_ = (element.get("Id") or "").strip()
    known = _known(id_) if id_ else None
    if known is not None:
        return known
    definition = _definition_of(element)
    if definition is None:
        return Zone(id_) if id_ else UTC_ZONE
    return Zone(id_, definition) if id_ else to_custom(definition)


def with_rules(zone: Zone, element: Element, first_year: int, last_year: int) -> Zone:
    """Give a zone of a known id with the rules that came with it, where these are others than ours in some year."""
    ours = to_rules(zone)
    definition = _definition_of(element) if zone.definition is None and ours is not None else None
    if definition is None or ours is None:
        return zone
    told = Zone(zone.id, definition)
    theirs = to_rules(told)
    return zone if theirs is None or agree(ours, theirs, first_year, last_year) else told


def from_definition(element: Element) -> ZoneDefinition:
    """Read the rules of a TimeZoneDefinitionType. Raises DefinitionNotUnderstood."""
    try:
        return ZoneDefinition(tuple(_eras(element)), element.get("Name") or "")
    except (ValueError, LookupError, OverflowError) as error:
        raise DefinitionNotUnderstood("a time zone's rules make no sense") from error


def _definition_of(element: Element) -> ZoneDefinition | None:
    periods = find_type(element, "Periods")
    return None if periods is None or len(periods) == 0 else _read(etree.tostring(element, with_tail=False))


@lru_cache(maxsize=256)
def _read(text: bytes) -> ZoneDefinition | None:
    """Read what `from_definition` reads, once for all items that bring the same."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return from_definition(etree.fromstring(text, parser))
    except DefinitionNotUnderstood:
        return None


def _eras(element: Element) -> Iterator[ZoneEra]:
    offsets = {
        period.get("Id"): -from_duration(period.get("Bias") or "PT0S") for period in _children(element, "Periods")
    }
    summers = {one.get("Id") for one in _children(element, "Periods") if one.get("Name") == "Daylight"}
    groups = {group.get("Id"): list(group) for group in _children(element, "TransitionsGroups")}
    transitions = _children(element, "Transitions")
    if not offsets:
        raise ValueError("no periods")
    if not transitions:
        yield ZoneEra(next(iter(offsets.values())))
        return
    for transition in transitions:
        since, since_seconds = _since(transition)
        kind, target = _target(transition)
        if kind == "Period":
            yield ZoneEra(offsets[target], (), since, since_seconds)
            continue
        members = groups[target]
        yearly = tuple(_change(one, offsets, summers) for one in members if _name(one) != "Transition")
        standard = [one.offset for one in yearly if not one.is_daylight]
        first = standard[0] if standard else offsets[_target(members[0])[1]]
        yield ZoneEra(first, yearly, since, since_seconds)


def _since(transition: Element) -> tuple[date | None, int]:
    """Give the day from which on, and the seconds after its midnight."""
    if _name(transition) != "AbsoluteDateTransition":
        return None, 0
    begins = datetime.fromisoformat(type_text(transition, "DateTime").strip()).replace(tzinfo=None)
    return begins.date(), begins.hour * 3600 + begins.minute * 60 + begins.second


def _children(element: Element, name: str) -> list[Element]:
    found = find_type(element, name)
    return [] if found is None else list(found.iterchildren(f"{{{TYPES}}}*"))


def _name(element: Element) -> str:
    return etree.QName(element).localname


def _target(transition: Element) -> tuple[str, str]:
    to = find_type(transition, "To")
    if to is None or not to.text:
        raise ValueError("a transition to nothing")
    return to.get("Kind") or "", to.text.strip()


def _change(transition: Element, offsets: dict[str | None, int], summers: set[str | None]) -> ClockChange:
    target = _target(transition)[1]
    seconds = from_duration(type_text(transition, "TimeOffset"))
    month = int(type_text(transition, "Month"))
    if not 0 <= seconds <= _DAY_SECONDS or not 1 <= month <= 12:
        raise ValueError("a change at no time of the year")
    if _name(transition) == "RecurringDateTransition":
        day = int(type_text(transition, "Day"))
        if not 1 <= day <= 31:
            raise ValueError("a change on no day of a month")
        return ClockChange(month, seconds, offsets[target], target in summers, day=day)
    weekday = _WEEK.index(type_text(transition, "DayOfWeek").strip())
    position = _POSITIONS[int(type_text(transition, "Occurrence"))]
    return ClockChange(month, seconds, offsets[target], target in summers, weekday, position)


def from_duration(text: str) -> int:
    """Read an xs:duration of days and smaller in seconds, a begun one as whole: so the end of a day is midnight.

    Raises ValueError.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError("no duration")
    days, hours, minutes, seconds = (int(part or 0) for part in found.group(2, 3, 4, 5))
    whole = days * _DAY_SECONDS + hours * 3600 + minutes * 60 + seconds + bool((found[6] or "").strip("0"))
    return -whole if found[1] else whole


# --- to Exchange -------------------------------------------------------------------------------------


def to_zone(name: str, zone: Zone) -> Element:
    """Make StartTimeZone or EndTimeZone: the id alone, which Exchange knows (2010 and newer), or with the rules."""
    if zone.definition is None:
        return type_element(name, Id=zone.id)
    eras = list(enumerate(zone.definition.eras))
    return type_element(
        name,
        type_element("Periods", *(period for number, era in eras for period in _to_periods(number, era))),
        type_element("TransitionsGroups", *(_to_group(number, era) for number, era in eras)),
        type_element("Transitions", *(_to_transition(number, era) for number, era in eras)),
        Id=zone.id,
        Name=zone.definition.name or zone.id,
    )


def _to_periods(number: int, era: ZoneEra) -> Iterator[Element]:
    for is_daylight, offset in dict.fromkeys(map(_period, era.changes)) or [(False, era.offset)]:
        name = "Daylight" if is_daylight else "Standard"
        id_ = _period_id(number, offset, is_daylight=is_daylight)
        yield type_element("Period", Bias=_to_duration(-offset), Name=name, Id=id_)


def _period(change: ClockChange) -> tuple[bool, int]:
    return change.is_daylight, change.offset


def _period_id(number: int, offset: int, *, is_daylight: bool = False) -> str:
    return f"{number}-{'Daylight' if is_daylight else 'Standard'}{offset:+}"


def _to_group(number: int, era: ZoneEra) -> Element:
    group = type_element("TransitionsGroup", Id=str(number))
    if not era.changes:
        group.append(type_element("Transition", text_element("To", _period_id(number, era.offset), Kind="Period")))
    for one in era.changes:
        head = (
            text_element("To", _period_id(number, one.offset, is_daylight=one.is_daylight), Kind="Period"),
            text_element("TimeOffset", _END_OF_DAY if one.seconds == _DAY_SECONDS else _to_duration(one.seconds)),
            text_element("Month", str(one.month)),
        )
        if one.day is not None:
            group.append(type_element("RecurringDateTransition", *head, text_element("Day", str(one.day))))
            continue
        day = text_element("DayOfWeek", _WEEK[one.weekday])
        group.append(type_element("RecurringDayTransition", *head, day, text_element("Occurrence", str(one.position))))
    return group


def _to_transition(number: int, era: ZoneEra) -> Element:
    to = text_element("To", str(number), Kind="Group")
    if era.since is None:
        return type_element("Transition", to)
    hours, rest = divmod(era.since_seconds, 3600)
    begins = datetime.combine(era.since, time(hours, rest // 60, rest % 60))
    return type_element("AbsoluteDateTransition", to, text_element("DateTime", begins.isoformat()))


def _to_duration(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (left, "S"))
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    return f"{'-' if seconds < 0 else ''}PT{text or '0S'}"
