"""MeetingTimeZone: the zone of an item as Exchange 2007 had it, by name or by its two days of the year.

Sources: [D] MeetingTimeZone, BaseOffset, TimeChange, and the samples of creating appointments, which name a zone of
Windows and give no rules; so does [C] the EWS Managed API, always (MeetingTimeZone.cs). [C] evolution-ews for the signs
of rules: offsets are what is added to local time, the standard one's is BaseOffset.
"""

from datetime import datetime, timedelta

from bridge.simulator.call import Call
from bridge.simulator.model import Item
from bridge.simulator.recurrence_xml import MONTHS
from bridge.simulator.rules import rank
from bridge.simulator.taking import zone_or_error
from bridge.simulator.telling import Told, zone_of
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, T, add, make, text_of
from bridge.simulator.zone_xml import duration_text, read_duration
from bridge.simulator.zones import DAYS, Change, Move, Period, Zone, named

VALUE = "MeetingTimeZone"
_PLACES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_KINDS = ("Standard", "Daylight")


def take_meeting_zone(call: Call, element: Element) -> Zone:
    """Give the zone a client writes: its rules if they are there, else that of its name. Raises ErrorTimeZone."""
    name = element.get("TimeZoneName", "")
    if element.find(T + "BaseOffset") is None:
        return zone_or_error(call, named(name, young=call.personality.young_zones), name)
    base = read_duration(text_of(element, T + "BaseOffset"))
    changes = {kind: element.find(T + kind) for kind in _KINDS}
    found = {kind: change for kind, change in changes.items() if change is not None}
    periods = {kind: Period(kind, kind, base + _offset(change)) for kind, change in found.items()}
    periods.setdefault("Standard", Period("Standard", "Standard", base))
    moves = tuple(_read_move(kind, change) for kind, change in found.items()) or (Move("Standard"),)
    zone = Zone(name, name, tuple(periods.values()), (("0", moves),), (Change("0"),))
    try:
        zone.check()
    except ValueError as cause:
        raise EwsError("ErrorTimeZone", "The time zone does not fit together.") from cause
    return zone


def meeting_zone(told: Told, item: Item) -> Element | None:
    """Give t:MeetingTimeZone to requests of 2007, None to later ones. Source: rule `meeting_zone_told`."""
    if told.call.level >= rank("Exchange2010"):
        return None
    zone = zone_of(item, "StartTimeZone")
    element = make(T + VALUE, None, {"TimeZoneName": zone.id})
    moves, biases = _in_force(zone, zone.to_local(item.start)), {period.id: period.bias for period in zone.periods}
    base = max(biases[move.to] for move in moves)
    add(element, T + "BaseOffset", duration_text(base))
    if len(moves) == 2:  # a rule in between, of a year that has another, this form cannot say
        for kind, move in zip(_KINDS, sorted(moves, key=lambda move: -biases[move.to]), strict=True):
            _write_move(add(element, T + kind, None, {"TimeZoneName": kind}), move, biases[move.to] - base)
    return element


def _in_force(zone: Zone, local: datetime) -> tuple[Move, ...]:
    begun = [change for change in zone.changes if change.at is None or change.at <= local] or [zone.changes[0]]
    target = begun[-1].to
    return next((moves for group, moves in zone.groups if group == target), (Move(target),))


def _offset(change: Element) -> timedelta:
    return read_duration(text_of(change, T + "Offset"))


def _read_move(kind: str, change: Element) -> Move:
    yearly = change.find(T + "RelativeYearlyRecurrence")
    if yearly is None:
        raise NotSimulated("a MeetingTimeZone that changes on a date of one year")
    day, place, month = (text_of(yearly, T + name).strip() for name in ("DaysOfWeek", "DayOfWeekIndex", "Month"))
    if day not in DAYS or place not in _PLACES or month not in MONTHS:
        raise EwsError("ErrorTimeZone", "The time zone changes on no day of the year.")
    clock = datetime.fromisoformat(f"2000-01-01T{text_of(change, T + 'Time').strip()[:8]}")
    offset = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    return Move(kind, MONTHS.index(month) + 1, offset, _PLACES[place], DAYS.index(day))


def _write_move(holder: Element, move: Move, offset: timedelta) -> None:
    add(holder, T + "Offset", duration_text(offset))
    yearly = add(holder, T + "RelativeYearlyRecurrence")
    add(yearly, T + "DaysOfWeek", DAYS[move.weekday or 0])
    place = next(name for name, number in _PLACES.items() if number == (move.occurrence if move.occurrence < 5 else -1))
    add(yearly, T + "DayOfWeekIndex", place)
    add(yearly, T + "Month", MONTHS[move.month - 1])
    add(holder, T + "Time", str(datetime.min + move.offset)[11:19])  # noqa: DTZ901 - a time of day alone
