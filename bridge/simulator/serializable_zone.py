"""SerializableTimeZone: the zone of GetUserAvailability, a bias and two days of the year, as Windows' registry has it.

Sources: [D] TimeZone (Availability), StandardTime, DaylightTime; [C] exchangelib writes a zone without daylight saving
as one whose two times are in month 0.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, T, add, make, text_of
from bridge.simulator.zones import DAYS, Change, Move, Period, Zone

_LAST_OF_MONTH = 5
_STANDARD, _DAYLIGHT = "Standard", "Daylight"


def read_serializable_zone(element: Element) -> Zone:
    """Give the zone a t:TimeZone means. Raises ErrorTimeZone for one that means nothing."""
    try:
        bias = int(text_of(element, T + "Bias"))
        kinds = {name: element.find(f"{T}{name}Time") for name in (_STANDARD, _DAYLIGHT)}
        found = {name: kind for name, kind in kinds.items() if kind is not None}
        periods = tuple(
            Period(name, name, timedelta(minutes=bias + int(text_of(kind, T + "Bias")))) for name, kind in found.items()
        )
        zone = Zone("", "", periods, (("0", _read_moves(found)),), (Change("0"),))
        zone.check()  # of a lone StandardTime or DaylightTime too: it has no period for the other
    except ValueError as cause:
        raise EwsError("ErrorTimeZone", "The time zone does not fit together.") from cause
    return zone


def _read_moves(found: Mapping[str, Element]) -> tuple[Move, ...]:
    moves = tuple(move for name, kind in found.items() if (move := _read_move(name, kind)) is not None)
    if len(moves) == 1:
        raise ValueError("it begins and never ends")
    return moves or (Move(_STANDARD),)


def _read_move(name: str, element: Element) -> Move | None:
    if text_of(element, T + "Year").strip("0 "):
        raise NotSimulated("a TimeZone with a transition in one year")
    month, order = int(text_of(element, T + "Month")), int(text_of(element, T + "DayOrder"))
    if month == 0:
        return None
    clock = datetime.strptime(text_of(element, T + "Time"), "%H:%M:%S")  # noqa: DTZ007 - local to the zone
    offset = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    if not 1 <= order <= _LAST_OF_MONTH:
        raise ValueError("no such DayOrder")
    occurrence = -1 if order == _LAST_OF_MONTH else order
    return Move(name, month, offset, occurrence, DAYS.index(text_of(element, T + "DayOfWeek")))


def serializable_zone(zone: Zone, year: int) -> Element:
    """Give t:TimeZone for one of the known zones, as it is in a year."""
    begun = [change for change in zone.changes if change.at is None or change.at.year <= year]
    moves = next((moves for group, moves in zone.groups if group == begun[-1].to), ())
    periods = {period.id: period for period in zone.periods}
    by_name = {periods[move.to].name: (move, periods[move.to].bias) for move in moves}
    standard, base = by_name[_STANDARD]
    element = make(T + "TimeZone")
    add(element, T + "Bias", _minutes(base))
    for name in (_STANDARD, _DAYLIGHT):
        move, bias = by_name.get(name, (standard, base))
        holder = add(element, f"{T}{name}Time")
        saves = _DAYLIGHT in by_name and move.weekday is not None
        add(holder, T + "Bias", _minutes(bias - base))
        add(holder, T + "Time", str(datetime.min + move.offset)[11:19] if saves else "00:00:00")  # noqa: DTZ901
        order = _LAST_OF_MONTH if move.occurrence < 0 else move.occurrence
        add(holder, T + "DayOrder", str(order) if saves else "0")
        add(holder, T + "Month", str(move.month) if saves else "0")
        add(holder, T + "DayOfWeek", DAYS[move.weekday or 0] if saves else DAYS[0])
    return element


def _minutes(length: timedelta) -> str:
    return str(length // timedelta(minutes=1))
