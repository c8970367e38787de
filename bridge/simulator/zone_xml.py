"""Time zone definitions as EWS carries them: read from a request, written into an answer, and xs:duration.

Sources: [D] TimeZoneDefinition, TransitionsGroup, RecurringDayTransition; [V] for what is sent without rules.
"""

import re
from datetime import datetime, timedelta

from bridge.simulator.trouble import EwsError
from bridge.simulator.xml import Element, T, add, children, make, name_of, text_of
from bridge.simulator.zones import DAYS, Change, Move, Period, Zone, named

_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")


def read_duration(text: str) -> timedelta:
    """Give an xs:duration of days and smaller."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise EwsError("ErrorTimeZone", f"Not a duration: {text}")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] else length


def duration_text(length: timedelta) -> str:
    """Give a length as Exchange writes xs:duration: whole seconds and milliseconds, no empty parts."""
    whole = abs(length)
    hours, rest = divmod(whole.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    millis = whole.microseconds // 1000
    days = f"{whole.days}D" if whole.days else ""
    parts = f"{hours}H" if hours else ""
    parts += f"{minutes}M" if minutes else ""
    parts += f"{seconds}{f'.{millis:03}' if millis else ''}S" if seconds or millis else ""
    sign = "-" if length < timedelta() else ""
    return f"{sign}P{days}{'T' + parts if parts else ''}" if days or parts else "PT0S"


def read_zone(element: Element, *, young: bool = True) -> Zone | None:
    """Give the zone an element of TimeZoneDefinitionType means: by its rules if it has them, else by its id."""
    periods = element.find(T + "Periods")
    if periods is None or not len(periods):
        return named(element.get("Id", ""), young=young)
    groups = tuple(
        (group.get("Id", ""), tuple(_read_move(move) for move in children(group)))
        for group in children(element.find(T + "TransitionsGroups"))
    )
    changes = tuple(_read_change(change) for change in children(element.find(T + "Transitions")))
    zone = Zone(
        element.get("Id", ""),
        element.get("Name", ""),
        tuple(
            Period(p.get("Id", ""), p.get("Name", ""), read_duration(p.get("Bias", "PT0S"))) for p in children(periods)
        ),
        groups,
        changes or ((Change(groups[0][0]),) if groups else (Change(periods[0].get("Id", "")),)),
    )
    try:
        zone.check()
    except ValueError as cause:
        raise EwsError("ErrorTimeZone", "The time zone definition does not fit together.") from cause
    return zone


def zone_element(tag: str, zone: Zone, *, full: bool = True) -> Element:
    """Give the element for a zone; not `full` gives what real servers send then: two empty children.

    Source: [V] GetServerTimeZones recording of 15.2 (invalid by the schema).
    """
    element = make(tag, attributes={"Id": zone.id, **({"Name": zone.name} if zone.name else {})})
    periods = add(element, T + "Periods")
    groups = add(element, T + "TransitionsGroups")
    if not full:
        return element
    for period in zone.periods:
        bias = duration_text(period.bias)
        add(periods, T + "Period", None, {"Bias": bias, "Name": period.name, "Id": period.id})
    for group, moves in zone.groups:
        holder = add(groups, T + "TransitionsGroup", None, {"Id": group})
        for move in moves:
            _write_move(holder, move)
    if not zone.groups:
        element.remove(groups)
    holder = add(element, T + "Transitions")
    group_ids = {group for group, _ in zone.groups}
    for change in zone.changes:
        item = add(holder, T + ("AbsoluteDateTransition" if change.at else "Transition"))
        add(item, T + "To", change.to, {"Kind": "Group" if change.to in group_ids else "Period"})
        if change.at:
            add(item, T + "DateTime", change.at.strftime("%Y-%m-%dT%H:%M:%S"))
    return element


def _write_move(holder: Element, move: Move) -> None:
    name = "Transition" if not move.month else f"Recurring{'Date' if move.weekday is None else 'Day'}Transition"
    item = add(holder, T + name)
    add(item, T + "To", move.to, {"Kind": "Period"})
    if not move.month:
        return
    add(item, T + "TimeOffset", duration_text(move.offset))
    add(item, T + "Month", str(move.month))
    if move.weekday is None:
        add(item, T + "Day", str(move.day))
    else:
        add(item, T + "DayOfWeek", DAYS[move.weekday])
        add(item, T + "Occurrence", str(move.occurrence))


def _read_move(element: Element) -> Move:
    to = text_of(element, T + "To")
    if name_of(element) not in {"RecurringDayTransition", "RecurringDateTransition"}:
        return Move(to)
    month, offset = int(text_of(element, T + "Month")), read_duration(text_of(element, T + "TimeOffset"))
    if name_of(element) == "RecurringDateTransition":
        return Move(to, month, offset, day=int(text_of(element, T + "Day")))
    weekday = text_of(element, T + "DayOfWeek")
    if weekday not in DAYS:
        raise EwsError("ErrorTimeZone", f"A transition on {weekday} is not a day of the week.")
    return Move(to, month, offset, int(text_of(element, T + "Occurrence")), DAYS.index(weekday))


def _read_change(element: Element) -> Change:
    at = text_of(element, T + "DateTime")
    return Change(text_of(element, T + "To"), datetime.fromisoformat(at).replace(tzinfo=None) if at else None)
