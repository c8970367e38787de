"""One HTTP connection to Exchange, kept alive, on which every wait ends at the deadline of the call.

The usual time-outs bound each single read, so a server that drips a byte a second is waited for without end. Here
every read and write of the socket is given what is left until the deadline, headers, TLS handshake and body alike.
Only the name look-up is the system's own. A request is sent once; nothing here sends it again.
"""

import http.client
import selectors
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import AnswerUnusable, ExchangeTimedOut, ExchangeUnreachable
from bridge.ews.held import Held
from bridge.exchange import Deadline

LARGEST_ANSWER = 64 * 1024 * 1024
"""In bytes, unpacked. The largest real ones, 512 changes or 50 whole items, are a few MiB."""
LONGEST_IDLE = 45.0
"""In seconds. Load balancers drop idle connections after a minute, IIS after two."""
_PIECE = 64 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class AnswerTooLarge(AnswerUnusable):
    """An answer of more than `LARGEST_ANSWER` bytes, of which nothing is used."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where EWS is. ``authority`` is host and port as the URL writes them; ``tls`` is None for plain HTTP."""

    host: str
    port: int
    authority: str
    path: str
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole HTTP answer; header names are in lower case, fields of one name joined by commas (RFC 9110 5.3)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def _left(deadline: Deadline | None) -> float | None:
    if deadline is None:
        return None
    left = deadline.remaining()
    if left <= 0:
        raise TimeoutError
    return left


class _BoundedSocket(socket.socket):
    """A socket whose every wait ends at the deadline."""

    deadline: Deadline | None = None

    def sendall(self, *args: Any) -> None:
        self.settimeout(_left(self.deadline))
        super().sendall(*args)

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(*args)


class BoundedTlsSocket(ssl.SSLSocket):
    """The same over TLS; the context makes these (`SSLContext.sslsocket_class`)."""

    deadline: Deadline | None = None

    def send(self, *args: Any) -> int:
        """Send what fits, by the deadline; `sendall` is made of these."""
        self.settimeout(_left(self.deadline))
        return super().send(*args)

    def recv_into(self, *args: Any) -> int:
        """Read some, by the deadline."""
        self.settimeout(_left(self.deadline))
        return super().recv_into(*args)


class Line:
    """One connection. For one call at a time; `is_reusable` says whether another may follow on it.

    `is_proved` is for an authentication that lasts as long as its connection: whether that is done.
    """

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        """Connect. Raises ExchangeUnreachable, ExchangeTimedOut; either way nothing was sent."""
        self._endpoint = endpoint
        self._socket = _connect(endpoint, deadline)
        self._http = http.client.HTTPConnection(endpoint.host, endpoint.port)
        self._http.sock = self._socket
        # http.client would connect anew by itself where the connection is gone
        self._http.auto_open = 0
        self._idle_since = time.monotonic()
        self.is_reusable = True
        self.is_proved = False

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate in DER, None without TLS."""
        return self._socket.getpeercert(binary_form=True) if isinstance(self._socket, BoundedTlsSocket) else None

    @property
    def is_alive(self) -> bool:
        """Whether the other side seems to hold the connection still: no end and no stray bytes to be read."""
        if not self.is_reusable or time.monotonic() - self._idle_since > LONGEST_IDLE:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def post(self, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> HttpAnswer:
        """Send the request once and read the whole answer. Raises Unavailable."""
        return self._whole(self._head(headers, body, deadline))

    def hold(self, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> HttpAnswer | Held:
        """Send the request once, read the head of the answer, and give a good answer to be read as it comes.

        Any other is read whole by the deadline. Raises Unavailable. The line serves no other call.
        """
        response = self._head(headers, body, deadline)
        if response.status != http.client.OK:
            answer = self._whole(response)
            self.is_reusable = False
            return answer
        # From now on the buffer of http.client must not read from the connection, only give what it has
        self._socket.deadline = Deadline(float("-inf"))
        try:
            begun = response.fp.peek()
        except TimeoutError:
            begun = b""
        return Held(self._socket, response, begun, self.close)

    def _head(self, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> http.client.HTTPResponse:
        self.is_reusable = False
        self._socket.deadline = deadline
        self._send({"Host": self._endpoint.authority, **headers}, body)
        return self._response()

    def _whole(self, response: http.client.HTTPResponse) -> HttpAnswer:
        try:
            answer = HttpAnswer(response.status, _header_map(response), _body(response))
        except TimeoutError as error:
            raise ExchangeTimedOut("Exchange did not finish its answer in time.") from error
        except (http.client.HTTPException, OSError, zlib.error) as error:
            raise AnswerUnusable(f"Exchange's answer broke off ({type(error).__name__}).") from error
        finally:
            response.close()
        self.is_reusable = not response.will_close
        self._idle_since = time.monotonic()
        return answer

    def close(self) -> None:
        """Close the connection."""
        self.is_reusable = False
        self._http.close()

    def _send(self, headers: Mapping[str, str], body: bytes) -> None:
        try:
            self._http.request("POST", self._endpoint.path, body, dict(headers))
        except TimeoutError as error:
            raise ExchangeTimedOut("Exchange did not take the request in time.") from error
        except (OSError, http.client.HTTPException) as error:
            raise ExchangeUnreachable("The connection to Exchange broke while a request was sent.") from error

    def _response(self) -> http.client.HTTPResponse:
        try:
            return self._http.getresponse()
        except TimeoutError as error:
            raise ExchangeTimedOut("Exchange did not answer in time.") from error
        except OSError as error:  # RemoteDisconnected among them
            raise ExchangeUnreachable("The connection to Exchange broke before it answered.") from error
        except http.client.HTTPException as error:
            raise AnswerUnusable(f"What answers there does not speak HTTP ({type(error).__name__}).") from error


def _connect(endpoint: Endpoint, deadline: Deadline) -> _BoundedSocket | BoundedTlsSocket:
    plain = _reach(endpoint, deadline)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.tls is None:
            return plain
        plain.settimeout(_left(deadline))
        wrapped = endpoint.tls.wrap_socket(plain, server_hostname=endpoint.host)
    except ssl.SSLCertVerificationError as error:
        raise ExchangeUnreachable(f"Exchange's certificate is not trusted: {error.verify_message}.") from error
    except TimeoutError as error:
        raise ExchangeUnreachable("Exchange did not finish the TLS handshake in time.") from error
    except OSError as error:
        raise ExchangeUnreachable(f"No TLS connection to Exchange ({type(error).__name__}).") from error
    else:
        if not isinstance(wrapped, BoundedTlsSocket):
            raise TypeError("the TLS context must make sockets that keep to the deadline")
        return wrapped
    finally:
        # Wrapping moves the descriptor to the TLS socket; where it failed, the plain one still holds it
        if endpoint.tls is not None:
            plain.close()


def _reach(endpoint: Endpoint, deadline: Deadline) -> _BoundedSocket:
    """Try every address of the host; each gets its share of the time left, so that one dead address is not the end."""
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ExchangeUnreachable("The name of the Exchange server is not known.") from error
    cause: OSError | None = None
    for place, (family, kind, protocol, _, address) in enumerate(found):
        sock = _BoundedSocket(family, kind, protocol)
        try:
            sock.settimeout((_left(deadline) or 0.0) / (len(found) - place))
            sock.connect(address)
        except OSError as error:
            sock.close()
            cause = error
        else:
            return sock
    raise ExchangeUnreachable(f"Exchange cannot be reached ({type(cause).__name__}).") from cause


def _header_map(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}


def _body(response: http.client.HTTPResponse) -> bytes:
    """Read the body to its end and unpack it. Raises AnswerUnusable when it is shorter than told, or too large."""
    encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in {"identity", "gzip", "deflate"}:
        raise AnswerUnusable("Exchange's answer is packed in a way that was not asked for.")
    unpack = None if encoding == "identity" else zlib.decompressobj(_GZIP_OR_ZLIB)
    pieces, size = [], 0
    while piece := response.read(_PIECE):
        unpacked = piece if unpack is None else unpack.decompress(piece, LARGEST_ANSWER - size + 1)
        size += len(unpacked)
        if size > LARGEST_ANSWER:
            raise AnswerTooLarge(f"Exchange's answer is larger than {LARGEST_ANSWER} bytes.")
        pieces.append(unpacked)
    # http.client raises IncompleteRead only for reads without a size; what is left of Content-Length tells
    if response.length or (unpack is not None and size and not unpack.eof):
        raise AnswerUnusable("Exchange's answer broke off.")
    return b"".join(pieces)
