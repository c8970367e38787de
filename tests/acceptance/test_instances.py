"""Occurrences without their series, on both sides: a client here, Outlook there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from bridged import ANN, Bridged, bridged
from events import instances, override

FIRST = override("20270301", "First", "20270301T090000")
SECOND = override("20270308", "Second", "20270308T140000")
THIRD = override("20270315", "Third", "20270315T090000")
ZONE = "W. Europe Standard Time"


@pytest.fixture(params=["2010", "2019", "online", "lenient"])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Bridged]:
    with bridged(tmp_path, request.param) as made:
        yield made


def subjects(place: Bridged) -> list[str]:
    return sorted(str(item.values["Subject"]) for item in place.exchange.events(ANN))


def item_of(place: Bridged, subject: str) -> Any:
    return next(item for item in place.exchange.events(ANN) if item.values["Subject"] == subject)


def served(place: Bridged, name: str) -> dict[str, datetime]:
    """Give what a client reads: each original start, by the summary."""
    answer = place.ask("GET", place.calendar() + name)
    assert answer.status_code == 200
    events: Any = Calendar.from_ical(answer.text).walk("VEVENT")  # types of values are of no use here
    assert len({str(one["UID"]) for one in events}) == 1
    return {str(one["SUMMARY"]): one["RECURRENCE-ID"].dt.astimezone(UTC) for one in events}


def listed(place: Bridged) -> int:
    answer = place.ask("PROPFIND", place.calendar(), Depth="1")
    return answer.text.count(".ics</")


def test_what_a_client_makes_outlook_sees_and_changes(place: Bridged) -> None:
    made = place.put("dates.ics", instances("dates-1", FIRST, SECOND, THIRD), If_None_Match="*")
    assert made.status_code == 201
    assert (subjects(place), listed(place)) == (["First", "Second", "Third"], 1)
    etag = place.ask("GET", place.calendar() + "dates.ics").headers["ETag"]
    place.exchange.change_event(item_of(place, "Second"), Subject="Theirs")
    place.exchange.remove_event(item_of(place, "Third"))
    assert served(place, "dates.ics") == {
        "First": datetime(2027, 3, 1, 8, tzinfo=UTC),
        "Theirs": datetime(2027, 3, 8, 8, tzinfo=UTC),
    }
    assert place.put("dates.ics", instances("dates-1", FIRST), If_Match=etag).status_code == 412
    assert subjects(place) == ["First", "Theirs"]
    etag = place.ask("GET", place.calendar() + "dates.ics").headers["ETag"]
    assert place.put("dates.ics", instances("dates-1", SECOND, THIRD), If_Match=etag).status_code == 204
    assert subjects(place) == sorted(served(place, "dates.ics")) == ["Second", "Third"]
    assert place.ask("DELETE", place.calendar() + "dates.ics").status_code == 204
    assert (subjects(place), listed(place)) == ([], 0)


def test_what_exchange_filed_is_one_resource_that_a_client_changes(place: Bridged) -> None:
    for day, subject in ((2, "Tuesday"), (9, "A week later")):
        start = datetime(2027, 3, day, 9)  # noqa: DTZ001 - local time, in the zone given beside it
        place.exchange.add_event(
            ANN,
            subject=subject,
            uid="filed-1",
            start=start,
            end=start.replace(hour=10),
            zone=ZONE,
            instance=start.date(),
        )
    assert listed(place) == 1
    assert served(place, "filed-1.ics") == {
        "Tuesday": datetime(2027, 3, 2, 8, tzinfo=UTC),
        "A week later": datetime(2027, 3, 9, 8, tzinfo=UTC),
    }
    before = place.ask("GET", place.calendar() + "filed-1.ics")
    body = before.text.replace("SUMMARY:Tuesday", "SUMMARY:Mine").replace(
        "END:VCALENDAR", instances("filed-1", THIRD).decode().split("VERSION:2.0\r\nPRODID:-//test//test//EN\r\n")[1]
    )
    assert place.put("filed-1.ics", body.encode(), If_Match=before.headers["ETag"]).status_code == 204
    assert subjects(place) == sorted(served(place, "filed-1.ics")) == ["A week later", "Mine", "Third"]
    assert listed(place) == 1
