"""Who comes in, and what everybody else is told."""

import base64
import logging
import threading
from itertools import product
from typing import Any

import pytest

from bridge.errors import ExchangeUnreachable, LoginRefused
from bridge.storage_plugin.plugins import CURRENT

HOME = "/alice@example.com/"
CALENDAR = "/alice@example.com/calendar/"
CHALLENGE = 'Basic realm="Exchange calendars"'


def basic(raw: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(raw).decode()}


def test_the_front_page_is_for_everybody_and_knows_where_it_is(ask: Any) -> None:
    answer = ask("GET", "/", user=None, headers={"Host": "calendars.example.com"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "http://calendars.example.com/" in answer.text
    assert ask("HEAD", "/", user=None).status == 200


@pytest.mark.parametrize("path", ["/", HOME, CALENDAR, CALENDAR + "a.ics", "/a/b/c/d"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "POST"])
def test_everything_else_asks_for_a_login_before_anything(ask: Any, store: Any, method: str, path: str) -> None:
    path = HOME if (method, path) == ("GET", "/") else path
    answer = ask(method, path, b"<", user=None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == CHALLENGE
    assert store.calls == []


def test_options_needs_no_login(ask: Any) -> None:
    assert ask("OPTIONS", CALENDAR, user=None).headers["DAV"] == "1, 3, extended-mkcol, calendar-access, calendar-proxy"


def test_every_401_has_the_same_challenge(ask: Any, store: Any) -> None:
    """Thunderbird forgets its password when a second challenge differs."""
    wrong = [
        ask("PROPFIND", "/", user=None),
        ask("PROPFIND", "/", password="wrong"),
        ask("GET", "/", password="wrong"),
        ask("OPTIONS", "/", password="wrong"),
        ask("PROPFIND", "/", user="a@b@c"),
        ask("PROPFIND", "/", user=None, headers={"Authorization": "Basic !!"}),
        ask("PROPFIND", "/", user=None, headers={"Authorization": "Bearer token"}),
        ask("PROPFIND", "/", user=None, headers=basic(b"no colon")),
        ask("PROPFIND", "/", user=None, headers=basic(b":")),
    ]
    store.trouble["calendar"] = LoginRefused("Exchange does not accept this password any more.")
    wrong.append(ask("PROPFIND", CALENDAR, headers={"Depth": "0"}))
    assert {(answer.status, answer.headers["WWW-Authenticate"]) for answer in wrong} == {(401, CHALLENGE)}


@pytest.mark.parametrize("user", ["alice@example.com", "EXAMPLE\\ali"])
def test_every_form_of_a_login_leads_to_the_primary_address(ask: Any, user: str) -> None:
    assert ask("PROPFIND", HOME, user=user, headers={"Depth": "0"}).status == 207


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_password_is_taken_as_it_was_typed(ask: Any, charset: str) -> None:
    headers = {**basic("alice@example.com:Sésame: ouvre-toi".encode(charset)), "Depth": "0"}
    assert ask("PROPFIND", HOME, user=None, headers=headers).status == 207
    headers = {**headers, "Content-Type": "text/xml; charset=no-such-charset"}
    assert ask("PROPFIND", HOME, user=None, headers=headers).status == 207


def test_the_scheme_is_read_in_any_case(ask: Any) -> None:
    headers = {"Authorization": basic(b"alice@example.com:open sesame")["Authorization"].replace("Basic", "bASIC")}
    assert ask("PROPFIND", HOME, user=None, headers={**headers, "Depth": "0"}).status == 207


@pytest.mark.parametrize(
    ("remote", "forwarded", "told"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "nonsense\nFailed login from 1.2.3.4", "127.0.0.1"),
        ("", "", "an unknown address"),
    ],
)
def test_a_failed_login_is_logged_with_where_it_came_from_and_no_name(
    ask: Any, caplog: pytest.LogCaptureFixture, remote: str, forwarded: str, told: str
) -> None:
    environ = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}
    assert ask("PROPFIND", HOME, user="hunter2", password="wrong", environ=environ).status == 401
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("bridge")]
    assert lines == [f"Failed login from {told}"]


@pytest.mark.parametrize("method", ["PROPFIND", "GET", "PUT", "OPTIONS"])
def test_a_login_that_cannot_be_checked_is_503_and_not_a_wrong_password(ask: Any, accounts: Any, method: str) -> None:
    accounts.trouble = ExchangeUnreachable("Exchange cannot be reached.", retry_after=20)
    answer = ask(method, CALENDAR)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "20")
    assert answer.text == "Exchange cannot be reached.\n"
    assert "WWW-Authenticate" not in answer.headers


def test_a_fault_at_login_is_a_plain_500_and_tells_nothing(
    ask: Any, accounts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    accounts.trouble = RuntimeError("open sesame")
    answer = ask("PROPFIND", CALENDAR)
    assert answer.status == 500
    assert "sesame" not in answer.text + caplog.text


def test_a_fault_in_an_answer_is_a_plain_500_and_tells_nothing(
    ask: Any, store: Any, event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store.trouble["put"] = ValueError("SUMMARY:Lunch")
    with caplog.at_level(logging.DEBUG):
        answer = ask("PUT", CALENDAR + "a.ics", event())
    assert answer.status == 500
    assert "Lunch" not in answer.text + caplog.text
    assert "ValueError" in caplog.text
    assert "open sesame" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *product(
            ("PROPFIND", "REPORT", "GET", "PUT", "DELETE", "PROPPATCH", "MKCALENDAR", "POST", "COPY"),
            ("/bob@example.com/calendar/", "/bob@example.com/calendar/a.ics"),
        ),
        *product(("GET", "PUT", "DELETE", "MKCALENDAR", "POST"), ("/bob@example.com/", "/a.ahlgren@example.com/")),
    ],
)
def test_nobody_comes_to_another_s_place(ask: Any, store: Any, event: Any, method: str, path: str) -> None:
    answer = ask(method, path, event(), headers={"Depth": "0"})
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert store.calls == []


def test_a_login_ends_with_its_request(ask: Any) -> None:
    assert ask("PROPFIND", HOME, headers={"Depth": "0"}).status == 207
    assert CURRENT.get() is None
    assert ask("PROPFIND", HOME, user=None, headers={"Depth": "0"}).status == 401


def test_threads_do_not_see_each_other_s_logins_and_do_not_wait_for_each_other(
    ask: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_inside = threading.Barrier(2, timeout=10)
    calendars = store.calendars

    def meet(login: Any) -> Any:
        both_inside.wait()
        return calendars(login)

    monkeypatch.setattr(store, "calendars", meet)
    found: dict[str, Any] = {}

    def go(user: str) -> None:
        found[user] = ask("PROPFIND", f"/{user}/", user=user, headers={"Depth": "1"})

    threads = [threading.Thread(target=go, args=(user,)) for user in ("alice@example.com", "bob@example.com")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found["alice@example.com"].responses()) == 4
    assert set(found["bob@example.com"].responses()) == {"/bob@example.com/", "/bob@example.com/calendar/"}
