"""What changes at Exchange is in the bridge without anybody asking, seen from both sides of the served command."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from eventually import eventually

from bridge.simulator import PersonPlan, Simulator

from bridged import ANN, BEN, PEOPLE, Bridged, bridged, served

NOON, ONE = datetime(2026, 12, 2, 12, tzinfo=UTC), datetime(2026, 12, 2, 13, tzinfo=UTC)
QUERY = """<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"""
SERVICE = PersonPlan("Bridge", "bridge@example.test", "service secret", impersonates=True)


@pytest.fixture(params=["2010", "2013", "2019", "online"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path, request.param, fresh=3600, watch=True) as made:
        yield made


def events(place: Bridged, person: str = ANN) -> int:
    """Count the events of a person's calendar as a client sees it."""
    answer = place.ask("PROPFIND", place.calendar(person), person=person, Depth="1")
    assert answer.status_code == 207
    return answer.text.count(".ics<")


def is_quiet(place: Bridged, person: str = ANN) -> bool:
    """Say whether a stream is held, and a pull has been made since it was opened."""
    seen = [one.operation for one in place.exchange.records.recent if one.mailbox == person]
    opened = [number for number, operation in enumerate(seen) if operation == "GetStreamingEvents"]
    return bool(opened) and "SyncFolderItems" in seen[opened[-1] :]


def watch(place: Bridged, person: str = ANN) -> None:
    """Ask for a calendar, and wait until it is watched."""
    events(place, person)
    eventually(lambda: is_quiet(place, person))


def test_a_change_at_exchange_is_seen_by_the_next_request(place: Bridged) -> None:
    watch(place)
    begun = time.monotonic()
    event = place.exchange.add_event(ANN, subject="Lunch", start=NOON, end=ONE)
    eventually(lambda: events(place) == 1)
    assert time.monotonic() - begun < 5
    place.exchange.change_event(event, Subject="Long lunch")
    (name,) = {
        one.rpartition("/")[2]
        for one in place.ask("PROPFIND", place.calendar(), Depth="1").text.split("<")
        if ".ics" in one
    }
    eventually(lambda: "Long lunch" in place.ask("GET", place.calendar() + name).text)
    place.exchange.remove_event(event)
    eventually(lambda: events(place) == 0)


def test_a_poll_with_nothing_new_asks_exchange_nothing(place: Bridged) -> None:
    watch(place)
    before = place.exchange.records.total()
    for _ in range(5):
        assert events(place) == 0
    assert place.exchange.records.total() == before


def test_nothing_is_missed_where_streams_break_and_subscriptions_are_lost(place: Bridged) -> None:
    watch(place)
    for number, trouble in enumerate(("stream_cut", "stream_end", "lost_events", "missed_events")):
        place.exchange.trouble(trouble, count=1)
        place.exchange.add_event(ANN, subject=f"Lunch {number}", start=NOON, end=ONE)
        eventually(lambda number=number: events(place) == number + 1)  # type: ignore[misc]
        place.exchange.faults.clear()
    place.exchange.lose_subscriptions()
    place.exchange.add_event(ANN, subject="After a restart", start=NOON, end=ONE)
    eventually(lambda: events(place) == 5)


def test_a_changed_password_is_tried_once_in_the_background(place: Bridged) -> None:
    watch(place)
    place.exchange.change_password(ANN, "another")
    place.exchange.trouble("stream_cut", count=1)
    eventually(lambda: sum(place.exchange.records.failed_logins.values()) >= 1)
    place.exchange.faults.clear()
    for _ in range(3):
        assert place.ask("PROPFIND", place.calendar(), Depth="0").status_code == 401
    assert sum(place.exchange.records.failed_logins.values()) == 1


def test_several_workers_hold_one_stream(tmp_path: Path) -> None:
    with bridged(tmp_path, "2019", fresh=3600, watch=True, workers=3) as place:
        for _ in range(30):
            events(place)
        eventually(lambda: is_quiet(place))
        for _ in range(30):
            events(place)
        assert place.exchange.records.total("GetStreamingEvents") == 1
        place.exchange.add_event(ANN, subject="Lunch", start=NOON, end=ONE)
        eventually(lambda: all(events(place) == 1 for _ in range(6)))


def test_a_service_account_watches_everybody_over_one_stream(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(SERVICE.password)
    file.chmod(0o600)
    account = f'service_account = "{SERVICE.address}"\nservice_password_file = "{file}"\n'
    with Simulator((*PEOPLE, SERVICE), personality="2019") as exchange:
        with served(tmp_path, exchange, fresh=3600, secured=account, watch=True) as place:
            for person in (ANN, BEN):
                events(place, person)
            eventually(lambda: exchange.records.total("GetStreamingEvents") >= 1)
            for person in (ANN, BEN):
                exchange.add_event(person, subject="Lunch", start=NOON, end=ONE)
                eventually(lambda person=person: events(place, person) == 1)  # type: ignore[misc]
            assert set(exchange.records.failed_logins) == set()
            assert exchange.records.total("GetStreamingEvents") <= 2
            assert len(exchange.subscriptions) >= 2
        assert exchange.outbox == []
        assert exchange.invalid_answers == []


@pytest.mark.parametrize(("personality", "allowed"), [("2007", "streaming"), ("2019", "pull"), ("2019", "none")])
def test_where_exchange_does_not_tell_calendars_are_pulled_when_they_are_asked_for(
    tmp_path: Path, personality: str, allowed: str
) -> None:
    with Simulator(PEOPLE, personality=personality, notifications=allowed) as exchange:
        with served(tmp_path, exchange, watch=True) as place:
            assert events(place) == 0
            exchange.add_event(ANN, subject="Lunch", start=NOON, end=ONE)
            assert events(place) == 1
            eventually(lambda: exchange.records.total("Subscribe") >= 1)
            assert exchange.records.total("GetStreamingEvents") == 0
        assert exchange.invalid_answers == []
