"""Availability: asked in pieces that Exchange takes, read in each form that servers give it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import AnswerUnusable, ExchangeFailed
from bridge.ews.availability import ask_availability
from bridge.ews.operations import get_user_availability
from bridge.ews.operations.get_user_availability import Window
from bridge.ews.xml import MESSAGES, TYPES, Element
from bridge.item import BusyStatus
from bridge.model import Address, Availability, Block, NoAvailability

ANNA, BOB, EVE = (Address(f"{name}@example.com") for name in ("anna", "bob", "eve"))
START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUARTER = timedelta(minutes=15)
WINDOW = Window(START, START + DAY)


def _response(*told: str) -> Element:
    answers = "".join(f"<m:FreeBusyResponse>{one}</m:FreeBusyResponse>" for one in told)
    return etree.fromstring(
        f'<m:GetUserAvailabilityResponse xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><m:FreeBusyResponseArray>{answers}'
        "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
    )


def _view(inside: str, kind: str = "FreeBusyMerged") -> str:
    told = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'
    kind = f"<t:FreeBusyViewType>{kind}</t:FreeBusyViewType>" if kind else ""
    return f"{told}<m:FreeBusyView>{kind}{inside}</m:FreeBusyView>"


def _event(start: str, end: str, status: str = "Busy") -> str:
    return (
        f"<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime>"
        f"<t:BusyType>{status}</t:BusyType></t:CalendarEvent>"
    )


def _events(*events: str) -> str:
    return f"<t:CalendarEventArray>{''.join(events)}</t:CalendarEventArray>"


def _error(code: str) -> str:
    return (
        f'<m:ResponseMessage ResponseClass="Error"><m:ResponseCode>{code}</m:ResponseCode></m:ResponseMessage>'
        "<m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView>"
    )


def _read(told: str, window: Window = WINDOW) -> Availability | NoAvailability:
    (one,) = get_user_availability.read(_response(told), [ANNA], window)
    return one


def _blocks(told: str) -> tuple[Block, ...]:
    one = _read(told)
    assert isinstance(one, Availability)
    return one.blocks


# --- reading -----------------------------------------------------------------------------------------


def test_times_without_an_offset_are_utc_and_free_ones_are_left_out() -> None:
    told = _events(
        _event("2026-03-02T08:00:00", "2026-03-02T09:00:00", "Free"),
        _event("2026-03-02T10:00:00", "2026-03-02T11:00:00", "OOF"),
        _event("2026-03-02T13:00:00+01:00", "2026-03-02T14:00:00+01:00", "Tentative"),
        _event("2026-03-02T15:00:00", "2026-03-02T16:00:00", "WorkingElsewhere"),
        _event("2026-03-02T17:00:00", "2026-03-02T18:00:00", "SomethingNew"),
    )
    statuses = {10: "OOF", 12: "Tentative", 15: "WorkingElsewhere", 17: "Busy"}
    assert _blocks(_view(told)) == tuple(
        Block(START + hour * HOUR, START + (hour + 1) * HOUR, BusyStatus(status)) for hour, status in statuses.items()
    )


def test_the_merged_stream_tells_where_no_events_are_told() -> None:
    merged = "<t:MergedFreeBusy>001122330044</t:MergedFreeBusy>"
    assert _blocks(_view(merged, "MergedOnly")) == tuple(
        Block(START + place * QUARTER, START + (place + 2) * QUARTER, status)
        for place, status in (
            (2, BusyStatus.TENTATIVE),
            (4, BusyStatus.BUSY),
            (6, BusyStatus.OUT_OF_OFFICE),
            (10, BusyStatus.NO_DATA),
        )
    )


def test_where_events_are_told_the_merged_stream_adds_only_what_is_not_known() -> None:
    event = _events(_event("2026-03-02T00:30:00", "2026-03-02T00:40:00", "WorkingElsewhere"))
    told = _view(f"<t:MergedFreeBusy>0242400440</t:MergedFreeBusy>{event}")
    assert _blocks(told) == (
        Block(START + 2 * QUARTER, START + 2 * QUARTER + timedelta(minutes=10), BusyStatus.WORKING_ELSEWHERE),
        Block(START + 4 * QUARTER, START + 5 * QUARTER, BusyStatus.NO_DATA),
        Block(START + 7 * QUARTER, START + 9 * QUARTER, BusyStatus.NO_DATA),
    )


@pytest.mark.parametrize(
    ("told", "reason", "unknown"),
    [
        (_error("ErrorMailRecipientNotFound"), "ErrorMailRecipientNotFound", True),
        (_error("ErrorCannotFindUser"), "ErrorCannotFindUser", True),
        (_error("ErrorNoFreeBusyAccess"), "ErrorNoFreeBusyAccess", False),
        (_error("ErrorFreeBusyGenerationFailed"), "ErrorFreeBusyGenerationFailed", False),
        (_error("ErrorMailboxLogonFailed"), "ErrorMailboxLogonFailed", False),
        ("", "NoFreeBusyView", False),
        (_view("", "None"), "NoFreeBusyData", False),
        (_view("", ""), "NoFreeBusyData", False),
        (_view("", "MergedOnly"), "NoFreeBusyData", False),
        (_view(_events(_event("soon", "later"))), "FreeBusyNotUnderstood", False),
    ],
)
def test_what_is_not_told_is_not_free(told: str, reason: str, unknown: bool) -> None:
    assert _read(told) == NoAvailability(ANNA, reason, unknown, is_refused=reason == "ErrorNoFreeBusyAccess")


def test_somebody_who_has_nothing_is_free() -> None:
    for told in (_view(""), _view(_events()), _view("<t:MergedFreeBusy>0000</t:MergedFreeBusy>", "MergedOnly")):
        assert _blocks(told) == ()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_answers_than_mailboxes_is_unusable(count: int) -> None:
    with pytest.raises(AnswerUnusable):
        get_user_availability.read(_response(*[_view("")] * count), [ANNA, BOB], WINDOW)


@pytest.mark.recordings
def test_the_documented_answers_are_read(schemas_root: Path) -> None:
    folder = schemas_root / "documented" / "GetUserAvailability"
    window = Window(datetime(2006, 10, 16, tzinfo=UTC), datetime(2006, 10, 17, tzinfo=UTC))
    counts = {
        "resp-getuseravailability-operation-1.xml": ([3, 1], BusyStatus.TENTATIVE),
        "resp-how-to-get-free-busy-information-by-using-ews-in-exchange-2.xml": ([1, 2], BusyStatus.TENTATIVE),
    }
    for name, (count, last) in counts.items():
        (response,) = etree.parse(folder / name).iter(f"{{{MESSAGES}}}GetUserAvailabilityResponse")
        told = get_user_availability.read(response, [ANNA, BOB], window)
        blocks = [one.blocks for one in told if isinstance(one, Availability)]
        assert [len(one) for one in blocks] == count
        assert blocks[1][-1].status is last


# --- asking ------------------------------------------------------------------------------------------


class Server:
    """What Exchange knows, and what it was asked: each window and how many mailboxes."""

    def __init__(
        self,
        busy: tuple[Block, ...] = (),
        limit: timedelta = 42 * DAY,
        code: Callable[[Address, Window], str] = lambda _mailbox, _window: "",
        *,
        refuses: bool = True,
    ) -> None:
        self.busy, self.limit, self.code, self.refuses = busy, limit, code, refuses
        self.asked: list[tuple[Window, int]] = []

    def ask(self, request: Element) -> Element:
        times = [request.findtext(f".//{{{TYPES}}}{name}") or "" for name in ("StartTime", "EndTime")]
        window = Window(*(datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times))
        mailboxes = [Address(str(one.text)) for one in request.iter(f"{{{TYPES}}}Address")]
        self.asked.append((window, len(mailboxes)))
        assert window.end - window.start >= DAY
        if window.end - window.start > self.limit:
            if self.refuses:
                raise ExchangeFailed("too long", "ErrorTimeIntervalTooBig")
            return _response(*[_error("ErrorTimeIntervalTooBig")] * len(mailboxes))
        return _response(*(self._told(one, window) for one in mailboxes))

    def _told(self, mailbox: Address, window: Window) -> str:
        code = self.code(mailbox, window)
        inside = (one for one in self.busy if one.start < window.end and window.start < one.end)
        return _error(code) if code else _view(_events(*(self._event(one) for one in inside)))

    def _event(self, block: Block) -> str:
        start, end = (time.replace(tzinfo=None).isoformat() for time in (block.start, block.end))
        return _event(start, end, block.status)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-100, 3000), st.integers(1, 1500)), max_size=8),
    st.integers(1, 3000),
    st.sampled_from([DAY, 3 * DAY, 42 * DAY]),
    st.booleans(),
)
def test_a_window_of_any_length_is_told_as_if_it_were_asked_at_once(
    spans: list[tuple[int, int]], hours: int, limit: timedelta, refuses: bool
) -> None:
    busy = tuple(Block(START + at * HOUR, START + (at + n) * HOUR, BusyStatus.BUSY) for at, n in spans)
    end = START + hours * HOUR
    (told,) = ask_availability(Server(busy, limit, refuses=refuses).ask, [ANNA], START, end)
    clipped = {(max(one.start, START), min(one.end, end)) for one in busy if one.start < end and one.end > START}
    assert isinstance(told, Availability)
    assert [(one.start, one.end) for one in told.blocks] == sorted(clipped)


def test_a_year_is_asked_for_in_windows_of_42_days() -> None:
    server = Server()
    ask_availability(server.ask, [ANNA], START, START + 365 * DAY)
    assert len(server.asked) == 9
    assert {window.end - window.start for window, _ in server.asked} == {42 * DAY, 29 * DAY}


def test_an_hour_is_asked_for_as_a_day_and_told_as_an_hour() -> None:
    busy = (Block(START + 2 * HOUR, START + 3 * HOUR, BusyStatus.BUSY),)
    server = Server(busy)
    assert ask_availability(server.ask, [ANNA], START, START + HOUR) == (Availability(ANNA, ()),)
    assert [window for window, _ in server.asked] == [WINDOW]


def test_many_mailboxes_are_asked_for_a_hundred_a_call_each_once_and_told_in_order() -> None:
    many = [Address(f"p{number}@example.com") for number in range(250)]
    server = Server()
    told = ask_availability(server.ask, [*many, many[7]], START, START + DAY)
    assert [one.mailbox for one in told] == [*many, many[7]]
    assert [count for _, count in server.asked] == [100, 100, 50]


def test_a_mailbox_that_is_not_told_of_does_not_spoil_the_others_and_is_not_asked_for_again() -> None:
    server = Server(code=lambda mailbox, _window: "ErrorMailRecipientNotFound" if mailbox == BOB else "")
    told = ask_availability(server.ask, [ANNA, BOB, EVE], START, START + 80 * DAY)
    unknown = NoAvailability(BOB, "ErrorMailRecipientNotFound", is_unknown=True)
    assert told == (Availability(ANNA, ()), unknown, Availability(EVE, ()))
    assert [count for _, count in server.asked] == [3, 2]


def test_a_mailbox_that_is_told_of_in_part_is_not_told_of() -> None:
    server = Server(code=lambda _mailbox, window: "ErrorFreeBusyGenerationFailed" if window.start > START else "")
    (told,) = ask_availability(server.ask, [ANNA], START, START + 80 * DAY)
    assert told == NoAvailability(ANNA, "ErrorFreeBusyGenerationFailed")


def test_a_server_that_takes_no_window_at_all_is_not_asked_for_ever() -> None:
    server = Server(limit=HOUR)
    with pytest.raises(ExchangeFailed):
        ask_availability(server.ask, [ANNA], START, START + 42 * DAY)
    assert len(server.asked) < 10
    told: Any = ask_availability(Server(limit=HOUR, refuses=False).ask, [ANNA], START, START + 2 * DAY)
    assert told == (NoAvailability(ANNA, "ErrorTimeIntervalTooBig"),)


def test_no_time_and_nobody_ask_nothing() -> None:
    server = Server()
    assert ask_availability(server.ask, [], START, START + DAY) == ()
    assert ask_availability(server.ask, [ANNA], START, START) == (Availability(ANNA, ()),)
    assert server.asked == []
