"""An HTTP request as DAV sees it: place, headers with a meaning of their own, and a body read to its end."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from bridge.dav.conditions import parse_conditions
from bridge.dav.preferences import Preferences, parse_preferences
from bridge.dav.refusals import NotServed, bad_request
from bridge.errors import TooLarge
from bridge.ids import FilePlace, Path, make_href
from bridge.resource import Conditions

_PIECE = 64 * 1024
_LINGERING = 16 * 1024 * 1024
"""Bytes of a body that is too large that are read and dropped."""
_HOST = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}")


class Depth(StrEnum):
    """RFC 4918 10.2."""

    ZERO = "0"
    ONE = "1"
    INFINITY = "infinity"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``path`` is None when it is too deep to be a place here; ``prefix`` stands before every href.

    ``environ`` is WSGI's, as the server gave it. ``file`` is the file of an event that is meant, which is no place.
    """

    method: str
    path: Path | None
    prefix: str
    environ: Mapping[str, Any] = field(repr=False)
    file: FilePlace | None = None

    def header(self, name: str) -> str | None:
        """Give a header's value, None when it was not sent."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}")
        return None if value is None else str(value)

    def href(self, path: Path) -> str:
        """Give the href of a place, with the prefix."""
        return self.prefix + make_href(path)

    @property
    def base_url(self) -> str:
        """The URL of the root, as the client sees it; a Host header that is none is not repeated."""
        host = self.header("Host") or ""
        if not _HOST.fullmatch(host):
            host = f"{self.environ.get('SERVER_NAME', 'localhost')}:{self.environ.get('SERVER_PORT', '80')}"
        return f"{self.environ.get('wsgi.url_scheme', 'http')}://{host}{self.prefix}/"

    @property
    def depth(self) -> Depth:
        """The Depth header; absent means infinity (RFC 4918 9.1). Raises NotServed (400)."""
        value = (self.header("Depth") or Depth.INFINITY).strip().lower()
        try:
            return Depth(value)
        except ValueError:
            raise bad_request("The Depth header must be 0, 1 or infinity.") from None

    @property
    def overwrites(self) -> bool:
        """The Overwrite header of COPY and MOVE; absent means that they do (RFC 4918 10.6). Raises NotServed (400)."""
        value = (self.header("Overwrite") or "T").strip().upper()
        if value not in {"T", "F"}:
            raise bad_request("The Overwrite header is T or F.")
        return value == "T"

    @property
    def destination(self) -> str:
        """The Destination header (RFC 4918 10.3). Raises NotServed: 400 where it is missing, 502 for another server."""
        value = (self.header("Destination") or "").strip()
        try:
            host = urlsplit(value).netloc.lower()
        except ValueError:
            host = value = ""
        if not value:
            raise bad_request("The Destination header does not name a place.")
        here = {self.header("Host"), self.header("X-Forwarded-Host")}
        if host and host not in {name.lower() for name in here if name}:
            raise NotServed(502, "The Destination is on another server, as this one is called by its Host header.")
        return value

    @property
    def wants_fresh(self) -> bool:
        """Whether the client wants no cached answer (Cache-Control: no-cache)."""
        directives = (self.header("Cache-Control") or "").lower().split(",")
        return any(directive.strip() in {"no-cache", "max-age=0"} for directive in directives)

    @property
    def preferences(self) -> Preferences:
        """What the client would rather have."""
        return parse_preferences(self.header("Prefer"), self.header("Brief"))

    @property
    def conditions(self) -> Conditions:
        """If-Match and If-None-Match. Raises NotServed for what cannot be read, and for an If header (412).

        The If header (RFC 4918 10.4) names lock tokens; there are no locks here, so it never holds.
        """
        if self.header("If") is not None:
            raise NotServed(412, "This server has no locks: a condition in an If header does not hold.")
        return parse_conditions(self.header("If-Match"), self.header("If-None-Match"))

    def body(self, limit: int) -> bytes:
        """Read the body whole, chunked or not, and unpack it where it is packed; ``limit`` in bytes, unpacked.

        Raises TooLarge before more than the limit is held, NotServed: 400 or 411 when its end cannot be found, 415 for
        a Content-Encoding other than gzip.
        """
        coding = (self.header("Content-Encoding") or "identity").strip().lower()
        if coding not in {"identity", "gzip", "x-gzip"}:
            raise NotServed(
                415, "Bodies are taken as they are, or packed with gzip.", headers={"Accept-Encoding": "gzip"}
            )
        sent = self._sent(limit)
        return sent if coding == "identity" else _unpacked(sent, limit)

    def _sent(self, limit: int) -> bytes:
        stream = self.environ["wsgi.input"]
        length = self._content_length()
        if length is None:
            chunked = "chunked" in (self.header("Transfer-Encoding") or "").lower()
            if chunked and not self.environ.get("wsgi.input_terminated"):
                raise NotServed(411, "This web server does not pass on chunked bodies; send a Content-Length.")
            body = _read(stream, limit + 1) if chunked else b""
        else:
            body = b"" if length > limit else _read(stream, length)
        if len(body) > limit or (length or 0) > limit:
            if self.header("Expect") is None:  # who waits to be told to go on has sent nothing yet
                _drop(stream)
            raise TooLarge(f"The body is larger than the {limit} bytes that are taken here.", limit)
        if length is not None and len(body) < length:
            raise bad_request("The body ended before its Content-Length.")
        return body

    def _content_length(self) -> int | None:
        value = (self.header("Content-Length") or "").strip()
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise bad_request("The Content-Length header is not a number.")
        return int(value) if len(value) < 19 else 10**18


def _unpacked(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        raise bad_request("The body is not what its Content-Encoding says.") from None
    if len(body) > limit:
        raise TooLarge(f"The body, unpacked, is larger than the {limit} bytes that are taken here.", limit)
    if not unpacker.eof:
        raise bad_request("The body ended before it was unpacked.")
    return body


def _drop(stream: Any) -> None:
    """Read on for a while: who still sends when the connection is closed does not get the answer (RFC 9112 9.6)."""
    left = _LINGERING
    while left > 0:
        try:
            piece = stream.read(min(_PIECE, left))
        except Exception:  # noqa: BLE001 - every server has exceptions of its own; that the body broke off is no matter
            return
        if not piece:
            return
        left -= len(piece)


def _read(stream: Any, most: int) -> bytes:
    pieces: list[bytes] = []
    missing = most
    while missing > 0:
        try:
            piece = stream.read(min(_PIECE, missing))
        except Exception as error:  # every server has exceptions of its own for a body that breaks off
            raise bad_request("The body could not be read to its end.") from error
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
