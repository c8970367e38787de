"""What an event is to the random walk: the same few facts, read from either side, so that the two can be compared."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

from bridge.simulator import Simulator

BERLIN = ZoneInfo("Europe/Berlin")
OLD_DATES = (date(2027, 3, 1), 10)
"""The first Monday of every series of the walk, and how many there are."""


@dataclass(frozen=True)
class Event:
    """An event in one of the calendars; ``changed`` and ``cancelled`` go by original days of a series.

    ``changed`` holds pairs of such a day and what its occurrence is called. ``start`` is in UTC.
    """

    calendar: str
    uid: str
    summary: str
    start: datetime
    is_series: bool = False
    changed: frozenset[tuple[date, str]] = frozenset()
    cancelled: frozenset[date] = frozenset()

    def __str__(self) -> str:
        """Give it as one line of a message."""
        more = [f"{day:%d.%m.} {name!r}" for day, name in sorted(self.changed)]
        more += [f"-{day:%d.%m.}" for day in sorted(self.cancelled)]
        kind = "series" if self.is_series else "event"
        return f"{kind} {self.summary!r} in {self.calendar} at {self.start:%d.%m. %H:%M} {' '.join(more)}".rstrip()

    @property
    def days(self) -> list[date]:
        """Give the days of a series that still take place as the pattern has them."""
        first, count = OLD_DATES
        taken = self.cancelled | {day for day, _ in self.changed}
        return [day for day in (first + timedelta(weeks=number) for number in range(count)) if day not in taken]


def at_exchange(exchange: Simulator, person: str, calendars: dict[str, str]) -> dict[str, list[Event]]:
    """Give what a person's calendars hold at Exchange by UID; ``calendars`` go from our names to Exchange's."""
    found: dict[str, list[Event]] = {}
    with exchange.store.lock:
        for calendar, name in calendars.items():
            for item in exchange.events(person, name):
                subject = str(item.values["Subject"])
                changed = {(day, str(one.values.get("Subject", subject))) for day, one in item.exceptions.items()}
                is_series = item.kind == "RecurringMaster"
                facts = (frozenset(changed), item.deleted)
                event = Event(calendar, item.uid, subject, item.start, is_series, *facts)
                found.setdefault(item.uid, []).append(event)
    return found


def read_event(calendar: str, text: bytes) -> Event:
    """Give the event of a calendar object."""
    whole, master = _opened(text)
    others = (one for one in whole.walk("VEVENT") if one is not master)
    changed = {(_day(one["RECURRENCE-ID"].dt), str(one["SUMMARY"])) for one in others if not _is_plain(one, master)}
    return Event(
        calendar,
        str(master["UID"]),
        str(master["SUMMARY"]),
        master["DTSTART"].dt.astimezone(UTC),
        "RRULE" in master,
        frozenset(changed),
        frozenset(_cancelled(master)),
    )


def rename(text: bytes, summary: str) -> bytes:
    """Give the calendar object with another summary of its event, or of the series and not of its exceptions."""
    whole, master = _opened(text)
    master["SUMMARY"] = icalendar.vText(summary)
    return bytes(whole.to_ical())


def shift(text: bytes, hours: int, summary: str) -> bytes:
    """Give the calendar object of a single event so many hours later, with another summary."""
    whole, master = _opened(text)
    master["SUMMARY"] = icalendar.vText(summary)
    for name in ("DTSTART", "DTEND"):
        moved = master[name].dt + timedelta(hours=hours)
        del master[name]
        master.add(name, moved)
    return bytes(whole.to_ical())


def cancel(text: bytes, day: date) -> bytes:
    """Give the series without the occurrence of a day, an exception of that day among it."""
    whole, master = _opened(text)
    for component in list(whole.subcomponents):
        if "RECURRENCE-ID" in component and _day(component["RECURRENCE-ID"].dt) == day:
            whole.subcomponents.remove(component)
    master.add("EXDATE", [_at_nine(day)])
    return bytes(whole.to_ical())


def override(text: bytes, day: date, summary: str) -> bytes:
    """Give the series with the occurrence of a day called otherwise and five hours later."""
    whole, master = _opened(text)
    own = icalendar.Event()
    start = _at_nine(day)
    own.add("UID", str(master["UID"]))
    own.add("DTSTAMP", datetime(2027, 1, 1, tzinfo=UTC))
    own.add("RECURRENCE-ID", start)
    own.add("DTSTART", start + timedelta(hours=5))
    own.add("DTEND", start + timedelta(hours=6))
    own.add("SUMMARY", summary)
    whole.add_component(own)
    return bytes(whole.to_ical())


def moved(event: Event, calendar: str) -> Event:
    """Give the event in another calendar."""
    return replace(event, calendar=calendar)


def _opened(text: bytes) -> tuple[Any, Any]:
    whole = icalendar.Calendar.from_ical(text)
    return whole, next(one for one in whole.walk("VEVENT") if "RECURRENCE-ID" not in one)


def _is_plain(one: Any, master: Any) -> bool:
    """Whether an occurrence is as its series has it: what a client says of one stands there before Exchange has it."""
    return bool(one["SUMMARY"] == master["SUMMARY"] and one["DTSTART"].dt == one["RECURRENCE-ID"].dt)


def _at_nine(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=BERLIN)


def _day(moment: datetime) -> date:
    return moment.astimezone(BERLIN).date()


def _cancelled(master: Any) -> Iterable[date]:
    lines = master.get("EXDATE", [])
    for line in lines if isinstance(lines, list) else [lines]:
        yield from (_day(one.dt) for one in line.dts)
