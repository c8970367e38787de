"""Series in descriptions of events: read from the people file's form, and put into a store with all that differs.

[[people.calendars.events]]
subject = "Team"
start = 2026-03-02T10:00:00        # a Monday: where days, day or month are not given they are those of `start`
end = 2026-03-02T11:00:00
recurrence = { every = "week", interval = 2, days = ["Monday", "Thursday"], until = 2026-06-30 }
cancelled = [2026-03-16]
changed = [{ date = 2026-03-30, start = 2026-03-30T14:00:00, end = 2026-03-30T15:00:00, subject = "Team, later" }]
# every: day, week (days, week_start), month (day, or position and days), year (as month, and month = 1 to 12)
# position: First to Fourth, Last; days is then one day of the week, "Day", "Weekday" or "WeekendDay"
# count = 10 instead of until; without either it has no end
# instance = 2026-03-09            # a single event that is one occurrence of a series which is not in the mailbox
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bridge.simulator.model import Folder, Item
from bridge.simulator.recurrence import (
    EVERY_DAY,
    LAST,
    WEEKEND,
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
from bridge.simulator.series import arranged, series_of, with_exception
from bridge.simulator.store import Store
from bridge.simulator.zones import DAYS

# Among the values of an event that is to be put: exceptions by original date, original dates of deleted occurrences
MODIFIED, DELETED = "ModifiedOccurrences", "DeletedOccurrences"
_SETTINGS = {"every", "interval", "days", "week_start", "day", "position", "month", "until", "count"}
_POSITIONS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": LAST}
_KINDS = {"Day": EVERY_DAY, "Weekday": WORK_DAYS, "WeekendDay": WEEKEND}


def read_recurrence(entry: Mapping[str, Any], start: date) -> Recurrence:
    """Give the recurrence of an event that begins on a date; ValueError for what is not understood."""
    unknown = set(entry) - _SETTINGS
    if unknown:
        raise ValueError(f"unknown settings of a recurrence: {', '.join(sorted(unknown))}")
    until = entry.get("until")
    if until is not None and not isinstance(until, date):
        raise ValueError(f"{until!r} is not a date")
    count = None if entry.get("count") is None else int(entry["count"])
    return Recurrence(_pattern(entry, start), start, until, count)


def _pattern(entry: Mapping[str, Any], start: date) -> Pattern:
    every, interval = entry.get("every"), int(entry.get("interval", 1))
    if interval < 1:
        raise ValueError(f"an interval of {interval}")
    if every == "day":
        return Daily(interval)
    if every == "week":
        days = _days(entry.get("days", [DAYS[day_of_week(start)]]))
        return Weekly(interval, days, DAYS.index(str(entry.get("week_start", "Sunday"))))
    if every == "month":
        return Monthly(interval, _day(entry, start))
    if every == "year" and interval == 1:
        return Yearly(int(entry.get("month", start.month)), _day(entry, start))
    raise ValueError(f"no recurrence is every {every} with interval {interval}")


def _day(entry: Mapping[str, Any], start: date) -> DayOfMonth | DayByPosition:
    if "position" not in entry:
        return DayOfMonth(int(entry.get("day", start.day)))
    return DayByPosition(_days(entry.get("days", ["Day"])), _POSITIONS[str(entry["position"])])


def _days(names: list[str]) -> frozenset[int]:
    """Give the numbers of days of the week; ValueError for a name that is none."""
    return frozenset(day for name in names for day in _KINDS.get(name) or {DAYS.index(name)})


def put_event(store: Store, folder: Folder, values: Mapping[str, object]) -> Item:
    """Give a new item made of an event's values, with the exceptions and deletions among them if it is a series."""
    modified, deleted = values.get(MODIFIED), values.get(DELETED)
    plain = {name: value for name, value in values.items() if name not in {MODIFIED, DELETED}}
    item = store.add_item(folder, arranged(plain, written=True))
    if not modified and not deleted:
        return item
    series = series_of(item)
    for day, changes in modified.items() if isinstance(modified, Mapping) else ():
        occurrence = _occurrence(item, day)
        after = replace(occurrence, values={**occurrence.values, **changes})
        series = series_of(with_exception(series, after, 0))
    gone = frozenset(deleted) if isinstance(deleted, (tuple, frozenset)) else frozenset()
    for day in gone:
        _occurrence(item, day)
    return store.put_item(replace(series.master, deleted=gone), item.modified_by)


def _occurrence(master: Item, day: object) -> Item:
    if not isinstance(day, date) or isinstance(day, datetime) or not series_of(master).holds(day):
        raise ValueError(f"the series has no occurrence on {day}")
    return series_of(master).item(day)
