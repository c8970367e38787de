"""NTLM on the wire: a connection is proved by a handshake, and what must be sent once is sent once."""

import base64
import gc
import logging
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import (
    AnswerUnusable,
    BridgeError,
    CredentialRefused,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
)
from bridge.ews.exchange import EwsExchange
from bridge.ews.folders import distinguished
from bridge.ews.line import HttpAnswer
from bridge.ews.ntlm import Ntlm, channel_binding
from bridge.ews.operations import get_folder
from bridge.ews.settings import EwsSettings
from bridge.ews.wire import Wire
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.item import Content
from bridge.model import Address, BasicCredential, Caller, OrganisationId, Viewer
from bridge.simulator.people import PersonPlan
from bridge.simulator.simulator import Simulator

Wires = Callable[..., Wire]
ANNA = BasicCredential("EXAMPLE\\anna", "secret of anna")
BOB = BasicCredential("bob@example.com", "secret of bob")
READ = get_folder.request([distinguished("calendar")])
PEOPLE = (
    PersonPlan("Anna Berg", "anna@example.com", "secret of anna", ("a.berg@example.com",)),
    PersonPlan("Bob Cole", "bob@example.com", "secret of bob"),
)


# --- at the simulated Exchange -----------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def ntlm_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(PEOPLE, ntlm=True, tls=request.param) as running:
        yield running
        assert running.invalid_answers == []


def _settings(simulator: Simulator) -> EwsSettings:
    return EwsSettings(simulator.url, "ntlm", ca_file=simulator.ca_file if simulator.url.startswith("https") else None)


@pytest.fixture
def ntlm_exchange(ntlm_simulator: Simulator) -> Iterator[EwsExchange]:
    made = EwsExchange(_settings(ntlm_simulator))
    yield made
    made.close()


@pytest.fixture
def wire(ntlm_simulator: Simulator) -> Iterator[Wire]:
    made = Wire(_settings(ntlm_simulator))
    yield made
    made.close()


@pytest.mark.parametrize("username", ["EXAMPLE\\anna", "example\\ANNA", "anna@example.com"])
def test_a_domain_and_account_or_a_principal_name_logs_in(
    username: str, ntlm_simulator: Simulator, ntlm_exchange: EwsExchange, deadline: Deadline
) -> None:
    mailbox = ntlm_exchange.log_in(BasicCredential(username, ANNA.password), deadline)
    assert mailbox.address == Address("anna@example.com")
    assert ntlm_simulator.records.logins == {"anna@example.com": 1}


def test_a_wrong_password_is_refused_and_tried_once(
    ntlm_simulator: Simulator, ntlm_exchange: EwsExchange, deadline: Deadline
) -> None:
    with pytest.raises(CredentialRefused):
        ntlm_exchange.log_in(BasicCredential(ANNA.username, "wrong"), deadline)
    assert ntlm_simulator.records.failed_logins == {ANNA.username: 1}
    assert ntlm_simulator.records.total() == 0


def test_one_handshake_serves_many_readings(ntlm_simulator: Simulator, wire: Wire, deadline: Deadline) -> None:
    for _ in range(4):
        wire.call(ANNA, READ, deadline)
    assert ntlm_simulator.records.logins == {"anna@example.com": 1}


def test_a_write_goes_with_a_handshake_of_its_own(
    ntlm_simulator: Simulator, ntlm_exchange: EwsExchange, content: Content, deadline: Deadline
) -> None:
    anna = Address("anna@example.com")
    caller = Caller(Viewer(OrganisationId("test"), anna), ANNA)
    (calendar,) = ntlm_exchange.calendars(caller, anna, deadline)
    assert ntlm_simulator.records.logins == {anna: 1}
    ref = ntlm_exchange.create(caller, calendar.ref, content, deadline)
    assert ntlm_simulator.records.logins == {anna: 2}
    assert ntlm_exchange.get(caller, calendar.ref, [ref.id], deadline)
    assert ntlm_simulator.records.logins == {anna: 2}


def test_a_login_is_checked_though_its_connection_was_proved_with_the_old_password(
    ntlm_simulator: Simulator, ntlm_exchange: EwsExchange, deadline: Deadline
) -> None:
    ntlm_exchange.log_in(ANNA, deadline)
    ntlm_simulator.change_password("anna@example.com", "new")
    with pytest.raises(CredentialRefused):
        ntlm_exchange.log_in(ANNA, deadline)
    assert ntlm_exchange.log_in(BasicCredential(ANNA.username, "new"), deadline).address == "anna@example.com"


def test_nobody_rides_on_the_connection_of_another(ntlm_simulator: Simulator, wire: Wire, deadline: Deadline) -> None:
    calendar = etree.tostring(wire.call(ANNA, READ, deadline))
    for wrong in (BasicCredential(ANNA.username, ""), BasicCredential(ANNA.username, "secret of bob")):
        with pytest.raises(CredentialRefused):
            wire.call(wrong, READ, deadline)
    assert etree.tostring(wire.call(BOB, READ, deadline)) != calendar
    assert etree.tostring(wire.call(ANNA, READ, deadline)) == calendar
    assert ntlm_simulator.records.logins == {"anna@example.com": 1, "bob@example.com": 1}


def test_a_reading_whose_proof_is_forgotten_is_proved_again(
    ntlm_simulator: Simulator, wire: Wire, deadline: Deadline
) -> None:
    wire.call(ANNA, READ, deadline)
    ntlm_simulator.trouble("unauthorized", count=1)
    wire.call(ANNA, READ, deadline)
    assert ntlm_simulator.records.logins == {"anna@example.com": 2}


def test_a_server_without_ntlm_is_a_wrong_setting_and_not_a_wrong_password(deadline: Deadline) -> None:
    with Simulator(PEOPLE) as simulator:
        wire = Wire(EwsSettings(simulator.url, "ntlm"))
        with pytest.raises(ExchangeFailed, match="takes no NTLM logins at the configured url, but Basic"):
            wire.call(ANNA, READ, deadline)
        wire.close()
        assert simulator.records.failed_logins == {}


def test_a_server_without_basic_is_a_wrong_setting_and_not_a_wrong_password(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http("", 401, WWW_Authenticate='Negotiate\r\nwww-authenticate: NTLM a="Basic"'))

    with pytest.raises(ExchangeFailed, match="takes no Basic logins at the configured url, but NTLM, Negotiate"):
        wires(serve(script).url).call(ANNA, READ, deadline)


# --- what is named of the certificate ----------------------------------------------------------------


def _certificate(key: Any, algorithm: hashes.HashAlgorithm | None) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, algorithm)  # type: ignore[arg-type]  # None is for keys that hash by themselves
    )
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda one: one.name)
def test_a_certificate_is_named_by_the_hash_of_its_own_signature(algorithm: hashes.HashAlgorithm) -> None:
    certificate = _certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    assert channel_binding(certificate) == b"tls-server-end-point:" + digest.finalize()


def test_a_certificate_signed_with_sha_1_is_named_by_sha_256() -> None:
    certificate = _certificate(rsa.generate_private_key(65537, 2048), hashes.SHA256())
    # From sha256WithRSAEncryption to sha-1WithRSAEncryption (RFC 8017 C); the signature is not looked at
    old = certificate.replace(bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105"))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(old)
    assert isinstance(x509.load_der_x509_certificate(old).signature_hash_algorithm, hashes.SHA1)
    assert channel_binding(old) == b"tls-server-end-point:" + digest.finalize()


def test_a_certificate_whose_signature_has_no_hash_has_no_name() -> None:
    assert channel_binding(_certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None
    assert channel_binding(b"nonsense") is None


# --- what is sent ------------------------------------------------------------------------------------

_NAMES = "Domain".encode("utf-16-le"), "Server".encode("utf-16-le")
CHALLENGE = (
    # The challenge of MS-NLMP 4.2.4.3
    b"NTLMSSP\x00\x02\x00\x00\x00\x0c\x00\x0c\x00\x38\x00\x00\x00\x33\x82\x8a\xe2\x01\x23\x45\x67\x89\xab\xcd\xef"
    + bytes(8)
    + b"\x24\x00\x24\x00\x44\x00\x00\x00\x06\x00\x70\x17\x00\x00\x00\x0f"
    + _NAMES[1]
    + struct.pack("<HH", 2, 12)
    + _NAMES[0]
    + struct.pack("<HH", 1, 12)
    + _NAMES[1]
    + bytes(4)
)


def _token_kind(request: bytes) -> int:
    """Give which message of the handshake a request bears: 1, 3, or 0 for none."""
    found = re.search(rb"Authorization: NTLM (\S+)\r\n", request)
    return int.from_bytes(base64.b64decode(found[1])[8:12], "little") if found else 0


def _legs(requests: list[bytes]) -> list[tuple[int, bool]]:
    """Give which message each request bears, and whether it has a body."""
    return [(_token_kind(request), not request.endswith(b"\r\n\r\n")) for request in requests]


class Iis:
    """A script for a server that takes anybody's proof. It may forget it after the answer."""

    def __init__(self, answers: Any, *, forgets: bool = False, operation: str = "GetFolder") -> None:
        self.forgets = forgets
        self._http = answers.http
        self._good = answers.http(answers.response(operation))

    @property
    def challenge(self) -> bytes:
        """The answer to the first leg."""
        answer: bytes = self._http("", 401, WWW_Authenticate=f"NTLM {base64.b64encode(CHALLENGE).decode()}")
        return answer

    def __call__(self, connection: Any) -> None:
        """Serve one connection."""
        is_proved = False
        while request := connection.read_request():
            kind = _token_kind(request)
            is_proved = kind == 3 or (is_proved and kind == 0)
            if kind == 1:
                connection.send(self.challenge)
            elif is_proved:
                connection.send(self._good)
                is_proved = not self.forgets
            else:
                connection.send(self._http("", 401, WWW_Authenticate="Negotiate\r\nWWW-Authenticate: NTLM"))


def test_the_first_leg_has_no_body_and_the_second_has_it(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(Iis(answers))
    wires(server.url, authentication="ntlm").call(ANNA, READ, deadline)
    assert _legs(server.requests) == [(1, False), (3, True)]
    assert b"Content-Length: 0\r\n" in server.requests[0]
    assert len(server.connections) == 1


@pytest.mark.parametrize("forgets", [False, True])
def test_every_write_is_sent_once_also_where_proofs_are_forgotten(
    forgets: bool, serve: Any, wires: Wires, answers: Any, write: Element, deadline: Deadline
) -> None:
    server = serve(Iis(answers, forgets=forgets, operation="CreateItem"))
    wire = wires(server.url, authentication="ntlm")
    for _ in range(3):
        wire.call(ANNA, write, deadline)
    assert _legs(server.requests) == [(1, False), (3, True)] * 3
    assert len(server.connections) == 1


def test_a_reading_is_asked_again_where_proofs_are_forgotten(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    server = serve(Iis(answers, forgets=True))
    wire = wires(server.url, authentication="ntlm")
    for _ in range(2):
        wire.call(ANNA, READ, deadline)
    assert _legs(server.requests) == [(1, False), (3, True), (0, True), (1, False), (3, True)]


def test_the_connection_that_has_been_idle_longest_goes_when_there_are_too_many(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    ended = threading.Event()
    iis = Iis(answers)

    def script(connection: Any) -> None:
        iis(connection)
        if connection.number == 1:
            ended.set()

    server = serve(script)
    wire = wires(server.url, authentication="ntlm")
    for number in range(21):
        wire.call(BasicCredential(f"EXAMPLE\\user{number}", "x"), READ, deadline)
    assert ended.wait(10)
    wire.call(BasicCredential("EXAMPLE\\user20", "x"), READ, deadline)
    assert len(server.connections) == 21


def test_the_user_name_is_sent_as_it_was_typed(serve: Any, wires: Wires, answers: Any, deadline: Deadline) -> None:
    server = serve(Iis(answers))
    wire = wires(server.url, authentication="ntlm")
    for username in ("CORP\\zoë", "zoë@corp.example", "zoë"):
        wire.call(BasicCredential(username, "Grüße ☃"), READ, deadline)
    sent = []
    for request in server.requests[1::2]:
        token = base64.b64decode(re.findall(rb"Authorization: NTLM (\S+)\r\n", request)[0])
        fields = [struct.unpack_from("<HHI", token, place) for place in (28, 36)]
        sent.append([token[offset : offset + length].decode("utf-16-le") for length, _, offset in fields])
    assert sent == [["CORP", "zoë"], ["", "zoë@corp.example"], ["", "zoë"]]


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize("legs", [0, 1], ids=["first leg", "second leg"])
def test_a_connection_dropped_in_the_handshake_sends_no_write_twice(
    legs: int, serve: Any, wires: Wires, answers: Any, write: Element, deadline: Deadline
) -> None:
    iis = Iis(answers)

    def script(connection: Any) -> None:
        for _ in range(legs):
            connection.read_request()
            connection.send(iis.challenge)
        connection.read_request()

    server = serve(script)
    with pytest.raises(ExchangeUnreachable):
        wires(server.url, authentication="ntlm").call(ANNA, write, deadline)
    assert [has_body for _, has_body in _legs(server.requests)] == [False, True][: legs + 1]
    assert len(server.connections) == 1


def test_a_server_that_ends_the_connection_with_its_challenge_gets_no_body(
    serve: Any, wires: Wires, answers: Any, write: Element, deadline: Deadline
) -> None:
    iis = Iis(answers)

    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(iis.challenge.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    server = serve(script)
    with pytest.raises(ExchangeUnreachable, match="in the middle of the NTLM handshake"):
        wires(server.url, authentication="ntlm").call(ANNA, write, deadline)
    assert _legs(server.requests) == [(1, False)]


@pytest.mark.parametrize("legs", [0, 1], ids=["first leg", "second leg"])
def test_a_server_that_drips_in_the_handshake_is_left_at_the_deadline_of_the_call(
    legs: int, serve: Any, wires: Wires, answers: Any
) -> None:
    iis = Iis(answers)

    def script(connection: Any) -> None:
        for _ in range(legs):
            connection.read_request()
            connection.send(iis.challenge)
        connection.read_request()
        connection.send(b"HTTP/1.1 401 Said\r\nContent-Length: 100000\r\n\r\n")
        connection.drip(b" ")

    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut):
        wires(serve(script).url, authentication="ntlm").call(ANNA, READ, Deadline.after(0.5))
    assert time.monotonic() - started < 5


def _open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_handshakes_that_break_leave_no_connection_open(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline
) -> None:
    iis = Iis(answers)

    def script(connection: Any) -> None:
        connection.read_request()
        if connection.number % 2:
            connection.send(iis.challenge)
            connection.read_request()

    before = _open_files()
    server = serve(script)
    wire = wires(server.url, authentication="ntlm")
    for _ in range(40):
        with pytest.raises(ExchangeUnreachable):
            wire.call(ANNA, READ, deadline)
    assert len(server.connections) == 40
    server.close()
    assert _open_files() <= before


@pytest.mark.parametrize(
    ("status", "error"), [(503, ExchangeBusy), (302, ExchangeFailed), (200, AnswerUnusable), (500, ExchangeFailed)]
)
def test_whatever_else_the_first_leg_is_answered_with_is_no_login_and_no_refusal(
    status: int, error: type[BridgeError], serve: Any, wires: Wires, answers: Any, write: Element
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http("<html/>", status, Retry_After="17"))

    server = serve(script)
    with pytest.raises(error):
        wires(server.url, authentication="ntlm").call(ANNA, write, Deadline.after(10))
    assert _legs(server.requests) == [(1, False)]


class FakeLine:
    """A connection that answers its first request with a challenge."""

    is_proved, is_reusable, certificate = False, True, None

    def __init__(self, challenge: bytes) -> None:
        self._answers = [401, 200]
        self._offer = f"NTLM {base64.b64encode(challenge).decode()}"

    def post(self, *_: object) -> HttpAnswer:
        """Answer."""
        return HttpAnswer(self._answers.pop(0), {"www-authenticate": self._offer}, b"")


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda end: CHALLENGE[:12] + end)))
@settings(deadline=None)
def test_a_challenge_that_makes_no_sense_is_trouble_of_exchanges(challenge: bytes) -> None:
    line: Any = FakeLine(challenge)
    try:
        Ntlm("localhost").post(line, ANNA, {}, b"", Deadline.after(10), anew=False)
    except AnswerUnusable:
        assert not line.is_proved


def test_no_log_holds_a_token_or_a_name(
    serve: Any, wires: Wires, answers: Any, deadline: Deadline, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(Iis(answers))
    wires(server.url, authentication="ntlm").call(ANNA, READ, deadline)
    assert any(record.name == "bridge.ews" for record in caplog.records)
    for secret in ("TlRMTVNT", "anna", "secret"):
        assert secret not in caplog.text
