"""exchangelib's own transport has these faults (`bridge.ews.wire` names them); ours must not."""

import base64
import gzip
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import (
    AnswerUnusable,
    BridgeError,
    CredentialRefused,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
)
from bridge.ews.budget import LONGEST_FOR_ALL
from bridge.ews.editions import Edition
from bridge.ews.operations import create_item, get_folder
from bridge.ews.wire import Wire
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.item import Content
from bridge.model import Address, BasicCredential, FolderId, ServiceCredential

from private_authority import private_authority

Wires = Callable[..., Wire]


@pytest.fixture
def read() -> Element:
    """Make a request that only reads."""
    return get_folder.request([])


# --- it sends requests again ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        (500, "ErrorServerBusy", ExchangeBusy),
        (500, "ErrorInternalServerTransientError", ExchangeFailed),
        (500, "ErrorTooManyObjectsOpened", ExchangeBusy),
        (500, "ErrorTimeoutExpired", ExchangeFailed),
        (500, "ErrorInvalidServerVersion", ExchangeFailed),
        (500, "ErrorInvalidSchemaVersionForMailboxVersion", ExchangeFailed),
        (500, "ErrorExceededConnectionCount", ExchangeBusy),
        (200, "ErrorServerBusy", ExchangeBusy),
        (503, "", ExchangeBusy),
        (502, "", ExchangeFailed),
        (504, "", ExchangeFailed),
        (401, "", CredentialRefused),
        (302, "", ExchangeFailed),
    ],
)
def test_a_write_is_sent_once_whatever_the_answer(
    outcome: tuple[int, str, type[BridgeError]], serve: Any, wires: Wires, answers: Any, write: Element
) -> None:
    status, code, error = outcome

    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http(answers.fault(code) if code else "<html/>", status, Location="/other"))

    server = serve(script)
    with pytest.raises(error):
        wires(server.url).call(BasicCredential("anna", "x"), write, Deadline.after(10))
    assert len(server.requests) == 1
    assert len(server.connections) == 1


def test_a_write_is_sent_once_when_the_connection_is_cut_after_it(
    serve: Any, wires: Wires, write: Element, credential: BasicCredential
) -> None:
    server = serve(lambda connection: connection.read_request())
    with pytest.raises(ExchangeUnreachable):
        wires(server.url).call(credential, write, Deadline.after(10))
    assert len(server.requests) == 1


# --- its pool can block for ever ---------------------------------------------------------------------


def test_a_hundred_broken_calls_leave_the_next_one_a_connection(
    serve: Any, wires: Wires, answers: Any, credential: BasicCredential, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        if connection.number > 100:
            connection.send(answers.http(answers.response("GetFolder")))

    wire = wires(serve(script).url)
    for _ in range(100):
        with pytest.raises(ExchangeUnreachable):
            wire.call(credential, get_folder.request([]), deadline)
    assert wire.call(credential, get_folder.request([]), deadline) is not None


# --- it bounds each read of a socket, not the call ---------------------------------------------------


def _drips(head: bytes) -> Callable[[Any], None]:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(head)
        connection.drip(b" ")

    return script


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow:",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["status line", "headers", "body with a length", "body without"],
)
def test_a_server_that_drips_is_left_at_the_deadline(
    head: bytes, serve: Any, wires: Wires, read: Element, credential: BasicCredential
) -> None:
    server = serve(_drips(head))
    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut):
        wires(server.url).call(credential, read, Deadline.after(0.4))
    assert time.monotonic() - started < 2


def test_the_connection_is_closed_at_the_deadline(
    serve: Any, wires: Wires, read: Element, credential: BasicCredential
) -> None:
    ends: list[bytes] = []

    def script(connection: Any) -> None:
        connection.read_request()
        ends.append(connection.sock.recv(1))

    server = serve(script)
    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut):
        wires(server.url).call(credential, read, Deadline.after(0.2))
    assert time.monotonic() - started < 2
    server.close()
    assert ends == [b""]


def test_a_tls_handshake_that_never_ends_is_left_at_the_deadline(
    serve: Any, wires: Wires, read: Element, credential: BasicCredential
) -> None:
    server = serve(lambda connection: connection.server.stopped.wait())
    started = time.monotonic()
    with pytest.raises(ExchangeUnreachable):
        wires(server.url.replace("http:", "https:")).call(credential, read, Deadline.after(0.3))
    assert time.monotonic() - started < 2


def test_a_server_that_takes_no_more_of_the_request_is_left_at_the_deadline(
    serve: Any, wires: Wires, credential: BasicCredential, content: Content
) -> None:
    large = Content(content.uid, content.subject, content.start, content.end, body="x" * 20_000_000)
    server = serve(lambda connection: connection.server.stopped.wait())
    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut, match="did not take the request"):
        wires(server.url).call(
            credential, create_item.request(FolderId("f"), large, Edition.EXCHANGE_2013), Deadline.after(2)
        )
    assert time.monotonic() - started < 8


# --- it loses Retry-After ----------------------------------------------------------------------------


def _busy(answer: bytes, serve: Any, wires: Wires, request: Element) -> float:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(answer)

    with pytest.raises(ExchangeBusy) as caught:
        wires(serve(script).url).call(BasicCredential("anna", "x"), request, Deadline.after(10))
    return caught.value.retry_after


def test_retry_after_in_seconds_is_obeyed(serve: Any, wires: Wires, answers: Any, read: Element) -> None:
    assert _busy(answers.http("", 503, Retry_After="17"), serve, wires, read) == 17
    assert _busy(answers.http("", 429, Retry_After="18", Connection="close"), serve, wires, read) == 18


def test_retry_after_as_a_date_is_obeyed(serve: Any, wires: Wires, answers: Any, read: Element) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < _busy(answers.http("", 503, Retry_After=moment), serve, wires, read) <= 60


def test_back_off_milliseconds_of_a_fault_are_obeyed(serve: Any, wires: Wires, answers: Any, read: Element) -> None:
    fault = answers.fault("ErrorServerBusy", '<t:Value Name="BackOffMilliseconds">297749</t:Value>')
    assert _busy(answers.http(fault, 500), serve, wires, read) == 297.749


def test_throttling_said_inside_of_another_error_is_heard(
    serve: Any, wires: Wires, answers: Any, read: Element
) -> None:
    inside = (
        '<m:GetFolderResponseMessage ResponseClass="Error"><m:MessageText>x</m:MessageText>'
        "<m:ResponseCode>ErrorInternalServerError</m:ResponseCode><m:MessageXml>"
        '<t:Value Name="InnerErrorResponseCode">ErrorServerBusy</t:Value>'
        '<t:Value Name="BackOffMilliseconds">5000</t:Value></m:MessageXml></m:GetFolderResponseMessage>'
    )
    said = f"<m:GetFolderResponse><m:ResponseMessages>{inside}</m:ResponseMessages></m:GetFolderResponse>"
    assert _busy(answers.http(answers.envelope(said)), serve, wires, read) == 5


def test_an_unbelievable_wait_is_cut(serve: Any, wires: Wires, answers: Any, read: Element) -> None:
    assert _busy(answers.http("", 503, Retry_After="99999999"), serve, wires, read) == 3600
    assert _busy(answers.http("", 503, Retry_After="soon"), serve, wires, read) == 10


def test_after_a_busy_answer_nothing_is_sent_for_that_account_until_its_time(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http("", 503, Retry_After="60"))

    server = serve(script)
    wire = wires(server.url)
    for _ in range(3):
        with pytest.raises(ExchangeBusy) as caught:
            wire.call(BasicCredential("anna", "x"), get_folder.request([]), deadline)
        assert 50 < caught.value.retry_after <= 60
    assert len(server.requests) == 1
    with pytest.raises(ExchangeBusy):
        wire.call(BasicCredential("bob", "x"), get_folder.request([]), deadline)
    assert len(server.requests) == 2
    with pytest.raises(ExchangeBusy, match="left alone") as held:
        wire.call(BasicCredential("eve", "x"), get_folder.request([]), deadline)
    assert held.value.retry_after <= LONGEST_FOR_ALL
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", ["ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"])
@pytest.mark.parametrize("status", [200, 500])
def test_what_is_said_of_an_account_holds_up_no_other(
    code: str, status: int, serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            body = answers.fault(code) if status == 500 else answers.response("GetFolder", code)
            connection.send(answers.http(body, status))

    server = serve(script)
    wire = wires(server.url)
    for name in ("anna", "bob", "eve", "anna", "bob", "eve"):
        with pytest.raises(ExchangeBusy):
            wire.call(BasicCredential(name, "x"), get_folder.request([]), deadline)
    assert len(server.requests) == 3


def test_what_a_service_account_is_told_holds_up_the_mailbox_it_asked_as_and_neither_owner_nor_others(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http(answers.fault("ErrorServerBusy"), 500))

    def service(address: str) -> ServiceCredential:
        return ServiceCredential("service", "x", Address(address))

    server = serve(script)
    wire = wires(server.url)
    anna, bob = service("anna@example.com"), service("bob@example.com")
    for one in (anna, bob, BasicCredential("anna@example.com", "x"), anna, bob):
        with pytest.raises(ExchangeBusy):
            wire.call(one, get_folder.request([]), deadline)
    assert len(server.requests) == 3
    named = re.findall(
        rb"<t:ConnectingSID><t:PrimarySmtpAddress>(.+?)</t:PrimarySmtpAddress>", b"".join(server.requests)
    )
    assert named == [b"anna@example.com", b"bob@example.com"]
    logins = re.findall(rb"Authorization: Basic (\S+)", b"".join(server.requests))
    assert [base64.b64decode(one) for one in logins] == [b"service:x", b"service:x", b"anna@example.com:x"]


# --- it takes half an answer for a whole one ---------------------------------------------------------


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_an_answer_without_its_closing_envelope_is_not_used(
    kept: float, serve: Any, wires: Wires, answers: Any, read: Element, credential: BasicCredential
) -> None:
    whole = answers.response("GetFolder", "<m:Folders/>", "<m:Folders/>", "<m:Folders/>").encode()

    def script(connection: Any) -> None:
        connection.read_request()
        # Without a length the end of the connection is the end of the body: nothing in HTTP tells that it is short
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + whole[: int(len(whole) * kept)])

    with pytest.raises(AnswerUnusable):
        wires(serve(script).url).call(credential, read, Deadline.after(10))


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
def test_an_answer_shorter_than_http_says_is_not_used(
    framing: str, serve: Any, wires: Wires, answers: Any, read: Element, credential: BasicCredential
) -> None:
    whole = answers.response("GetFolder").encode()
    packed = gzip.compress(whole)
    sent = {
        "length": b"Content-Length: %d\r\n\r\n%s" % (len(whole) + 1, whole),
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(whole), whole),
        "gzip": b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + packed[:-9],
    }[framing]

    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n" + sent)

    with pytest.raises(AnswerUnusable):
        wires(serve(script).url).call(credential, read, Deadline.after(10))


def test_what_follows_the_envelope_makes_an_answer_unusable(
    serve: Any, wires: Wires, answers: Any, read: Element, credential: BasicCredential
) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(answers.http(answers.response("GetFolder") + "<more/>"))

    with pytest.raises(AnswerUnusable):
        wires(serve(script).url).call(credential, read, Deadline.after(10))


# --- it shares TLS and time-outs between organisations -----------------------------------------------


def test_a_private_authority_is_trusted_by_its_own_organisation_only(
    tmp_path: Path, serve: Any, wires: Wires, answers: Any, credential: BasicCredential, deadline: Deadline
) -> None:
    ca_file, context = private_authority(tmp_path)

    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http(answers.response("GetFolder")))

    server = serve(script, context)
    trusting, other = wires(server.url, ca_file=ca_file), wires(server.url)
    assert trusting.call(credential, get_folder.request([]), deadline) is not None
    with pytest.raises(ExchangeUnreachable, match="certificate is not trusted"):
        other.call(credential, get_folder.request([]), deadline)
    assert trusting.call(credential, get_folder.request([]), deadline) is not None
    assert len(server.requests) == 2


def test_a_certificate_for_another_host_is_not_trusted(
    tmp_path: Path, serve: Any, wires: Wires, credential: BasicCredential, deadline: Deadline
) -> None:
    ca_file, context = private_authority(tmp_path)
    server = serve(lambda connection: connection.read_request(), context)
    wire = wires(server.url.replace("localhost", "127.0.0.1"), ca_file=ca_file)
    with pytest.raises(ExchangeUnreachable, match="certificate is not trusted"):
        wire.call(credential, get_folder.request([]), deadline)
    assert server.requests == []


def test_a_drip_over_tls_is_left_at_the_deadline_too(
    tmp_path: Path, serve: Any, wires: Wires, read: Element, credential: BasicCredential
) -> None:
    ca_file, context = private_authority(tmp_path)
    server = serve(_drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), context)
    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut):
        wires(server.url, ca_file=ca_file).call(credential, read, Deadline.after(0.5))
    assert time.monotonic() - started < 2


# --- it logs content ---------------------------------------------------------------------------------


def test_no_log_holds_a_password_a_name_or_an_events_words(
    serve: Any, wires: Wires, answers: Any, write: Element, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(answers.http(answers.fault("ErrorInternalServerError"), 500))

    with pytest.raises(ExchangeFailed) as caught:
        wires(serve(script).url).call(BasicCredential("anna.berg", "hush-hush"), write, Deadline.after(10))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "bridge.ews"]
    assert "operation=CreateItem" in line
    assert "outcome=ExchangeFailed" in line
    for secret in ("hush-hush", "anna.berg", "Milch", "Private words", "YW5uYS5iZXJn"):
        assert secret not in caplog.text
        assert secret not in str(caught.value)


@pytest.mark.parametrize("name", ["exchangelib", "urllib3", "requests"])
def test_talkative_loggers_keep_their_details_even_when_all_is_logged(name: str) -> None:
    assert not logging.getLogger(f"{name}.anything").isEnabledFor(logging.INFO)
