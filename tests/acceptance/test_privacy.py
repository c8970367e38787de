"""No secret and no event's content in a log or in the clear on disk; and one's own change is seen in every process."""

import re
from pathlib import Path

from bridged import ANN, BEN, CLEO, PASSWORD, Bridged, bridged
from events import START, event

SECRETS = (
    "Whisper-Subject",
    "whisper-uid",
    "whisper-name",
    "Whisper Room",
    "Whisper notes",
    PASSWORD,
    "wrong-Password",
)


def test_logs_and_files_hold_no_content_and_no_password(tmp_path: Path) -> None:
    with bridged(tmp_path, "2019") as bridge:
        bridge.exchange.add_event(ANN, subject="Whisper-Subject", uid="whisper-uid-2", start=START, end=START)
        body = event("whisper-uid", "Whisper-Subject", "LOCATION:Whisper Room", "DESCRIPTION:Whisper notes")
        assert bridge.put("whisper-name.ics", body).status_code == 201
        assert bridge.put("whisper-name.ics", body.replace(b"SUMMARY", b"SUMM RY")).status_code == 403
        assert bridge.ask("PROPFIND", bridge.calendar(), password="wrong-Password").status_code == 401
        for kind in ("truncated", "server_error", "unreadable"):
            bridge.exchange.trouble(kind, item="whisper-uid-2", count=3)
            bridge.ask("PROPFIND", bridge.calendar(), Depth="1")
        assert bridge.ask("GET", bridge.calendar() + "whisper-name.ics").status_code in {200, 503}
        told = bridge.running.told
        files = {path: path.read_bytes() for path in (tmp_path / "own").rglob("*") if path.is_file()}
    assert len(files) >= 3
    for secret in SECRETS:
        assert secret not in told
        assert [path for path, content in files.items() if secret.encode() in content] == []


def test_ones_own_change_is_seen_by_the_next_request_in_every_process(two_workers: Bridged) -> None:
    url = two_workers.calendar() + "mine.ics"
    for number in range(25):
        assert two_workers.put("mine.ics", event("mine-1", f"Number {number}")).status_code in {201, 204}
        for _time in range(3):
            found = re.search(r"SUMMARY:(.*)\r\n", two_workers.ask("GET", url).text)
            assert found
            assert found[1] == f"Number {number}"
    assert [item.values["Subject"] for item in two_workers.exchange.events(ANN)] == ["Number 24"]


def test_a_reader_reads_and_may_not_write_and_an_editor_may(bridge: Bridged) -> None:
    bridge.put("shared.ics", event("shared-1", "For all"))
    name = f"{ANN}~calendar"
    readers, editors = bridge.calendar(BEN, name), bridge.calendar(CLEO, name)
    assert "SUMMARY:For all" in bridge.ask("GET", readers + "shared.ics", person=BEN).text
    refused = bridge.ask("PUT", readers + "no.ics", event("no-1"), person=BEN, Content_Type="text/calendar")
    assert refused.status_code == 403
    assert "need-privileges" in refused.text
    assert bridge.ask("DELETE", readers + "shared.ics", person=BEN).status_code == 403
    written = bridge.ask(
        "PUT", editors + "by.ics", event("by-cleo", "By Cleo"), person=CLEO, Content_Type="text/calendar"
    )
    assert written.status_code == 201
    assert "SUMMARY:By Cleo" in bridge.ask("GET", bridge.calendar() + "by.ics").text
    assert bridge.ask("DELETE", editors + "by.ics", person=CLEO).status_code == 204
    assert bridge.ask("DELETE", bridge.calendar() + "shared.ics").status_code == 204
    assert bridge.exchange.events(ANN) == []
