"""GetUserAvailability: what it tells, to whom, and that it says of every day what CalendarView says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import exchangelib
import pytest
from exchangelib.protocol import CachingProtocol
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.simulator import CalendarPlan, PersonPlan, Simulator, lifelike_people
from bridge.simulator.availability import busy_times
from bridge.simulator.model import Item, Modification
from bridge.simulator.recurrence import (
    LAST,
    Daily,
    DayByPosition,
    DayOfMonth,
    Monthly,
    Pattern,
    Recurrence,
    Weekly,
    Yearly,
)
from bridge.simulator.serializable_zone import read_serializable_zone, serializable_zone
from bridge.simulator.series import arranged, series_of
from bridge.simulator.trouble import EwsError
from bridge.simulator.zones import known, named

ews: Any = exchangelib  # it has no types of its own
protocols: Any = CachingProtocol
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
AROUND = date(2026, 3, 20)  # both changes of the clock, American and European, are near
_TIME = "<t:{0}Time><t:Bias>{1}</t:Bias><t:Time>{2}</t:Time><t:DayOrder>{3}</t:DayOrder><t:Month>{4}</t:Month>\
<t:DayOfWeek>Sunday</t:DayOfWeek></t:{0}Time>"
UTC_ZONE = (
    f"<t:TimeZone><t:Bias>0</t:Bias>{_TIME.format('Standard', 0, '00:00:00', 0, 0)}"
    f"{_TIME.format('Daylight', 0, '00:00:00', 0, 0)}</t:TimeZone>"
)
BERLIN = (
    f"<t:TimeZone><t:Bias>-60</t:Bias>{_TIME.format('Standard', 0, '03:00:00', 5, 10)}"
    f"{_TIME.format('Daylight', -60, '02:00:00', 5, 3)}</t:TimeZone>"
)
DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2)  # noqa: DTZ001 - local time of the request's zone


def asked(
    *addresses: str,
    start: datetime = MONDAY,
    end: datetime = MONDAY + DAY,
    view: str = "FreeBusyMerged",
    step: int = 60,
    zone: str = UTC_ZONE,
) -> str:
    people = "".join(
        f"<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email>"
        "<t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
        for address in addresses
    )
    return (
        f"<m:GetUserAvailabilityRequest>{zone}<m:MailboxDataArray>{people}</m:MailboxDataArray><t:FreeBusyViewOptions>"
        f"<t:TimeWindow><t:StartTime>{start.isoformat()}</t:StartTime><t:EndTime>{end.isoformat()}</t:EndTime>"
        f"</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>{step}</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )


def answers(ask: Any, body: str, who: str = "anna", **more: Any) -> list[Any]:
    """Give the FreeBusyResponse elements."""
    answer = ask.post(body, who, **more)
    assert answer.status_code == 200, answer.text[:2000]
    return list(etree.fromstring(answer.content).iter(f"{M}FreeBusyResponse"))


def code_of(response: Any) -> str:
    return str(response.findtext(f"{M}ResponseMessage/{M}ResponseCode"))


def blocks(response: Any) -> list[tuple[str, str, str]]:
    assert code_of(response) == "NoError"
    return [
        (event.findtext(f"{T}StartTime"), event.findtext(f"{T}EndTime"), event.findtext(f"{T}BusyType"))
        for event in response.iter(f"{T}CalendarEvent")
    ]


def told(response: Any, name: str) -> str | None:
    found: str | None = response.findtext(f"{M}FreeBusyView/{T}{name}")
    return found


def add(sim: Simulator, first: int, last: int, busy: str = "Busy", **more: Any) -> None:
    """Add an event of Anna's on MONDAY, from one hour to another (UTC)."""
    hours = (MONDAY.replace(tzinfo=UTC) + timedelta(hours=hour) for hour in (first, last))
    start, end = hours
    sim.add_event("anna@example.com", subject="Secret plan", location="Cellar", start=start, end=end, busy=busy, **more)


# --- views --------------------------------------------------------------------------------------------


def test_the_example_of_the_documentation(sim: Simulator, ask: Any) -> None:
    add(sim, 8, 9, "OOF")
    sim.add_event(
        "anna@example.com",
        subject="x",
        start=datetime(2026, 3, 2, 9, tzinfo=UTC),
        end=datetime(2026, 3, 2, 10, 30, tzinfo=UTC),
    )
    eight, twelve = MONDAY.replace(hour=8), MONDAY.replace(hour=12)
    (response,) = answers(ask, asked("anna@example.com", view="MergedOnly", start=eight, end=twelve))
    assert told(response, "MergedFreeBusy") == "3220"
    assert told(response, "CalendarEventArray") is None


def test_the_highest_status_of_an_interval_counts(sim: Simulator, ask: Any) -> None:
    for busy in ("Tentative", "Free", "OOF", "Busy"):
        add(sim, 10, 11, busy)
    add(sim, 11, 12, "Free")
    add(sim, 12, 13, "NoData")
    add(sim, 13, 14, "WorkingElsewhere")
    add(sim, 15, 15)
    (response,) = answers(ask, asked("anna@example.com"))
    assert told(response, "MergedFreeBusy") == "0" * 10 + "3044" + "0" * 10


def test_views_hold_what_they_are_named_for(sim: Simulator, ask: Any) -> None:
    add(sim, 10, 11)
    seen = {}
    for view in ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"):
        (response,) = answers(ask, asked("anna@example.com", view=view))
        assert told(response, "FreeBusyViewType") == view
        parts = ("MergedFreeBusy", "CalendarEvent", "CalendarEventDetails", "WorkingHours")
        seen[view] = [next(response.iter(T + part), None) is not None for part in parts]
    assert seen == {
        "MergedOnly": [True, False, False, False],
        "FreeBusy": [False, True, False, True],
        "FreeBusyMerged": [True, True, False, True],
        "Detailed": [False, True, True, True],
        "DetailedMerged": [True, True, True, True],
    }


def test_free_events_are_told_by_some_servers_only(make_sim: Callable[..., Simulator], make_ask: Any) -> None:
    found = {}
    for personality in ("2019", "lenient"):
        sim = make_sim(personality)
        add(sim, 10, 11, "Free")
        (response,) = answers(make_ask(sim), asked("anna@example.com"))
        found[personality] = blocks(response)
    assert found == {"2019": [("2026-03-02T10:00:00", "2026-03-02T11:00:00", "Free")], "lenient": []}


def test_2010_knows_no_working_elsewhere(make_sim: Callable[..., Simulator], make_ask: Any) -> None:
    sim = make_sim("2010")
    add(sim, 10, 11, "WorkingElsewhere")
    (response,) = answers(make_ask(sim), asked("anna@example.com"))
    assert [status for _, _, status in blocks(response)] == ["NoData"]


def test_what_reaches_into_the_window_is_told_whole(sim: Simulator, ask: Any) -> None:
    add(sim, -2, 1)
    add(sim, 23, 26)
    add(sim, -5, 0)
    add(sim, 24, 25)
    (response,) = answers(ask, asked("anna@example.com"))
    assert [(start, end) for start, end, _ in blocks(response)] == [
        ("2026-03-01T22:00:00", "2026-03-02T01:00:00"),
        ("2026-03-02T23:00:00", "2026-03-03T02:00:00"),
    ]
    assert told(response, "MergedFreeBusy") == "2" + "0" * 22 + "2"


def test_only_the_default_calendar_counts(sim: Simulator, ask: Any) -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    sim.add_event("anna@example.com", "Projects", subject="x", start=start, end=start + DAY)
    (response,) = answers(ask, asked("anna@example.com"))
    assert blocks(response) == []


# --- times --------------------------------------------------------------------------------------------


def test_times_are_those_of_the_requests_zone(sim: Simulator, ask: Any) -> None:
    winter, summer = (datetime(2026, 3, day, 10, tzinfo=UTC) for day in (28, 30))
    for start in (winter, summer):
        sim.add_event("anna@example.com", subject="x", start=start, end=start + timedelta(hours=1))
    saturday = datetime(2026, 3, 28)  # noqa: DTZ001 - local to the zone
    (response,) = answers(ask, asked("anna@example.com", zone=BERLIN, start=saturday, end=saturday + 3 * DAY))
    assert [start for start, _, _ in blocks(response)] == ["2026-03-28T11:00:00", "2026-03-30T12:00:00"]
    assert told(response, "MergedFreeBusy") == "0" * 11 + "2" + "0" * 47 + "2" + "0" * 11  # 71 hours
    aware = datetime(2026, 3, 28, 10, tzinfo=UTC)
    (response,) = answers(ask, asked("anna@example.com", zone=BERLIN, start=aware, end=aware + DAY))
    assert [start for start, _, _ in blocks(response)] == ["2026-03-28T11:00:00"]


def test_a_context_stands_in_for_the_zone(sim: Simulator, ask: Any) -> None:
    add(sim, 10, 11)
    (response,) = answers(ask, asked("anna@example.com", zone=""), zone="Tokyo Standard Time")
    assert blocks(response) == [("2026-03-02T19:00:00", "2026-03-02T20:00:00", "Busy")]
    assert ask.code(asked("anna@example.com", zone="")) == "ErrorTimeZone"


@pytest.mark.parametrize("zone_id", known())
def test_zones_written_are_zones_read(zone_id: str) -> None:
    zone = named(zone_id)
    assert zone is not None
    read = read_serializable_zone(serializable_zone(zone, 2027))
    for step in range(0, 365, 5):
        moment = datetime(2027, 1, 1, 5, tzinfo=UTC) + timedelta(days=step)
        assert read.offset(moment) == zone.offset(moment), moment


@pytest.mark.parametrize(
    ("old", "new"),
    [("<t:Month>10", "<t:Month>13"), ("<t:Month>10", "<t:Month>0"), ("DayOrder>5", "DayOrder>7"), ("02:00:00", "noon")],
)
def test_a_zone_that_does_not_fit_together_is_an_error(ask: Any, old: str, new: str) -> None:
    assert ask.code(asked("anna@example.com", zone=BERLIN.replace(old, new))) == "ErrorTimeZone"


def test_working_hours_are_in_the_mailboxes_own_zone(ask: Any) -> None:
    (response,) = answers(ask, asked("anna@example.com"))
    hours = next(response.iter(f"{T}WorkingHours"))
    assert hours.findtext(f"{T}TimeZone/{T}Bias") == "-60"
    assert hours.findtext(f"{T}TimeZone/{T}DaylightTime/{T}Bias") == "-60"
    minutes = [hours.findtext(f".//{T}{name}TimeInMinutes") for name in ("Start", "End")]
    assert minutes == ["480", "1020"]


# --- rights -------------------------------------------------------------------------------------------


def test_details_are_for_readers(sim: Simulator, ask: Any) -> None:
    add(sim, 10, 11)
    sim.permit("anna@example.com", "carl@example.com", "freebusy")
    views = {}
    for who in ("anna", "bob", "carl"):
        (response,) = answers(ask, asked("anna@example.com", view="DetailedMerged"), who)
        assert len(blocks(response)) == 1
        views[who] = (told(response, "FreeBusyViewType"), "Secret plan" in etree.tostring(response).decode())
    assert views == {
        "anna": ("DetailedMerged", True),
        "bob": ("DetailedMerged", True),
        "carl": ("FreeBusyMerged", False),
    }


def test_details_say_what_an_event_is(sim: Simulator, ask: Any) -> None:
    add(sim, 10, 11, recurrence={"every": "day", "count": 3}, attendees=["bob@example.com"], reminder=5)
    item = sim.events("anna@example.com")[0]
    sim.change_event(sim.occurrence(item, 2), Subject="Moved")
    (response,) = answers(ask, asked("anna@example.com", end=MONDAY + 3 * DAY, view="Detailed"))
    rows = [
        [
            str(details.findtext(T + name))
            for name in ("Subject", "IsMeeting", "IsRecurring", "IsException", "IsPrivate")
        ]
        for details in response.iter(f"{T}CalendarEventDetails")
    ]
    assert rows == [
        ["Secret plan", "true", "true", "false", "false"],
        ["Moved", "true", "true", "true", "false"],
        ["Secret plan", "true", "true", "false", "false"],
    ]
    assert {element.text for element in response.iter(f"{T}IsReminderSet")} == {"true"}


def test_a_private_event_shows_its_owner_more_than_its_times(sim: Simulator, ask: Any) -> None:
    add(sim, 10, 11, sensitivity="Private")
    subjects = {}
    for who in ("anna", "carl"):
        (response,) = answers(ask, asked("anna@example.com", view="Detailed"), who)
        (details,) = response.iter(f"{T}CalendarEventDetails")
        assert details.findtext(f"{T}IsPrivate") == "true"
        subjects[who] = details.findtext(f"{T}Subject"), details.findtext(f"{T}Location")
    assert subjects == {"anna": ("Secret plan", "Cellar"), "carl": (None, None)}


def test_everybody_sees_free_and_busy_but_who_may_see_nothing(sim: Simulator, ask: Any) -> None:
    (response,) = answers(ask, asked("bob@example.com"), "carl")
    assert code_of(response) == "NoError"
    sim.permit("bob@example.com", "carl@example.com", "none")
    responses = answers(ask, asked("bob@example.com", "carl@example.com"), "carl")
    assert [code_of(response) for response in responses] == ["ErrorNoFreeBusyAccess", "NoError"]
    sim.permit("bob@example.com", "default", "none")
    sim.permit("bob@example.com", "carl@example.com", "freebusy")
    found = [code_of(answers(ask, asked("bob@example.com"), who)[0]) for who in ("anna", "carl", "bob")]
    assert found == ["ErrorNoFreeBusyAccess", "NoError", "NoError"]


# --- what goes wrong ----------------------------------------------------------------------------------


def test_one_mailboxs_error_is_its_own(sim: Simulator, ask: Any) -> None:
    sim.trouble("unreadable", item="carl@example.com", code="ErrorFreeBusyGenerationFailed")
    add(sim, 10, 11)
    wanted = ("nobody@example.com", "carl@example.com", "A.Berg@example.com", "nobody@example.com")
    responses = answers(ask, asked(*wanted), "bob")
    assert [code_of(response) for response in responses] == [
        "ErrorMailRecipientNotFound",
        "ErrorFreeBusyGenerationFailed",
        "NoError",
        "ErrorMailRecipientNotFound",
    ]
    assert told(responses[0], "FreeBusyViewType") == "None"
    assert len(blocks(responses[2])) == 1


def test_knobs_and_records_know_the_mailbox_asked_for(sim: Simulator, ask: Any) -> None:
    sim.trouble("busy_503", operation="GetUserAvailability", mailbox="anna@example.com", count=1, seconds=3)
    assert ask.post(asked("bob@example.com")).status_code == 200
    assert ask.post(asked("a.berg@example.com")).status_code == 503
    assert sim.records.total("GetUserAvailability", "anna@example.com") == 1


@pytest.mark.parametrize(
    ("personality", "more", "code"),
    [
        ("2019", {"end": MONDAY}, "ErrorInvalidTimeInterval"),
        ("2019", {"end": MONDAY - DAY}, "ErrorInvalidTimeInterval"),
        ("2019", {"end": MONDAY + timedelta(minutes=1)}, "NoError"),
        ("2019", {"end": MONDAY + 62 * DAY}, "NoError"),
        ("2019", {"end": MONDAY + 62 * DAY + timedelta(seconds=1)}, "ErrorTimeIntervalTooBig"),
        ("2010", {"end": MONDAY + timedelta(hours=23)}, "ErrorInvalidTimeInterval"),
        ("2010", {"end": MONDAY + 42 * DAY}, "NoError"),
        ("2010", {"end": MONDAY + 43 * DAY}, "ErrorTimeIntervalTooBig"),
        ("2019", {"step": 4}, "ErrorInvalidMergedFreeBusyInterval"),
        ("2019", {"step": 5}, "NoError"),
        ("2019", {"step": 1440}, "NoError"),
        ("2019", {"step": 1441}, "ErrorInvalidMergedFreeBusyInterval"),
        ("2019", {"view": "None"}, "ErrorInvalidFreeBusyViewType"),
        ("2019", {"view": "FreeBusy Detailed"}, "ErrorInvalidFreeBusyViewType"),
    ],
)
def test_limits(
    make_sim: Callable[..., Simulator], make_ask: Any, personality: str, more: dict[str, Any], code: str
) -> None:
    ask = make_ask(make_sim(personality))
    assert ask.code(asked("anna@example.com", **more)) == code


def test_how_many_mailboxes(ask: Any) -> None:
    assert ask.code(asked()) == "ErrorMailboxDataArrayEmpty"
    assert len(answers(ask, asked(*["anna@example.com"] * 100))) == 100
    assert ask.code(asked(*["anna@example.com"] * 101)) == "ErrorMailboxDataArrayTooBig"


def test_suggestions_are_not_simulated(sim: Simulator, ask: Any) -> None:
    window = "<t:StartTime>2026-03-02T00:00:00</t:StartTime><t:EndTime>2026-03-03T00:00:00</t:EndTime>"
    more = (
        "<t:SuggestionsViewOptions><t:DetailedSuggestionsWindow>"
        f"{window}</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>"
    )
    end = "</m:GetUserAvailabilityRequest>"
    assert ask.code(asked("anna@example.com").replace(end, more + end)) == "ErrorInvalidOperation"
    assert len(sim.refused) == 1


# --- a client that is not ours ------------------------------------------------------------------------


@pytest.mark.parametrize("personality", ["2010", "2019"])
def test_exchangelib_asks_for_free_and_busy(make_sim: Callable[..., Simulator], personality: str) -> None:
    sim = make_sim(personality)
    zone = ews.EWSTimeZone("Europe/Berlin")
    start = datetime(2026, 3, 29, 7, tzinfo=UTC)
    sim.add_event("anna@example.com", subject="x", start=start, end=start + timedelta(hours=1), busy="OOF")
    build = ews.Build(14, 3, 1, 1) if personality == "2010" else ews.Build(15, 2, 1, 1)
    configuration = ews.Configuration(
        service_endpoint=sim.url,
        credentials=ews.Credentials("bob@example.com", "bob-password"),
        auth_type=ews.BASIC,
        version=ews.Version(build),
    )
    account = ews.Account("bob@example.com", config=configuration, autodiscover=False, access_type=ews.DELEGATE)
    asked_for = [("anna@example.com", "Required", False), (account, "Organizer", False)]
    window = (ews.EWSDateTime(2026, 3, 28, tzinfo=zone), ews.EWSDateTime(2026, 3, 31, tzinfo=zone))
    anna, bob = account.protocol.get_free_busy_info(asked_for, *window)
    protocols.clear_cache()
    (event,) = anna.calendar_events
    assert (event.start, event.busy_type) == (ews.EWSDateTime(2026, 3, 29, 9, tzinfo=zone), "OOF")
    assert set(bob.merged) == {"0"}


# --- the two ways to look at a calendar agree ---------------------------------------------------------

SEEDED = tuple(
    replace(person, calendars=(replace(person.calendars[0], permissions={}), *person.calendars[1:]))
    for person in lifelike_people(7, 3, 80, AROUND)
)


def viewed(ask: Any, who: tuple[str, str], start: datetime, end: datetime) -> list[tuple[str, str, str]]:
    """Give what CalendarView lists."""
    body = (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>'
        f'<m:CalendarView StartDate="{start.isoformat()}Z" EndDate="{end.isoformat()}Z"/>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>'
    )
    answer = ask.session.post(ask.sim.url, data=ask.envelope(body), auth=who, timeout=30)
    items = etree.fromstring(answer.content).iter(f"{T}CalendarItem")
    rows = [[str(item.findtext(T + name)) for name in ("Start", "End", "LegacyFreeBusyStatus")] for item in items]
    return sorted((start.removesuffix("Z"), end.removesuffix("Z"), busy) for start, end, busy in rows)


@pytest.mark.parametrize("person", SEEDED, ids=lambda person: person.login)
def test_availability_and_calendar_view_agree_on_every_day(
    make_sim: Callable[..., Simulator], make_ask: Any, person: PersonPlan
) -> None:
    sim = make_sim(people=SEEDED)
    ask = make_ask(sim)
    login = (person.address, person.password)
    first = datetime.combine(AROUND, time()) - 35 * DAY
    total = 0
    for number in range(135):
        start = first + number * DAY
        body = ask.envelope(asked(person.address, start=start, end=start + DAY, view="FreeBusy"))
        answer = ask.session.post(sim.url, data=body, auth=login, timeout=30)
        (response,) = etree.fromstring(answer.content).iter(f"{M}FreeBusyResponse")
        found = sorted(blocks(response))
        assert found == viewed(ask, login, start, start + DAY), start
        total += len(found)
    kinds = {item.kind for item in sim.events(person.address)}
    assert kinds == {"Single", "RecurringMaster"}
    assert total > 60


DAYS = st.frozensets(st.integers(0, 6), min_size=1)
IN_MONTH = st.builds(DayOfMonth, st.integers(1, 31)) | st.builds(
    DayByPosition, DAYS, st.sampled_from([1, 2, 3, 4, LAST])
)
PATTERNS: st.SearchStrategy[Pattern] = st.one_of(
    st.builds(Daily, st.integers(1, 40)),
    st.builds(Weekly, st.integers(1, 6), DAYS, st.integers(0, 6)),
    st.builds(Monthly, st.integers(1, 14), IN_MONTH),
    st.builds(Yearly, st.integers(1, 12), IN_MONTH),
)
ZONES = st.sampled_from(
    [
        "UTC",
        "W. Europe Standard Time",
        "Eastern Standard Time",
        "AUS Eastern Standard Time",
        "Line Islands Standard Time",
    ]
)


@st.composite
def masters(draw: st.DrawFn) -> Item:
    """Give a master with changed and deleted occurrences."""
    zone = named(draw(ZONES))
    assert zone is not None
    first = draw(st.dates(date(2023, 1, 1), date(2026, 12, 31)))
    ends = draw(st.sampled_from(["never", "count", "end"]))
    recurrence = Recurrence(
        draw(PATTERNS),
        first,
        first + timedelta(days=draw(st.integers(400, 2000))) if ends == "end" else None,
        draw(st.integers(1, 300)) if ends == "count" else None,
    )
    start = datetime.combine(first, time(draw(st.integers(0, 23)), draw(st.sampled_from([0, 30]))))
    length = timedelta(minutes=draw(st.sampled_from([0, 30, 60, 480, 1440])))
    values = {
        "Start": zone.to_utc(start),
        "End": zone.to_utc(start + length),
        "StartTimeZone": zone,
        "Recurrence": recurrence,
    }
    try:
        values = arranged(values, written=True)
    except EwsError:  # no occurrence, or one that reaches into the next
        values["Recurrence"] = replace(recurrence, pattern=Daily(2), end=None, count=None)
        values = arranged(values, written=True)
    made = Item("", 0, 1, 1, start, start, "", values)
    series = series_of(made)
    indexes = draw(st.frozensets(st.integers(1, 30), max_size=6))
    days = sorted(filter(None, map(series.recurrence.day, indexes)))
    moved = timedelta(minutes=draw(st.integers(-4000, 4000)))
    changed = {
        day: Modification(
            {name: moment + moved for name, moment in zip(("Start", "End"), series.span(day), strict=True)},
            {},
            start,
            "",
        )
        for day in days[::2]
    }
    return replace(made, exceptions=changed, deleted=frozenset(days[1::2]))


@given(
    masters(),
    st.datetimes(datetime(2022, 6, 1), datetime(2032, 1, 1)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC)),  # noqa: DTZ001 - made UTC at once
    st.integers(1, 120 * 24 * 60),
)
@settings(max_examples=300, deadline=None)
def test_asking_every_day_and_reckoning_come_to_the_same(master: Item, start: datetime, minutes: int) -> None:
    end = start + timedelta(minutes=minutes)
    reckoned = sorted(
        (item.start, item.end, item.kind == "Exception") for item in series_of(master).in_window(start, end)
    )
    asked_for = sorted((busy.start, busy.end, busy.is_exception) for busy in busy_times([master], start, end))
    assert asked_for == reckoned


def test_ten_thousand_events_are_no_matter(make_sim: Callable[..., Simulator], make_ask: Any) -> None:
    days = [datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(hours=number) for number in range(10_000)]
    events = [{"Subject": "x", "Start": day, "End": day + timedelta(minutes=30)} for day in days]
    plan = PersonPlan("Dora Ek", "dora@example.com", "dora-password", calendars=(CalendarPlan("Calendar", {}, events),))
    ask = make_ask(make_sim(people=(plan,)))
    (response,) = answers(ask, asked("dora@example.com", view="FreeBusy"), "dora")
    assert len(blocks(response)) == 24
