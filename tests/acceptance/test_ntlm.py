"""A whole session of a CalDAV client at an Exchange that is asked by NTLM, over TLS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import caldav
import pytest

from bridged import ANN, BEN, PASSWORD, Bridged, bridged

CALDAV: Any = caldav  # its types do not cover what it does
START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:current-user-principal/></d:prop></d:propfind>'


@pytest.fixture(params=["2019", "2010"])
def bridge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path, request.param, ntlm=True) as made:
        yield made


@pytest.mark.parametrize("username", [ANN, "EXAMPLE\\ann"])
def test_a_client_finds_writes_changes_syncs_and_deletes(bridge: Bridged, username: str) -> None:
    with CALDAV.DAVClient(bridge.url, username=username, password=PASSWORD) as client:
        home = client.principal().get_calendars()
        calendar = next(one for one in home if str(one.url).endswith(f"{ANN}/calendar/"))
        event = calendar.add_event(
            uid="ntlm-1", dtstart=START, dtend=START + HOUR, summary="By NTLM", rrule={"FREQ": "WEEKLY", "COUNT": 4}
        )
        (item,) = bridge.exchange.events(ANN)
        assert item.values["Subject"] == "By NTLM"
        known = calendar.get_objects_by_sync_token(load_objects=True)
        event.load()
        with event.edit_icalendar_component() as component:
            component["SUMMARY"] = "Changed by NTLM"
        event.save()
        updated, deleted = known.sync()
        assert [str(one.icalendar_component["SUMMARY"]) for one in updated] == ["Changed by NTLM"]
        assert not list(deleted)
        found = calendar.search(start=START + timedelta(days=7), end=START + timedelta(days=8), event=True)
        assert [str(one.icalendar_component["SUMMARY"]) for one in found] == ["Changed by NTLM"]
        event.delete()
        assert bridge.exchange.events(ANN) == []


def test_a_wrong_password_is_refused_and_tried_once(bridge: Bridged) -> None:
    for _ in range(3):
        assert bridge.ask("PROPFIND", bridge.url, LISTING, password="wrong", Depth="0").status_code == 401
    assert sum(bridge.exchange.records.failed_logins.values()) == 1


def test_one_persons_proved_connection_serves_nobody_else(bridge: Bridged) -> None:
    bridge.exchange.add_event(ANN, subject="Hers", start=START, end=START + HOUR)
    assert bridge.ask("PROPFIND", bridge.calendar(), LISTING, Depth="0").status_code == 207
    assert bridge.ask("PROPFIND", bridge.calendar(), LISTING, password="wrong", Depth="0").status_code == 401
    answer = bridge.ask("PROPFIND", bridge.url, LISTING, person=BEN, Depth="0")
    assert answer.status_code == 207
    assert f"/{BEN}/" in answer.text
    assert ANN not in answer.text
