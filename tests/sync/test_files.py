"""Files of events: read by their links alone, attached once, and taken away only where the client has seen them."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from bridge.errors import (
    AnswerUnusable,
    AttachmentTooLarge,
    BridgeError,
    CredentialRefused,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
    FolderMissing,
    InvalidCalendarData,
    ItemChanged,
    ItemMissing,
    LoginRefused,
    MirrorFilling,
    NotExpressible,
    NotFound,
    PreconditionFailed,
    RequestRefused,
    TooManyAttachments,
    Unavailable,
)
from bridge.ids import FilePlace, make_file_key, parse_file_url
from bridge.item import (
    AttachedFile,
    AttachmentId,
    AttachmentRef,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    Uid,
)
from bridge.mapping.attachments import WantedFiles
from bridge.mapping.series import WantedSeries
from bridge.model import CalendarName, ETag, Name, Rights
from bridge.resource import Conditions
from bridge.sync.file_plan import plan_files

from events import event, instances, override, series
from world import ANN, BEN, World

AGENDA = AttachedFile("agenda.txt", "text/plain", b"1. Lunch")
MAP = AttachedFile("map.png", "image/png", b"\x89PNG")
LOST = [ExchangeTimedOut("late"), AnswerUnusable("half"), ExchangeUnreachable("reset")]
MONDAY = datetime(2027, 3, 8, 8, 0, tzinfo=UTC)


def inline(file: AttachedFile) -> str:
    """Give the line that brings a file in the event."""
    parameters = f"FMTTYPE={file.content_type};FILENAME={file.name};ENCODING=BASE64;VALUE=BINARY"
    return f"ATTACH;{parameters}:{base64.b64encode(file.data).decode()}"


def links(text: str) -> list[str]:
    """Give the URLs of an event's files."""
    unfolded = text.replace("\r\n ", "")
    return [line.partition(":")[2] for line in unfolded.split("\r\n") if line.startswith("ATTACH")]


def place(url: str) -> FilePlace:
    found = parse_file_url(url)
    assert found is not None
    return found


def etag_of(world: World, name: str) -> ETag:
    return ETag(world.etags()[name])


def fetch(world: World, url: str, address: str = ANN) -> AttachedFile:
    """GET a file as a client does."""
    where = place(url)
    served = world.calendar(where.calendar, address)
    return world.store.attachment(world.login(address), served, where.name, where.key)


def attached(world: World, item: Item | None = None) -> list[AttachedFile]:
    """Give the files that Exchange holds at the one item of Ann's calendar, or at this one."""
    (only,) = [item] if item else world.items()
    held = {one: file for folder in world.exchange.folders.values() for one, (_, file) in folder.files.items()}
    return [held[one.id] for one in only.attachments]


def outlook_attaches(world: World, item: Item, *files: AttachedFile) -> Item:
    return world.exchange.put_files(world.exchange.calendar_of(ANN), item, files)


def outlook_takes_away(world: World, item: Item) -> None:
    folder = world.exchange.calendar_of(ANN)
    for one in item.attachments:
        del folder.files[one.id]
    world.exchange.set_attachments(folder, item, ())


def exception_of(world: World) -> Item:
    """Give the one changed occurrence of the one series in Ann's calendar."""
    (master,) = world.items()
    return world.exchange.calendar_of(ANN).occurrences[master.exceptions[0].ref.id]


def save(world: World, name: str, text: str) -> None:
    """PUT what was read, with its ETag."""
    world.put(name, text.encode(), match=etag_of(world, name))


# --- reading -----------------------------------------------------------------------------------------


def test_a_file_is_a_link_below_its_calendar_and_is_fetched_when_it_is_asked_for(world: World) -> None:
    item = outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    world.etags()
    world.exchange.calls.clear()
    (url,) = links(world.text("one@outlook.ics"))
    assert url.startswith(f"https://bridge.test/{ANN}/calendar/.attachments/one@outlook.ics/")
    assert url.endswith("/agenda.txt")
    assert item.attachments[0].id not in unquote(url)
    assert world.exchange.calls["attachment"] == 0
    assert fetch(world, url) == AGENDA
    assert world.exchange.calls == {"attachment": 1}


def test_a_pull_of_events_with_files_costs_what_it_costs_without(world: World) -> None:
    for number in range(20):
        outlook_attaches(world, world.outlook_adds(f"{number}@outlook"), AGENDA, MAP)
    world.exchange.calls.clear()
    assert len(world.etags()) == 20
    assert world.exchange.calls == {"window": 1, "feed": 1, "get": 1, "calendars": 1}


def test_what_belongs_to_the_text_is_not_served(world: World) -> None:
    item = outlook_attaches(world, world.outlook_adds("one@outlook"), MAP)
    inside = tuple(replace(one, is_inline=True) for one in item.attachments)
    world.exchange.set_attachments(world.exchange.calendar_of(ANN), item, inside)
    assert links(world.text("one@outlook.ics")) == []


def test_each_event_of_a_series_has_files_of_its_own(world: World) -> None:
    world.put("a.ics", series("u1", overrides=[override("20270308", "Moved", "20270308T140000")]), new=True)
    (master,) = world.items()
    outlook_attaches(world, master, AGENDA)
    outlook_attaches(world, exception_of(world), MAP)
    world.later()
    whole, changed = world.text("a.ics").split("END:VEVENT")[:2]
    assert [fetch(world, url) for url in links(whole)] == [AGENDA]
    assert [fetch(world, url) for url in links(changed)] == [MAP]


def test_a_reader_of_anothers_calendar_reads_its_files_by_links_of_his_own(world: World) -> None:
    folder = world.exchange.calendar_of(ANN)
    folder.readers[world.login(BEN).mailbox.address] = Rights(read=True, create=False, modify=False, delete=False)
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    (own,) = links(world.text("one@outlook.ics"))
    served = world.calendar(CalendarName(f"{ANN}~calendar"), BEN)
    world.store.snapshot(world.login(BEN), served)
    (url,) = links(world.store.texts(served, [Name("one@outlook.ics")])[Name("one@outlook.ics")].decode())
    assert f"/{BEN}/{ANN}~calendar/.attachments/" in url
    assert fetch(world, url, BEN) == AGENDA
    assert place(url).key == place(own).key


def test_nobody_reads_anothers_file_by_its_key(world: World) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    (url,) = links(world.text("one@outlook.ics"))
    where = place(url)
    with pytest.raises(NotFound):
        world.store.attachment(world.login(BEN), world.calendar(address=BEN), where.name, where.key)


def test_a_file_that_is_gone_is_not_found_and_one_that_cannot_be_had_now_is_no_such_thing(world: World) -> None:
    item = outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    (url,) = links(world.text("one@outlook.ics"))
    world.exchange.fail("attachment", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        fetch(world, url)
    outlook_takes_away(world, item)
    world.exchange.fail("feed", ExchangeUnreachable("reset"))
    with pytest.raises(Unavailable):
        fetch(world, url)
    world.clock.move(10)
    with pytest.raises(NotFound):
        fetch(world, url)
    assert links(world.text("one@outlook.ics")) == []


def test_another_url_of_the_bridge_gives_new_texts_without_asking_exchange(world: World) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    world.outlook_adds("two@outlook")
    before = world.etags()
    world.url = "https://calendar.example.test/prefix"
    world.restart()
    world.exchange.calls.clear()
    world.exchange.fail("feed", ExchangeUnreachable("reset"))
    world.later()
    (url,) = links(world.text("one@outlook.ics"))
    after = world.etags()
    assert url.startswith(f"https://calendar.example.test/prefix/{ANN}/calendar/.attachments/")
    assert world.exchange.calls["get"] == 0
    assert (before["two@outlook.ics"], before["one@outlook.ics"]) != (
        after["two@outlook.ics"],
        after["one@outlook.ics"],
    )
    assert before["two@outlook.ics"] == after["two@outlook.ics"]
    assert fetch(world, url) == AGENDA


# --- writing -----------------------------------------------------------------------------------------


def test_a_new_event_with_a_file_has_it_at_exchange_and_serves_a_link(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    stored = world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    assert (stored.created, stored.etag) == (True, None)
    assert world.exchange.calls == {"find": 1, "create": 1, "get": 2, "attach": 1}
    assert attached(world) == [AGENDA]
    (url,) = links(world.text("a.ics"))
    assert fetch(world, url) == AGENDA
    world.later()
    assert links(world.text("a.ics")) == [url]


def test_an_event_with_files_that_outlook_changed_is_not_written_when_it_is_saved_as_served(world: World) -> None:
    """What was kept for its times has had its day, and stays kept until somebody changes the event."""
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA), "LAST-MODIFIED:20270102T000000Z"), new=True)
    world.outlook_changes(world.items()[0], lambda content: replace(content, location="Canteen"))
    world.later()
    save(world, "a.ics", world.text("a.ics"))
    assert world.exchange.calls["update"] == 0


def test_an_event_that_comes_back_as_it_was_served_leaves_its_files(world: World) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    text = world.text("one@outlook.ics")
    world.exchange.calls.clear()
    save(world, "one@outlook.ics", text)
    assert world.exchange.calls == {"get": 1}


@pytest.mark.parametrize("pattern", [r";FMTTYPE[^:]*:", r"https://bridge.test"])
def test_a_link_means_its_file_whatever_became_of_it(world: World, pattern: str) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    text = world.text("one@outlook.ics").replace("\r\n ", "")
    changed = re.sub(pattern, ":" if pattern.startswith(";") else "http://localhost/x", text)
    assert changed != text
    save(world, "one@outlook.ics", changed.replace("From Outlook", "Changed"))
    assert attached(world) == [AGENDA]
    (item,) = world.items()
    assert (item.content.subject, item.content.kept) == ("Changed", None)
    assert (world.exchange.calls["attach"], world.exchange.calls["detach"]) == (0, 0)


def test_a_link_that_is_taken_out_of_the_event_takes_its_file_away(world: World) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA, MAP)
    text = world.text("one@outlook.ics").replace("\r\n ", "")
    save(world, "one@outlook.ics", re.sub(r"ATTACH[^\r]*agenda\.txt\r\n", "", text))
    assert attached(world) == [MAP]
    assert len(links(world.text("one@outlook.ics"))) == 1


def test_who_does_not_say_what_it_has_seen_takes_no_file_away(world: World) -> None:
    outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    world.etags()
    world.put("one@outlook.ics", event("one@outlook", "Mine"))
    assert attached(world) == [AGENDA]
    assert "SUMMARY:Mine" in world.text("one@outlook.ics")


def test_a_file_that_came_meanwhile_is_not_taken_away(world: World) -> None:
    item = world.outlook_adds("one@outlook")
    etag = etag_of(world, "one@outlook.ics")
    outlook_attaches(world, item, AGENDA)
    with pytest.raises(PreconditionFailed):
        world.put("one@outlook.ics", event("one@outlook", "Mine"), match=etag)
    assert attached(world) == [AGENDA]


def test_a_file_is_replaced_by_one_of_its_name(world: World) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    newer = replace(AGENDA, data=b"1. Dinner")
    world.put("a.ics", event("u1", "Lunch", inline(newer)), match=etag_of(world, "a.ics"))
    assert attached(world) == [newer]


def test_the_same_event_sent_again_attaches_nothing_twice(world: World) -> None:
    body = event("u1", "Lunch", inline(AGENDA), inline(MAP))
    world.put("a.ics", body, new=True)
    world.put("a.ics", body)
    world.put("a.ics", body, match=etag_of(world, "a.ics"))
    assert attached(world) == [AGENDA, MAP]
    assert world.exchange.calls["attach"] == 1


def test_bad_data_are_refused_before_anything_is_sent(world: World) -> None:
    world.etags()
    world.exchange.calls.clear()
    with pytest.raises(InvalidCalendarData, match=r"^ATTACH in line 10 "):
        world.put("a.ics", event("u1", "Lunch", "ATTACH;ENCODING=BASE64;VALUE=BINARY:***"), new=True)
    assert world.exchange.calls == {}


def test_too_much_is_refused_by_name_before_anything_is_sent(world: World) -> None:
    large = replace(AGENDA, data=b"x" * 60_000)
    world.etags()
    world.exchange.calls.clear()
    with pytest.raises(AttachmentTooLarge, match=r"^ATTACH: .* 100000 bytes"):
        world.put("a.ics", event("u1", "Lunch", inline(large), inline(replace(large, name="b.txt"))), new=True)
    many = [inline(replace(AGENDA, name=f"{number}.txt")) for number in range(101)]
    with pytest.raises(TooManyAttachments, match=r"^ATTACH: .* 100 files"):
        world.put("a.ics", event("u1", "Lunch", *many), new=True)
    assert world.exchange.calls == {}


def test_an_event_whose_file_exchange_refuses_is_not_made(world: World) -> None:
    world.exchange.fail("attach", RequestRefused("too large", "ErrorAttachmentSizeLimitExceeded"))
    with pytest.raises(NotExpressible, match="ErrorAttachmentSizeLimitExceeded"):
        world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    assert world.items() == []
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    assert attached(world) == [AGENDA]


def test_an_instance_whose_file_exchange_refuses_is_not_made(world: World) -> None:
    first = override("20270301", "First", "20270301T090000")
    second = (*override("20270308", "Second", "20270308T090000"), inline(MAP))
    world.put("a.ics", instances("u1", first), new=True)
    world.exchange.fail("attach", RequestRefused("no", "ErrorX"))
    with pytest.raises(NotExpressible):
        world.put("a.ics", instances("u1", first, second), match=etag_of(world, "a.ics"))
    assert [item.content.subject for item in world.items()] == ["First"]


def test_an_event_whose_file_exchange_refuses_at_a_retry_is_not_made(world: World) -> None:
    body = event("u1", "Lunch", inline(AGENDA))
    world.etags()
    world.exchange.fail("attach", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        world.put("a.ics", body, new=True)
    world.exchange.fail("attach", RequestRefused("no", "ErrorX"))
    with pytest.raises(NotExpressible):
        world.put("a.ics", body, new=True)
    assert world.items() == []
    assert world.put("a.ics", body, new=True).created


def test_an_override_with_a_file_becomes_an_exception_that_has_it(world: World) -> None:
    same = override("20270308", "Weekly", "20270308T090000")
    world.put("a.ics", series("u1", overrides=[(*same, inline(AGENDA))]), new=True)
    (master,) = world.items()
    exception = exception_of(world)
    assert (exception.original_start, attached(world, exception), master.attachments) == (MONDAY, [AGENDA], ())
    text = world.text("a.ics")
    assert [fetch(world, url) for url in links(text)] == [AGENDA]
    world.exchange.calls.clear()
    save(world, "a.ics", text)
    assert world.exchange.calls == {"get": 2}


def test_a_changed_occurrence_that_repeats_the_series_link_gets_the_file_too(world: World) -> None:
    world.put("a.ics", series("u1", "Weekly", inline(AGENDA)), new=True)
    (url,) = links(world.text("a.ics"))
    moved = (*override("20270308", "Moved", "20270308T140000"), f"ATTACH:{url}")
    world.put("a.ics", series("u1", "Weekly", f"ATTACH:{url}", overrides=[moved]), match=etag_of(world, "a.ics"))
    (master,) = world.items()
    assert attached(world, master) == attached(world, exception_of(world)) == [AGENDA]
    text = world.text("a.ics")
    assert len(links(text)) == 2
    save(world, "a.ics", text.replace("SUMMARY:Moved", "SUMMARY:Once more"))
    assert (world.exchange.calls["attach"], world.exchange.calls["detach"]) == (1, 0)


def test_a_file_taken_from_the_series_stays_at_the_occurrence_that_still_has_it(world: World) -> None:
    world.put("a.ics", series("u1", "Weekly", inline(AGENDA)), new=True)
    (url,) = links(world.text("a.ics"))
    moved = (*override("20270308", "Moved", "20270308T140000"), f"ATTACH:{url}")
    world.put("a.ics", series("u1", "Weekly", f"ATTACH:{url}", overrides=[moved]), match=etag_of(world, "a.ics"))
    world.put("a.ics", series("u1", "Weekly", overrides=[moved]), match=etag_of(world, "a.ics"))
    (master,) = world.items()
    assert (attached(world, master), attached(world, exception_of(world))) == ([], [AGENDA])


def test_a_file_taken_from_an_occurrence_stays_with_the_series(world: World) -> None:
    world.put("a.ics", series("u1", "Weekly", inline(AGENDA)), new=True)
    (url,) = links(world.text("a.ics"))
    moved = (*override("20270308", "Moved", "20270308T140000"), f"ATTACH:{url}")
    world.put("a.ics", series("u1", "Weekly", f"ATTACH:{url}", overrides=[moved]), match=etag_of(world, "a.ics"))
    world.put("a.ics", series("u1", "Weekly", f"ATTACH:{url}", overrides=[moved[:-1]]), match=etag_of(world, "a.ics"))
    (master,) = world.items()
    assert (attached(world, master), attached(world, exception_of(world))) == ([AGENDA], [])


def test_what_an_occurrence_shares_with_its_series_is_not_taken_from_both() -> None:
    shared = AttachmentRef(AttachmentId("1"), "agenda.txt", size=8)
    content = Content(Uid("u1"), "Weekly", MONDAY, MONDAY)
    master = Item(ItemRef(ItemId("m"), ChangeKey("1")), content, ItemKind.MASTER, attachments=(shared,))
    exception = replace(master, kind=ItemKind.EXCEPTION, original_start=MONDAY)
    kept = WantedFiles(frozenset({make_file_key(shared.id)}))
    wanted = WantedSeries(content.uid, content, files={None: kept, MONDAY: WantedFiles()})
    assert plan_files(wanted, (master, exception), frozenset({shared.id}), lambda *_: False, lambda *_: True) == ()


def test_a_new_rule_that_would_lose_an_occurrences_own_file_is_refused_by_name(world: World) -> None:
    changed = (*override("20270308", "Moved", "20270308T140000"), inline(MAP))
    world.put("a.ics", series("u1", overrides=[changed]), new=True)
    text = world.text("a.ics")
    with pytest.raises(NotExpressible, match=r"^ATTACH: an occurrence has a file of its own"):
        save(world, "a.ics", text.replace("COUNT=10", "COUNT=9"))
    (url,) = links(text)
    assert fetch(world, url) == MAP


def test_a_file_of_the_same_name_and_size_is_another_one(world: World) -> None:
    """By a new rule servers drop the occurrence's file: that of the series does not stand for it."""
    own = replace(AGENDA, data=b"2. Diner")
    changed = (*override("20270308", "Moved", "20270308T140000"), inline(own))
    world.put("a.ics", series("u1", "Weekly", inline(AGENDA), overrides=[changed]), new=True)
    text = world.text("a.ics")
    with pytest.raises(NotExpressible, match=r"^ATTACH: an occurrence has a file of its own"):
        save(world, "a.ics", text.replace("COUNT=10", "COUNT=9"))
    of_series, of_occurrence = links(text)
    assert (fetch(world, of_series), fetch(world, of_occurrence)) == (AGENDA, own)
    save(world, "a.ics", re.sub(place(of_occurrence).key, place(of_series).key, text.replace("\r\n ", "")))
    assert attached(world, exception_of(world)) == [AGENDA]


def test_instances_without_a_master_have_files_of_their_own(world: World) -> None:
    first = (*override("20270301", "First", "20270301T090000"), inline(AGENDA))
    second = (*override("20270308", "Second", "20270308T090000"), inline(MAP))
    world.put("a.ics", instances("u1", first, second), new=True)
    assert [attached(world, item) for item in world.items()] == [[AGENDA], [MAP]]
    text = world.text("a.ics").replace("\r\n ", "")
    save(world, "a.ics", re.sub(r"ATTACH[^\r]*map\.png\r\n", "", text))
    assert [attached(world, item) for item in world.items()] == [[AGENDA], []]


# --- answers that are lost, and retries --------------------------------------------------------------


@pytest.mark.parametrize("error", LOST)
@pytest.mark.parametrize("done_first", [True, False])
@pytest.mark.parametrize("verb", ["create", "attach", "get"])
def test_a_new_event_with_files_is_there_once_whatever_answer_was_lost(
    world: World, error: Exception, done_first: bool, verb: str
) -> None:
    body = event("u1", "Lunch", inline(AGENDA), inline(MAP))
    world.etags()
    world.exchange.fail(verb, error, done_first=done_first)
    with pytest.raises(Unavailable):
        world.put("a.ics", body, new=True)
    assert world.put("a.ics", body, new=True).created
    assert attached(world) == [AGENDA, MAP]
    assert len(links(world.text("a.ics"))) == 2


@pytest.mark.parametrize("done_first", [True, False])
@pytest.mark.parametrize("verb", ["update", "attach", "detach"])
def test_a_changed_event_has_the_files_that_were_wanted_whatever_answer_was_lost(
    world: World, done_first: bool, verb: str
) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    etag = etag_of(world, "a.ics")
    body = event("u1", "Dinner", inline(MAP))
    world.exchange.fail(verb, ExchangeTimedOut("late"), done_first=done_first)
    with pytest.raises(Unavailable):
        world.put("a.ics", body, match=etag)
    assert not world.put("a.ics", body, match=etag).created
    assert attached(world) == [MAP]
    assert world.items()[0].content.subject == "Dinner"


@pytest.mark.parametrize("verb", ["attach", "detach"])
@pytest.mark.parametrize(
    "error", [ItemChanged("stale"), ItemMissing("gone"), FolderMissing("gone"), CredentialRefused("401")]
)
def test_a_write_that_is_broken_off_at_its_files_is_gone_on_with(world: World, verb: str, error: Exception) -> None:
    """The event is written then: what is no answer to its files must not make a stranger of it."""
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    etag = etag_of(world, "a.ics")
    body = event("u1", "Dinner", inline(MAP))
    world.exchange.fail(verb, error)
    with pytest.raises((Unavailable, LoginRefused)):
        world.put("a.ics", body, match=etag)
    world.put("a.ics", body, match=etag)
    assert attached(world) == [MAP]
    if verb == "attach":
        new = event("u2", "Tea", inline(MAP))
        world.exchange.fail(verb, error)
        with pytest.raises((Unavailable, LoginRefused)):
            world.put("b.ics", new, new=True)
        assert world.put("b.ics", new, new=True).created
        assert [attached(world, item) for item in world.items()] == [[MAP], [MAP]]


def test_a_retry_is_told_where_somebody_has_attached_a_file_meanwhile(world: World) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    etag = etag_of(world, "a.ics")
    body = event("u1", "Dinner", inline(MAP))
    world.exchange.fail("attach", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.put("a.ics", body, match=etag)
    theirs = AttachedFile("theirs.txt", "text/plain", b"Outlook")
    outlook_attaches(world, world.items()[0], theirs)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", body, match=etag)
    assert attached(world) == [AGENDA, MAP, theirs]


def test_a_retry_is_told_where_somebody_has_attached_a_file_to_an_occurrence(world: World) -> None:
    world.put("a.ics", series("u1", overrides=[override("20270308", "Moved", "20270308T140000")]), new=True)
    etag = etag_of(world, "a.ics")
    body = world.text("a.ics").replace("SUMMARY:Weekly", f"SUMMARY:Every week\r\n{inline(AGENDA)}").encode()
    world.exchange.fail("attach", ExchangeTimedOut("late"))
    with pytest.raises(Unavailable):
        world.put("a.ics", body, match=etag)
    outlook_attaches(world, exception_of(world), MAP)
    with pytest.raises(PreconditionFailed):
        world.put("a.ics", body, match=etag)
    assert attached(world, exception_of(world)) == [MAP]


def test_a_write_whose_files_cannot_be_read_back_is_served_with_the_next_pull(world: World) -> None:
    world.etags()
    world.exchange.fail("get", ExchangeTimedOut("late"), after=1)
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    assert attached(world) == [AGENDA]
    world.later()
    assert len(links(world.text("a.ics"))) == 1


# --- other places ------------------------------------------------------------------------------------


def test_the_link_follows_an_event_that_is_moved(world: World) -> None:
    world.exchange.add_folder(ANN, "Choir")
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    (before,) = links(world.text("a.ics"))
    login, choir = world.login(), world.calendar(CalendarName("choir"))
    here = world.calendar()
    world.store.snapshot(login, choir)
    world.store.move(login, here, Name("a.ics"), choir, Name("b.ics"), Conditions(), overwrites=False)
    (url,) = links(world.store.texts(choir, [Name("b.ics")])[Name("b.ics")].decode())
    assert f"/{ANN}/choir/.attachments/b.ics/" in url
    assert fetch(world, url) == AGENDA
    with pytest.raises(NotFound):
        fetch(world, before)


def test_the_link_follows_an_event_that_is_renamed(world: World) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    login, here = world.login(), world.calendar()
    world.store.move(login, here, Name("a.ics"), here, Name("b.ics"), Conditions(), overwrites=False)
    (url,) = links(world.text("b.ics"))
    assert "/.attachments/b.ics/" in url
    assert fetch(world, url) == AGENDA


def test_an_event_that_is_put_into_another_calendar_takes_its_files_along(world: World) -> None:
    folder = world.exchange.add_folder(ANN, "Choir")
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    text = world.text("a.ics").encode()
    login, choir = world.login(), world.calendar(CalendarName("choir"))
    world.exchange.fail("attach", ExchangeTimedOut("late"), done_first=True)
    with pytest.raises(Unavailable):
        world.store.put(login, choir, Name("a.ics"), text, Conditions())
    world.store.put(login, choir, Name("a.ics"), text, Conditions())
    (copy,) = folder.items.values()
    assert attached(world, copy) == attached(world) == [AGENDA]
    (url,) = links(world.store.texts(choir, [Name("a.ics")])[Name("a.ics")].decode())
    assert "/choir/.attachments/a.ics/" in url


def test_a_copy_in_the_same_calendar_has_its_own_file(world: World) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    (url,) = links(world.text("a.ics"))
    world.put("b.ics", event("u2", "Lunch again", f"ATTACH:{url}"), new=True)
    assert [attached(world, item) for item in world.items()] == [[AGENDA], [AGENDA]]


def test_more_than_is_taken_is_not_even_fetched_to_be_copied(world: World) -> None:
    large = [AttachedFile(f"{number}.txt", "text/plain", b"x" * 60_000) for number in range(3)]
    outlook_attaches(world, world.outlook_adds("one@outlook"), *large)
    lines = [f"ATTACH:{url}" for url in links(world.text("one@outlook.ics"))]
    with pytest.raises(AttachmentTooLarge, match=r"^ATTACH: "):
        world.put("b.ics", event("u2", "Lunch", *lines), new=True)
    assert world.exchange.calls["attachment"] == 0


@pytest.mark.parametrize(
    "url",
    [
        f"https://bridge.test/{ANN}/nowhere/.attachments/a.ics/{'0' * 24}/agenda.txt",
        f"https://bridge.test/{ANN}/calendar/.attachments/a.ics/{'0' * 24}/agenda.txt",
    ],
)
def test_a_link_that_leads_nowhere_is_refused_by_name(world: World, url: str) -> None:
    world.etags()
    with pytest.raises(NotExpressible, match=r"^ATTACH: a link leads to no file"):
        world.put("a.ics", event("u1", "Lunch", f"ATTACH:{url}"), new=True)
    assert world.items() == []


def test_a_link_into_a_calendar_that_is_still_to_be_read_is_refused_by_nobody(world: World) -> None:
    world.exchange.add_folder(ANN, "Choir")
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    text = world.text("a.ics").encode()
    world.lose_mirror()
    choir = world.calendar(CalendarName("choir"))
    with pytest.raises(MirrorFilling):
        world.store.put(world.login(), choir, Name("a.ics"), text, Conditions())
    world.etags()
    assert world.store.put(world.login(), choir, Name("a.ics"), text, Conditions()).created


def test_a_link_to_a_file_of_an_event_that_cannot_be_read_is_no_dead_link(world: World) -> None:
    world.exchange.add_folder(ANN, "Choir")
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    text = world.text("a.ics").encode()
    calendar = world.exchange.calendar_of(ANN)
    calendar.unreadable.update(calendar.items)
    world.lose_mirror()
    world.etags()
    choir = world.calendar(CalendarName("choir"))
    with pytest.raises(ExchangeFailed):
        world.store.put(world.login(), choir, Name("a.ics"), text, Conditions())


def test_a_link_to_a_file_that_somebody_took_away_is_let_go(world: World) -> None:
    item = outlook_attaches(world, world.outlook_adds("one@outlook"), AGENDA)
    text = world.text("one@outlook.ics")
    outlook_takes_away(world, item)
    world.later()
    world.put("one@outlook.ics", text.replace("From Outlook", "Mine").encode())
    (item,) = world.items()
    assert (item.content.subject, item.attachments) == ("Mine", ())


@pytest.mark.parametrize("error", [ExchangeTimedOut("late")])
def test_a_file_that_cannot_be_copied_now_is_no_reason_to_lose_it(world: World, error: BridgeError) -> None:
    world.put("a.ics", event("u1", "Lunch", inline(AGENDA)), new=True)
    (url,) = links(world.text("a.ics"))
    world.exchange.fail("attachment", error)
    with pytest.raises(Unavailable):
        world.put("b.ics", event("u2", "Lunch again", f"ATTACH:{url}"), new=True)
    assert len(world.items()) == 1


def test_a_link_to_a_file_at_somebody_elses_bridge_is_a_link_like_others(world: World) -> None:
    """A guest stores an invitation with a file that its organizer's app has sent him."""
    link = (
        "ATTACH;FMTTYPE=text/plain:https://x.test/bea@example.test/calendar/.attachments/a.ics/" + "0" * 24 + "/a.txt"
    )
    body = event("u1", "Invited", link)
    world.put("a.ics", body, new=True)
    assert link in world.text("a.ics").replace("\r\n ", "")
    assert world.exchange.calls["attach"] == 0
