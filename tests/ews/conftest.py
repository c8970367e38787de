"""What the tests of `ews` share: HTTP servers that misbehave as they are told, answers to send, events to write."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from bridge.ews.editions import Edition
from bridge.ews.exchange import EwsExchange
from bridge.ews.operations import create_item
from bridge.ews.settings import EwsSettings
from bridge.ews.wire import Wire
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.item import Content, Uid, Zone
from bridge.model import BasicCredential, FolderId
from bridge.simulator.people import PersonPlan
from bridge.simulator.simulator import Simulator

Script = Callable[["Connection"], None]


@dataclass
class Connection:
    """One connection that a scripted server accepted. ``number`` counts from 1."""

    sock: socket.socket
    number: int
    server: "ScriptedServer"

    def read_request(self) -> bytes:
        """Read one whole request, noted at the server; empty when the client has gone."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1])
        while len(body) < length:
            body += self.sock.recv(65536)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        return self.server.requests[-1]

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte every few milliseconds until the server is closed: never the end of the data."""
        while not self.server.stopped.wait(0.02):
            self.sock.sendall(data[:1])
            data = data[1:] + data[:1]


@dataclass
class ScriptedServer:
    """A server of this machine that does with each connection what its script says."""

    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The EWS address to be configured."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/EWS/Exchange.asmx"

    def close(self) -> None:
        """End every connection and wait for every thread."""
        self.stopped.set()
        for sock in (self._listener, *self.connections):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(accepted)
            thread = threading.Thread(target=self._serve, args=(accepted, len(self.connections)))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock:
            try:
                wrapped = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
                with wrapped:
                    self.script(Connection(wrapped, number, self))
            except OSError:
                return  # the client went away, which is what many of these tests are about


Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start scripted servers; closed after the test."""
    servers: list[ScriptedServer] = []

    def start(script: Script, tls: ssl.SSLContext | None = None) -> ScriptedServer:
        servers.append(ScriptedServer(script, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def wires() -> Iterator[Callable[..., Wire]]:
    """Make wires to an address; closed after the test."""
    made: list[Wire] = []

    def make(url: str, **settings: str | Path) -> Wire:
        made.append(Wire(EwsSettings(url, **settings)))  # type: ignore[arg-type]  # each test names fitting ones
        return made[-1]

    yield make
    for wire in made:
        wire.close()


class Answers:
    """HTTP answers as bytes."""

    SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
    M = "http://schemas.microsoft.com/exchange/services/2006/messages"
    T = "http://schemas.microsoft.com/exchange/services/2006/types"
    E = "http://schemas.microsoft.com/exchange/services/2006/errors"

    def http(self, body: bytes | str, status: int = 200, **headers: str) -> bytes:
        """Give a whole answer with Content-Length."""
        raw = body.encode() if isinstance(body, str) else body
        told = {"Content-Length": str(len(raw)), "Content-Type": "text/xml; charset=utf-8"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + raw

    def envelope(self, body: str, build: tuple[int, int, int, int] = (15, 2, 1748, 10)) -> str:
        """Give a SOAP envelope around a body's element; ``m`` and ``t`` are EWS's namespaces in it."""
        parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
        told = " ".join(f'{part}="{number}"' for part, number in zip(parts, build, strict=True))
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{self.SOAP}" xmlns:m="{self.M}" '
            f'xmlns:t="{self.T}" xmlns:e="{self.E}"><s:Header><t:ServerVersionInfo {told}/></s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )

    def response(self, operation: str, *messages: str) -> str:
        """Give an operation's envelope; each message is the inside of a response message, or the name of an error."""
        told = "".join(self._message(operation, message) for message in messages)
        return self.envelope(
            f"<m:{operation}Response><m:ResponseMessages>{told}</m:ResponseMessages></m:{operation}Response>"
        )

    def _message(self, operation: str, inside: str) -> str:
        outcome = "Error" if inside.startswith("Error") else "Success"
        code, rest = (inside, "") if outcome == "Error" else ("NoError", inside)
        name = f"m:{operation}ResponseMessage"
        return f'<{name} ResponseClass="{outcome}"><m:ResponseCode>{code}</m:ResponseCode>{rest}</{name}>'

    def fault(self, code: str, values: str = "") -> str:
        """Give the envelope of a SOAP fault with an EWS code; ``values`` go into its MessageXml."""
        return self.envelope(
            f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>Private words.</faultstring><detail>"
            f"<e:ResponseCode>{code}</e:ResponseCode><e:Message>Private words.</e:Message>"
            f"<t:MessageXml>{values}</t:MessageXml></detail></s:Fault>"
        )

    def element(self, envelope: str) -> etree._Element:
        """Give the response element of an envelope, as the wire would."""
        body = etree.fromstring(envelope.encode()).find(f"{{{self.SOAP}}}Body")
        assert body is not None
        return body[0]


@pytest.fixture
def answers() -> Answers:
    """Answers to send."""
    return Answers()


@pytest.fixture
def credential() -> BasicCredential:
    """Anna's, at the simulated Exchange too."""
    return BasicCredential("anna@example.com", "secret of anna")


@pytest.fixture
def deadline() -> Deadline:
    """Far enough for anything that goes well."""
    return Deadline.after(20)


@pytest.fixture
def content() -> Content:
    """Give an event with something in every attribute."""
    return Content(
        uid=Uid("0815@example.com"),
        subject="Müsli & Milch <frisch>",
        start=datetime(2026, 3, 2, 11, 0, tzinfo=UTC),
        end=datetime(2026, 3, 2, 12, 30, tzinfo=UTC),
        start_zone=Zone("W. Europe Standard Time"),
        end_zone=Zone("W. Europe Standard Time"),
        location="Küche",
        body="Erste Zeile\nzweite\n\nletzte",
        categories=("Blau", "Grün, hell"),
        reminder_minutes=25,
        name_stamp='{"name":"a b.ics"}',
        kept='{"X":"1"}',
    )


@pytest.fixture
def write(content: Content) -> Element:
    """Make a request that must not be sent twice."""
    return create_item.request(FolderId("folder"), content, Edition.EXCHANGE_2013)


@pytest.fixture
def schemas_root() -> Path:
    """Give the folder that holds Microsoft's schemas and the recordings."""
    return Path(os.environ["EXCHANGE_SCHEMAS"])


PEOPLE = (
    PersonPlan("Anna Berg", "anna@example.com", "secret of anna", ("a.berg@example.com",)),
    PersonPlan("Bob Cole", "bob@example.com", "secret of bob"),
    PersonPlan("Eve Stone", "eve@example.com", "secret of eve"),
)


@pytest.fixture(params=["2019", "2010", "2007", "lenient"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Run a simulated Exchange of each kind, with Anna, Bob and Eve."""
    with Simulator(PEOPLE, personality=request.param) as running:
        yield running
        assert running.invalid_answers == []


@pytest.fixture
def exchange(simulator: Simulator) -> Iterator[EwsExchange]:
    """Make the port on the simulated Exchange; that of 2007 is configured, since some tests begin with a write."""
    version = "2007" if simulator.service.personality.name == "2007" else "auto"
    made = EwsExchange(EwsSettings(simulator.url, version=version))
    yield made
    made.close()
