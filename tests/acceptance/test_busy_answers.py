"""What free-busy-query answers to an app or a booking engine, over HTTP: nothing is free that is not known to be."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from bridged import ANN, BEN, Bridged, bridged
from events import START, event

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVED_TO_BEN = f"{ANN}~calendar"


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Bridged]:
    """Put a bridge that knows nothing yet in front of Exchange."""
    with bridged(tmp_path, "2019") as made:
        yield made
        made.exchange.faults.clear()


def ask_busy(
    bridge: Bridged, start: datetime, end: datetime, person: str = ANN, name: str = "calendar"
) -> requests.Response:
    window = f'<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
    body = f'<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">{window}</C:free-busy-query>'
    return bridge.ask("REPORT", bridge.calendar(person, name), body, person=person, Depth="1")


def periods(answer: requests.Response) -> list[tuple[str, str]]:
    """Give type and period of each."""
    assert answer.status_code == 200, answer.text
    assert answer.text.count("BEGIN:VFREEBUSY") == 1
    lines = [line for line in answer.text.splitlines() if line.startswith("FREEBUSY")]
    split = [line.removeprefix("FREEBUSY;FBTYPE=").partition(":") for line in lines]
    return [(kind, period) for kind, _, period in split]


def period(start: datetime, end: datetime) -> str:
    return f"{start:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}"


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ((), "BUSY"),
        (("TRANSP:OPAQUE",), "BUSY"),
        (("TRANSP:TRANSPARENT",), None),
        (("STATUS:CONFIRMED",), "BUSY"),
        (("STATUS:TENTATIVE",), "BUSY-TENTATIVE"),
        (("STATUS:TENTATIVE", "TRANSP:TRANSPARENT"), None),
        (("STATUS:CANCELLED",), None),
        (("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), "BUSY-UNAVAILABLE"),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), None),
        (("CLASS:PRIVATE",), "BUSY"),
        (("CLASS:CONFIDENTIAL", "STATUS:TENTATIVE"), "BUSY-TENTATIVE"),
    ],
)
def test_what_an_app_writes_takes_the_time_it_says_for_its_owner_and_for_readers(
    everywhere: Bridged, lines: Sequence[str], kind: str | None
) -> None:
    assert everywhere.put("counted.ics", event("counted", "Secret", *lines)).status_code in {201, 204}
    told = [] if kind is None else [(kind, period(START, START + HOUR))]
    for person, name in ((ANN, "calendar"), (BEN, SERVED_TO_BEN)):
        answer = ask_busy(everywhere, START - DAY, START + DAY, person, name)
        assert periods(answer) == told
        assert not any(word in answer.text for word in ("Secret", "counted", "SUMMARY"))
    everywhere.ask("DELETE", everywhere.calendar() + "counted.ics")


def test_a_whole_day_is_busy_from_midnight_to_midnight_where_it_was_made(bridge: Bridged) -> None:
    day = datetime(2027, 3, 28)  # noqa: DTZ001 - in Berlin, where the clock goes forward
    bridge.exchange.add_event(ANN, subject="Fair", start=day, end=day + DAY, all_day=True, busy="OOF")
    answer = ask_busy(bridge, datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC))
    assert periods(answer) == [("BUSY-UNAVAILABLE", "20270327T230000Z/20270328T220000Z")]


def test_an_occurrence_is_busy_where_it_was_moved_to_and_free_where_it_was(bridge: Bridged) -> None:
    first = datetime(2027, 5, 3, 8, tzinfo=UTC)
    bridge.exchange.add_event(
        ANN,
        subject="Weekly",
        zone="UTC",
        start=first,
        end=first + HOUR,
        recurrence={"every": "week", "count": 4},
        changed=[{"date": (first + 7 * DAY).date(), "start": first + 3 * DAY, "end": first + 3 * DAY + HOUR}],
        cancelled=[(first + 14 * DAY).date()],
    )
    assert periods(ask_busy(bridge, first - DAY, first + DAY)) == [("BUSY", period(first, first + HOUR))]
    moved = first + 3 * DAY
    cut = moved + HOUR / 4
    assert periods(ask_busy(bridge, cut, moved + DAY)) == [("BUSY", period(cut, moved + HOUR))]
    assert periods(ask_busy(bridge, first + 4 * DAY, first + 20 * DAY)) == []
    assert periods(ask_busy(bridge, first + 20 * DAY, first + 60 * DAY)) == [
        ("BUSY", period(first + 21 * DAY, first + 21 * DAY + HOUR))
    ]


@pytest.mark.parametrize("kind", ["busy_503", "server_error", "reset", "truncated"])
def test_before_a_calendar_is_known_whole_nobody_is_free(new: Bridged, kind: str) -> None:
    new.exchange.add_event(ANN, subject="There", start=START, end=START + HOUR)
    new.exchange.trouble(kind, operation="SyncFolderItems", seconds=1)
    answer = ask_busy(new, START, START + DAY)
    assert (answer.status_code, "FREEBUSY" in answer.text) == (503, False)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_page_that_fails_in_the_middle_leaves_nobody_free(new: Bridged) -> None:
    for number in range(3):
        start = START + number * DAY
        new.exchange.add_event(ANN, subject="There", start=start, end=start + HOUR)
    new.exchange.trouble("page_size", size=1)
    new.exchange.trouble("server_error", operation="GetItem", seconds=1)
    answer = ask_busy(new, START, START + 7 * DAY)
    assert (answer.status_code, "FREEBUSY" in answer.text) == (503, False)


@pytest.mark.parametrize("series", [False, True])
def test_what_exchange_cannot_give_takes_its_time(new: Bridged, series: bool) -> None:
    repeated: dict[str, Any] = {"recurrence": {"every": "day", "count": 3}} if series else {}
    item = new.exchange.add_event(ANN, subject="Bad", zone="UTC", start=START, end=START + HOUR, **repeated)
    new.exchange.add_event(ANN, subject="Good", start=START + 5 * HOUR, end=START + 6 * HOUR)
    new.exchange.trouble("unreadable", item=item.id, code="ErrorItemCorrupt")
    days = [START + number * DAY for number in range(3 if series else 1)]
    expected = sorted([*(period(day, day + HOUR) for day in days), period(START + 5 * HOUR, START + 6 * HOUR)])
    assert sorted(each for _, each in periods(ask_busy(new, START - DAY, START + 9 * DAY))) == expected
