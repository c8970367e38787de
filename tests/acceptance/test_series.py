"""Series on both sides: python-caldav here, exchangelib there; and every expansion of them agrees."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import exchangelib
import pytest
import recurring_ical_events
import requests
from icalendar import Calendar

from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline
from bridge.item import Item
from bridge.mapping.context import Context
from bridge.mapping.series import to_ical
from bridge.model import Address, BasicCredential, CalendarRef, Caller, Mailbox, OrganisationId, Viewer
from bridge.occurrences import occurrences
from bridge.simulator import Simulator, lifelike_people

from bridged import ANN, PASSWORD, Bridged, bridged
from calendar_view import calendar_view
from events import override, series

EXCHANGE: Any = exchangelib  # it has no types
BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


@pytest.fixture(scope="module", params=["2019 reset", "2019 keep", "2019 split", "2010 reset"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    personality, reshaping = request.param.split()
    with bridged(tmp_path_factory.mktemp("bridge"), personality, reshaping=reshaping) as made:
        yield made


@pytest.fixture
def outlook(place: Bridged) -> Iterator[Any]:
    is_old = place.exchange.service.personality.name == "2010"
    build = EXCHANGE.version.EXCHANGE_2010_SP2 if is_old else EXCHANGE.version.EXCHANGE_2016
    configuration = EXCHANGE.Configuration(
        service_endpoint=place.exchange.url,
        credentials=EXCHANGE.Credentials(ANN, PASSWORD),
        auth_type=EXCHANGE.BASIC,
        version=EXCHANGE.Version(build),
    )
    account = EXCHANGE.Account(
        ANN, config=configuration, autodiscover=False, access_type=EXCHANGE.DELEGATE, default_timezone=BERLIN
    )
    yield account.calendar
    account.protocol.close()


def view(folder: Any) -> list[tuple[str, datetime]]:
    """Give what Outlook shows of the spring: subjects and starts."""
    start, end = datetime(2027, 2, 1, tzinfo=BERLIN), datetime(2027, 8, 1, tzinfo=BERLIN)
    shown = folder.view(start=start, end=end).only("subject", "start")
    return sorted((item.subject, datetime.fromtimestamp(item.start.timestamp(), UTC)) for item in shown)


def mondays(count: int, *, without: tuple[int, ...] = ()) -> list[datetime]:
    local = [datetime(2027, 3, 1, 9, tzinfo=BERLIN) + number * WEEK for number in range(count)]
    return [start.astimezone(UTC) for number, start in enumerate(local) if number not in without]


def test_a_series_with_exceptions_is_in_outlook_as_the_client_means_it(place: Bridged, outlook: Any) -> None:
    moved = override("20270308", "Moved", "20270308T140000")
    body = series("both-1", "Weekly", "EXDATE;TZID=Europe/Berlin:20270322T090000", overrides=[moved])
    assert place.put("both-1.ics", body, If_None_Match="*").status_code == 201
    expected = [("Moved", FIRST + WEEK + 5 * HOUR), *(("Weekly", one) for one in mondays(10, without=(1, 3)))]
    assert view(outlook) == sorted(expected)
    body = series("both-1", "Weekly", "RRULE:FREQ=WEEKLY;COUNT=4", overrides=[moved])
    assert place.put("both-1.ics", body).status_code == 204
    expected = [("Moved", FIRST + WEEK + 5 * HOUR), *(("Weekly", one) for one in mondays(4, without=(1,)))]
    assert view(outlook) == sorted(expected)
    assert place.ask("DELETE", place.calendar() + "both-1.ics").status_code == 204
    assert view(outlook) == []


def test_a_series_made_in_outlook_is_served_and_follows_its_changes(place: Bridged, outlook: Any) -> None:
    pattern = EXCHANGE.recurrence.WeeklyPattern(interval=1, weekdays=[EXCHANGE.fields.MONDAY])
    start = EXCHANGE.EWSDate(2027, 3, 1)
    item = EXCHANGE.CalendarItem(
        folder=outlook,
        subject="There",
        uid="there-series",
        start=FIRST.astimezone(BERLIN),
        end=(FIRST + HOUR).astimezone(BERLIN),
        recurrence=EXCHANGE.recurrence.Recurrence(pattern=pattern, start=start, number=5),
    )
    item.save(send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    url = place.calendar() + "there-series.ics"
    assert "RRULE:FREQ=WEEKLY" in place.ask("GET", url).text
    master = next(one for one in outlook.all() if one.uid == "there-series")
    occurrence = master.occurrence(index=2)
    occurrence.refresh()
    occurrence.subject = "There, changed"
    occurrence.save(update_fields=["subject"], send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    master.occurrence(index=4).delete(send_meeting_cancellations=EXCHANGE.items.SEND_TO_NONE)
    text = place.ask("GET", url).text
    assert text.count("BEGIN:VEVENT") == 2
    assert "SUMMARY:There\\, changed" in text
    found = recurring_ical_events.of(Calendar.from_ical(text)).between(FIRST, FIRST + 20 * WEEK)
    assert sorted(event["DTSTART"].dt.astimezone(UTC) for event in found) == mondays(5, without=(3,))
    assert place.ask("DELETE", url).status_code == 204


def test_every_expansion_of_lifelike_calendars_agrees() -> None:
    """Compare Exchange's CalendarView, our own index, and recurring-ical-events over what is served."""
    people = lifelike_people(seed=7, events=120)
    with Simulator(people) as exchange:
        wire = EwsExchange(EwsSettings(exchange.url))
        try:
            for person in people:
                compare(exchange, wire, person.address, person.password)
        finally:
            wire.close()
        assert exchange.invalid_answers == []


def compare(exchange: Simulator, wire: EwsExchange, address: str, password: str) -> None:
    caller = Caller(Viewer(OrganisationId("x"), Address(address)), BasicCredential(address, password))
    ref = wire.calendars(caller, Address(address), Deadline.after(30))[0].ref
    start, end = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    with requests.Session() as outlook:
        outlook.auth = (address, password)
        told = calendar_view(outlook, exchange.url, start, end)
    ours, theirs = [], []
    for items in resources(wire, caller, ref):
        rendering = to_ical(items, Context(Mailbox(Address(address))))
        ours += [(one.start, one.end) for one in occurrences(rendering.index, start, end)]
        found = recurring_ical_events.of(Calendar.from_ical(rendering.text)).between(start, end)
        theirs += [(instant(event["DTSTART"].dt), instant(event["DTEND"].dt)) for event in found]
    assert len(told) > 100
    assert sorted(ours) == told
    assert len(theirs) == len(told)


def resources(wire: EwsExchange, caller: Caller, ref: CalendarRef) -> Iterator[tuple[Item, ...]]:
    cursor = None
    while True:
        page = wire.feed(caller, ref, cursor, Deadline.after(30))
        ids = [entry.ref.id for entry in page.entries]
        for item in wire.get(caller, ref, ids, Deadline.after(60)):
            assert isinstance(item, Item)
            listed = [one.ref.id for one in item.exceptions]
            exceptions = wire.get(caller, ref, listed, Deadline.after(60)) if listed else ()
            yield (item, *(one for one in exceptions if isinstance(one, Item)))
        if page.is_last:
            return
        cursor = page.cursor


def instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
