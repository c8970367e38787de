"""The HTTP/1.1 side, over TLS if wished: EWS at any spelling of /EWS/Exchange.asmx, and the control URL.

Who asks is told by Basic authentication with each request, or by NTLM once for a connection.
"""

import base64
import binascii
import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bridge.simulator import control
from bridge.simulator.certificate import Certificate
from bridge.simulator.model import Person
from bridge.simulator.ntlm import Handshake
from bridge.simulator.reading import Refused, read_body
from bridge.simulator.service import Held, Reply, Service
from bridge.simulator.watching import Watch

EWS_PATH = "/ews/exchange.asmx"
CONTROL_PATH = "/simulator/control"
REALM = "simulated Exchange"
_PIECE = 64
_WORTH_PACKING = 1400
_HELD_HEADERS = (("Transfer-Encoding", "chunked"), ("Cache-Control", "private"), ("X-NoBuffering", "1"))


class Server(ThreadingHTTPServer):
    """The server socket, its service, and the connections that are open.

    With a `certificate` all of it is HTTPS; `ntlm` offers NTLM beside Basic.
    """

    request_queue_size = 128
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], service: Service, *, ntlm: bool = False) -> None:
        self.service = service
        self.certificate: Certificate | None = None
        self.ntlm = ntlm
        self.closing = threading.Event()
        self.watch = Watch()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Give the next connection; its TLS handshake is left to its thread, where a slow client holds up nobody."""
        connection, address = super().get_request()
        if self.certificate is None:
            return connection, address
        context = self.certificate.context
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that `close` can end it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is no matter of the server's."""

    def close(self) -> None:
        """Stop serving, end every connection, wait for their threads."""
        self.closing.set()
        self.shutdown()
        self.service.subscriptions.lose()
        with self._lock:
            for connection in self._open:
                try:
                    # Not SSLSocket's own, which goes on without TLS in the middle of another thread's reading
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    continue
        self.server_close()

    def server_close(self) -> None:
        """Give the port back, and wait for the threads."""
        super().server_close()
        self.watch.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-IIS/10.0"
    sys_version = ""
    disable_nagle_algorithm = True
    _keeps_head = False
    _head = b""

    def setup(self) -> None:
        """Begin the connection: TLS first, where there is TLS."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        certificate = self.server.certificate
        self._handshake = Handshake(certificate.digest if certificate else None)
        self._challenge: bytes | None = None
        self._proved: Person | None = None
        super().setup()

    def log_message(self, *_: object) -> None:
        """Say nothing; the records tell."""

    def do_POST(self) -> None:
        """Answer EWS and the control URL."""
        try:
            body = read_body(self.headers, self.rfile, self.server.service.personality.rules)
        except Refused as refused:
            self.close_connection = True
            self._send(Reply(refused.status, b"", "text/plain"))
            return
        if self._path == CONTROL_PATH:
            self._control(body)
        elif self._path == EWS_PATH:
            self._ews(body)
        else:
            self._send(Reply(404, b"", "text/plain"))

    def do_GET(self) -> None:
        """Show the control URL's state; EWS has nothing to GET without a login."""
        if self._path == CONTROL_PATH:
            self._json(200, control.show(self.server.service))
        elif self._path == EWS_PATH:
            if self._viewer():
                self._send(Reply(200, b"<html>Service</html>", "text/html"))
            else:
                self._refuse()
        else:
            self._send(Reply(404, b"", "text/plain"))

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0].lower()

    def _viewer(self) -> Person | None:
        """Give who asks: as the request says, else who has proved himself on this connection (MS-NTHT 3.2.5.1)."""
        self._challenge = None
        scheme, _, content = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return self._proved
        try:
            raw = base64.b64decode(content.strip(), validate=True)
        except (binascii.Error, ValueError):
            return None
        if scheme.lower() == "ntlm" and self.server.ntlm:
            return self._by_ntlm(raw)
        return self._by_password(raw) if scheme.lower() == "basic" else None

    def _by_ntlm(self, token: bytes) -> Person | None:
        outcome = self._handshake.step(token, self.server.service.store.people)
        self._challenge, self._proved = outcome.challenge, outcome.person
        if outcome.login:
            login = outcome.person.address if outcome.person else outcome.login
            self.server.service.records.login(login, good=outcome.person is not None)
        return outcome.person

    def _by_password(self, raw: bytes) -> Person | None:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")  # RFC 7617: clients that know no charset send this
        login, _, password = text.partition(":")
        person = self.server.service.store.log_in(login, password)
        self.server.service.records.login(person.address if person else login, good=person is not None)
        return person

    def _ews(self, body: bytes) -> None:
        viewer = self._viewer()
        if viewer is None:
            self._refuse()
            return
        reply = self.server.service.answer(viewer, body, self.headers)
        try:
            if reply.wait and self.server.closing.wait(reply.wait):
                self.close_connection = True
            elif reply.status == HTTPStatus.UNAUTHORIZED:
                self._refuse()
            elif reply.held:
                self._hold(reply, reply.held)
            else:
                self._send(reply)
        finally:
            if reply.held:
                reply.held.stream.drop("gone")
            if reply.release:
                reply.release()

    def _hold(self, reply: Reply, held: Held) -> None:
        """Send an answer that goes on: chunked, a chunk an envelope, until it ends one way or another."""
        if self.server.closing.is_set():
            held.stream.drop("gone")
        with self.server.watch.on(self.connection, lambda: held.stream.drop("gone")):
            self._begin(reply, [*_HELD_HEADERS, *reply.headers.items()])
            self.wfile.write(self._head)
            self._chunk(reply, reply.body)
            for part in held.parts:
                self._chunk(reply, part)
        if held.stream.ended == "stream_cut":
            self._reset()
        elif held.stream.ended == "gone" or self.server.closing.is_set():
            self.close_connection = True
        else:
            self._chunk(reply, b"")

    def _chunk(self, reply: Reply, content: bytes) -> None:
        size = _PIECE if reply.manner == "drip" and content else len(content) or 1
        for first in range(0, len(content) or 1, size):
            piece = content[first : first + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if reply.manner == "drip":
                self.server.closing.wait(reply.pause)

    def _refuse(self) -> None:
        """Ask for a login, or go on with one. Source: MS-NTHT: a challenge stands alone, offers a header each."""
        offers = [f'Basic realm="{REALM}"']
        if self._challenge:
            offers = [f"NTLM {base64.b64encode(self._challenge).decode()}"]
        elif self.server.ntlm:
            offers.insert(0, "NTLM")
        self._send(Reply(401, b"", "text/plain"), [("WWW-Authenticate", offer) for offer in offers])

    def _control(self, body: bytes) -> None:
        try:
            self._json(200, control.change(self.server.service, body))
        except (ValueError, TypeError) as cause:
            self._json(400, {"error": str(cause)})

    def _json(self, status: int, content: object) -> None:
        self._send(Reply(status, json.dumps(content, indent=1).encode(), "application/json"))

    def _send(self, reply: Reply, more: Sequence[tuple[str, str]] = ()) -> None:
        if reply.manner == "reset":
            self._reset()
            return
        body, headers = reply.body, dict(reply.headers)
        if self._packs(reply):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self._begin(reply, [("Content-Length", str(len(body))), *headers.items(), *more])
        self._write(reply, body)

    def _begin(self, reply: Reply, headers: Sequence[tuple[str, str]]) -> None:
        """Make the head of an answer, to be sent with what follows."""
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self._keeps_head = True
        self.end_headers()
        self._keeps_head = False

    def _packs(self, reply: Reply) -> bool:
        """Tell whether the answer is sent as gzip: never one that is to arrive spoilt."""
        accepted = "gzip" in self.headers.get("Accept-Encoding", "") and len(reply.body) > _WORTH_PACKING
        return accepted and reply.manner == "normal" and reply.body.rstrip().endswith(b">")

    def flush_headers(self) -> None:
        """Keep the headers until the body goes out with them: one write, no waiting for acknowledgements."""
        if not self._keeps_head:
            super().flush_headers()
            return
        self._head = b"".join(getattr(self, "_headers_buffer", ()))
        self._headers_buffer: list[bytes] = []

    def _write(self, reply: Reply, body: bytes) -> None:
        head = self._head
        if reply.manner == "cut":
            self.wfile.write(head + body[: len(body) // 2])
            self.close_connection = True
        elif reply.manner == "drip":
            self.wfile.write(head)
            for first in range(0, len(body), _PIECE):
                self.wfile.write(body[first : first + _PIECE])
                if self.server.closing.wait(reply.pause):
                    self.close_connection = True
                    return
        else:
            self.wfile.write(head + body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
