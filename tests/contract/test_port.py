"""What every back end of the port does, whatever Exchange is behind it: one suite, run on all of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import (
    AccessDenied,
    CredentialRefused,
    CursorExpired,
    FolderMissing,
    ItemChanged,
    ItemMissing,
)
from bridge.exchange import Deadline, Deletion
from bridge.item import Attribute, BusyStatus, Content, Cursor, Item, ItemId, ItemRef, Missing, Sensitivity, Uid, Zone
from bridge.model import BasicCredential

from port_subject import Subject

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = Zone("W. Europe Standard Time")


def soon() -> Deadline:
    return Deadline.after(20)


def content(uid: str = "contract-1", **changes: Any) -> Content:
    plain = Content(
        uid=Uid(uid),
        subject="Planning",
        start=START,
        end=START + HOUR,
        start_zone=BERLIN,
        end_zone=BERLIN,
        location="Room 7",
        body="First line\nsecond line",
        sensitivity=Sensitivity.PRIVATE,
        busy_status=BusyStatus.TENTATIVE,
        categories=("Red", "Travel & more"),
        reminder_minutes=30,
        name_stamp='{"name":"x.ics","mailbox":"m","uid":"u"}',
        kept='{"v":1,"lines":["X-A:<b>&amp;"]}',
    )
    return replace(plain, **changes)


def read(subject: Subject, ref: ItemRef) -> Item:
    (found,) = subject.exchange.get(subject.owner, subject.calendar, [ref.id], soon())
    assert isinstance(found, Item)
    return found


def whole_feed(subject: Subject, cursor: Cursor | None = None) -> tuple[dict[ItemId, ItemRef], set[ItemId], Cursor]:
    entries: dict[ItemId, ItemRef] = {}
    removed: set[ItemId] = set()
    for _page in range(100):
        page = subject.exchange.feed(subject.owner, subject.calendar, cursor, soon())
        entries |= {entry.ref.id: entry.ref for entry in page.entries}
        removed |= set(page.removed)
        cursor = page.cursor
        if page.is_last:
            return entries, removed, cursor
    pytest.fail("the feed has no last page")


def test_a_good_login_tells_the_mailbox_and_a_wrong_password_is_refused(subject: Subject) -> None:
    mailbox = subject.exchange.log_in(subject.owner.credential, soon())
    assert mailbox.address == subject.owner.viewer.address
    wrong = BasicCredential(subject.owner.credential.username, "not the password")
    with pytest.raises(CredentialRefused):
        subject.exchange.log_in(wrong, soon())


def test_aliases_are_told_at_login(subject: Subject) -> None:
    mailbox = subject.exchange.log_in(subject.owner.credential, soon())
    assert subject.owner_alias in mailbox.aliases


def test_ones_own_calendars_come_with_all_rights_and_the_default_one_first(subject: Subject) -> None:
    calendars = subject.exchange.calendars(subject.owner, subject.owner.viewer.address, soon())
    assert [one.is_default for one in calendars] == [True] + [False] * (len(calendars) - 1)
    assert len(calendars) > 1
    assert all(one.rights.read and one.rights.write for one in calendars)
    assert subject.calendar in {one.ref for one in calendars}


def test_anothers_calendar_comes_with_the_rights_one_has_on_it(subject: Subject) -> None:
    (calendar,) = subject.exchange.calendars(subject.reader, subject.owner.viewer.address, soon())
    assert calendar.rights.read
    assert not calendar.rights.write


def test_another_who_is_asked_for_by_an_alias_is_named_by_his_primary_address(subject: Subject) -> None:
    (calendar,) = subject.exchange.calendars(subject.reader, subject.owner_alias, soon())
    assert calendar.ref.mailbox == subject.owner.viewer.address
    assert calendar.ref.folder == subject.calendar.folder
    assert calendar.owner_name.casefold() == "owner"


def test_a_mailbox_one_may_not_see_is_missing_or_denied(subject: Subject) -> None:
    with pytest.raises((FolderMissing, AccessDenied)):
        subject.exchange.calendars(subject.owner, subject.stranger.viewer.address, soon())


def test_what_is_created_is_read_back_whole(subject: Subject) -> None:
    wanted = content()
    ref = subject.exchange.create(subject.owner, subject.calendar, wanted, soon())
    found = read(subject, ref)
    assert found.content == wanted
    assert found.ref == ref
    assert not found.is_meeting


def test_an_all_day_event_keeps_its_days(subject: Subject) -> None:
    midnight = datetime(2027, 7, 5, 22, 0, tzinfo=UTC)
    wanted = content("contract-day", is_all_day=True, start=midnight, end=midnight + timedelta(days=2))
    ref = subject.exchange.create(subject.owner, subject.calendar, wanted, soon())
    assert read(subject, ref).content == wanted


def test_a_bare_event_is_read_back_bare(subject: Subject) -> None:
    wanted = Content(Uid("contract-bare"), "", START, START)
    ref = subject.exchange.create(subject.owner, subject.calendar, wanted, soon())
    assert read(subject, ref).content == wanted


def test_an_update_writes_what_it_names_and_nothing_else(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-update"), soon())
    other = content("contract-update", subject="Moved", location="Elsewhere", body="New", start=START + HOUR)
    named = frozenset({Attribute("subject"), Attribute("start"), Attribute("end")})
    new = subject.exchange.update(
        subject.owner, subject.calendar, ref, replace(other, end=START + 2 * HOUR), named, soon()
    )
    assert new.id == ref.id
    assert new.change_key != ref.change_key
    expected = content("contract-update", subject="Moved", start=START + HOUR, end=START + 2 * HOUR)
    assert read(subject, new).content == expected


def test_an_update_clears_what_is_empty(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-clear"), soon())
    empty = content("contract-clear", location="", body="", categories=(), reminder_minutes=None, kept=None)
    named = frozenset(map(Attribute, ("location", "body", "categories", "reminder_minutes", "kept")))
    new = subject.exchange.update(subject.owner, subject.calendar, ref, empty, named, soon())
    assert read(subject, new).content == empty


def test_a_stale_change_key_is_refused_where_the_server_says_it_finds_conflicts(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-stale"), soon())
    named = frozenset({Attribute("subject")})
    changed = content("contract-stale", subject="First")
    subject.exchange.update(subject.owner, subject.calendar, ref, changed, named, soon())
    if not subject.exchange.capabilities(subject.owner, soon()).finds_conflicts:
        pytest.skip("this server takes any change key, and says so")
    with pytest.raises(ItemChanged):
        subject.exchange.update(subject.owner, subject.calendar, ref, replace(changed, subject="Second"), named, soon())
    assert read(subject, ref).content.subject == "First"


def test_a_deleted_item_is_missing_and_cannot_be_changed_or_deleted_again(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-gone"), soon())
    subject.exchange.delete(subject.owner, subject.calendar, ref, Deletion.TO_DELETED_ITEMS, soon())
    assert subject.exchange.get(subject.owner, subject.calendar, [ref.id], soon()) == (Missing(ref.id),)
    with pytest.raises(ItemMissing):
        subject.exchange.delete(subject.owner, subject.calendar, ref, Deletion.TO_DELETED_ITEMS, soon())
    named = frozenset({Attribute("subject")})
    with pytest.raises(ItemMissing):
        subject.exchange.update(subject.owner, subject.calendar, ref, content("contract-gone"), named, soon())


def test_items_come_in_the_order_asked_for(subject: Subject) -> None:
    refs = [
        subject.exchange.create(subject.owner, subject.calendar, content(f"contract-order-{number}"), soon())
        for number in range(3)
    ]
    subject.exchange.delete(subject.owner, subject.calendar, refs[1], Deletion.SOFT, soon())
    asked = [refs[2].id, refs[1].id, refs[0].id]
    found = subject.exchange.get(subject.owner, subject.calendar, asked, soon())
    assert [one.ref.id if isinstance(one, Item) else one.id for one in found] == asked
    assert [type(one) for one in found] == [Item, Missing, Item]


def test_the_feed_tells_what_came_after_its_cursor(subject: Subject) -> None:
    _, _, cursor = whole_feed(subject)
    kept = subject.exchange.create(subject.owner, subject.calendar, content("contract-feed-1"), soon())
    gone = subject.exchange.create(subject.owner, subject.calendar, content("contract-feed-2"), soon())
    entries, removed, cursor = whole_feed(subject, cursor)
    assert entries == {kept.id: kept, gone.id: gone}
    assert removed == set()
    subject.exchange.delete(subject.owner, subject.calendar, gone, Deletion.TO_DELETED_ITEMS, soon())
    named = frozenset({Attribute("subject")})
    new = subject.exchange.update(
        subject.owner, subject.calendar, kept, content("contract-feed-1", subject="New"), named, soon()
    )
    entries, removed, cursor = whole_feed(subject, cursor)
    assert entries == {new.id: new}
    assert removed == {gone.id}
    assert whole_feed(subject, cursor)[:2] == ({}, set())


def test_the_feed_from_nothing_lists_everything_and_an_outline_of_it(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-listed"), soon())
    entries, removed, _ = whole_feed(subject)
    assert entries[ref.id] == ref
    assert removed == set()
    page = subject.exchange.feed(subject.owner, subject.calendar, None, soon())
    outline = next(entry.outline for entry in page.entries if entry.ref.id == ref.id)
    assert outline is not None
    assert (outline.uid, outline.start, outline.end) == ("contract-listed", START, START + HOUR)
    assert outline.busy_status is BusyStatus.TENTATIVE


def test_an_unknown_cursor_is_refused(subject: Subject) -> None:
    if subject.lists_for_any_cursor:
        pytest.skip("this server answers an unknown cursor with a full listing")
    with pytest.raises(CursorExpired):
        subject.exchange.feed(subject.owner, subject.calendar, Cursor("bm90IGEgY3Vyc29y"), soon())


def test_an_item_is_found_by_its_uid(subject: Subject) -> None:
    for uid in ("contract-find@example.test", "040000008200E00074C5B7101A82E00800000000" + "AB" * 30):
        ref = subject.exchange.create(subject.owner, subject.calendar, content(uid), soon())
        found = subject.exchange.find(subject.owner, subject.calendar, Uid(uid), soon())
        assert [one.id for one in found] == [ref.id]
    assert subject.exchange.find(subject.owner, subject.calendar, Uid("contract-not-there"), soon()) == ()


def test_a_reader_reads_and_may_not_write(subject: Subject) -> None:
    ref = subject.exchange.create(subject.owner, subject.calendar, content("contract-read"), soon())
    (calendar,) = subject.exchange.calendars(subject.reader, subject.owner.viewer.address, soon())
    (found,) = subject.exchange.get(subject.reader, calendar.ref, [ref.id], soon())
    assert isinstance(found, Item)
    with pytest.raises(AccessDenied):
        subject.exchange.create(subject.reader, calendar.ref, content("contract-no"), soon())
    with pytest.raises(AccessDenied):
        subject.exchange.delete(subject.reader, calendar.ref, found.ref, Deletion.SOFT, soon())


def test_a_refused_credential_says_so_in_every_verb(subject: Subject) -> None:
    bad = replace(subject.owner, credential=BasicCredential(subject.owner.credential.username, "wrong"))
    with pytest.raises(CredentialRefused):
        subject.exchange.feed(bad, subject.calendar, None, soon())
    with pytest.raises(CredentialRefused):
        subject.exchange.create(bad, subject.calendar, content("contract-bad"), soon())
