"""One call on the wire: what is sent, what an answer stands for, which connections and versions are used."""

import base64
import re
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    BridgeError,
    ConfigurationInvalid,
    CredentialRefused,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
    RequestRefused,
)
from bridge.ews.answer import Answer, read_answer
from bridge.ews.line import LARGEST_ANSWER, HttpAnswer
from bridge.ews.operations import get_folder
from bridge.ews.settings import EwsSettings
from bridge.ews.wire import Wire, account_key
from bridge.exchange import Deadline
from bridge.model import Address, BasicCredential

Wires = Callable[..., Wire]


def _always(answer: bytes) -> Callable[[Any], None]:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answer)

    return script


def _ask(wire: Wire, deadline: Deadline, credential: BasicCredential | None = None) -> None:
    wire.call(credential or BasicCredential("anna", "x"), get_folder.request([]), deadline, Address("a@example.com"))


def _versions(requests: list[bytes]) -> list[str]:
    return re.findall(r'RequestServerVersion Version="(\w+)"', b"".join(requests).decode())


# --- what is sent ------------------------------------------------------------------------------------


def test_the_credential_goes_with_the_first_request_in_utf_8(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    _ask(wires(server.url), deadline, BasicCredential("zoë@example.com", "Grüße ☃"))
    (request,) = server.requests
    (sent,) = re.findall(rb"Authorization: Basic (\S+)", request)
    assert base64.b64decode(sent).decode() == "zoë@example.com:Grüße ☃"


def test_a_request_tells_its_length_its_host_and_its_mailbox(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    _ask(wires(server.url), deadline)
    head = server.requests[0].split(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /EWS/Exchange.asmx HTTP/1.1\r\n")
    assert f"Host: localhost:{server.port}" in head
    assert "X-AnchorMailbox: a@example.com" in head
    assert "Content-Type: text/xml; charset=utf-8" in head
    assert "chunked" not in head.lower()
    assert head.count("Content-Length") == 1


def test_an_address_that_does_not_fit_a_header_is_left_out(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    wire = wires(server.url)
    for address in ("ä@example.com", "a@example.com\r\nX-Evil: 1"):
        wire.call(BasicCredential("anna", "x"), get_folder.request([]), deadline, Address(address))
    assert all(b"Anchor" not in request and b"Evil" not in request for request in server.requests)


def test_a_call_without_time_left_sends_nothing(serve: Any, wires: Wires, answers: Any) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    with pytest.raises(ExchangeTimedOut):
        _ask(wires(server.url), Deadline.after(0))
    assert server.connections == []


# --- connections -------------------------------------------------------------------------------------


def test_calls_one_after_another_share_a_connection(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    wire = wires(server.url)
    for _ in range(5):
        _ask(wire, deadline)
    assert len(server.connections) == 1
    assert len(server.requests) == 5


def test_a_connection_that_the_server_has_closed_is_not_used_again(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    gone = threading.Event()

    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(answers.http(answers.response("GetFolder")))
        if connection.number == 1:
            connection.sock.close()
            gone.set()

    server = serve(script)
    wire = wires(server.url)
    _ask(wire, deadline)
    assert gone.wait(10)
    _ask(wire, deadline)
    assert len(server.requests) == 2


def test_after_an_unusable_answer_the_connection_is_closed(serve: Any, wires: Wires, deadline: Deadline) -> None:
    ended = threading.Event()

    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        if not connection.sock.recv(1):
            ended.set()

    with pytest.raises(AnswerUnusable):
        _ask(wires(serve(script).url), deadline)
    assert ended.wait(10)


def test_a_closed_wire_keeps_no_connection(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    ended = threading.Event()

    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http(answers.response("GetFolder")))
        ended.set()

    wire = wires(serve(script).url)
    _ask(wire, deadline)
    wire.close()
    assert ended.wait(10)


def test_nobody_listening_is_unreachable(wires: Wires, deadline: Deadline) -> None:
    with pytest.raises(ExchangeUnreachable):
        _ask(wires("http://127.0.0.1:1/EWS/Exchange.asmx"), deadline)


def test_a_name_that_does_not_resolve_is_unreachable(wires: Wires, deadline: Deadline) -> None:
    with pytest.raises(ExchangeUnreachable):
        _ask(wires("http://exchange.invalid/EWS/Exchange.asmx"), deadline)


# --- what an answer stands for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, CredentialRefused, None),
        (403, AccessDenied, None),
        (413, RequestRefused, "HTTP 413"),
        (507, RequestRefused, "HTTP 507"),
        (404, ExchangeFailed, "HTTP 404"),
        (410, ExchangeFailed, "HTTP 410"),
        (500, ExchangeFailed, "HTTP 500"),
        (302, ExchangeFailed, "HTTP 302"),
        (307, ExchangeFailed, "HTTP 307"),
    ],
)
def test_a_status_stands_for_an_error(
    status: int, error: type[BridgeError], code: str | None, serve: Any, wires: Wires
) -> None:
    page = b"<html>x</html>"
    answer = b"HTTP/1.1 %d Said\r\nLocation: /owa\r\nContent-Length: %d\r\n\r\n%s" % (status, len(page), page)
    server = serve(_always(answer))
    with pytest.raises(error) as caught:
        _ask(wires(server.url), Deadline.after(10))
    assert getattr(caught.value, "code", None) == code
    assert len(server.requests) == 1


def test_a_redirect_takes_no_credential_elsewhere(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    other = serve(_always(answers.http(answers.response("GetFolder"))))
    server = serve(_always(answers.http("", 307, Location=other.url)))
    with pytest.raises(ExchangeFailed, match="another address"):
        _ask(wires(server.url), deadline)
    assert other.connections == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Log on</body></html>",
        "not XML at all",
        "<!DOCTYPE s [<!ENTITY a 'aaaa'>]><s>&a;</s>",
    ],
)
def test_what_is_no_envelope_is_unusable(body: str, serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    with pytest.raises(AnswerUnusable):
        _ask(wires(serve(_always(answers.http(body))).url), deadline)


def test_an_answer_to_another_operation_is_unusable(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    with pytest.raises(AnswerUnusable, match="not one to GetFolder"):
        _ask(wires(serve(_always(answers.http(answers.response("DeleteItem")))).url), deadline)


def test_a_document_type_makes_a_good_answer_unusable(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    good = answers.response("GetFolder")
    declared = good.replace("?>", '?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/hostname">]>', 1)
    with pytest.raises(AnswerUnusable, match="document type"):
        _ask(wires(serve(_always(answers.http(declared))).url), deadline)


def test_characters_that_xml_forbids_do_not_spoil_an_answer(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    text = "a&#x1F;b&#0;c&#xD800;d&#x20AC;e\x0bf&#x1F600;g"
    folder = f"<m:Folders><t:CalendarFolder><t:DisplayName>{text}</t:DisplayName></t:CalendarFolder></m:Folders>"
    server = serve(_always(answers.http(answers.response("GetFolder", folder))))
    response = wires(server.url).call(BasicCredential("anna", "x"), get_folder.request([]), deadline)
    assert response.findtext(".//{*}DisplayName") == "a\ufffdb\ufffdc\ufffdd€e?f\U0001f600g"


def test_a_packed_answer_that_unpacks_without_end_is_unusable(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    compress = zlib.compressobj(wbits=31)
    bomb = b"".join(compress.compress(bytes(1 << 20)) for _ in range(LARGEST_ANSWER // (1 << 20) + 1))
    bomb += compress.flush()
    with pytest.raises(AnswerUnusable, match="larger than"):
        _ask(wires(serve(_always(answers.http(bomb, Content_Encoding="gzip"))).url), deadline)


def test_a_fault_keeps_its_code_and_not_its_words(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    server = serve(_always(answers.http(answers.fault("ErrorInternalServerError"), 500)))
    with pytest.raises(ExchangeFailed) as caught:
        _ask(wires(server.url), deadline)
    assert caught.value.code == "ErrorInternalServerError"
    assert "Private" not in str(caught.value)


def test_a_file_may_be_one_text_of_many_megabytes_and_nothing_else_may(answers: Any) -> None:
    content = base64.b64encode(bytes(8 * 1024 * 1024)).decode()

    def read(operation: str) -> Answer:
        body = answers.response(operation, f"<m:Attachments><t:Content>{content}</t:Content></m:Attachments>")
        return read_answer(HttpAnswer(200, {}, body.encode()), operation)

    assert read("GetAttachment").response.findtext(".//{*}Content") == content
    with pytest.raises(AnswerUnusable):
        read("GetFolder")


# --- versions ----------------------------------------------------------------------------------------


def test_the_version_is_learned_from_the_first_answer(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    wire = wires(server.url)
    _ask(wire, deadline)
    _ask(wire, deadline)
    assert _versions(server.requests) == ["Exchange2010_SP2", "Exchange2016"]
    assert wire.build == (15, 2, 1748, 10)


def test_a_configured_version_stays(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    server = serve(_always(answers.http(answers.response("GetFolder"))))
    wire = wires(server.url, version="2013")
    _ask(wire, deadline)
    _ask(wire, deadline)
    assert _versions(server.requests) == ["Exchange2013", "Exchange2013"]


def test_a_refused_version_is_not_tried_again_by_the_same_call_and_the_oldest_serves_from_then_on(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while request := connection.read_request():
            if b"Exchange2016" in request:
                connection.send(answers.http(answers.fault("ErrorInvalidSchemaVersionForMailboxVersion"), 500))
            else:
                connection.send(answers.http(answers.response("GetFolder")))

    server = serve(script)
    wire = wires(server.url)
    _ask(wire, deadline)
    with pytest.raises(ExchangeFailed):
        _ask(wire, deadline)
    _ask(wire, deadline)
    _ask(wire, deadline)
    assert _versions(server.requests) == ["Exchange2010_SP2", "Exchange2016", "Exchange2010_SP2", "Exchange2010_SP2"]


def test_exchange_2007_is_found_out_step_by_step_and_nothing_is_sent_twice(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while request := connection.read_request():
            if b"Exchange2007_SP1" in request:
                connection.send(answers.http(answers.response("GetFolder")))
            else:
                connection.send(answers.http(answers.fault("ErrorInvalidServerVersion"), 500))

    server = serve(script)
    wire = wires(server.url)
    with pytest.raises(ExchangeFailed):
        _ask(wire, deadline)
    _ask(wire, deadline)
    _ask(wire, deadline)
    assert _versions(server.requests) == ["Exchange2010_SP2", "Exchange2007_SP1", "Exchange2007_SP1"]


def test_the_build_of_exchange_2007_is_known(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    body = "<m:GetFolderResponse><m:ResponseMessages/></m:GetFolderResponse>"
    wire = wires(serve(_always(answers.http(answers.envelope(body, (8, 3, 83, 0))))).url)
    _ask(wire, deadline)
    assert wire.version == "Exchange2007_SP1"


def test_a_configured_version_that_is_refused_stays(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    wire = wires(serve(_always(answers.http(answers.fault("ErrorInvalidServerVersion"), 500))).url, version="2013")
    with pytest.raises(ExchangeFailed):
        _ask(wire, deadline)
    assert wire.version == "Exchange2013"


def test_a_build_that_nobody_knows_changes_nothing(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    body = "<m:GetFolderResponse><m:ResponseMessages/></m:GetFolderResponse>"
    server = serve(_always(answers.http(answers.envelope(body, (99, 9, 1, 0)))))
    wire = wires(server.url)
    _ask(wire, deadline)
    assert wire.version == "Exchange2010_SP2"


# --- counting ----------------------------------------------------------------------------------------


def test_calls_are_counted_by_operation_outcome_and_account(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while request := connection.read_request():
            good = base64.b64encode(b"anna:x") in request
            connection.send(answers.http(answers.response("GetFolder")) if good else answers.http("", 401))

    wire = wires(serve(script).url)
    _ask(wire, deadline)
    _ask(wire, deadline)
    with pytest.raises(CredentialRefused):
        _ask(wire, deadline, BasicCredential("nobody", "x"))
    tallied = wire.tally.tallied()
    assert tallied.calls == {("GetFolder", "ok"): 2, ("GetFolder", "CredentialRefused"): 1}
    assert tallied.accounts == {account_key(BasicCredential("ANNA", "another")): 2}
    assert tallied.seconds["GetFolder"] > 0


def test_names_that_nobody_answered_for_are_not_counted(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while request := connection.read_request():
            good = base64.b64encode(b"anna:x") in request
            connection.send(answers.http(answers.response("GetFolder")) if good else answers.http("", 503))

    wire = wires(serve(script).url)
    _ask(wire, deadline)
    for number in range(20):
        with pytest.raises(ExchangeBusy):
            _ask(wire, deadline, BasicCredential(f"nobody-{number}", "x"))
    tallied = wire.tally.tallied()
    assert sum(tallied.calls.values()) == 21
    assert tallied.accounts == {account_key(BasicCredential("anna", "x")): 1}


# --- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        EwsSettings("ftp://localhost/EWS/Exchange.asmx"),
        EwsSettings("https:///EWS/Exchange.asmx"),
        EwsSettings("https://localhost:99999/"),
        EwsSettings("https://localhost/", authentication="kerberos"),
        EwsSettings("https://localhost/", version="2003"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: EwsSettings) -> None:
    with pytest.raises(ConfigurationInvalid):
        Wire(settings)
