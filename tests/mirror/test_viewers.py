"""What viewers were told goes when they do not come back, or when it is removed; nobody else's goes with it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bridge.errors import Unavailable
from bridge.mirror import schema
from bridge.mirror.batch import Applied
from bridge.mirror.busy_months import BusyMonth
from bridge.mirror.mirror import Mirror
from bridge.mirror.viewers import NOTED_FOR
from bridge.model import Address, Calendar, CalendarRef, FolderId, Name, OrganisationId, Rights, Viewer
from bridge.resource import Rendered

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
KEEP = timedelta(days=60)
BEN = Viewer(OrganisationId("example"), Address("ben@example.com"))
A = Name("a.ics")


@pytest.fixture
def bens() -> CalendarRef:
    return CalendarRef(BEN, BEN.address, FolderId("AAMkBen="))


@pytest.fixture
def filled(mirror: Mirror, ref: CalendarRef, bens: CalendarRef, event: MakeEvent, now: datetime) -> Mirror:
    """Tell Anna and Ben of a calendar each."""
    for one in (ref, bens):
        mirror.put(one, event("a.ics"))
        calendar = Calendar(one, "Calendar", True, Rights(True, True, True, True))  # noqa: FBT003 - rights, in their order
        mirror.put_calendars(one.viewer, one.mailbox, (calendar,), now)
        mirror.busy_months.put(one.viewer, {(one.mailbox, 24_315): BusyMonth(now, ())})
    return mirror


def rows(mirror: Mirror) -> dict[str, int]:
    with mirror._database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def test_who_does_not_come_back_is_removed_with_all_he_was_told_and_nobody_else(
    filled: Mirror, ref: CalendarRef, bens: CalendarRef, now: datetime
) -> None:
    filled.viewers.seen(ref.viewer, now)
    filled.viewers.seen(BEN, now + timedelta(days=1))
    later = now + KEEP + timedelta(hours=1)

    assert filled.viewers.remove_absent(later, KEEP) == 1

    assert filled.calendars(ref.viewer, ref.mailbox) is None
    assert filled.busy_months.get(ref.viewer, [(ref.mailbox, 24_315)]) == {}
    assert filled.snapshot(ref).resources == {}
    assert filled.snapshot(bens).resources.keys() == {A}
    assert filled.calendars(BEN, BEN.address) is not None
    assert len(filled.viewers.last_seen()) == 1


def test_nothing_is_left_of_who_was_removed(filled: Mirror, now: datetime) -> None:
    assert filled.viewers.remove_absent(now, KEEP) == 0
    assert filled.viewers.remove_absent(now + KEEP + timedelta(hours=1), KEEP) == 2
    left = rows(filled)
    assert left.pop("schema") == 1
    assert left.pop("viewers") == 1  # when absent ones were looked for
    assert set(left.values()) == {0}


def test_who_was_never_noted_counts_as_seen_when_absent_ones_are_looked_for(
    filled: Mirror, ref: CalendarRef, now: datetime
) -> None:
    assert filled.viewers.remove_absent(now, KEEP) == 0
    assert set(filled.viewers.last_seen().values()) == {now}
    assert filled.viewers.remove_absent(now + KEEP, KEEP) == 0
    assert filled.snapshot(ref).resources.keys() == {A}


def test_one_process_looks_for_absent_ones_at_a_time(
    filled: Mirror, open_mirror: OpenMirror, ref: CalendarRef, now: datetime
) -> None:
    other = open_mirror()
    filled.viewers.seen(ref.viewer, now)
    later = now + KEEP
    assert filled.viewers.remove_absent(later, KEEP) == 0
    assert other.viewers.remove_absent(later + NOTED_FOR / 2, KEEP) == 0  # though somebody is absent by now
    assert other.viewers.remove_absent(later + NOTED_FOR, KEEP) == 1


def test_to_be_seen_costs_one_write_an_hour(
    filled: Mirror, ref: CalendarRef, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.viewers.seen(ref.viewer, now)
    with monkeypatch.context() as patch:
        patch.setattr(type(filled._database), "writing", None)
        filled.viewers.seen(ref.viewer, now + NOTED_FOR - timedelta(seconds=1))
    assert set(filled.viewers.last_seen().values()) == {now}
    filled.viewers.seen(ref.viewer, now + NOTED_FOR)
    assert set(filled.viewers.last_seen().values()) == {now + NOTED_FOR}


def test_somebody_who_cannot_be_noted_is_let_in_all_the_same(
    filled: Mirror, ref: CalendarRef, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise Unavailable("locked")

    with monkeypatch.context() as patch:
        patch.setattr(type(filled._database), "writing", locked)
        filled.viewers.seen(ref.viewer, now)
    assert filled.viewers.last_seen() == {}


def test_who_comes_back_while_he_is_being_removed_keeps_what_is_left(
    filled: Mirror, open_mirror: OpenMirror, ref: CalendarRef, now: datetime
) -> None:
    filled.viewers.seen(ref.viewer, now)
    back = open_mirror()
    removal = filled.viewers._remove

    def come_back_first(viewer: bytes, before: int | None = None) -> int | None:
        back.viewers.seen(ref.viewer, now + KEEP)
        return removal(viewer, before)

    filled.viewers._remove = come_back_first  # type: ignore[method-assign]
    assert filled.viewers.remove_absent(now + KEEP + timedelta(hours=1), KEEP) == 0
    assert filled.snapshot(ref).resources.keys() == {A}


def test_what_one_was_told_is_removed_by_name_and_begins_with_a_new_epoch(
    filled: Mirror, open_mirror: OpenMirror, ref: CalendarRef, bens: CalendarRef
) -> None:
    running = open_mirror()
    epoch = running.snapshot(ref).epoch
    assert filled.viewers.remove(ref.viewer) == 1
    assert filled.viewers.remove(ref.viewer) == 0
    again = running.snapshot(ref)
    assert (again.resources, again.epoch == epoch, again.is_complete) == ({}, False, False)
    assert running.snapshot(bens).resources.keys() == {A}
    assert filled.viewers.remove_all() == 2
    assert rows(filled)["calendars"] == 0


def test_a_pull_whose_calendar_was_removed_meanwhile_begins_again(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"), cursor="one")
    assert open_mirror().viewers.remove_all() == 1
    pull(event("a.ics"), event("b.ics"), cursor="two")
    assert len(mirror.snapshot(ref).resources) == 2
