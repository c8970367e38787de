"""The port against a simulated Exchange of each kind. What every back end must do is in the contract suite."""

import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    CursorExpired,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
    FolderMissing,
    RequestRefused,
)
from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline, Deletion
from bridge.item import (
    Attribute,
    BusyStatus,
    Content,
    Cursor,
    Item,
    ItemId,
    ItemRef,
    Page,
    Sensitivity,
    Uid,
    Unreadable,
    Zone,
)
from bridge.model import Address, BasicCredential, CalendarRef, Caller, FolderId, OrganisationId, Rights, Viewer
from bridge.simulator.simulator import Simulator

ANNA = Address("anna@example.com")
BOB = Address("bob@example.com")


def _caller(address: Address) -> Caller:
    name = address.partition("@")[0]
    return Caller(Viewer(OrganisationId("o"), address), BasicCredential(address, f"secret of {name}"))


@pytest.fixture
def anna() -> Caller:
    """Give Anna as a caller."""
    return _caller(ANNA)


@pytest.fixture
def calendar(simulator: Simulator, anna: Caller) -> CalendarRef:
    """Give Anna's default calendar."""
    return CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))


def _all(exchange: EwsExchange, caller: Caller, calendar: CalendarRef, cursor: Cursor | None = None) -> list[Page]:
    pages = [exchange.feed(caller, calendar, cursor, Deadline.after(20))]
    while not pages[-1].is_last:
        pages.append(exchange.feed(caller, calendar, pages[-1].cursor, Deadline.after(20)))
    return pages


def _one(exchange: EwsExchange, caller: Caller, calendar: CalendarRef, ref: ItemRef) -> Item:
    (item,) = exchange.get(caller, calendar, [ref.id], Deadline.after(20))
    assert isinstance(item, Item)
    return item


# --- what the server can do --------------------------------------------------------------------------


def test_change_keys_are_trusted_where_exchange_is_real(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, deadline: Deadline
) -> None:
    found = exchange.capabilities(anna, deadline)
    assert found == exchange.capabilities(anna, deadline)
    is_trusted = simulator.service.personality.name not in {"2007", "lenient"}
    assert found.finds_conflicts == is_trusted
    assert found.defines_zones == is_trusted
    assert found.writes_silently
    assert found.chooses_uid
    asked = [] if simulator.service.personality.name == "2007" else ["GetServerTimeZones"]
    assert list(exchange.tallied().seconds) == asked
    assert sum(exchange.tallied().calls.values()) == len(asked)


def test_a_passing_trouble_is_not_remembered_as_what_the_server_can_do(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, deadline: Deadline
) -> None:
    if simulator.service.personality.name == "2007":
        pytest.skip("it is not asked")
    simulator.trouble("fault", code="ErrorInternalServerError", operation="GetServerTimeZones", count=1)
    found = exchange.capabilities(anna, deadline)
    assert (found.finds_conflicts, found.defines_zones) == (False, True)
    exchange.capabilities(anna, deadline)
    assert sum(exchange.tallied().calls.values()) == 2


# --- calendars ---------------------------------------------------------------------------------------


def test_one_s_own_calendars_are_listed_the_default_one_first(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, deadline: Deadline
) -> None:
    for number in range(120):
        simulator.add_calendar(ANNA, f"Further {number}")
    found = exchange.calendars(anna, ANNA, deadline)
    assert len(found) == 121
    assert [one.is_default for one in found] == [True] + [False] * 120
    assert {one.display_name for one in found[1:]} == {f"Further {number}" for number in range(120)}
    assert all(one.rights == Rights(read=True, create=True, modify=True, delete=True) for one in found)


def test_all_calendars_are_listed_by_a_server_whose_pages_are_short(
    exchange: EwsExchange, simulator: Simulator, anna: Caller, deadline: Deadline
) -> None:
    for number in range(5):
        simulator.add_calendar(ANNA, f"More {number}")
    wanted = exchange.calendars(anna, ANNA, deadline)
    simulator.trouble("page_size", operation="FindFolder", size=2)
    assert exchange.calendars(anna, ANNA, deadline) == wanted


def test_calendars_in_deleted_items_are_not_listed(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, deadline: Deadline
) -> None:
    mailbox = simulator.person(ANNA).mailbox
    deleted = simulator.store.distinguished(mailbox, "deleteditems")
    old = simulator.store.add_folder(mailbox, deleted.number, "Old mail", "IPF.Note")
    simulator.store.add_folder(mailbox, deleted.number, "Thrown away", "IPF.Appointment")
    simulator.store.add_folder(mailbox, old.number, "Deeper", "IPF.Appointment")
    simulator.add_calendar(ANNA, "Kept")
    assert [one.display_name for one in exchange.calendars(anna, ANNA, deadline)][1:] == ["Kept"]


def test_another_s_calendar_comes_with_the_viewer_s_rights(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, deadline: Deadline
) -> None:
    with pytest.raises((FolderMissing, AccessDenied)):
        exchange.calendars(anna, BOB, deadline)
    simulator.permit(BOB, ANNA, "read")
    (read_only,) = exchange.calendars(anna, BOB, deadline)
    assert read_only.rights == Rights(read=True, create=False, modify=False, delete=False)
    assert (read_only.ref.mailbox, read_only.is_default) == (BOB, True)
    simulator.permit(BOB, ANNA, "write")
    (writable,) = exchange.calendars(anna, BOB, deadline)
    assert writable.rights.write


def test_a_mailbox_that_is_not_there_is_missing(exchange: EwsExchange, anna: Caller, deadline: Deadline) -> None:
    with pytest.raises(FolderMissing):
        exchange.calendars(anna, Address("nobody@example.com"), deadline)


# --- reading -----------------------------------------------------------------------------------------


def test_every_event_comes_once_in_pages_of_at_most_512(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    made = {
        simulator.add_event(ANNA, subject=f"E{n}", start=start, end=start + timedelta(hours=1)).id for n in range(600)
    }
    pages = _all(exchange, anna, calendar)
    assert [len(page.entries) for page in pages] == [512, 88]
    assert {entry.ref.id for page in pages for entry in page.entries} == made
    entry = pages[0].entries[0]
    assert entry.outline is not None
    assert (entry.outline.start, entry.outline.busy_status) == (start, BusyStatus.BUSY)


def test_an_expired_state_is_said_to_be_one(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    (page,) = _all(exchange, anna, calendar)
    simulator.expire_sync_states()
    if simulator.service.personality.name == "lenient":
        assert _all(exchange, anna, calendar, page.cursor)[-1].is_last
    else:
        with pytest.raises(CursorExpired):
            exchange.feed(anna, calendar, page.cursor, Deadline.after(20))


def test_many_items_are_read_in_batches_and_in_order(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    made = [simulator.add_event(ANNA, subject=f"E{n}", start=start, end=start) for n in range(120)]
    simulator.trouble("unreadable", item=made[60].id, code="ErrorItemCorrupt")
    got = exchange.get(anna, calendar, [ItemId(item.id) for item in made], Deadline.after(20))
    assert got[60] == Unreadable(ItemId(made[60].id), "ErrorItemCorrupt")
    assert [one.content.subject for one in got if isinstance(one, Item)] == [f"E{n}" for n in range(120) if n != 60]
    assert exchange.tallied().calls == {("GetItem", "ok"): 3}


def test_what_exchange_did_not_come_to_is_asked_again(
    serve: Any, answers: Any, anna: Caller, deadline: Deadline
) -> None:
    def item(request: bytes, number: int) -> str:
        id_ = re.findall(rb'ItemId Id="(\w+)"', request)[number].decode()
        times = "<t:Start>2026-01-01T10:00:00Z</t:Start><t:End>2026-01-01T11:00:00Z</t:End>"
        return f'<m:Items><t:CalendarItem><t:ItemId Id="{id_}" ChangeKey="k"/>{times}</t:CalendarItem></m:Items>'

    def script(connection: Any) -> None:
        while request := connection.read_request():
            asked = request.count(b"<t:ItemId ")
            stopped = ["ErrorBatchProcessingStopped"] * (asked - 1)
            connection.send(answers.http(answers.response("GetItem", item(request, 0), *stopped)))

    server = serve(script)
    exchange = EwsExchange(EwsSettings(server.url))
    calendar = CalendarRef(anna.viewer, ANNA, FolderId("f"))
    got = exchange.get(anna, calendar, [ItemId("a"), ItemId("b"), ItemId("c")], deadline)
    exchange.close()
    assert [one.ref.id for one in got if isinstance(one, Item)] == ["a", "b", "c"]
    assert len(server.requests) == 3


def test_items_that_are_too_large_together_are_asked_for_in_smaller_batches(
    monkeypatch: pytest.MonkeyPatch, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    sizes = (10, 200_000, 10, 10)
    refs = [
        exchange.create(anna, calendar, replace(content, uid=Uid(f"{n}@x"), body="x" * size), Deadline.after(20))
        for n, size in enumerate(sizes)
    ]
    monkeypatch.setattr("bridge.ews.line.LARGEST_ANSWER", 60_000)
    got = exchange.get(anna, calendar, [ref.id for ref in refs], Deadline.after(20))
    assert [type(one) for one in got] == [Item, Unreadable, Item, Item]
    assert got[1] == Unreadable(refs[1].id, "AnswerTooLarge")


def test_a_login_finds_out_exchange_2007(serve: Any, answers: Any, anna: Caller, deadline: Deadline) -> None:
    folder = '<m:Folders><t:CalendarFolder><t:FolderId Id="f"/></t:CalendarFolder></m:Folders>'
    told = {
        b"GetFolder": answers.response("GetFolder", folder),
        b"ConvertId": answers.response("ConvertId", f'<m:AlternateId Format="EwsId" Id="f" Mailbox="{ANNA}"/>'),
        b"ResolveNames": answers.response("ResolveNames", "ErrorNameResolutionNoResults"),
    }

    def script(connection: Any) -> None:
        while request := connection.read_request():
            operation = next(name for name in told if b"m:" + name in request)
            is_known = b"Exchange2007_SP1" in request
            fault = answers.http(answers.fault("ErrorInvalidServerVersion"), 500)
            connection.send(answers.http(told[operation]) if is_known else fault)

    server = serve(script)
    exchange = EwsExchange(EwsSettings(server.url))
    assert exchange.log_in(anna.credential, deadline).address == ANNA
    assert len(server.requests) == 4
    assert not exchange.capabilities(anna, deadline).finds_conflicts
    assert exchange.rooms(anna, deadline) == ()
    exchange.close()
    assert len(server.requests) == 4


def test_exchange_stopping_before_the_first_item_is_busy(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    simulator.trouble("item_error", code="ErrorBatchProcessingStopped", operation="GetItem")
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    item = simulator.add_event(ANNA, subject="E", start=start, end=start)
    with pytest.raises(ExchangeBusy):
        exchange.get(anna, calendar, [ItemId(item.id)], Deadline.after(20))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ErrorItemNotFound", FolderMissing),
        ("ErrorSyncFolderNotFound", FolderMissing),
        ("ErrorFolderNotFound", FolderMissing),
        ("ErrorAccessDenied", AccessDenied),
        ("ErrorInvalidPropertyForOperation", ExchangeFailed),
        ("ErrorMailboxStoreUnavailable", ExchangeFailed),
    ],
)
def test_a_feed_that_is_refused_says_what_is_the_case(
    code: str, error: type[Exception], simulator: Simulator, exchange: EwsExchange, anna: Caller
) -> None:
    calendar = CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))
    simulator.trouble("item_error", code=code, operation="SyncFolderItems")
    with pytest.raises(error):
        exchange.feed(anna, calendar, None, Deadline.after(20))


def test_no_ids_ask_nothing(exchange: EwsExchange, anna: Caller, calendar: CalendarRef) -> None:
    assert exchange.get(anna, calendar, [], Deadline.after(20)) == ()
    assert exchange.tallied().calls == {}


# --- writing -----------------------------------------------------------------------------------------


def test_an_event_is_read_back_as_it_was_written(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    ref = exchange.create(anna, calendar, content, Deadline.after(20))
    item = _one(exchange, anna, calendar, ref)
    assert item.content == content
    assert item.ref == ref
    assert not item.is_meeting
    assert exchange.find(anna, calendar, content.uid, Deadline.after(20)) == (ref,)
    assert simulator.outbox == []


@pytest.mark.parametrize("zone", ["UTC", "W. Europe Standard Time", "Pacific Standard Time", "Tonga Standard Time"])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25)])
def test_an_all_day_event_keeps_its_midnights(
    zone: str, day: date, simulator: Simulator, exchange: EwsExchange, anna: Caller
) -> None:
    calendar = CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))
    seeded = simulator.add_event(ANNA, subject="Day", start=day, end=day + timedelta(days=1), zone=zone, all_day=True)
    content = Content(Uid("day"), "Day", seeded.start, seeded.end, Zone(zone), Zone(zone), is_all_day=True)
    ref = exchange.create(anna, calendar, content, Deadline.after(20))
    assert _one(exchange, anna, calendar, ref).content == content


def test_an_update_writes_what_is_named_and_leaves_the_rest(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    ref = exchange.create(anna, calendar, content, Deadline.after(20))
    wanted = replace(
        content,
        subject="Other",
        location="",
        reminder_minutes=None,
        categories=(),
        kept=None,
        sensitivity=Sensitivity.PRIVATE,
        end=content.end + timedelta(hours=1),
        body="not named",
    )
    changed = {"subject", "location", "reminder_minutes", "categories", "kept", "sensitivity", "end"}
    new = exchange.update(anna, calendar, ref, wanted, frozenset(map(Attribute, changed)), Deadline.after(20))
    assert new.id == ref.id
    assert new.change_key != ref.change_key
    assert _one(exchange, anna, calendar, new).content == replace(wanted, body=content.body)


def test_working_elsewhere_is_written_where_it_is_known(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    exchange.calendars(anna, ANNA, Deadline.after(20))  # tells the version, as every login does
    elsewhere = replace(content, busy_status=BusyStatus.WORKING_ELSEWHERE)
    if simulator.service.personality.name in {"2007", "2010"}:
        with pytest.raises(RequestRefused):
            exchange.create(anna, calendar, elsewhere, Deadline.after(20))
        assert simulator.events(ANNA) == []
    else:
        ref = exchange.create(anna, calendar, elsewhere, Deadline.after(20))
        assert _one(exchange, anna, calendar, ref).content == elsewhere


def test_a_rule_of_exchange_s_is_named(
    exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    backwards = replace(content, end=content.start - timedelta(hours=1))
    with pytest.raises(RequestRefused) as caught:
        exchange.create(anna, calendar, backwards, Deadline.after(20))
    assert caught.value.code == "ErrorCalendarEndDateIsEarlierThanStartDate"


def test_a_delegate_deletes_softly(simulator: Simulator, exchange: EwsExchange, anna: Caller, content: Content) -> None:
    simulator.permit(BOB, ANNA, "write")
    bobs = CalendarRef(anna.viewer, BOB, FolderId(simulator.folder(BOB).id))
    ref = exchange.create(anna, bobs, content, Deadline.after(20))
    with pytest.raises(AccessDenied):
        exchange.delete(anna, bobs, ref, Deletion.TO_DELETED_ITEMS, Deadline.after(20))
    exchange.delete(anna, bobs, ref, Deletion.SOFT, Deadline.after(20))
    assert simulator.events(BOB) == []


# --- trouble -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings", "error"),
    [
        ("busy_fault", {"milliseconds": 7000}, ExchangeBusy),
        ("busy_503", {"seconds": 7}, ExchangeBusy),
        ("busy_item", {"milliseconds": 7000}, ExchangeBusy),
        ("too_many_connections", {}, ExchangeBusy),
        ("server_error", {}, ExchangeFailed),
        ("fault", {"code": "ErrorMailboxStoreUnavailable"}, ExchangeFailed),
        ("item_error", {"code": "ErrorInternalServerError"}, ExchangeFailed),
        ("reset", {}, ExchangeUnreachable),
        ("cut", {}, AnswerUnusable),
        ("truncated", {}, AnswerUnusable),
    ],
)
def test_trouble_during_a_write_is_told_and_the_write_is_sent_once(
    kind: str, settings: dict[str, object], error: type[Exception], simulator: Simulator, content: Content
) -> None:
    anna = _caller(ANNA)
    calendar = CalendarRef(anna.viewer, ANNA, FolderId(simulator.folder(ANNA).id))
    version = "2007" if simulator.service.personality.name == "2007" else "auto"
    exchange = EwsExchange(EwsSettings(simulator.url, version=version))
    simulator.trouble(kind, operation="CreateItem", **settings)
    try:
        with pytest.raises(error):
            exchange.create(anna, calendar, content, Deadline.after(20))
    finally:
        exchange.close()
    assert sum(exchange.tallied().calls.values()) == 1
    assert len(simulator.events(ANNA)) <= 1


def test_a_busy_answer_holds_the_account_and_nobody_else(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    simulator.trouble("busy_fault", operation="SyncFolderItems", milliseconds=60000, count=1)
    with pytest.raises(ExchangeBusy):
        exchange.feed(anna, calendar, None, Deadline.after(20))
    with pytest.raises(ExchangeBusy) as caught:
        exchange.calendars(anna, ANNA, Deadline.after(20))
    assert 50 < caught.value.retry_after <= 60
    assert exchange.calendars(_caller(BOB), BOB, Deadline.after(20))


def test_a_dripping_answer_ends_at_the_deadline(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef
) -> None:
    simulator.trouble("drip", operation="SyncFolderItems", milliseconds=50)
    with pytest.raises(ExchangeTimedOut):
        exchange.feed(anna, calendar, None, Deadline.after(0.3))


def test_many_threads_share_one_port(
    simulator: Simulator, exchange: EwsExchange, anna: Caller, calendar: CalendarRef, content: Content
) -> None:
    outcomes: Counter[str] = Counter()

    def work(number: int) -> None:
        one = replace(content, uid=Uid(f"{number}@x"))
        ref = exchange.create(anna, calendar, one, Deadline.after(30))
        outcomes[_one(exchange, anna, calendar, ref).content.uid] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == Counter(f"{number}@x" for number in range(16))
    assert len(simulator.events(ANNA)) == 16
