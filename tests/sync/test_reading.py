"""What is served comes from the mirror, as fresh as the policy asks, and never less for Exchange's troubles."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

from bridge.errors import (
    AccessDenied,
    CredentialRefused,
    ExchangeBusy,
    ExchangeUnreachable,
    LoginRefused,
    NotFound,
    TokenUnknown,
    Unavailable,
)
from bridge.item import Item, ItemId, Page
from bridge.model import CalendarName, Caller, Rights
from bridge.sync.pull import AT_ONCE, BATCH

from events import event
from world import ANN, BEN, World

READ_ONLY = Rights(read=True, create=False, modify=False, delete=False)


def test_an_event_made_in_outlook_is_served_under_its_uid(world: World) -> None:
    world.outlook_adds("one@outlook", "Board meeting")
    assert list(world.etags()) == ["one@outlook.ics"]
    assert "SUMMARY:Board meeting" in world.text("one@outlook.ics")


def test_a_fresh_calendar_is_served_without_asking_exchange(world: World) -> None:
    world.etags()
    before = world.exchange.calls.total()
    world.clock.move(14)
    world.etags()
    assert world.exchange.calls.total() == before


def test_a_calendar_that_is_not_fresh_is_pulled_first(world: World) -> None:
    world.etags()
    world.outlook_adds("late@outlook")
    world.later()
    assert list(world.etags()) == ["late@outlook.ics"]


def test_a_client_that_wants_no_cache_gets_what_exchange_has_now(world: World) -> None:
    world.etags()
    world.outlook_adds("now@outlook")
    snapshot = world.store.snapshot(world.login(), world.calendar(), fresh=True)
    assert list(snapshot.resources) == ["now@outlook.ics"]


def test_a_poll_without_news_reads_no_item(world: World) -> None:
    world.outlook_adds("one@outlook")
    world.etags()
    world.exchange.calls.clear()
    world.later()
    world.etags()
    assert world.exchange.calls == {"feed": 1}


@pytest.mark.parametrize("trouble", [ExchangeUnreachable("down"), ExchangeBusy("busy", 60)])
def test_what_is_known_is_served_while_exchange_cannot_be_asked(world: World, trouble: Unavailable) -> None:
    world.outlook_adds("one@outlook")
    known = world.etags()
    world.later()
    world.exchange.fail("feed", trouble, times=9)
    assert world.etags() == known


def test_a_calendar_never_read_whole_is_unavailable_and_not_empty(world: World) -> None:
    world.outlook_adds("one@outlook")
    world.exchange.fail("feed", ExchangeUnreachable("down"))
    with pytest.raises(Unavailable):
        world.etags()
    before = world.exchange.calls.total()
    with pytest.raises(Unavailable):
        world.etags()
    assert world.exchange.calls.total() == before, "what just failed is not asked again at once"
    world.clock.move(6)
    assert list(world.etags()) == ["one@outlook.ics"]


def test_a_first_pull_that_breaks_off_goes_on_where_it_was(world: World) -> None:
    world.exchange.page_size = 2
    for number in range(5):
        world.outlook_adds(f"{number}@outlook")
    asked = iter([None, ExchangeUnreachable("down")])

    def on_call(verb: str) -> None:
        trouble = next(asked, None) if verb == "feed" else None
        if trouble is not None:
            raise trouble

    world.exchange.on_call = on_call
    with pytest.raises(Unavailable):
        world.etags()
    world.clock.move(6)
    assert len(world.etags()) == 5
    assert world.exchange.calls["feed"] == 1 + 1 + 2


def test_names_uids_and_etags_outlive_a_restart_and_a_lost_mirror(world: World) -> None:
    world.outlook_adds("made@outlook")
    world.outlook_adds("odd/uid with spaces")
    world.put("from a client.ics", event("client-1"), new=True)
    known = world.etags()
    assert "from a client.ics" in known
    world.restart()
    assert world.etags() == known
    world.lose_mirror()
    assert world.etags() == known


def test_an_expired_cursor_leads_to_a_listing_that_changes_nothing_for_clients(world: World) -> None:
    kept = world.outlook_adds("kept@outlook")
    gone = world.outlook_adds("gone@outlook")
    before = world.store.snapshot(world.login(), world.calendar())
    token = world.store.changes(world.login(), world.calendar(), None).token
    world.outlook_deletes(gone)
    world.exchange.expire_cursors()
    world.later()
    changes = world.store.changes(world.login(), world.calendar(), token)
    assert changes.removed == ("gone@outlook.ics",)
    assert changes.changed == ()
    assert world.etags() == {"kept@outlook.ics": before.resources[next(iter(before.resources))].etag}
    assert kept.ref.id in {item.ref.id for item in world.items()}


def test_a_calendar_that_suddenly_lists_empty_is_asked_again(world: World) -> None:
    item = world.outlook_adds("one@outlook")
    known = world.etags()
    folder = world.exchange.calendar_of(ANN)
    world.exchange.expire_cursors()
    world.later()
    log, items = folder.log, folder.items
    answers = iter([(list[ItemId](), dict[ItemId, Item]())])

    def on_call(verb: str) -> None:
        if verb == "feed" and world.exchange.calls["feed"] > 2:
            folder.log, folder.items = next(answers, (log, items))

    world.exchange.on_call = on_call
    assert world.etags() == known
    assert item.ref.id in folder.items


def test_a_server_that_lists_everything_for_a_cursor_it_does_not_know_hides_no_deletion(world: World) -> None:
    world.exchange.lists_all = True
    gone = world.outlook_adds("gone@outlook")
    world.outlook_adds("stays@outlook")
    world.etags()
    world.put("own.ics", event("own"), new=True)
    world.later()
    world.outlook_deletes(gone)
    world.exchange.expire_cursors()
    before = world.exchange.calls["feed"]
    assert sorted(world.etags()) == ["own.ics", "stays@outlook.ics"]
    assert world.exchange.calls["feed"] == before + 2
    for _ in range(2):
        world.later()
        world.etags()
    assert world.exchange.calls["feed"] == before + 4


def test_a_token_tells_changes_and_deletions_since(world: World) -> None:
    first = world.outlook_adds("first@outlook")
    second = world.outlook_adds("second@outlook")
    token = world.store.changes(world.login(), world.calendar(), None).token
    world.outlook_changes(first, lambda content: replace(content, subject="Other"))
    world.outlook_deletes(second)
    world.outlook_adds("third@outlook")
    world.later()
    changes = world.store.changes(world.login(), world.calendar(), token)
    assert {str(listed.name) for listed in changes.changed} == {"first@outlook.ics", "third@outlook.ics"}
    assert changes.removed == ("second@outlook.ics",)
    again = world.store.changes(world.login(), world.calendar(), changes.token)
    assert (again.changed, again.removed, again.token) == ((), (), changes.token)


def test_a_change_that_a_client_cannot_read_gives_no_new_etag_and_no_new_token(world: World) -> None:
    item = world.outlook_adds("one@outlook")
    known = world.etags()
    token = world.store.changes(world.login(), world.calendar(), None).token
    world.outlook_changes(item, lambda content: content)
    world.later()
    assert world.etags() == known
    assert world.store.changes(world.login(), world.calendar(), token).token == token


@pytest.mark.parametrize("token", ["garbage", "urn:exchange-bridge:sync:0123456789abcdef:1"])
def test_a_token_of_another_mirror_is_unknown(world: World, token: str) -> None:
    world.etags()
    with pytest.raises(TokenUnknown):
        world.store.changes(world.login(), world.calendar(), token)


def test_a_token_of_a_lost_mirror_is_unknown(world: World) -> None:
    token = world.store.changes(world.login(), world.calendar(), None).token
    world.lose_mirror()
    with pytest.raises(TokenUnknown):
        world.store.changes(world.login(), world.calendar(), token)


def test_a_token_from_before_what_is_remembered_of_removals_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.mirror.grave_row.MOST_GRAVES", 1)
    gone = [world.outlook_adds(f"{number}@outlook") for number in range(2)]
    tokens = []
    for item in gone:
        tokens.append(world.store.changes(world.login(), world.calendar(), None).token)
        world.outlook_deletes(item)
        world.later()
        world.etags()
    with pytest.raises(TokenUnknown):
        world.store.changes(world.login(), world.calendar(), tokens[0])
    assert world.store.changes(world.login(), world.calendar(), tokens[1]).removed == ("1@outlook.ics",)


def test_an_item_that_cannot_be_read_blocks_its_time_and_is_read_later(world: World) -> None:
    item = world.outlook_adds("bad@outlook", "Secret subject")
    good = world.outlook_adds("good@outlook")
    folder = world.exchange.calendar_of(ANN)
    folder.unreadable.add(item.ref.id)
    assert set(world.etags()) == {"bad@outlook.ics", "good@outlook.ics"}
    shown = world.text("bad@outlook.ics")
    assert "DTSTART:20270301T090000Z" in shown
    assert "Secret subject" not in shown
    folder.unreadable.clear()
    world.clock.move(301)
    world.etags()
    assert "Secret subject" in world.text("bad@outlook.ics")
    assert good.ref.id in folder.items


def test_a_password_that_is_refused_while_items_are_read_again_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved: list[Caller] = []
    folder, item = world.exchange.calendar_of(ANN), world.outlook_adds("secret@outlook")
    folder.unreadable.add(item.ref.id)
    world.etags()
    monkeypatch.setattr(world.store._refresher, "_on_answer", proved.append)
    world.clock.move(6 * 60)
    world.exchange.fail("get", CredentialRefused("No."))
    with pytest.raises(LoginRefused):
        world.etags()
    assert proved == []


def test_a_pull_that_another_process_outran_does_not_end_with_less_than_it_was_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.etags()
    second = World(tmp_path, world.exchange)
    second.clock = world.clock
    second.restart()
    world.later()
    world.outlook_adds("one@outlook")
    feed = world.exchange.feed

    def outrun(*arguments: Any) -> Page:
        monkeypatch.setattr(world.exchange, "feed", feed)
        assert len(second.etags()) == 1
        world.outlook_adds("two@outlook")
        return feed(*arguments)

    monkeypatch.setattr(world.exchange, "feed", outrun)
    assert len(world.etags()) == 2
    second.close()


def test_an_item_that_becomes_unreadable_stays_as_it_was(world: World) -> None:
    item = world.outlook_adds("one@outlook", "As it was")
    known = world.etags()
    world.exchange.calendar_of(ANN).unreadable.add(item.ref.id)
    world.outlook_changes(item, lambda content: replace(content, subject="Not readable"))
    world.later()
    assert world.etags() == known


def test_a_uid_deleted_and_created_again_keeps_the_name_its_client_gave(world: World) -> None:
    world.put("given.ics", event("again-1"), new=True)
    (item,) = world.items()
    world.outlook_deletes(item)
    world.outlook_adds("again-1", "Answered")
    world.later()
    assert list(world.etags()) == ["given.ics"]
    (item,) = world.items()
    world.outlook_deletes(item)
    world.later()
    assert world.etags() == {}
    world.outlook_adds("again-1", "Answered again")
    world.later()
    assert list(world.etags()) == ["given.ics"]


def test_a_second_item_of_a_uid_is_served_beside_the_first(world: World) -> None:
    world.outlook_adds("twice@outlook", "First")
    world.outlook_adds("twice@outlook", "Second")
    names = world.etags()
    assert len(names) == 2
    assert "twice@outlook.ics" in names
    texts = [world.text(name) for name in names]
    assert {line for text in texts for line in text.splitlines() if line.startswith("SUMMARY")} == {
        "SUMMARY:First",
        "SUMMARY:Second",
    }
    assert len({line for text in texts for line in text.splitlines() if line.startswith("UID")}) == 2
    world.later()
    assert world.etags() == names


def test_a_refused_credential_is_a_refused_login_and_is_reported(world: World) -> None:
    world.etags()
    world.later()
    world.exchange.fail("feed", CredentialRefused("changed"))
    with pytest.raises(LoginRefused):
        world.etags()
    assert [caller.viewer.address for caller in world.refused] == [ANN]


def test_anothers_calendar_is_listed_where_it_is_shared_and_only_there(world: World) -> None:
    shared = CalendarName(f"{ANN}~calendar")
    with pytest.raises(NotFound):
        world.calendar(shared, BEN)
    world.exchange.calendar_of(ANN).readers[world.login(BEN).mailbox.address] = READ_ONLY
    world.clock.move(61)
    served = world.calendar(shared, BEN)
    assert not served.calendar.rights.write
    world.outlook_adds("one@outlook")
    assert list(world.store.snapshot(world.login(BEN), served).resources) == ["one@outlook.ics"]


def test_a_calendar_that_is_no_longer_shared_is_gone(world: World) -> None:
    readers = world.exchange.calendar_of(ANN).readers
    readers[world.login(BEN).mailbox.address] = READ_ONLY
    served = world.calendar(CalendarName(f"{ANN}~calendar"), BEN)
    world.store.snapshot(world.login(BEN), served)
    readers.clear()
    world.later()
    with pytest.raises(NotFound):
        world.store.snapshot(world.login(BEN), served)


def test_a_denied_pull_of_a_calendar_that_is_listed_is_trouble_and_no_deletion(world: World) -> None:
    world.outlook_adds("one@outlook")
    known = world.etags()
    world.later()
    world.exchange.fail("feed", AccessDenied("denied"), times=2)
    assert world.etags() == known
    assert world.etags() == known
    world.clock.move(6)
    assert world.etags() == known
    world.clock.move(6)
    asked = world.exchange.calls["feed"]
    assert world.etags() == known
    assert world.exchange.calls["feed"] == asked + 1


def test_a_denied_first_pull_of_a_calendar_that_is_listed_is_unavailable(world: World) -> None:
    world.exchange.fail("window", AccessDenied("denied"))
    with pytest.raises(Unavailable):
        world.etags()


def test_home_is_listed_as_last_known_while_exchange_is_down(world: World) -> None:
    world.exchange.add_folder(ANN, "Side project")
    names = [one.name for one in world.store.calendars(world.login())]
    assert names == ["calendar", "side-project"]
    world.clock.move(61)
    world.exchange.fail("calendars", ExchangeUnreachable("down"))
    assert [one.name for one in world.store.calendars(world.login())] == names


def test_a_calendars_name_stays_when_its_folder_is_renamed(world: World) -> None:
    folder = world.exchange.add_folder(ANN, "Side project")
    world.store.calendars(world.login())
    folder.display_name = "Main project"
    world.lose_mirror()
    served = world.calendar(CalendarName("side-project"))
    assert served.calendar.display_name == "Main project"


def test_a_pull_reads_several_batches_side_by_side_and_all_of_them(world: World) -> None:
    """Each of three calls waits for the two others: one after the other they would never end."""
    for number in range(BATCH * AT_ONCE):
        world.outlook_adds(f"u{number}")
    together = threading.Barrier(AT_ONCE)
    world.exchange.on_call = lambda verb: _wait(together) if verb == "get" else None
    assert len(world.etags()) == BATCH * AT_ONCE
    assert world.exchange.calls["get"] == AT_ONCE


def _wait(barrier: threading.Barrier) -> None:
    barrier.wait(30)


def test_what_an_absent_viewer_was_told_goes_and_comes_back_with_him(world: World) -> None:
    world.keep = timedelta(days=60)
    world.restart()
    world.outlook_adds("one@outlook")
    world.etags()
    ref = world.calendar().calendar.ref
    epoch = world.mirror.status(ref).epoch
    world.clock.move(59 * 86400)
    world.etags()
    world.clock.move(59 * 86400)
    world.calendar(address=BEN)
    assert world.mirror.status(ref).epoch == epoch
    world.clock.move(2 * 86400)
    world.calendar(address=BEN)
    eventually(lambda: world.mirror.calendars(ref.viewer, ref.mailbox) is None)
    assert list(world.etags()) == ["one@outlook.ics"]
    assert world.mirror.status(ref).epoch != epoch
