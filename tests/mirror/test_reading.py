"""What is read of a calendar, and that others do not read it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.item import ItemId
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import Address, Calendar, CalendarRef, FolderId, Name, Revision, Rights, Viewer
from bridge.resource import Rendered

from stores import ON_SQLITE

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")
ITEM_A, ITEM_B = ItemId("item of a.ics"), ItemId("item of b.ics")


# --- reading -------------------------------------------------------------------------------------------


def test_a_calendar_never_asked_about_is_empty_and_unpulled_and_keeps_its_epoch(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef
) -> None:
    status = mirror.status(ref)
    assert (status.revision, status.cursor, status.pulled_at, status.is_listing) == (0, None, None, False)
    snapshot = mirror.snapshot(ref)
    assert not snapshot.is_complete
    assert not snapshot.resources
    assert open_mirror().status(ref).epoch == status.epoch == snapshot.epoch


def test_what_is_put_is_read_whole(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    unreadable = event("b.ics", "two", "three", is_readable=False)
    pull(event("a.ics"), unreadable)
    assert mirror.read(ref, B) == unreadable
    assert mirror.read(ref, A) == event("a.ics")
    assert mirror.texts(ref, [A, B, C]) == {A: b"a.ics is 1", B: b"b.ics is 1"}
    assert mirror.read(ref, C) is None
    listed = mirror.snapshot(ref).resources[B]
    assert (listed.etag, listed.size, listed.revision) == (unreadable.etag, len(unreadable.text), Revision(1))
    assert (listed.items, listed.index, listed.is_readable) == (unreadable.items, unreadable.index, False)


def test_texts_of_more_names_than_a_query_takes_are_read(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    names = [Name(f"{number}.ics") for number in range(1201)]
    pull(*(event(name) for name in names))
    assert mirror.texts(ref, names) == {name: f"{name} is 1".encode() for name in names}


def test_viewers_of_one_calendar_know_nothing_of_each_other(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    pull(event("a.ics"))
    other = replace(ref, viewer=replace(ref.viewer, address=Address("bob@example.com")))
    assert mirror.snapshot(other).resources == {}
    assert mirror.texts(other, [A]) == {}
    assert mirror.status(other).epoch != mirror.status(ref).epoch


# --- viewers -------------------------------------------------------------------------------------------


@pytest.fixture
def calendar(ref: CalendarRef) -> Calendar:
    rights = Rights(read=True, create=True, modify=True, delete=False)
    return Calendar(ref, "Anna's calendar", is_default=True, rights=rights, stamp='{"name":"x"}')


def test_the_last_folder_listing_is_given_with_its_time(
    mirror: Mirror, calendar: Calendar, ref: CalendarRef, now: datetime
) -> None:
    assert mirror.calendars(ref.viewer, ref.mailbox) is None
    mirror.put_calendars(ref.viewer, ref.mailbox, (calendar,), now)
    later = now + timedelta(microseconds=1)
    other = replace(calendar, ref=replace(ref, folder=FolderId("other")), look="#ff0000")
    mirror.put_calendars(ref.viewer, ref.mailbox, (calendar, other), later)
    listing = mirror.calendars(ref.viewer, ref.mailbox)
    assert listing is not None
    assert (listing.calendars, listing.listed_at) == ((calendar, other), later)
    assert mirror.calendars(ref.viewer, Address("bob@example.com")) is None


def test_a_viewer_is_forgotten_whole_and_alone(
    mirror: Mirror, calendar: Calendar, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), pending=((ITEM_B, now),))
    mirror.put_calendars(ref.viewer, ref.mailbox, (calendar,), now)
    bob = Viewer(ref.viewer.organisation, Address("bob@example.com"))
    mirror.put(replace(ref, viewer=bob), event("a.ics"))
    epoch = mirror.snapshot(ref).epoch

    mirror.forget(ref.viewer)

    snapshot = mirror.snapshot(ref)
    assert (snapshot.resources, snapshot.is_complete) == ({}, False)
    assert snapshot.epoch != epoch
    assert mirror.calendars(ref.viewer, ref.mailbox) is None
    assert mirror.due(ref, now) == ()
    assert mirror.snapshot(replace(ref, viewer=bob)).resources.keys() == {A}


# --- sealing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stores", [ON_SQLITE], indirect=True)
def test_nothing_of_a_calendar_stands_in_the_clear_on_the_disk(
    mirror: Mirror, calendar: Calendar, ref: CalendarRef, event: MakeEvent, pull: Pull, now: datetime
) -> None:
    pull(event("a.ics"), event("b.ics"), pending=((ItemId("pending-item"), now),), cursor="cursor-value")
    pull(removed=(ITEM_B,), cursor="cursor-value")
    mirror.put_calendars(ref.viewer, ref.mailbox, (calendar,), now)
    file = Path(mirror._database._store.name)
    stored = b"".join(part.read_bytes() for part in file.parent.glob("mirror.db*"))
    assert len(stored) > 20_000
    telling = ["Subject of", "uid of", "a.ics", "b.ics", "item of", "pending-item", "cursor-value", "VEVENT", "Busy"]
    telling += ["anna@example.com", "AAMkFolder=", "Anna's calendar", "example.com"]
    assert [word for word in telling if word.encode() in stored] == []
    assert file.stat().st_mode & 0o777 == 0o600
