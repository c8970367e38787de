"""An item's time zone as Exchange 2007 carries it: one for both ends, by its Windows name, with its rules of a year.

MeetingTimeZone (TimeZoneType). Offsets there are what must be added to local time to give UTC, so Berlin's base is
``-PT60M``. Newer servers know StartTimeZone and EndTimeZone instead; see `times`.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from lxml import etree

from bridge.errors import RequestRefused
from bridge.ews.recurrence import to_pattern
from bridge.ews.xml import TYPES, Element, text_element, type_element
from bridge.item import UTC_ZONE, Day, Position, RelativeYearly, Zone
from bridge.zones import to_iana, to_windows

_TAG = f"{{{TYPES}}}MeetingTimeZone"
_POSITIONS = tuple(Position)
_DAYS = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Change:
    """When a year's clock changes, by the clock before the change, and the offset from UTC after it."""

    local: datetime
    offset: timedelta


def from_meeting_zone(element: Element | None, text: str | None) -> Zone:
    """Read MeetingTimeZone, and where it tells nothing, calendar:TimeZone, the zone's name for people.

    A name that is not known keeps its rules as they came, so that they can be written back.
    """
    name = (element.get("TimeZoneName") or "").strip() if element is not None else ""
    shown = (text or "").strip()
    for told in (name, shown):
        known = _known(told) if told else None
        if known is not None:
            return known
    if element is not None and len(element):
        return Zone(name or shown or "MeetingTimeZone", etree.tostring(element, encoding="unicode", with_tail=False))
    return Zone(name or shown) if name or shown else UTC_ZONE


@lru_cache(maxsize=512)
def _known(name: str) -> Zone | None:
    return to_windows(name)


def to_meeting_zone(zone: Zone, start: datetime) -> Element:
    """Make MeetingTimeZone for an event that starts then. Raises RequestRefused for a zone without known rules.

    Rules that are not two changes a year go without saying: the server looks the name up.
    """
    if zone.definition is not None:
        element = etree.fromstring(zone.definition, etree.XMLParser(resolve_entities=False, no_network=True))
        if element.tag == _TAG:
            return element
    rules = to_iana(zone)
    if rules is None:
        raise RequestRefused("This version of Exchange is not told of the event's time zone.", "ErrorTimeZone")
    return type_element(
        "MeetingTimeZone", *_rules(rules, start.astimezone(rules).year), TimeZoneName=zone.id or UTC_ZONE.id
    )


def _rules(rules: tzinfo, year: int) -> list[Element]:
    changes = _changes(rules, year)
    if not changes:
        return [_duration("BaseOffset", -_offset(rules, datetime(year, 1, 1, tzinfo=UTC)))]
    if len(changes) != 2:
        return []
    standard, daylight = sorted(changes, key=lambda change: change.offset)
    return [
        _duration("BaseOffset", -standard.offset),
        _time_change("Standard", standard, timedelta()),
        _time_change("Daylight", daylight, standard.offset - daylight.offset),
    ]


def _time_change(name: str, change: _Change, offset: timedelta) -> Element:
    local = change.local
    is_last = local.day + 7 > monthrange(local.year, local.month)[1]
    position = Position.LAST if is_last else _POSITIONS[(local.day - 1) // 7]
    yearly = to_pattern(RelativeYearly(local.month, _DAYS[local.weekday()], position))
    return type_element(name, _duration("Offset", offset), yearly, text_element("Time", f"{local:%H:%M:%S}"))


def _duration(name: str, length: timedelta) -> Element:
    minutes = round(length / _MINUTE)
    return text_element(name, f"{'-' if minutes < 0 else ''}PT{abs(minutes)}M")


@lru_cache(maxsize=512)
def _changes(rules: tzinfo, year: int) -> tuple[_Change, ...]:
    return tuple(_found_changes(rules, year))


def _found_changes(rules: tzinfo, year: int) -> Iterator[_Change]:
    moment = datetime(year, 1, 1, tzinfo=UTC)
    for _day in range(366 if monthrange(year, 2)[1] == 29 else 365):
        following = moment + timedelta(days=1)
        before, after = _offset(rules, moment), _offset(rules, following)
        if before != after:
            change = _moment_of_change(rules, moment, following)
            yield _Change((change + before).replace(tzinfo=None), after)
        moment = following


def _moment_of_change(rules: tzinfo, early: datetime, late: datetime) -> datetime:
    """Give the first minute (UTC) of the new offset, which holds at ``late`` and not yet at ``early``."""
    before = _offset(rules, early)
    while late - early > _MINUTE:
        middle = early + (late - early) // _MINUTE // 2 * _MINUTE
        early, late = (middle, late) if _offset(rules, middle) == before else (early, middle)
    return late


def _offset(rules: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(rules).utcoffset() or timedelta()
