"""A client's change is in Exchange, once, when it is answered; or it is refused and the client still has it."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    ExchangeBusy,
    ExchangeTimedOut,
    ExchangeUnreachable,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    RequestRefused,
    UidTaken,
    Unavailable,
)
from bridge.exchange import Waiters
from bridge.item import ItemRef
from bridge.model import CalendarName, ETag, Name, Rights, ServedCalendar
from bridge.resource import Conditions
from bridge.state.intents import Intent
from bridge.sync.outcome import UNCLEAR

from events import event
from world import ANN, BEN, World

LOST = [ExchangeTimedOut("late"), AnswerUnusable("half"), ExchangeUnreachable("reset")]


def etag_of(world: World, name: str) -> ETag:
    return ETag(world.etags()[name])


def test_a_new_event_is_at_exchange_under_the_clients_name(world: World) -> None:
    stored = world.put("my name.ics", event("u1", "Lunch"), new=True)
    assert stored.created
    (item,) = world.items()
    assert (item.content.uid, item.content.subject) == ("u1", "Lunch")
    assert list(world.etags()) == ["my name.ics"]


def test_a_second_event_of_one_name_is_refused_though_it_is_the_same(world: World) -> None:
    world.put("a.ics", event("u1"), new=True)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", event("u1"), new=True)


def test_a_new_event_costs_one_write_one_read_and_the_look_for_its_uid(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    world.put("a.ics", event("u1"), new=True)
    assert world.exchange.calls == {"find": 1, "create": 1, "get": 1}


def test_ones_own_change_is_seen_by_the_next_request(world: World) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    assert "SUMMARY:First" in world.text("a.ics")
    world.put("a.ics", event("u1", "Second"), match=etag_of(world, "a.ics"))
    assert "SUMMARY:Second" in world.text("a.ics")
    world.later()
    assert "SUMMARY:Second" in world.text("a.ics")


def test_a_put_tells_an_etag_only_of_the_bytes_it_was_given(world: World) -> None:
    stored = world.put("a.ics", event("u1", "First"), new=True)
    served = world.text("a.ics").encode()
    assert (stored.etag is not None) == (served == event("u1", "First"))
    again = world.put("a.ics", served, match=etag_of(world, "a.ics"))
    assert not again.created
    assert again.etag == etag_of(world, "a.ics")


def test_an_update_costs_one_write_and_one_read_and_sends_what_changed(world: World) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    etag = etag_of(world, "a.ics")
    world.exchange.calls.clear()
    world.put("a.ics", event("u1", "Second"), match=etag)
    assert world.exchange.calls == {"update": 1, "get": 1}


def test_what_was_served_and_comes_back_unchanged_costs_one_read(world: World) -> None:
    world.outlook_adds("one@outlook", "Meeting", categories=("Red",), reminder_minutes=15)
    text = world.text("one@outlook.ics").encode()
    world.exchange.calls.clear()
    world.put("one@outlook.ics", text, match=etag_of(world, "one@outlook.ics"))
    assert world.exchange.calls == {"get": 1}


def test_a_stale_etag_is_refused(world: World) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    old = etag_of(world, "a.ics")
    world.put("a.ics", event("u1", "Second"), match=old)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", event("u1", "Third"), match=old)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", event("u1", "Third"), new=True)
    assert "SUMMARY:Second" in world.text("a.ics")


def test_if_match_on_what_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", event("u1"), match=ETag('"x"'))
    assert world.items() == []


@pytest.mark.parametrize("finds_conflicts", [True, False])
def test_what_outlook_changed_meanwhile_is_not_overwritten(world: World, finds_conflicts: bool) -> None:
    world.exchange.finds_conflicts = finds_conflicts
    item = world.outlook_adds("one@outlook", "First")
    etag = etag_of(world, "one@outlook.ics")
    world.outlook_changes(item, lambda content: replace(content, subject="Outlook's"))
    with pytest.raises(PreconditionFailed):
        world.put("one@outlook.ics", event("one@outlook", "Mine"), match=etag)
    assert [one.content.subject for one in world.items()] == ["Outlook's"]
    assert "SUMMARY:Outlook's" in world.text("one@outlook.ics")


def test_a_change_the_client_could_not_have_read_does_not_stand_in_its_way(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    etag = etag_of(world, "one@outlook.ics")
    world.outlook_changes(item, lambda content: content)
    world.put("one@outlook.ics", event("one@outlook", "Mine"), match=etag)
    assert [one.content.subject for one in world.items()] == ["Mine"]


def test_a_put_without_conditions_wins(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    world.etags()
    world.outlook_changes(item, lambda content: replace(content, subject="Outlook's", location="Room"))
    world.put("one@outlook.ics", event("one@outlook", "Mine"))
    assert [(one.content.subject, one.content.location) for one in world.items()] == [("Mine", "")]


def test_an_event_deleted_in_outlook_is_not_written_to_with_if_match(world: World) -> None:
    item = world.outlook_adds("one@outlook")
    etag = etag_of(world, "one@outlook.ics")
    world.outlook_deletes(item)
    with pytest.raises(PreconditionFailed):
        world.put("one@outlook.ics", event("one@outlook", "Mine"), match=etag)
    assert world.items() == []
    world.put("one@outlook.ics", event("one@outlook", "Mine"))
    assert [one.content.subject for one in world.items()] == ["Mine"]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("done", [True, False])
def test_a_create_whose_answer_was_lost_is_there_once_after_the_retry(
    world: World,
    lost: Exception,
    done: bool,
) -> None:
    world.exchange.fail("create", lost, done_first=done)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    world.restart()
    assert world.put("a.ics", event("u1"), new=True).created
    assert [item.content.uid for item in world.items()] == ["u1"]
    assert list(world.etags()) == ["a.ics"]


@pytest.mark.parametrize("done", [True, False])
def test_a_listing_between_a_lost_create_and_its_retry_does_not_turn_the_retry_away(
    world: World,
    done: bool,
) -> None:
    world.exchange.fail("create", ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    world.later()
    assert list(world.etags()) == (["a.ics"] if done else [])
    assert world.put("a.ics", event("u1"), new=True).created
    assert len(world.items()) == 1


@pytest.mark.parametrize("done", [True, False])
def test_an_update_whose_answer_was_lost_is_answered_as_done_after_the_retry(
    world: World,
    done: bool,
) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    etag = etag_of(world, "a.ics")
    world.exchange.fail("update", ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1", "Second"), match=etag)
    assert not world.put("a.ics", event("u1", "Second"), match=etag).created
    assert [item.content.subject for item in world.items()] == ["Second"]


def test_what_a_client_says_of_the_last_change_does_not_turn_its_retry_away(world: World) -> None:
    world.put("a.ics", event("u1", "Before"), new=True)
    etag, body = etag_of(world, "a.ics"), world.text("a.ics").replace("Before", "After").encode()
    assert b"LAST-MODIFIED:" in body
    world.exchange.fail("update", AnswerUnusable("half"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", body, match=etag)
    (item,) = world.items()
    assert item.modified is not None
    world.exchange.calendar_of(ANN).items[item.ref.id] = replace(item, modified=item.modified + timedelta(seconds=5))
    world.restart()
    assert not world.put("a.ics", body, match=etag).created
    assert [item.content.subject for item in world.items()] == ["After"]


def test_another_change_with_the_old_etag_is_no_retry(world: World) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    etag = etag_of(world, "a.ics")
    world.exchange.fail("update", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1", "Second"), match=etag)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", event("u1", "Third"), match=etag)
    assert [item.content.subject for item in world.items()] == ["Second"]


@pytest.mark.parametrize("done", [True, False])
def test_a_delete_whose_answer_was_lost_is_done_after_the_retry(
    world: World,
    done: bool,
) -> None:
    world.put("a.ics", event("u1"), new=True)
    etag = etag_of(world, "a.ics")
    world.exchange.fail("delete", ExchangeTimedOut("late"), done_first=done)
    with pytest.raises(Unavailable):
        world.delete("a.ics", match=etag)
    world.delete("a.ics", match=etag)
    assert world.items() == []
    assert world.etags() == {}


def test_a_busy_exchange_was_not_written_to(world: World) -> None:
    world.exchange.fail("create", ExchangeBusy("busy", 30))
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    assert world.put("a.ics", event("u1"), new=True).created


def test_a_write_that_cannot_be_read_back_is_answered_and_served_as_sent(world: World) -> None:
    world.etags()
    world.exchange.fail("get", ExchangeUnreachable("down"))
    assert world.put("a.ics", event("u1", "Sent"), new=True).created
    assert "SUMMARY:Sent" in world.text("a.ics")
    etag = etag_of(world, "a.ics")
    world.later()
    assert "SUMMARY:Sent" in world.text("a.ics")
    world.put("a.ics", event("u1", "Then"), match=etag_of(world, "a.ics"))
    assert [item.content.subject for item in world.items()] == ["Then"]
    assert etag


def test_a_uid_stands_once_in_a_calendar(world: World) -> None:
    world.put("a.ics", event("u1"), new=True)
    with pytest.raises(UidTaken) as caught:
        world.put("b.ics", event("u1", "Other"), new=True)
    assert caught.value.name == "a.ics"
    assert len(world.items()) == 1


def test_a_resource_keeps_its_uid(world: World) -> None:
    world.put("a.ics", event("u1"), new=True)
    with pytest.raises(UidTaken):
        world.put("a.ics", event("u2"), match=etag_of(world, "a.ics"))


def test_an_invitation_that_exchange_filed_first_becomes_the_clients_resource(world: World) -> None:
    world.outlook_adds("invited@elsewhere", "Their meeting")
    world.etags()
    token = world.store.changes(world.login(), world.calendar(), None).token
    body = event("invited@elsewhere", "Their meeting", "ORGANIZER:mailto:boss@elsewhere.test", f"ATTENDEE:mailto:{ANN}")
    world.put("client.ics", body, new=True)
    assert list(world.etags()) == ["client.ics"]
    assert len(world.items()) == 1
    changes = world.store.changes(world.login(), world.calendar(), token)
    assert [str(one.name) for one in changes.changed] == ["client.ics"]
    assert changes.removed == ("invited@elsewhere.ics",)
    world.lose_mirror()
    assert list(world.etags()) == ["client.ics"]


def test_an_invitation_filed_since_the_last_pull_is_found_before_a_second_one_is_made(world: World) -> None:
    world.etags()
    world.outlook_adds("invited@elsewhere", "Their meeting")
    body = event("invited@elsewhere", "Their meeting", "ORGANIZER:mailto:boss@elsewhere.test", f"ATTENDEE:mailto:{ANN}")
    world.put("client.ics", body, new=True)
    assert len(world.items()) == 1
    assert list(world.etags()) == ["client.ics"]
    world.later()
    assert list(world.etags()) == ["client.ics"]


def test_a_read_only_calendar_is_not_written_to(world: World) -> None:
    readers = world.exchange.calendar_of(ANN).readers
    readers[world.login(BEN).mailbox.address] = Rights(read=True, create=False, modify=False, delete=False)
    world.put("there.ics", event("u0"), new=True)
    served = world.calendar(CalendarName(f"{ANN}~calendar"), BEN)
    world.store.snapshot(world.login(BEN), served)
    for name, privilege in (("a.ics", "bind"), ("there.ics", "write-content")):
        with pytest.raises(NotPermitted) as caught:
            world.store.put(world.login(BEN), served, Name(name), event("u1"), Conditions())
        assert caught.value.privilege == privilege
    with pytest.raises(NotPermitted) as caught:
        world.store.delete(world.login(BEN), served, Name("there.ics"), Conditions())
    assert caught.value.privilege == "unbind"
    assert [item.content.uid for item in world.items()] == ["u0"]


@pytest.mark.parametrize(("verb", "privilege"), [("create", "bind"), ("update", "write-content")])
def test_a_right_that_exchange_took_away_meanwhile_is_named(world: World, verb: str, privilege: str) -> None:
    world.put("there.ics", event("u0"), new=True)
    world.exchange.fail(verb, AccessDenied("no"))
    name = "there.ics" if verb == "update" else "a.ics"
    with pytest.raises(NotPermitted) as caught:
        world.put(name, event("u0" if verb == "update" else "u1", "Other"))
    assert caught.value.privilege == privilege


def test_an_editor_writes_to_anothers_calendar_and_deletes_softly(world: World) -> None:
    readers = world.exchange.calendar_of(ANN).readers
    readers[world.login(BEN).mailbox.address] = Rights(read=True, create=True, modify=True, delete=True)
    served = world.calendar(CalendarName(f"{ANN}~calendar"), BEN)
    world.store.put(world.login(BEN), served, Name("a.ics"), event("u1"), Conditions())
    assert [item.content.uid for item in world.items()] == ["u1"]
    world.store.delete(world.login(BEN), served, Name("a.ics"), Conditions())
    assert world.items() == []


def test_deleting_what_outlook_changed_is_refused(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    etag = etag_of(world, "one@outlook.ics")
    world.outlook_changes(item, lambda content: replace(content, subject="Outlook's"))
    with pytest.raises(PreconditionFailed):
        world.delete("one@outlook.ics", match=etag)
    assert len(world.items()) == 1


def test_deleting_what_is_not_there_says_so(world: World) -> None:
    with pytest.raises(NotFound):
        world.delete("nothing.ics")


def test_a_pull_that_overlaps_a_write_does_not_bring_back_the_old_version(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    etag = etag_of(world, "one@outlook.ics")
    world.outlook_changes(item, lambda content: replace(content, reminder_minutes=5))
    world.later()
    world.etags()
    etag = etag_of(world, "one@outlook.ics")
    other = world.outlook_adds("two@outlook", "Other")
    world.later()
    wrote: list[bool] = []

    def on_call(verb: str) -> None:
        if verb == "get" and not wrote:
            wrote.append(True)
            world.clock.at = world.clock.at.replace(microsecond=0)
            pushed = replace(world.items()[0].content, subject="Written meanwhile")
            world.exchange.on_call = lambda _verb: None
            world.exchange.put_item(world.exchange.calendar_of(ANN), pushed, item=world.items()[0])

    world.exchange.on_call = on_call
    world.etags()
    world.later()
    assert "SUMMARY:Written meanwhile" in world.text("one@outlook.ics")
    assert other.ref.id in {one.ref.id for one in world.items()}
    assert etag


def test_what_could_not_be_read_is_neither_changed_nor_deleted(world: World) -> None:
    item = world.outlook_adds("bad@outlook")
    world.exchange.calendar_of(ANN).unreadable.add(item.ref.id)
    etag = etag_of(world, "bad@outlook.ics")
    for match in (None, etag):
        with pytest.raises(Unavailable):
            world.delete("bad@outlook.ics", match=match)
        with pytest.raises(Unavailable):
            world.put("bad@outlook.ics", event("bad@outlook", "Mine"), match=match)
    assert [one.content.subject for one in world.items()] == ["From Outlook"]


@pytest.mark.parametrize("match", [True, False])
def test_saving_an_event_unchanged_that_outlook_deleted_is_not_answered_as_done(world: World, match: bool) -> None:
    world.put("a.ics", event("u1"), new=True)
    etag = etag_of(world, "a.ics")
    (item,) = world.items()
    world.outlook_deletes(item)
    if match:
        with pytest.raises(PreconditionFailed):
            world.put("a.ics", event("u1"), match=etag)
        assert world.items() == []
    else:
        assert world.put("a.ics", event("u1")).created
        assert [one.content.uid for one in world.items()] == ["u1"]


def test_old_bytes_over_outlooks_change_are_refused_with_if_match_and_win_without(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    text, etag = world.text("one@outlook.ics").encode(), etag_of(world, "one@outlook.ics")
    item = world.outlook_changes(item, lambda content: replace(content, subject="Outlook's"))
    with pytest.raises(PreconditionFailed):
        world.put("one@outlook.ics", text, match=etag)
    assert [one.content.subject for one in world.items()] == ["Outlook's"]
    world.outlook_changes(item, lambda content: replace(content, subject="Outlook's again"))
    world.put("one@outlook.ics", text)
    assert [one.content.subject for one in world.items()] == ["First"]


def test_what_is_created_here_and_deleted_there_before_the_next_pull_goes(world: World) -> None:
    world.etags()
    world.put("a.ics", event("u1"), new=True)
    (item,) = world.items()
    world.outlook_deletes(item)
    world.later()
    assert world.etags() == {}


def test_what_is_created_here_is_not_read_again_when_the_feed_names_it(world: World) -> None:
    world.put("a.ics", event("u1"), new=True)
    world.later()
    world.exchange.calls.clear()
    world.etags()
    assert world.exchange.calls == {"feed": 1}


def editor(world: World) -> ServedCalendar:
    readers = world.exchange.calendar_of(ANN).readers
    readers[world.login(BEN).mailbox.address] = Rights(read=True, create=True, modify=True, delete=True)
    return world.calendar(CalendarName(f"{ANN}~calendar"), BEN)


def test_two_viewers_who_create_the_same_make_one_event(world: World) -> None:
    served = editor(world)
    world.etags()
    world.store.snapshot(world.login(BEN), served)
    world.put("a.ics", event("u1"), new=True)
    new = Conditions(if_none_match=frozenset({ETag("*")}))
    with pytest.raises(PreconditionFailed):
        world.store.put(world.login(BEN), served, Name("a.ics"), event("u1"), new)
    with pytest.raises(UidTaken):
        world.store.put(world.login(BEN), served, Name("b.ics"), event("u1"), new)
    assert len(world.items()) == 1


def test_a_lost_create_that_another_viewer_settled_is_not_made_again(world: World) -> None:
    served = editor(world)
    world.exchange.fail("create", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    world.store.snapshot(world.login(BEN), served)
    assert world.put("a.ics", event("u1"), new=True).created
    assert len(world.items()) == 1


def test_a_lost_create_that_cannot_be_read_is_not_made_again(world: World) -> None:
    world.exchange.fail("create", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    (item,) = world.items()
    folder = world.exchange.calendar_of(ANN)
    folder.unreadable.add(item.ref.id)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    folder.unreadable.clear()
    assert world.put("a.ics", event("u1"), new=True).created
    assert len(world.items()) == 1


def test_one_uid_under_two_names_at_once_is_one_event(world: World) -> None:
    world.etags()
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def put(name: str) -> None:
        barrier.wait()
        try:
            world.put(name, event("u1"), new=True)
            outcomes.append("created")
        except (UidTaken, Unavailable) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=put, args=(name,)) for name in ("a.ics", "b.ics")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("created") == len(world.items()) == 1


def test_if_match_any_wins_over_what_outlook_changed(world: World) -> None:
    item = world.outlook_adds("one@outlook", "First")
    world.etags()
    world.outlook_changes(item, lambda content: replace(content, subject="Outlook's"))
    world.put("one@outlook.ics", event("one@outlook", "Mine"), match=ETag("*"))
    assert [one.content.subject for one in world.items()] == ["Mine"]
    world.delete("one@outlook.ics", match=ETag("*"))
    assert world.items() == []


def test_a_write_that_fails_for_a_reason_of_our_own_does_not_lock_the_event(world: World) -> None:
    world.put("a.ics", event("u1", "First"), new=True)
    put = world.mirror.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.mirror, "put", _broken)
        with pytest.raises(ZeroDivisionError):
            world.put("a.ics", event("u1", "Second"))
    assert world.mirror.put == put
    world.put("a.ics", event("u1", "Third"))
    assert [one.content.subject for one in world.items()] == ["Third"]
    world.delete("a.ics")


def test_an_interrupted_write_that_cannot_be_cleared_up_does_not_hold_the_calendar(world: World) -> None:
    world.outlook_adds("other@outlook")
    world.exchange.fail("create", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    world.exchange.fail("find", RequestRefused("no", "ErrorInvalidRestriction"), times=99)
    world.later()
    assert "other@outlook.ics" in world.etags()


def test_a_calendar_deleted_in_outlook_is_gone_for_writers(world: World) -> None:
    served = world.calendar()
    del world.exchange.folders[served.calendar.ref.folder]
    world.exchange.add_folder(ANN, "Another", is_default=True)
    with pytest.raises(NotFound):
        world.store.put(world.login(), served, Name("a.ics"), event("u1"), Conditions())


class CountedPlaces(Waiters):
    """Places that count how many were held, each time one was taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.held = 0
        self.counts: list[int] = []

    @contextmanager
    def waiting(self, whom: Hashable = None) -> Iterator[None]:
        with super().waiting(whom):
            self.held += 1
            self.counts.append(self.held)
            try:
                yield
            finally:
                self.held -= 1


def test_a_writer_who_asks_whether_the_calendar_is_gone_holds_one_place_at_a_time(world: World) -> None:
    places = world.waiters = CountedPlaces(2)
    world.restart()
    served = world.calendar()
    world.store.snapshot(world.login(), served)
    places.counts.clear()
    del world.exchange.folders[served.calendar.ref.folder]
    world.exchange.add_folder(ANN, "Another", is_default=True)
    with pytest.raises(NotFound):
        world.store.put(world.login(), served, Name("a.ics"), event("u1"), Conditions())
    assert places.counts == [1, 1], "the write, and the question whether the calendar is there"


def _broken(*_args: object, **_more: object) -> None:
    raise ZeroDivisionError


def test_a_write_that_has_just_begun_is_not_taken_for_a_deserted_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, begin = world.store._pusher._outcomes, world.state.intents.begin
    judged: list[bool] = []
    threads: list[threading.Thread] = []

    def begin_and_be_seen(*args: Any, **kwargs: Any) -> Intent:
        intent = begin(*args, **kwargs)
        threads.append(threading.Thread(target=lambda: judged.append(outcomes.is_deserted(intent))))
        threads[0].start()
        threads[0].join(0.2)
        return intent

    monkeypatch.setattr(world.state.intents, "begin", begin_and_be_seen)
    create = world.exchange.create

    def create_then(*args: Any) -> ItemRef:
        threads[0].join()
        return create(*args)

    monkeypatch.setattr(world.exchange, "create", create_then)
    world.put("a.ics", event("u1"), new=True)
    assert judged == [False]


@pytest.mark.parametrize("done", [True, False])
def test_a_write_whose_intent_was_taken_over_is_found_out_by_the_retry(
    world: World, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    create, begin = world.exchange.create, world.state.intents.begin
    begun: list[Intent] = []

    def begin_and_note(*args: Any, **kwargs: Any) -> Intent:
        begun.append(begin(*args, **kwargs))
        return begun[-1]

    def create_and_lose(*args: Any) -> ItemRef:
        ref = create(*args)
        world.state.intents.advance(world.state.intents.take_over(begun[-1]), UNCLEAR)
        if not done:
            raise ExchangeTimedOut("late")
        return ref

    monkeypatch.setattr(world.state.intents, "begin", begin_and_note)
    monkeypatch.setattr(world.exchange, "create", create_and_lose)
    with pytest.raises(Unavailable):
        world.put("a.ics", event("u1"), new=True)
    monkeypatch.undo()
    assert world.put("a.ics", event("u1"), new=True).created
    assert len(world.items()) == 1
