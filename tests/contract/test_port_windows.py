"""What every back end of the port tells of a window."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import FolderMissing
from bridge.exchange import Deadline, OccurrenceWrite
from bridge.item import Attribute, Content, ItemRef, Uid, Zone
from bridge.recurrence import Daily, Day, Recurrence, Weekly

from port_subject import Subject

BERLIN = Zone("W. Europe Standard Time")
START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def soon() -> Deadline:
    return Deadline.after(20)


def create(subject: Subject, uid: str, start: datetime, recurrence: Recurrence | None = None) -> ItemRef:
    content = Content(Uid(uid), "Window", start, start + HOUR, BERLIN, BERLIN, recurrence=recurrence)
    return subject.exchange.create(subject.owner, subject.calendar, content, soon())


def window(subject: Subject, start: datetime, end: datetime) -> list[str]:
    return sorted(subject.exchange.window(subject.owner, subject.calendar, start, end, soon()))


def ids(*refs: ItemRef) -> list[str]:
    return sorted(ref.id for ref in refs)


def test_a_window_has_the_singles_that_overlap_it_and_none_beside_it(subject: Subject) -> None:
    within, before, after = (create(subject, f"window-{n}", START + n * DAY) for n in (0, -1, 1))
    begins, ends = create(subject, "window-begins", START - HOUR / 2), create(subject, "window-ends", START + HOUR)
    assert window(subject, START, START + HOUR) == ids(within, begins)
    assert window(subject, START - DAY, START + DAY + HOUR) == ids(within, before, after, begins, ends)
    assert window(subject, START + 5 * DAY, START + 6 * DAY) == []


def test_a_window_has_the_master_of_its_occurrences_once(subject: Subject) -> None:
    single = create(subject, "window-single", START + 10 * DAY)
    daily = create(subject, "window-daily", START, Recurrence(Daily(1), START.date(), count=100))
    weekly = create(subject, "window-weekly", START, Recurrence(Weekly(1, (Day.MONDAY,), Day.MONDAY), START.date()))
    assert window(subject, START + 9 * DAY, START + 20 * DAY) == ids(single, daily, weekly)
    assert window(subject, START + 1 * DAY, START + 2 * DAY) == ids(daily)
    assert window(subject, START + 200 * DAY, START + 1500 * DAY) == ids(weekly)


@pytest.mark.parametrize("shift", [lambda at: at + 3 * HOUR, lambda at: at + 30 * DAY])
def test_a_changed_occurrence_stands_for_its_master_where_it_takes_place(
    subject: Subject, shift: Callable[[datetime], datetime]
) -> None:
    recurrence = Recurrence(Daily(1), START.date(), count=3)
    master = create(subject, "window-moved", START, recurrence)
    (item,) = subject.exchange.get(subject.owner, subject.calendar, [master.id], soon())
    moved = shift(START + 2 * DAY)
    content = replace(item.content, start=moved, end=moved + HOUR, recurrence=None)  # type: ignore[union-attr]
    write = OccurrenceWrite(3, content, frozenset(map(Attribute, ("start", "end"))))
    (answer,) = subject.exchange.update_occurrences(subject.owner, subject.calendar, master, [write], soon())
    assert isinstance(answer, ItemRef)
    assert window(subject, moved, moved + HOUR) == ids(master)
    assert window(subject, START + 2 * DAY, START + 2 * DAY + HOUR) == []


def test_the_window_of_a_calendar_that_may_not_be_seen_says_so(subject: Subject) -> None:
    with pytest.raises(FolderMissing):
        subject.exchange.window(subject.stranger, subject.calendar, START, START + DAY, soon())
