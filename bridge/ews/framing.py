"""How the body of an HTTP/1.1 answer is framed, undone piece by piece as it comes (RFC 9112 sections 6 and 7.1)."""

from collections.abc import Iterator
from typing import Protocol

_LONGEST_SIZE_LINE = 1024
"""In bytes, with chunk extensions, which nobody sends."""
_LONGEST_TRAILER = 16 * 1024
_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_MOST_DIGITS = 15


class FramingBroken(ValueError):
    """What came is no body that was announced."""


class Framing(Protocol):
    """Takes what comes from the connection, and gives what of it is the body."""

    @property
    def is_ended(self) -> bool:
        """Whether the body is whole; what comes after it is not looked at."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the next parts of the body. Raises FramingBroken, after those that came before."""

    def end(self) -> None:
        """Take note that the connection has ended. Raises FramingBroken where more was announced."""


class Counted:
    """A body of a told length; without one it lasts as long as its connection."""

    def __init__(self, length: int | None) -> None:
        """Take Content-Length."""
        self._left = length
        self._is_ended = length == 0

    @property
    def is_ended(self) -> bool:
        """See `Framing`."""
        return self._is_ended

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Framing`."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
            self._is_ended = self._left == 0
        yield data

    def end(self) -> None:
        """See `Framing`."""
        if self._left:
            raise FramingBroken("The body is shorter than was told.")
        self._is_ended = True


class Chunked:
    """A body in chunks, each after a line with its hexadecimal size; after the last, which is empty, a trailer."""

    def __init__(self) -> None:
        self._waiting = b""
        self._left = 0
        self._in_trailer = False
        self._trailer_size = 0
        self._is_ended = False
        self._after_chunk = False

    @property
    def is_ended(self) -> bool:
        """See `Framing`."""
        return self._is_ended

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Framing`."""
        data, at = self._waiting + data, 0
        while at < len(data) and not self._is_ended:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._after_chunk = not self._left
                yield piece
                continue
            end = data.find(b"\n", at)
            if (end if end >= 0 else len(data)) - at > _LONGEST_SIZE_LINE:
                raise FramingBroken("A line between chunks is too long.")
            if end < 0:
                break
            self._take(data[at:end].removesuffix(b"\r"))
            at = end + 1
        self._waiting = data[at:]

    def end(self) -> None:
        """See `Framing`."""
        if not self._is_ended:
            raise FramingBroken("The last chunk is missing.")

    def _take(self, line: bytes) -> None:
        if self._after_chunk:
            if line:
                raise FramingBroken("A chunk is longer than was told.")
            self._after_chunk = False
        elif self._in_trailer:
            self._trailer_size += len(line)
            if self._trailer_size > _LONGEST_TRAILER:
                raise FramingBroken("The trailer is too long.")
            self._is_ended = not line
        else:
            self._left = _size(line)
            self._in_trailer = self._left == 0


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > _MOST_DIGITS or not _DIGITS.issuperset(digits):
        raise FramingBroken("The size of a chunk is no number.")
    return int(digits, 16)
