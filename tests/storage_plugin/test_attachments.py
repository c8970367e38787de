"""Files of events by HTTP: to be read with the rights of the event, and to be saved, not shown."""

from typing import Any

import pytest

from bridge.errors import ExchangeTimedOut
from bridge.ids import make_etag
from bridge.item import AttachedFile
from bridge.model import FileKey, FolderId, Name

KEY = "0123456789abcdef01234567"
BELOW = f".attachments/one.ics/{KEY}"
FILE = f"/alice@example.com/calendar/{BELOW}/Tagesordnung%2C%20neu.pdf"
SHARED = f"/alice@example.com/bob@example.com~calendar/{BELOW}/a.pdf"


@pytest.fixture
def held(store: Any) -> AttachedFile:
    """Have files of this key in Alice's and in Bob's calendar."""
    file = AttachedFile("Tagesordnung, neu ü.pdf", "application/pdf", b"%PDF-1.7")
    for folder in ("alice@example.com/Calendar", "bob@example.com/Calendar", "carol@example.com/Calendar"):
        store.files[FolderId(folder), Name("one.ics"), FileKey(KEY)] = file
    return file


def test_a_file_is_given_to_be_saved(ask: Any, held: AttachedFile) -> None:
    answer = ask("GET", FILE)
    assert (answer.status, answer.body) == (200, held.data)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Length"] == "8"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Tagesordnung%2C%20neu%20%C3%BC.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"] == make_etag(held.data)


def test_a_head_is_a_get_without_the_file(ask: Any, held: AttachedFile) -> None:
    got, head = ask("GET", FILE), ask("HEAD", FILE)
    assert held.data == got.body
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")


def test_what_the_client_has_is_not_sent_again(ask: Any, held: AttachedFile) -> None:
    etag = make_etag(held.data)
    answer = ask("GET", FILE, headers={"If-None-Match": etag})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    assert ask("GET", FILE, headers={"If-Match": '"other"'}).status == 412


@pytest.mark.usefixtures("held")
def test_the_name_at_its_end_does_not_matter(ask: Any) -> None:
    assert ask("GET", FILE.rpartition("/")[0] + "/x").status == 200


@pytest.mark.parametrize(
    "content_type", ["", "text", "text/html\r\nX-Evil: 1", "text/html;\r\n\r\na=b", "text/plain; charset=ü"]
)
def test_a_strange_type_is_that_of_bytes(ask: Any, store: Any, held: AttachedFile, content_type: str) -> None:
    store.files = {place: AttachedFile("a\r\nb.html", content_type, held.data) for place in store.files}
    answer = ask("GET", FILE)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%0D%0Ab.html"


def test_a_large_file_of_xml_is_sent_as_it_is(ask: Any, store: Any, held: AttachedFile) -> None:
    large = AttachedFile("a.xml", "application/xml", b"<a/>" * 1000)
    store.files = dict.fromkeys(store.files, large)
    answer = ask("GET", FILE, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.body == large.data != held.data


@pytest.mark.usefixtures("held")
def test_a_file_is_read_by_who_may_read_its_event(ask: Any) -> None:
    assert ask("GET", SHARED).status == 200
    assert ask("GET", FILE, user=None).status == 401
    assert ask("GET", FILE, user="bob@example.com").status == 403
    assert ask("GET", SHARED.replace("bob@", "carol@")).status == 403
    assert ask("GET", SHARED.replace("bob@", "dora@")).status == 404


def test_a_file_that_the_event_does_not_have_is_not_found(ask: Any) -> None:
    assert ask("GET", FILE).status == 404


@pytest.mark.usefixtures("held")
def test_a_trouble_of_exchange_is_no_absence(ask: Any, store: Any) -> None:
    store.trouble["attachment"] = ExchangeTimedOut("late", retry_after=7)
    answer = ask("GET", FILE)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "POST", "MOVE", "COPY", "MKCOL"]
)
@pytest.mark.usefixtures("held")
def test_a_file_is_written_with_its_event_and_not_by_itself(ask: Any, store: Any, method: str) -> None:
    answer = ask(method, FILE, b"x", headers={"Destination": FILE + "2"})
    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, GET, HEAD")
    assert b"ATTACH" in answer.body
    assert "put" not in store.calls
    assert ask("OPTIONS", FILE).headers["Allow"] == "OPTIONS, GET, HEAD"


@pytest.mark.parametrize("path", [f"/alice@example.com/calendar/{BELOW}", FILE + "/x", FILE.replace(KEY, "0" * 23)])
@pytest.mark.usefixtures("held")
def test_what_is_no_file_is_nothing(ask: Any, path: str) -> None:
    assert ask("GET", path).status == 404
    assert ask("PUT", path, b"x").status == 409


def test_an_event_is_not_moved_to_where_files_are(ask: Any, fill: Any, store: Any) -> None:
    fill("one.ics")
    answer = ask("MOVE", "/alice@example.com/calendar/one.ics", headers={"Destination": FILE})
    assert answer.status == 403
    assert "move" not in store.calls


def test_calendars_tell_how_much_they_take(ask: Any) -> None:
    body = (
        '<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop>'
        "<C:max-attachment-size/><C:max-attachments-per-resource/></prop></propfind>"
    )
    answer = ask("PROPFIND", "/alice@example.com/calendar/", body, headers={"Depth": "0"})
    assert b"max-attachment-size>15000<" in answer.body
    assert b"max-attachments-per-resource>100<" in answer.body
