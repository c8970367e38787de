"""Queries of series as clients send them: time, text, expansion, parts, and busy time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import ExchangeUnreachable
from bridge.ids import make_etag
from bridge.item import BusyStatus
from bridge.model import Address, Availability, Block, Name, NoAvailability
from bridge.recurrence import Daily, Day, Recurrence, Weekly
from bridge.resource import ExceptionRecord, IndexRecord
from bridge.storage_plugin import calendar_reports

CALENDAR = "/alice@example.com/calendar/"
CAROLS = "/alice@example.com/carol@example.com~calendar/"
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, HOUR, WEEK = timedelta(days=1), timedelta(hours=1), timedelta(days=7)

TEXT = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:weekly
SUMMARY:Weekly
DTSTART;TZID=Europe/Berlin:20260302T100000
DTEND;TZID=Europe/Berlin:20260302T110000
RRULE:FREQ=WEEKLY
EXDATE;TZID=Europe/Berlin:20260316T100000
END:VEVENT
BEGIN:VEVENT
UID:weekly
SUMMARY:Moved
RECURRENCE-ID;TZID=Europe/Berlin:20260309T100000
DTSTART;TZID=Europe/Berlin:20260310T150000
DTEND;TZID=Europe/Berlin:20260310T160000
END:VEVENT
END:VCALENDAR
""".replace(b"\n", b"\r\n")
RECORD = IndexRecord(
    MONDAY,
    MONDAY + HOUR,
    zone_id="W. Europe Standard Time",
    recurrence=Recurrence(Weekly(1, (Day.MONDAY,)), date(2026, 3, 2)),
    exceptions=(
        ExceptionRecord(MONDAY + WEEK, MONDAY + WEEK + 29 * HOUR, MONDAY + WEEK + 30 * HOUR, BusyStatus.TENTATIVE),
    ),
    deleted=(MONDAY + 2 * WEEK,),
)


def window(name: str, start: str, end: str) -> str:
    return f'<C:{name} start="{start}T000000Z" end="{end}T000000Z"/>'


def query(inside: str, data: str = "", more: str = "") -> str:
    return (
        f"<C:calendar-query {NAMESPACES}><prop><getetag/><C:calendar-data>{data}</C:calendar-data></prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{inside}</C:comp-filter></C:comp-filter>'
        f"</C:filter>{more}</C:calendar-query>"
    )


def free_busy(start: str, end: str) -> str:
    return f"<C:free-busy-query {NAMESPACES}>{window('time-range', start, end)}</C:free-busy-query>"


def data_of(answer: Any, name: str = "weekly.ics") -> str:
    return str(answer.properties(CALENDAR + name)[f"{C}calendar-data"].text)


def periods_of(answer: Any) -> list[str]:
    return [line.removeprefix("FREEBUSY;FBTYPE=") for line in answer.text.split("\r\n") if line.startswith("FREEBUSY")]


@pytest.fixture
def weekly(store: Any, fill: Any) -> Callable[..., Any]:
    """Put a weekly meeting into alice's calendar, one occurrence moved and one deleted."""

    def put(record: IndexRecord = RECORD, text: bytes = TEXT, name: str = "weekly.ics") -> Any:
        kept = fill()
        store._write(kept, Name(name), text)
        kept.records[Name(name)] = record
        return kept

    return put


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        ("20260302", "20260303", True),
        ("20260309", "20260310", False),
        ("20260310", "20260311", True),
        ("20260316", "20260317", False),
        ("20360303", "20360304", True),
        ("20260228", "20260302", False),
    ],
)
def test_a_series_is_found_where_an_occurrence_stands(
    ask: Any, weekly: Any, start: str, end: str, *, is_in: bool
) -> None:
    weekly()
    answer = ask("REPORT", CALENDAR, query(window("time-range", start, end)))
    assert list(answer.responses()) == ([CALENDAR + "weekly.ics"] if is_in else [])


def test_a_text_is_sought_in_the_instance_of_the_time(ask: Any, weekly: Any) -> None:
    weekly()
    moved = '<C:prop-filter name="SUMMARY"><C:text-match>moved</C:text-match></C:prop-filter>'
    for day, found in (("10", 1), ("02", 0)):
        inside = window("time-range", f"202603{day}", f"202603{int(day) + 1:02}") + moved
        assert len(ask("REPORT", CALENDAR, query(inside)).responses()) == found


def test_texts_are_read_only_of_what_the_time_leaves(
    ask: Any, weekly: Any, fill: Any, store: Any, monkeypatch: Any
) -> None:
    weekly()
    fill("later.ics", start="20270301T090000Z")
    read: list[Name] = []
    texts = store.texts

    def reading(served: Any, names: Any) -> Any:
        read.extend(names)
        return texts(served, names)

    monkeypatch.setattr(store, "texts", reading)
    inside = window("time-range", "20260302", "20260303")
    ask("REPORT", CALENDAR, query(inside + '<C:prop-filter name="SUMMARY"/>'))
    assert set(read) == {Name("weekly.ics")}


def test_an_expanded_series_is_its_instances_in_utc(ask: Any, weekly: Any) -> None:
    kept = weekly()
    march = ("20260301", "20260325")
    answer = ask("REPORT", CALENDAR, query(window("time-range", *march), window("expand", *march)))
    lines = data_of(answer).split("\r\n")
    assert [line for line in lines if line.startswith(("DTSTART", "DTEND", "RECURRENCE-ID", "SUMMARY"))] == [
        *("DTSTART:20260302T090000Z", "DTEND:20260302T100000Z", "RECURRENCE-ID:20260302T090000Z", "SUMMARY:Weekly"),
        *("DTSTART:20260310T140000Z", "DTEND:20260310T150000Z", "RECURRENCE-ID:20260309T090000Z", "SUMMARY:Moved"),
        *("DTSTART:20260323T090000Z", "DTEND:20260323T100000Z", "RECURRENCE-ID:20260323T090000Z", "SUMMARY:Weekly"),
    ]
    assert not {"RRULE:FREQ=WEEKLY", "BEGIN:VTIMEZONE"} & set(lines)
    assert answer.properties()[f"{D}getetag"].text == make_etag(kept.texts["weekly.ics"])


def test_a_multiget_and_a_sync_expand_too(ask: Any, weekly: Any) -> None:
    weekly()
    data = f"<prop><C:calendar-data>{window('expand', '20260301', '20260303')}</C:calendar-data></prop>"
    for body in (
        f"<C:calendar-multiget {NAMESPACES}>{data}<href>{CALENDAR}weekly.ics</href></C:calendar-multiget>",
        f"<sync-collection {NAMESPACES}><sync-token/><sync-level>1</sync-level>{data}</sync-collection>",
    ):
        assert data_of(ask("REPORT", CALENDAR, body)).count("BEGIN:VEVENT") == 1


def test_a_limited_set_leaves_out_the_exceptions_of_other_times(ask: Any, weekly: Any) -> None:
    weekly()
    body = query(window("time-range", "20260302", "20260303"), window("limit-recurrence-set", "20260302", "20260303"))
    found = data_of(ask("REPORT", CALENDAR, body))
    assert "RRULE:FREQ=WEEKLY" in found
    assert "SUMMARY:Moved" not in found


def test_parts_of_the_data_can_be_chosen(ask: Any, weekly: Any) -> None:
    weekly()
    choice = '<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="SUMMARY"/></C:comp></C:comp>'
    assert data_of(ask("REPORT", CALENDAR, query("", choice))).split("\r\n")[:4] == [
        *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:Weekly", "END:VEVENT")
    ]


def test_whole_days_are_asked_for_in_the_zone_of_the_query(ask: Any, weekly: Any) -> None:
    text = TEXT.replace(b"DTSTART;TZID=Europe/Berlin:20260302T100000", b"DTSTART;VALUE=DATE:20260302")
    midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)
    weekly(IndexRecord(midnight, midnight + DAY, is_all_day=True, zone_id="W. Europe Standard Time"), text)
    late = window("time-range", "20260303", "20260304")
    assert not ask("REPORT", CALENDAR, query(late)).responses()
    assert ask("REPORT", CALENDAR, query(late, more="<C:timezone-id>America/New_York</C:timezone-id>")).responses()


def test_times_without_a_zone_are_asked_for_in_the_zone_of_the_query(ask: Any, weekly: Any) -> None:
    text = TEXT.replace(b"DTSTART;TZID=Europe/Berlin:20260302T100000", b"DTSTART:20260302T100000")
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    weekly(IndexRecord(start, start + HOUR, zone_id="W. Europe Standard Time", is_floating=True), text)
    afternoon = '<C:time-range start="20260302T150000Z" end="20260302T160000Z"/>'
    assert not ask("REPORT", CALENDAR, query(afternoon)).responses()
    assert ask("REPORT", CALENDAR, query(afternoon, more="<C:timezone-id>America/New_York</C:timezone-id>")).responses()


def test_more_instances_than_an_answer_may_hold_are_refused(ask: Any, weekly: Any, monkeypatch: Any) -> None:
    weekly(replace(RECORD, recurrence=Recurrence(Daily(1), date(2026, 3, 2)), exceptions=(), deleted=()))
    monkeypatch.setattr(calendar_reports, "MOST_INSTANCES", 10)
    for end, status in (("20260312", 207), ("20260313", 403)):
        answer = ask("REPORT", CALENDAR, query("", window("expand", "20260301", end)))
        assert answer.status == status
    assert answer.xml[0].tag == f"{D}number-of-matches-within-limits"


def test_an_event_that_changed_since_it_was_listed_is_expanded_by_its_own_times(
    ask: Any, weekly: Any, store: Any, monkeypatch: Any
) -> None:
    kept = weekly()
    texts = store.texts

    def changing(served: Any, names: Any) -> Any:
        kept.texts[Name("weekly.ics")] = TEXT.replace(b"SUMMARY:Weekly", b"SUMMARY:Later")
        kept.records[Name("weekly.ics")] = replace(RECORD, start=MONDAY + HOUR, end=MONDAY + 2 * HOUR)
        return texts(served, names)

    monkeypatch.setattr(store, "texts", changing)
    found = data_of(ask("REPORT", CALENDAR, query("", window("expand", "20260302", "20260303"))))
    assert "DTSTART:20260302T100000Z" in found
    assert "SUMMARY:Later" in found


def test_times_that_do_not_fit_the_text_are_not_told(ask: Any, weekly: Any, store: Any, monkeypatch: Any) -> None:
    weekly()
    monkeypatch.setattr(store, "texts", lambda _, names: dict.fromkeys(names, TEXT.replace(b"Weekly", b"Other")))
    assert ask("REPORT", CALENDAR, query("", window("expand", "20260302", "20260303"))).status == 503
    assert ask("REPORT", CALENDAR, query("")).status == 207


# --- busy time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"Depth": "1"}, {"Depth": "infinity"}, {"Depth": "0"}, {}])
def test_busy_time_is_one_vfreebusy_of_utc_periods(ask: Any, weekly: Any, fill: Any, headers: Any) -> None:
    weekly()
    fill("touching.ics", start="20260302T100000Z")
    answer = ask("REPORT", CALENDAR, free_busy("20260301", "20260325"), headers=headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8; component=VFREEBUSY"
    assert answer.text.count("BEGIN:VFREEBUSY") == 1
    assert periods_of(answer) == [
        "BUSY:20260302T090000Z/20260302T110000Z",
        "BUSY-TENTATIVE:20260310T140000Z/20260310T150000Z",
        "BUSY:20260323T090000Z/20260323T100000Z",
    ]
    assert not any(told in answer.text for told in ("Weekly", "SUMMARY", "weekly"))


def test_busy_time_is_clipped_to_its_window(ask: Any, weekly: Any) -> None:
    weekly()
    quarter = '<C:time-range start="20260302T093000Z" end="20260302T094500Z"/>'
    body = f"<C:free-busy-query {NAMESPACES}>{quarter}</C:free-busy-query>"
    assert periods_of(ask("REPORT", CALENDAR, body)) == ["BUSY:20260302T093000Z/20260302T094500Z"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (f"<C:free-busy-query {NAMESPACES}/>", {}, 400),
        (f'<C:free-busy-query {NAMESPACES}><C:time-range start="20260302T093000Z"/></C:free-busy-query>', {}, 400),
        (free_busy("20260301", "20260201"), {}, 400),
        (free_busy("20260301", "20260302"), {"Depth": "2"}, 400),
        (free_busy("20200101", "20300101"), {}, 403),
    ],
)
def test_a_free_busy_query_that_cannot_be_answered_is_refused(ask: Any, body: str, headers: Any, status: int) -> None:
    assert ask("REPORT", CALENDAR, body, headers=headers).status == status


def test_a_mirror_that_is_still_filling_says_nobody_free(ask: Any, weekly: Any) -> None:
    weekly().pulled_at = None
    assert ask("REPORT", CALENDAR, free_busy("20260301", "20260302")).status == 503


def test_busy_time_that_is_old_bears_its_age(ask: Any, weekly: Any) -> None:
    weekly().pulled_at = datetime.now(UTC) - timedelta(hours=1)
    assert int(ask("REPORT", CALENDAR, free_busy("20260301", "20260302")).headers["Age"]) >= 3600


def test_of_a_calendar_that_may_not_be_read_exchange_tells_the_busy_time(ask: Any, exchange: Any, store: Any) -> None:
    _is_default(store)
    carol = Address("carol@example.com")
    exchange.answer = Availability(carol, (Block(MONDAY, MONDAY + HOUR, BusyStatus.OUT_OF_OFFICE),))
    answer = ask("REPORT", CAROLS, free_busy("20260301", "20260325"))
    assert periods_of(answer) == ["BUSY-UNAVAILABLE:20260302T090000Z/20260302T100000Z"]
    assert exchange.asked == [(carol,)]
    assert not any(call.startswith("snapshot") for call in store.calls)


def test_who_exchange_does_not_tell_of_is_not_called_free(ask: Any, exchange: Any, store: Any) -> None:
    _is_default(store)
    carol = Address("carol@example.com")
    exchange.answer = NoAvailability(carol, "ErrorNoFreeBusyAccess", is_refused=True)
    refused = ask("REPORT", CAROLS, free_busy("20260301", "20260325"))
    assert refused.status == 403
    assert refused.xml.find(f".//{D}privilege/{C}read-free-busy") is not None


def test_a_mailbox_that_exchange_does_not_know_is_said_to_be_unknown(ask: Any, exchange: Any, store: Any) -> None:
    _is_default(store)
    exchange.answer = NoAvailability(Address("carol@example.com"), "ErrorMailRecipientNotFound", is_unknown=True)
    answer = ask("REPORT", CAROLS, free_busy("20260301", "20260325"))
    assert (answer.status, "does not know" in answer.text) == (403, True)


def test_a_mailbox_that_exchange_cannot_tell_of_now_is_503(ask: Any, exchange: Any, store: Any) -> None:
    _is_default(store)
    exchange.answer = NoAvailability(Address("carol@example.com"), "ErrorFreeBusyGenerationFailed")
    answer = ask("REPORT", CAROLS, free_busy("20260301", "20260325"))
    assert (answer.status, "retry-after" in {name.lower() for name in answer.headers}) == (503, True)


def test_a_trouble_of_exchange_s_is_503_and_not_free(ask: Any, exchange: Any, store: Any) -> None:
    _is_default(store)
    exchange.trouble = ExchangeUnreachable("Exchange cannot be reached.", retry_after=17)
    answer = ask("REPORT", CAROLS, free_busy("20260301", "20260325"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "17")


def test_a_calendar_beside_the_default_one_is_not_answered_for_by_its_owner(ask: Any, exchange: Any) -> None:
    assert ask("REPORT", CAROLS, free_busy("20260301", "20260325")).status == 403
    assert exchange.asked == []


def _is_default(store: Any) -> None:
    """Make carol's calendar her default one, as Exchange lists it."""
    served = store.served[Address("alice@example.com")]
    store.served[Address("alice@example.com")] = [
        replace(each, calendar=replace(each.calendar, is_default=each.owner.address.startswith("carol")))
        for each in served
    ]
