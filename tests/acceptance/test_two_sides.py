"""What a CalDAV client does is seen by an EWS client, and the reverse: python-caldav here, exchangelib there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import caldav
import exchangelib
import pytest

from bridged import ANN, PASSWORD, Bridged

EXCHANGE: Any = exchangelib  # it has no types
CALDAV: Any = caldav  # its types do not cover what it does
BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def client(everywhere: Bridged) -> Iterator[Any]:
    with CALDAV.DAVClient(everywhere.url, username=ANN, password=PASSWORD) as dav:
        yield next(one for one in dav.principal().get_calendars() if str(one.url).endswith(f"{ANN}/calendar/"))


@pytest.fixture(scope="module", autouse=True)
def something_there(everywhere: Bridged) -> None:
    """Keep the folder from being empty: exchangelib cannot read an empty listing of a lenient server."""
    everywhere.exchange.add_event(ANN, subject="There before", start=START, end=START + HOUR)


@pytest.fixture
def outlook(everywhere: Bridged) -> Iterator[Any]:
    is_old = everywhere.exchange.service.personality.name == "2010"
    build = EXCHANGE.version.EXCHANGE_2010_SP2 if is_old else EXCHANGE.version.EXCHANGE_2016
    credentials = EXCHANGE.Credentials(ANN, PASSWORD)
    configuration = EXCHANGE.Configuration(
        service_endpoint=everywhere.exchange.url,
        credentials=credentials,
        auth_type=EXCHANGE.BASIC,
        version=EXCHANGE.Version(build),
    )
    account = EXCHANGE.Account(
        ANN, config=configuration, autodiscover=False, access_type=EXCHANGE.DELEGATE, default_timezone=BERLIN
    )
    yield account.calendar
    account.protocol.close()


def subjects(folder: Any) -> dict[str, Any]:
    return {item.subject: item for item in folder.all()}


def titles(calendar: Any) -> dict[str, Any]:
    return {str(event.icalendar_component["SUMMARY"]): event for event in calendar.get_events()}


def test_calendars_are_found_with_their_names(everywhere: Bridged) -> None:
    with CALDAV.DAVClient(everywhere.url, username=ANN, password=PASSWORD) as dav:
        found = {str(one.url): one.get_display_name() for one in dav.principal().get_calendars()}
    assert found[everywhere.calendar()] == "Calendar"
    assert found[everywhere.calendar(name="choir-more")] == "Choir & more"


def test_what_a_client_writes_is_at_exchange(client: Any, outlook: Any) -> None:
    event = client.add_event(
        uid="two-sides-1",
        dtstart=START.astimezone(BERLIN),
        dtend=(START + HOUR).astimezone(BERLIN),
        summary="Made here",
    )
    item = subjects(outlook)["Made here"]
    assert (item.uid, item.start, item.end) == ("two-sides-1", START, START + HOUR)
    event.load()
    with event.edit_icalendar_component() as component:
        component["SUMMARY"] = "Changed here"
        component.add("LOCATION", "Room 7")
    event.save()
    item = subjects(outlook)["Changed here"]
    assert (item.uid, item.location) == ("two-sides-1", "Room 7")
    event.delete()
    assert "Changed here" not in subjects(outlook)


def test_what_outlook_writes_is_seen_by_a_client(client: Any, outlook: Any) -> None:
    item = EXCHANGE.CalendarItem(
        folder=outlook,
        subject="Made there",
        start=START.astimezone(BERLIN),
        end=(START + HOUR).astimezone(BERLIN),
        location="Café",
        body="Line one\nLine two",
        categories=["Red"],
    )
    item.save(send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    component = titles(client)["Made there"].icalendar_component
    assert component["DTSTART"].dt == START
    assert str(component["DTSTART"].params["TZID"]) == "Europe/Berlin"
    assert (str(component["LOCATION"]), str(component["DESCRIPTION"])) == ("Café", "Line one\nLine two")
    item.subject = "Changed there"
    item.save(update_fields=["subject"], send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    assert "Changed there" in titles(client)
    item.delete(send_meeting_cancellations=EXCHANGE.items.SEND_TO_NONE)
    assert "Changed there" not in titles(client)


def test_an_all_day_event_is_on_the_same_days_on_both_sides(client: Any, outlook: Any) -> None:
    client.add_event(uid="two-sides-day", dtstart=date(2027, 7, 1), dtend=date(2027, 7, 3), summary="Holidays")
    item = subjects(outlook)["Holidays"]
    assert item.is_all_day
    there = EXCHANGE.CalendarItem(
        folder=outlook,
        subject="Fair",
        start=EXCHANGE.EWSDate(2027, 8, 9),
        end=EXCHANGE.EWSDate(2027, 8, 10),
        is_all_day=True,
    )
    there.save(send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    component = titles(client)["Fair"].icalendar_component
    assert (component["DTSTART"].dt, component["DTEND"].dt) == (date(2027, 8, 9), date(2027, 8, 11))
    component = titles(client)["Holidays"].icalendar_component
    assert (component["DTSTART"].dt, component["DTEND"].dt) == (date(2027, 7, 1), date(2027, 7, 3))


def test_a_time_range_query_finds_what_is_in_it(client: Any) -> None:
    client.add_event(uid="two-sides-in", dtstart=START + 3 * HOUR, dtend=START + 4 * HOUR, summary="Inside")
    client.add_event(uid="two-sides-out", dtstart=START + 9 * HOUR, dtend=START + 10 * HOUR, summary="Outside")
    found = client.search(start=START + 3 * HOUR, end=START + 5 * HOUR, event=True)
    assert {str(one.icalendar_component["SUMMARY"]) for one in found} >= {"Inside"}
    assert "Outside" not in {str(one.icalendar_component["SUMMARY"]) for one in found}


def test_a_sync_tells_changes_and_deletions(client: Any, outlook: Any) -> None:
    kept = client.add_event(uid="two-sides-sync", dtstart=START, dtend=START + HOUR, summary="Synced")
    known = client.get_objects_by_sync_token(load_objects=True)
    item = EXCHANGE.CalendarItem(
        folder=outlook, subject="New there", start=START.astimezone(BERLIN), end=(START + HOUR).astimezone(BERLIN)
    )
    item.save(send_meeting_invitations=EXCHANGE.items.SEND_TO_NONE)
    subjects(outlook)["Synced"].delete(send_meeting_cancellations=EXCHANGE.items.SEND_TO_NONE)
    updated, deleted = known.sync()
    assert {str(one.icalendar_component["SUMMARY"]) for one in updated} == {"New there"}
    assert {unquote(str(one.url)) for one in deleted} == {unquote(str(kept.url))}
