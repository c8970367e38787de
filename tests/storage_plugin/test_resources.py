"""GET, PUT and DELETE, and what is refused without changing anything."""

import gzip
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import ExchangeBusy, ExchangeUnreachable, NotExpressible, WriteUnderWay
from bridge.ids import make_etag
from bridge.resource import Stored

HOME = "/alice@example.com/"
CALENDAR = "/alice@example.com/calendar/"
SHARED = "/alice@example.com/bob@example.com~calendar/"
ONE, TWO = CALENDAR + "one.ics", CALENDAR + "two.ics"
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"


def test_an_event_is_served_as_it_is_stored_with_its_etag(ask: Any, fill: Any) -> None:
    body = fill("one.ics").texts["one.ics"]
    answer = ask("GET", ONE)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["ETag"] == make_etag(body)
    assert answer.headers["Content-Type"].startswith("text/calendar")


def test_a_head_is_a_get_without_the_body(ask: Any, fill: Any) -> None:
    fill("one.ics")
    got, head = ask("GET", ONE), ask("HEAD", ONE)
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_client_has_is_not_sent_again(ask: Any, fill: Any, form: str) -> None:
    etag = make_etag(fill("one.ics").texts["one.ics"])
    answer = ask("GET", ONE, headers={"If-None-Match": form.format(etag)})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == etag
    assert ask("GET", ONE, headers={"If-None-Match": '"other"'}).status == 200


def test_a_get_of_another_version_than_asked_fails(ask: Any, fill: Any) -> None:
    fill("one.ics")
    assert ask("GET", ONE, headers={"If-Match": '"other"'}).status == 412


@pytest.mark.parametrize("path", [HOME, CALENDAR])
def test_a_collection_says_how_it_is_read(ask: Any, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status == 405
    assert "PROPFIND" in answer.headers["Allow"]
    assert b"calendar program" in answer.body


def test_a_new_event_is_created_and_a_known_one_replaced(ask: Any, event: Any) -> None:
    body = event(uid="one")
    answer = ask("PUT", ONE, body, headers={"If-None-Match": "*", "Content-Type": "text/calendar; charset=utf-8"})
    assert (answer.status, answer.headers["ETag"]) == (201, make_etag(body))
    changed = event(uid="one", summary="Dinner")
    answer = ask("PUT", ONE, changed, headers={"If-Match": answer.headers["ETag"]})
    assert (answer.status, answer.headers["ETag"]) == (204, make_etag(changed))
    assert ask("GET", ONE).body == changed


def test_an_event_that_is_served_otherwise_than_sent_gets_no_etag(ask: Any, event: Any, store: Any) -> None:
    """RFC 4791 5.3.4."""
    store.normalises = True
    answer = ask("PUT", ONE, event())
    assert answer.status == 201
    assert "ETag" not in answer.headers


def test_what_is_stored_is_what_was_sent_byte_for_byte(ask: Any, fill: Any, event: Any) -> None:
    kept = fill()
    body = event(summary="Zürich, 2\\; ein „Test“").replace(b"\r\n", b"\n") + b"\n\n"
    ask("PUT", ONE, body)
    assert kept.texts["one.ics"] == body


def test_a_byte_order_mark_is_left_for_the_parser_to_judge(
    ask: Any, event: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []

    def put(_login: Any, _served: Any, _name: Any, body: bytes, _conditions: Any) -> Stored:
        taken.append(body)
        return Stored(created=True, etag=None)

    monkeypatch.setattr(store, "put", put)
    body = b"\xef\xbb\xbf" + event()
    assert ask("PUT", ONE, body).status == 201
    assert taken == [body]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": "{}"}, 204),
        ({"If-Match": '"x", {}, "y"'}, 204),
        ({"If-Match": "*"}, 204),
        ({"If-Match": "W/{}"}, 412),
        ({"If-Match": '"x"'}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": '"x", W/{}'}, 412),
        ({"If-None-Match": '"x"'}, 204),
        ({"If-Match": "{}", "If-None-Match": "*"}, 412),
        ({"If": "(<urn:uuid:lock>)"}, 412),
        ({"If-Match": "unquoted"}, 400),
        ({"If-None-Match": "unquoted"}, 400),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_keeps_to_its_conditions(
    ask: Any, fill: Any, event: Any, method: str, headers: dict[str, str], status: int
) -> None:
    kept = fill("one.ics")
    before = kept.texts["one.ics"]
    sent = {name: value.format(make_etag(before)) for name, value in headers.items()}
    assert ask(method, ONE, event(uid="one", summary="New"), headers=sent).status == status
    assert (kept.texts.get("one.ics") == before) is (status != 204)


def test_a_write_of_what_is_not_there_under_if_match_fails(ask: Any, event: Any) -> None:
    assert ask("PUT", ONE, event(), headers={"If-Match": "*"}).status == 412


def test_an_event_is_deleted_once(ask: Any, fill: Any) -> None:
    fill("one.ics")
    assert ask("DELETE", ONE).status == 204
    assert ask("DELETE", ONE).status == 404
    assert ask("GET", ONE).status == 404


_TO_A_NEW_PLACE = {"Destination": "http://bridge.test" + HOME + "new/"}


@pytest.mark.parametrize("path", ["/", HOME, CALENDAR, CALENDAR.rstrip("/"), SHARED])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCALENDAR", "MKCOL", "MOVE", "COPY", "LOCK", "UNLOCK"])
def test_nothing_done_to_a_collection_changes_a_calendar(
    ask: Any, fill: Any, event: Any, store: Any, method: str, path: str
) -> None:
    fill("one.ics", "two.ics")
    before = {folder: dict(kept.texts) for folder, kept in store.kept.items()}
    answer = ask(method, path, "" if method.startswith("MK") else event(), headers=_TO_A_NEW_PLACE)
    assert answer.status in {403, 405}
    assert answer.status == 403 or answer.headers["Allow"].startswith("OPTIONS")
    assert len(answer.text) > 40
    assert {folder: kept.texts for folder, kept in store.kept.items()} == before


@pytest.mark.parametrize("path", [HOME + "nothing/one.ics", CALENDAR + "deep/one.ics"])
def test_an_event_needs_a_calendar_to_be_in(ask: Any, event: Any, path: str) -> None:
    assert ask("PUT", path, event()).status == 409


@pytest.mark.parametrize("method", ["LOCK", "UNLOCK", "POST", "ACL"])
def test_what_is_not_done_to_an_event_is_refused_by_name_and_leaves_it(ask: Any, fill: Any, method: str) -> None:
    kept = fill("one.ics")
    answer = ask(method, ONE, headers={"Destination": "http://bridge.test" + CALENDAR + "new.ics"})
    assert answer.status == 405
    assert "PUT" in answer.headers["Allow"].split(", ")
    assert answer.text.startswith(method)
    assert set(kept.texts) == {"one.ics"}


def test_a_method_that_nobody_knows_is_501(ask: Any) -> None:
    assert ask("BREW", CALENDAR).status == 501


@pytest.mark.parametrize(
    ("method", "path", "missing"),
    [
        ("PUT", SHARED + "one.ics", ("write-content", SHARED + "one.ics")),
        ("PUT", SHARED + "new.ics", ("bind", SHARED)),
        ("POST", SHARED, ("bind", SHARED)),
        ("DELETE", SHARED + "one.ics", ("unbind", SHARED)),
        ("DELETE", SHARED, ("unbind", HOME)),
        ("COPY", ONE, ("bind", SHARED)),
        ("COPY", TWO, ("write-content", SHARED + "one.ics")),
    ],
)
def test_what_is_missing_is_a_privilege_at_a_place(
    ask: Any, fill: Any, store: Any, method: str, path: str, missing: tuple[str, str]
) -> None:
    """RFC 3744 7.1.1, appendix B: to add and to delete is a right on the collection."""
    body = fill("one.ics", "two.ics").texts["one.ics"]
    store.kept["bob@example.com/Calendar"].texts["one.ics"] = body
    destination = SHARED + ("new.ics" if path == ONE else "one.ics")
    answer = ask(method, path, body, headers={"Destination": destination})
    assert answer.status == 403
    (resource,) = answer.xml.findall(f"{D}need-privileges/{D}resource")
    assert [each.tag for each in resource.find(f"{D}privilege")] == [f"{D}{missing[0]}"]
    assert resource.findtext(f"{D}href") == missing[1]


def test_a_copy_to_where_only_busy_times_may_be_seen_lacks_the_right_to_add(ask: Any, fill: Any) -> None:
    fill("one.ics")
    busy = HOME + "carol@example.com~calendar/"
    answer = ask("COPY", ONE, headers={"Destination": busy + "new.ics"})
    assert answer.status == 403
    assert answer.xml.findtext(f"{D}need-privileges/{D}resource/{D}href") == busy
    assert answer.xml.find(f".//{D}privilege/{D}bind") is not None


def test_of_a_calendar_of_which_only_busy_times_may_be_seen_no_event_is_shown(ask: Any) -> None:
    calendar = HOME + "carol@example.com~calendar/"
    multiget = (
        '<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><href>/</href></C:calendar-multiget>'
    )
    for method, path, body in (
        ("PROPFIND", calendar, ""),
        ("GET", calendar + "a.ics", ""),
        ("REPORT", calendar, multiget),
    ):
        answer = ask(method, path, body, headers={"Depth": "0"})
        assert answer.status == 403
        assert answer.xml.find(f".//{D}privilege/{D}read") is not None


@pytest.mark.parametrize(
    ("body", "precondition"),
    [
        (b"not a calendar", "valid-calendar-data"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nEND:VTODO\r\nEND:VCALENDAR\r\n", "supported-calendar-component"),
    ],
)
def test_a_bad_event_is_refused_with_a_precondition_and_a_sentence(ask: Any, body: bytes, precondition: str) -> None:
    answer = ask("PUT", ONE, body)
    assert answer.status == 403
    assert answer.xml[0].tag == C + precondition
    assert answer.xml.findtext(f"{D}responsedescription")


def test_a_uid_that_another_event_has_is_refused_and_says_which(ask: Any, fill: Any, event: Any) -> None:
    fill("größe.ics")
    answer = ask("PUT", ONE, event(uid="größe"))
    assert answer.status == 409
    assert answer.xml.findtext(f"{C}no-uid-conflict/{D}href") == CALENDAR + "gr%C3%B6%C3%9Fe.ics"


def test_what_exchange_cannot_hold_is_403_with_the_reason(ask: Any, event: Any, store: Any) -> None:
    store.trouble["put"] = NotExpressible("RRULE: Exchange has no hourly series.")
    answer = ask("PUT", ONE, event())
    assert answer.status == 403
    assert "valid-calendar-object-resource" in answer.text
    assert "RRULE: Exchange has no hourly series." in answer.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/calendar2", "calendar"])
def test_only_text_calendar_is_stored(ask: Any, event: Any, content_type: str) -> None:
    answer = ask("PUT", ONE, event(), headers={"Content-Type": content_type})
    assert answer.status == 403
    assert answer.xml[0].tag == f"{C}supported-calendar-data"


def test_a_body_in_another_charset_is_stored_in_utf_8(ask: Any, fill: Any, event: Any) -> None:
    kept = fill()
    body = event(summary="Zürich")
    sent = body.decode().encode("latin-1")
    ask("PUT", ONE, sent, headers={"Content-Type": "text/calendar; charset=ISO-8859-1"})
    assert kept.texts["one.ics"] == body


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-16", "ascii"])
def test_a_body_that_is_not_in_its_charset_is_refused(ask: Any, event: Any, charset: str) -> None:
    body = event(summary="Zürich") + b"\n"
    answer = ask("PUT", ONE, body, headers={"Content-Type": f"text/calendar; charset={charset}"})
    assert answer.status == 403
    assert answer.xml[0].tag == f"{C}valid-calendar-data"


def test_a_body_that_is_too_large_is_413(ask: Any, event: Any, store: Any) -> None:
    answer = ask("PUT", ONE, event() + b" " * 20_000)
    assert answer.status == 413
    assert answer.xml[0].tag == f"{C}max-resource-size"
    assert "put" not in store.calls


def test_a_chunked_body_is_read_whole_and_bounded(ask: Any, fill: Any, event: Any) -> None:
    kept = fill()
    body = event()
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert ask("PUT", ONE, environ={**chunked, "wsgi.input": io.BytesIO(body)}).status == 201
    assert kept.texts["one.ics"] == body
    too_large = io.BytesIO(body + b" " * 20_000)
    assert ask("PUT", ONE, environ={**chunked, "wsgi.input": too_large}).status == 413


def test_a_body_that_breaks_off_stores_nothing(ask: Any, event: Any, store: Any) -> None:
    body = event()
    answer = ask("PUT", ONE, environ={"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body[:-30])})
    assert answer.status == 400
    assert "put" not in store.calls


@pytest.mark.parametrize(
    "trouble",
    [
        ExchangeUnreachable("It is away.", 12.3),
        ExchangeBusy("It is busy.", 12.3),
        WriteUnderWay("It is written.", 12.3),
    ],
)
def test_a_trouble_of_exchange_s_is_503_with_its_cause(
    ask: Any, fill: Any, event: Any, store: Any, trouble: ExchangeUnreachable
) -> None:
    fill("one.ics")
    store.trouble = dict.fromkeys(("put", "delete", "snapshot"), trouble)
    for method in ("PUT", "DELETE", "GET", "HEAD"):
        answer = ask(method, ONE, event())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "13")
        assert answer.text == ("" if method == "HEAD" else f"{trouble}\n")


def test_a_text_that_is_not_known_at_this_moment_is_not_called_gone(
    ask: Any, fill: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("one.ics")
    monkeypatch.setattr(store, "texts", lambda *_: {})
    assert ask("GET", ONE).status == 503


def test_no_cache_has_the_calendar_pulled_first(ask: Any, fill: Any, store: Any) -> None:
    fill("one.ics")
    ask("GET", ONE)
    assert store.fresh_asked == 0
    ask("GET", ONE, headers={"Cache-Control": "no-cache"})
    assert store.fresh_asked == 1


def test_an_old_answer_bears_its_age_and_a_fresh_one_does_not(ask: Any, fill: Any) -> None:
    kept = fill("one.ics")
    report = (
        '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'
    )
    asked = (("GET", ONE, ""), ("PROPFIND", CALENDAR, ""), ("REPORT", CALENDAR, report))
    for method, path, body in asked:
        assert "Age" not in ask(method, path, body, headers={"Depth": "1"}).headers
    kept.pulled_at = datetime.now(UTC) - timedelta(hours=2)
    for method, path, body in asked:
        assert 7200 <= int(ask(method, path, body, headers={"Depth": "1"}).headers["Age"]) < 7260


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT"])
@pytest.mark.parametrize("body", [b"<", b"text", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_a_body_that_is_not_the_right_xml_is_refused(ask: Any, method: str, body: bytes) -> None:
    assert ask(method, CALENDAR, body, headers={"Depth": "0"}).status in {400, 403}


def test_a_long_answer_is_compressed_for_who_takes_that(ask: Any, fill: Any) -> None:
    fill(*(f"{number}.ics" for number in range(50)))
    plain = ask("PROPFIND", CALENDAR, headers={"Depth": "1", "Accept-Encoding": "gzip;q=0, br"})
    packed = ask("PROPFIND", CALENDAR, headers={"Depth": "1", "Accept-Encoding": "deflate, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "Content-Encoding" not in ask("GET", CALENDAR + "1.ics", headers={"Accept-Encoding": "gzip"}).headers
