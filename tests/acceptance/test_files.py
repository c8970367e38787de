"""Files of events, seen from both sides: by HTTP here, at the simulated Exchange there."""

import base64
import re
from datetime import UTC, datetime

import pytest
import requests

from bridged import ANN, BEN, CLEO, Bridged
from events import event, override, series

START, END = datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2027, 3, 1, 10, tzinfo=UTC)
PDF = b"%PDF-1.7 \x00\xff"
NOWHERE = f"https://x/{ANN}/calendar/.attachments/a.ics/{'0' * 24}/a.pdf"
INLINE = (
    "ATTACH;FMTTYPE=application/pdf;FILENAME=Tagesordnung.pdf;ENCODING=BASE64;VALUE=BINARY:"
    + base64.b64encode(PDF).decode()
)


def links(text: str) -> list[str]:
    unfolded = text.replace("\r\n ", "")
    return [line.partition(":")[2] for line in unfolded.split("\r\n") if line.startswith("ATTACH")]


def read(bridge: Bridged, name: str, **who: str) -> requests.Response:
    answer = bridge.ask("GET", bridge.calendar(**who) + name, person=who.get("person", ANN))
    assert answer.status_code == 200
    return answer


def held(bridge: Bridged, subject: str) -> list[tuple[str, bytes]]:
    (item,) = (one for one in bridge.exchange.events(ANN) if one.values["Subject"] == subject)
    return [(one.name, one.content) for one in bridge.exchange.attachments(item)]


def test_a_file_that_a_client_attaches_is_at_exchange_and_read_by_its_link(everywhere: Bridged) -> None:
    answer = everywhere.put("attach.ics", event("attach", "Attached", INLINE), If_None_Match="*")
    assert answer.status_code == 201
    assert "ETag" not in answer.headers
    assert held(everywhere, "Attached") == [("Tagesordnung.pdf", PDF)]
    (url,) = links(read(everywhere, "attach.ics").text)
    assert url.startswith(f"{everywhere.url}{ANN}/calendar/.attachments/attach.ics/")
    got = everywhere.ask("GET", url)
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, PDF, "application/pdf")
    assert everywhere.ask("HEAD", url).headers["Content-Length"] == str(len(PDF))
    assert everywhere.ask("GET", url, person=BEN).status_code == 403


def test_a_file_that_outlook_attaches_is_served_and_one_that_a_client_drops_is_gone(everywhere: Bridged) -> None:
    item = everywhere.exchange.add_event(ANN, subject="Outlook's", uid="outlook-files", start=START, end=END)
    item = everywhere.exchange.add_attachment(item, "ä b.txt", b"text", content_type="text/plain")
    everywhere.exchange.add_attachment(item, "logo.png", b"png", inline=True, content_id="1@x")
    shown = read(everywhere, "outlook-files.ics")
    (url,) = links(shown.text)
    assert everywhere.ask("GET", url).content == b"text"
    dropped = re.sub(r"ATTACH[^\r]*(\r\n [^\r]*)*\r\n", "", shown.text)
    answer = everywhere.put("outlook-files.ics", dropped.encode(), If_Match=shown.headers["ETag"])
    assert answer.status_code == 204
    assert held(everywhere, "Outlook's") == [("logo.png", b"png")]
    assert everywhere.ask("GET", url).status_code == 404


def test_a_message_that_outlook_attaches_is_read_as_a_message(bridge: Bridged) -> None:
    item = bridge.exchange.add_event(ANN, subject="With mail", uid="with-mail", start=START, end=END)
    mail = b"Subject: Agenda\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nFirst point\r\n"
    bridge.exchange.add_attachment(item, "Agenda", mail, is_message=True)
    (url,) = links(read(bridge, "with-mail.ics").text)
    answer = bridge.ask("GET", url)
    assert answer.status_code == 200
    assert b"First point" in answer.content


def test_an_occurrence_has_a_file_of_its_own(everywhere: Bridged) -> None:
    same = override("20270308", "Weekly files", "20270308T090000")
    body = series("weekly-files", "Weekly files", overrides=[(*same, INLINE)])
    assert everywhere.put("weekly-files.ics", body).status_code == 201
    assert held(everywhere, "Weekly files") == []
    shown = read(everywhere, "weekly-files.ics")
    (url,) = links(shown.text)
    assert everywhere.ask("GET", url).content == PDF
    again = everywhere.put("weekly-files.ics", shown.content, If_Match=shown.headers["ETag"])
    assert again.status_code == 204
    assert read(everywhere, "weekly-files.ics").headers["ETag"] == shown.headers["ETag"]


def test_a_changed_occurrence_keeps_a_file_that_its_series_loses(everywhere: Bridged) -> None:
    body = series("losing", "Losing", INLINE)
    assert everywhere.put("losing.ics", body).status_code == 201
    (url,) = links(read(everywhere, "losing.ics").text)
    moved = (*override("20270308", "Moved", "20270308T140000"), f"ATTACH:{url}")
    both = series("losing", "Losing", f"ATTACH:{url}", overrides=[moved])
    assert everywhere.put("losing.ics", both).status_code == 204
    shown = read(everywhere, "losing.ics")
    assert len(links(shown.text)) == 2
    without = re.sub(r"ATTACH[^\r]*(\r\n [^\r]*)*\r\n", "", shown.text, count=1)
    assert everywhere.put("losing.ics", without.encode(), If_Match=shown.headers["ETag"]).status_code == 204
    whole, changed = read(everywhere, "losing.ics").text.split("END:VEVENT")[:2]
    assert links(whole) == []
    assert [everywhere.ask("GET", url).content for url in links(changed)] == [PDF]


def test_files_go_along_when_an_event_is_moved_or_copied(bridge: Bridged) -> None:
    bridge.put("going.ics", event("going", "Going", INLINE))
    other = bridge.calendar(name="choir-more")
    (before,) = links(read(bridge, "going.ics").text)
    copied = bridge.ask("COPY", bridge.calendar() + "going.ics", Destination=other + "copied.ics")
    assert copied.status_code == 201
    (copy,) = links(bridge.ask("GET", other + "copied.ics").text)
    assert "/choir-more/.attachments/copied.ics/" in copy
    assert bridge.ask("GET", copy).content == PDF
    assert bridge.ask("DELETE", other + "copied.ics").status_code == 204
    moved = bridge.ask("MOVE", bridge.calendar() + "going.ics", Destination=other + "moved.ics")
    assert moved.status_code == 201
    (after,) = links(bridge.ask("GET", other + "moved.ics").text)
    assert bridge.ask("GET", after).content == PDF
    assert bridge.ask("GET", before).status_code == 404


def test_who_may_read_anothers_calendar_reads_its_files_and_who_may_write_attaches_some(bridge: Bridged) -> None:
    bridge.put("shared.ics", event("shared", "Shared", INLINE))
    for person in (BEN, CLEO):
        calendar = f"{bridge.url}{person}/{ANN}~calendar/"
        shown = bridge.ask("GET", calendar + "shared.ics", person=person)
        (url,) = links(shown.text)
        assert url.startswith(f"{calendar}.attachments/")
        assert bridge.ask("GET", url, person=person).content == PDF
        added = shown.text.replace("END:VEVENT", "ATTACH;FILENAME=b.txt;ENCODING=BASE64:SGVsbG8=\r\nEND:VEVENT")
        headers = {"If_Match": shown.headers["ETag"], "Content_Type": "text/calendar"}
        answer = bridge.ask("PUT", calendar + "shared.ics", added, person=person, **headers)
        assert answer.status_code == (403 if person == BEN else 204)
    assert [name for name, _ in held(bridge, "Shared")] == ["Tagesordnung.pdf", "b.txt"]


@pytest.mark.parametrize(
    ("line", "precondition"),
    [
        ("ATTACH;ENCODING=BASE64;VALUE=BINARY:*", "valid-calendar-data"),
        (f"ATTACH:{NOWHERE}", "valid-calendar-object-resource"),
    ],
)
def test_what_is_no_file_is_refused_and_nothing_is_sent(bridge: Bridged, line: str, precondition: str) -> None:
    answer = bridge.put("refused.ics", event("refused", "Refused", line))
    assert answer.status_code == 403
    assert f"C:{precondition}" in answer.text
    assert "ATTACH" in answer.text
    assert not [one for one in bridge.exchange.events(ANN) if one.values["Subject"] == "Refused"]


def test_a_file_comes_from_exchange_or_not_now(bridge: Bridged) -> None:
    bridge.put("trouble.ics", event("trouble", "Trouble", INLINE))
    (url,) = links(read(bridge, "trouble.ics").text)
    bridge.exchange.trouble("reset", operation="GetAttachment", count=1)
    answer = bridge.ask("GET", url)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert bridge.ask("GET", url).content == PDF
