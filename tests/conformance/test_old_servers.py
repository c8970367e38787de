"""What an old server lacks is kept beside the event, or refused by name."""

from pathlib import Path

import pytest

from bridged import ANN
from conforming import CALENDAR, conforming
from events import event
from grammar_judge import unnamed

ONE = CALENDAR + "one.ics"


@pytest.mark.parametrize("personality", ["2007", "2010", "2013", "2019"])
def test_working_elsewhere_comes_back_from_every_server(tmp_path: Path, personality: str) -> None:
    body = event("one", "At home", "TRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE")
    with conforming(tmp_path, personality) as bridge:
        assert bridge.put(ONE, body).status == 201
        assert unnamed(body, bridge.ask("GET", ONE).body) == []
        (item,) = bridge.exchange.events(ANN)
        known = "WorkingElsewhere" if personality in {"2013", "2019"} else "Free"
        assert item.values["LegacyFreeBusyStatus"] == known


@pytest.mark.parametrize("personality", ["2007", "2010"])
def test_an_end_in_another_zone_comes_back_from_every_server(tmp_path: Path, personality: str) -> None:
    body = event("one", "Flight").replace(b"DTSTART:", b"DTSTART;TZID=Europe/Berlin:").replace(b"090000Z", b"090000")
    body = body.replace(b"DTEND:20270301T100000Z", b"DTEND;TZID=America/New_York:20270301T100000")
    with conforming(tmp_path, personality) as bridge:
        assert bridge.put(ONE, body).status == 201
        assert unnamed(body, bridge.ask("GET", ONE).body) == []
