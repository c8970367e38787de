"""An item's time zone as Exchange 2007 carries it: one for both ends, by its Windows name, with its rules of a year.

MeetingTimeZone (TimeZoneType). Offsets there are what must be added to local time to give UTC, so Berlin's base is
``-PT60M``. Newer servers know StartTimeZone and EndTimeZone instead; see `times`.
"""

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from bridge.errors import RequestRefused
from bridge.ews.recurrence import from_pattern, to_pattern
from bridge.ews.times import from_duration
from bridge.ews.xml import Element, find_type, text_element, type_element, type_text
from bridge.item import UTC_ZONE, Zone
from bridge.recurrence import Day, Position, RelativeYearly
from bridge.zone_definition import ClockChange, ZoneDefinition, ZoneEra
from bridge.zone_rules import offset_at, onsets_of
from bridge.zones import to_rules, to_windows

_POSITIONS = tuple(Position)
_DAYS = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY, Day.SATURDAY, Day.SUNDAY)
_MINUTE = timedelta(minutes=1)


def from_meeting_zone(element: Element | None, text: str | None) -> Zone:
    """Read MeetingTimeZone, and where it tells nothing, calendar:TimeZone, the zone's name for people.

    A name that is not known has the rules that came with it, where they make sense.
    """
    name = (element.get("TimeZoneName") or "").strip() if element is not None else ""
    shown = (text or "").strip()
    for told in (name, shown):
        known = _known(told) if told else None
        if known is not None:
            return known
    definition = _definition(element) if element is not None and len(element) else None
    return Zone(name or shown or "MeetingTimeZone", definition) if name or shown or definition else UTC_ZONE


def _definition(element: Element) -> ZoneDefinition | None:
    try:
        base = -from_duration(type_text(element, "BaseOffset"))
        found = [(name, find_type(element, name)) for name in ("Standard", "Daylight")]
        changes = (_change(one, base, is_daylight=name == "Daylight") for name, one in found if one is not None)
        return ZoneDefinition((ZoneEra(base, tuple(changes)),), element.get("TimeZoneName") or "")
    except ValueError:
        return None


def _change(element: Element, base: int, *, is_daylight: bool) -> ClockChange:
    """Read Standard or Daylight (TimeChangeType). Raises ValueError."""
    pattern = from_pattern(element)
    if not isinstance(pattern, RelativeYearly) or pattern.day not in _DAYS:
        raise ValueError("a change that does not come on a day of the week")
    at = time.fromisoformat(type_text(element, "Time").strip()[:8])
    position = -1 if pattern.position is Position.LAST else _POSITIONS.index(pattern.position) + 1
    offset = base - from_duration(type_text(element, "Offset") or "PT0S")
    seconds = at.hour * 3600 + at.minute * 60 + at.second
    return ClockChange(pattern.month, seconds, offset, is_daylight, _DAYS.index(pattern.day), position)


@lru_cache(maxsize=512)
def _known(name: str) -> Zone | None:
    return to_windows(name)


def to_meeting_zone(zone: Zone, start: datetime) -> Element:
    """Make MeetingTimeZone for an event that starts then. Raises RequestRefused for a zone without known rules.

    A Windows zone goes by its name alone, as in all of Microsoft's samples; one that came with rules of its own goes
    with them.
    """
    if _known(zone.id):
        return type_element("MeetingTimeZone", TimeZoneName=zone.id)
    rules = to_rules(zone)
    if rules is None:
        raise RequestRefused("This version of Exchange is not told of the event's time zone.", "ErrorTimeZone")
    return type_element("MeetingTimeZone", *_rules(rules, start.astimezone(rules).year), TimeZoneName=zone.id)


def _rules(rules: tzinfo, year: int) -> list[Element]:
    """Give the rules of a year; of one that has other than two changes nothing, which the name must do for."""
    onsets = onsets_of(rules, year)
    if not onsets:
        return [_duration("BaseOffset", -offset_at(rules, datetime(year, 1, 1, tzinfo=UTC)))]
    if len(onsets) != 2:
        return []
    standard, daylight = sorted(onsets, key=lambda onset: onset.after)
    return [
        _duration("BaseOffset", -standard.after),
        _time_change("Standard", standard.local, timedelta()),
        _time_change("Daylight", daylight.local, standard.after - daylight.after),
    ]


def _time_change(name: str, local: datetime, offset: timedelta) -> Element:
    is_last = local.day + 7 > monthrange(local.year, local.month)[1]
    position = Position.LAST if is_last else _POSITIONS[(local.day - 1) // 7]
    yearly = to_pattern(RelativeYearly(local.month, _DAYS[local.weekday()], position))
    return type_element(name, _duration("Offset", offset), yearly, text_element("Time", f"{local:%H:%M:%S}"))


def _duration(name: str, length: timedelta) -> Element:
    minutes = round(length / _MINUTE)
    return text_element(name, f"{'-' if minutes < 0 else ''}PT{abs(minutes)}M")
