"""What events drawn from the grammar (`tests/acceptance/test_grammar.py`) have shown, each as the smallest case."""

from pathlib import Path

import pytest

from conforming import CALENDAR, Bridge, conforming
from events import event
from grammar_judge import unnamed

ONE = CALENDAR + "one.ics"


@pytest.mark.parametrize("start", ["DTSTART:20270301T090000Z", "DTSTART:20270301T090030Z"])
@pytest.mark.parametrize("end", ["DURATION:PT90S", "DURATION:PT1H", "DTEND:20270301T100015Z"])
def test_seconds_of_a_series_come_back_though_exchange_has_minutes(bridge: Bridge, start: str, end: str) -> None:
    body = event("one", "Short", "RRULE:FREQ=DAILY;COUNT=3")
    body = body.replace(b"DTSTART:20270301T090000Z", start.encode()).replace(b"DTEND:20270301T100000Z", end.encode())
    assert bridge.put(ONE, body).status == 201
    assert unnamed(body, bridge.ask("GET", ONE).body) == []


def test_the_zone_of_an_end_comes_back_from_a_server_that_writes_the_start_s_over_it(tmp_path: Path) -> None:
    body = event("one", "Flight").replace(b"DTSTART:", b"DTSTART;TZID=Europe/Berlin:").replace(b"090000Z", b"090000")
    body = body.replace(b"DTEND:20270301T100000Z", b"DTEND;TZID=America/New_York:20270301T100000")
    with conforming(tmp_path, "lenient") as bridge:
        assert bridge.put(ONE, body).status == 201
        assert unnamed(body, bridge.ask("GET", ONE).body) == []
