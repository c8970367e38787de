"""What people who look after the bridge are shown of the mirror."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import insert, update

from bridge.database import to_microseconds
from bridge.item import ItemId
from bridge.keys import Keys
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.mirror.overview import Overview, PullState, read_overview
from bridge.mirror.schema import calendars, watchers
from bridge.mirror.watching import LEASE
from bridge.model import Calendar, CalendarRef, Rights
from bridge.resource import Rendered

MakeEvent = Callable[..., Rendered]
Pull = Callable[..., Applied]
ALL = Rights(read=True, create=True, modify=True, delete=True)


def only(mirror: Mirror, keys: Keys, now: datetime) -> Overview:
    (one,) = read_overview(mirror._database, keys, now)
    return one


def set_columns(mirror: Mirror, **values: object) -> None:
    with mirror._database.writing() as connection:
        connection.execute(update(calendars).values(**values))


def test_a_calendar_that_is_listed_is_named_with_its_viewer(
    mirror: Mirror, keys: Keys, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    mirror.put_calendars(ref.viewer, ref.mailbox, (Calendar(ref, "Work", True, ALL),), now)  # noqa: FBT003 - the default one
    pull(event("a.ics", "1", "2"), event("b.ics"), pending=((ItemId("unread"), now),))
    one = only(mirror, keys, now)
    assert (one.viewer, one.owner, one.name) == (ref.viewer.address, ref.mailbox, "Work")
    assert (one.state, one.resources, one.items, one.pending, one.pulled_at) == (PullState.COMPLETE, 2, 3, 1, now)
    assert one.progress == 1.0
    assert 500 < one.size < 5000


def test_a_calendar_that_is_not_listed_is_counted_all_the_same(
    mirror: Mirror, keys: Keys, ref: CalendarRef, event: MakeEvent, now: datetime
) -> None:
    mirror.put(ref, event("a.ics"))
    one = only(mirror, keys, now)
    assert (one.viewer, one.owner, one.name, one.resources) == (None, None, None, 1)


def test_a_first_pull_tells_how_far_it_is(
    mirror: Mirror, keys: Keys, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    assert mirror.status(ref).pulled_at is None
    one = only(mirror, keys, now)
    assert (one.state, one.progress, one.size) == (PullState.FIRST_PULL, None, 0)
    set_columns(mirror, total=8)
    pull(event("a.ics"), event("b.ics"), is_last=False)
    assert (only(mirror, keys, now).state, only(mirror, keys, now).progress) == (PullState.FIRST_PULL, 0.25)
    set_columns(mirror, window_start=0, window_end=1, window_at=0)
    assert (only(mirror, keys, now).state, only(mirror, keys, now).progress) == (PullState.WINDOW, 0.25)
    set_columns(mirror, total=1)
    assert only(mirror, keys, now).progress == 1.0
    pull(cursor="last", seen=(ItemId("item of a.ics"), ItemId("item of b.ics")))
    assert only(mirror, keys, now).state is PullState.COMPLETE


def test_it_is_watched_as_long_as_the_process_lives_that_watches_it(
    mirror: Mirror, keys: Keys, ref: CalendarRef, now: datetime
) -> None:
    mirror.status(ref)
    assert not only(mirror, keys, now).is_watched
    with mirror._database.writing() as connection:
        connection.execute(insert(watchers).values(id="process", heard_at=to_microseconds(now)))
    set_columns(mirror, watcher="process")
    assert only(mirror, keys, now).is_watched
    assert not only(mirror, keys, now + LEASE + timedelta(seconds=1)).is_watched
