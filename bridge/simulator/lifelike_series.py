"""Series like real ones: an event is made to recur, with some occurrences moved, renamed or cancelled."""

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from bridge.simulator.event_series import DELETED, MODIFIED
from bridge.simulator.recurrence import (
    LAST,
    WORK_DAYS,
    Daily,
    DayByPosition,
    DayOfMonth,
    Monthly,
    Pattern,
    Recurrence,
    Weekly,
    Yearly,
    day_of_week,
)
from bridge.simulator.series import arranged, midnight, zone_in

_DAY = timedelta(days=1)
_SHOWN = 120  # days around which exceptions lie: the past month and the coming three
_MOVES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=-1), timedelta(hours=2))


def recurring(dice: random.Random, values: Mapping[str, object], around: date) -> dict[str, object]:
    """Give a timed event as a series that began in the year before `around`, most of them still going on."""
    start, end, zone = values["Start"], values["End"], zone_in(values)
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        raise TypeError("an event without times")
    clock = zone.to_local(start) - midnight(zone.to_local(start).date())
    first = around - timedelta(days=dice.randrange(-20, 360))
    begins = zone.to_utc(midnight(first) + clock)
    recurrence = _ending(dice, _pattern(dice, first), first)
    made = {**values, "Start": begins, "End": begins + (end - start), "Recurrence": recurrence}
    return _changed(dice, arranged(made, written=True), around)


def yearly(dice: random.Random, values: Mapping[str, object], around: date) -> dict[str, object]:
    """Give a whole-day event as one that has come every year for long: a birthday."""
    born = date(around.year - dice.randrange(1, 70), dice.randrange(1, 13), dice.randrange(1, 29))
    zone = zone_in(values)
    days = {"Start": zone.to_utc(midnight(born)), "End": zone.to_utc(midnight(born + _DAY))}
    return {**values, **days, "Recurrence": Recurrence(Yearly(born.month, DayOfMonth(born.day)), born)}


def _pattern(dice: random.Random, first: date) -> Pattern:
    today = day_of_week(first)
    patterns: tuple[Pattern, ...] = (
        Weekly(1, frozenset({today}), 1),
        Weekly(1, frozenset({today}), 1),
        Weekly(2, frozenset({today}), 1),
        Weekly(1, frozenset({today, (today + 2) % 7}), 1),
        Weekly(1, WORK_DAYS, 1),
        Daily(dice.choice((1, 2, 10))),
        Monthly(1, DayOfMonth(dice.choice((1, 15, 31)))),
        Monthly(dice.choice((1, 3)), DayByPosition(frozenset({today}), dice.choice((1, 2, LAST)))),
        Monthly(1, DayByPosition(WORK_DAYS, LAST)),
    )
    return dice.choice(patterns)


def _ending(dice: random.Random, pattern: Pattern, first: date) -> Recurrence:
    kind = dice.random()
    if kind < 0.4:
        return Recurrence(pattern, first)
    if kind < 0.7:
        return Recurrence(pattern, first, end=first + timedelta(days=dice.randrange(200, 700)))
    return Recurrence(pattern, first, count=dice.randrange(10, 60))


def _changed(dice: random.Random, values: dict[str, object], around: date) -> dict[str, object]:
    recurrence, start, end, zone = values["Recurrence"], values["Start"], values["End"], zone_in(values)
    if not isinstance(recurrence, Recurrence) or not isinstance(start, datetime) or not isinstance(end, datetime):
        raise TypeError("not a series")
    begin = around - timedelta(days=30)
    days = list(recurrence.between(begin, begin + timedelta(days=_SHOWN)))
    chosen = dice.sample(days, min(dice.randrange(4), max(len(days) - 1, 0)))
    clock = zone.to_local(start) - midnight(recurrence.start)
    changes: dict[date, dict[str, object]] = {}
    for day in chosen[1:]:
        moved = zone.to_utc(midnight(day) + clock + _move(dice, recurrence.pattern))
        changes[day] = {"Start": moved, "End": moved + (end - start)}
        if dice.random() < 0.3:
            changes[day] |= {"Subject": f"{values['Subject']} (moved)", "Location": "Room 2.11"}
    return values | ({MODIFIED: changes} if changes else {}) | ({DELETED: tuple(chosen[:1])} if chosen else {})


def _move(dice: random.Random, pattern: Pattern) -> timedelta:
    """Give how far an occurrence is moved, never onto a neighbour's day; to the next day only where that is free."""
    sparse = not isinstance(pattern, Daily) and pattern.size == 1
    return _DAY if sparse and dice.random() < 0.3 else dice.choice(_MOVES)
