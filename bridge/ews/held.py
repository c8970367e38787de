"""An HTTP answer that goes on for minutes: read as it comes, without ever waiting.

The request was sent and the head of the answer read by a deadline (`line.Line.hold`); from then on the connection is
watched by a selector, and nothing here blocks.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator

from bridge.errors import AnswerUnusable, ExchangeUnreachable
from bridge.ews.framing import Chunked, Counted, Framing, FramingBroken

_PIECE = 64 * 1024
"""At least a TLS record, so that none is left behind in part, which no selector would tell."""
_MOST_PIECES = 64
"""How often is read in one call; a server that sends without end must not hold the caller up."""


class Held:
    """The body of an answer that has begun. For one thread."""

    def __init__(
        self, sock: socket.socket, response: http.client.HTTPResponse, begun: bytes, close: Callable[[], None]
    ) -> None:
        """Take the connection, the answer's head, what of the body has been read, and how all of it is closed.

        Raises AnswerUnusable for a body that is packed, which was not asked for.
        """
        if (response.headers.get("Content-Encoding") or "identity").strip().lower() != "identity":
            raise AnswerUnusable("Exchange's answer is packed in a way that was not asked for.")
        self._response = response  # holds the connection open where the server closes it after the answer
        self._socket = sock
        self._close = close
        self._begun = begun
        self._framing: Framing = Chunked() if response.chunked else Counted(response.length)
        self._socket.settimeout(0)
        self.cookies = ", ".join(response.headers.get_all("Set-Cookie", []))
        self.heard_at = time.monotonic()

    def fileno(self) -> int:
        """Give the descriptor to be selected for reading."""
        return self._socket.fileno()

    @property
    def is_ended(self) -> bool:
        """Whether the body is whole."""
        return self._framing.is_ended

    def receive(self) -> Iterator[bytes]:
        """Give what has come of the body, piece by piece.

        Raises, after what came before, ExchangeUnreachable where the connection ends before the body does, and
        AnswerUnusable.
        """
        for _ in range(_MOST_PIECES):
            piece = None if self._framing.is_ended else self._piece()
            if piece is None:
                return
            try:
                if piece:
                    yield from self._framing.feed(piece)
                else:
                    self._framing.end()
            except FramingBroken as error:
                if piece:
                    raise AnswerUnusable("Exchange's answer is not framed as was told.") from error
                raise ExchangeUnreachable("The connection to Exchange broke.") from error

    def interrupt(self) -> None:
        """Let a selector see the connection as ended, so that whoever waits comes to know of a trouble."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RD)
        except OSError:
            return  # it is ended already

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._close()

    def _piece(self) -> bytes | None:
        """Give what is there, None for nothing, no bytes at the end of the connection."""
        if self._begun:
            piece, self._begun = self._begun, b""
            return piece
        try:
            piece = self._socket.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as error:
            raise ExchangeUnreachable(f"The connection to Exchange broke ({type(error).__name__}).") from error
        if piece:
            self.heard_at = time.monotonic()
        return piece
