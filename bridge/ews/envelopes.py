"""SOAP envelopes that follow one another on one answer, cut apart as they come.

Each is a document of its own (MS-OXWSNTIF, GetStreamingEvents), with or without an XML declaration, and nothing but
white space in between. Only its outermost element is looked at here; whether it is whole and well-formed, its parser
says. An end tag of the same name inside of a comment or a CDATA section would cut it short, and so make it unusable.
"""

import re
from collections.abc import Iterator

LARGEST = 4 * 1024 * 1024
"""In bytes, of what is not an envelope yet. Real ones are a few KiB."""
_LONGEST_HEAD = 4096
_LONGEST_NAME = 256
_LONGEST_END = 2 * _LONGEST_NAME
_HEAD = re.compile(rb"[\s\xef\xbb\xbf]*(?:<\?[^>]*\?>\s*)*<([^\s<>/?!]+)[\s>/]")
_BLANK = re.compile(rb"[\s\xef\xbb\xbf]*")


class NotEnvelopes(ValueError):
    """What came is something else, or too large."""


class Envelopes:
    """Takes bytes and gives whole envelopes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._end: re.Pattern[bytes] | None = None
        self._searched = 0

    @property
    def has_part(self) -> bool:
        """Whether an envelope has begun and is not whole."""
        return _BLANK.fullmatch(self._bytes) is None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the envelopes that are whole now, in order. Raises NotEnvelopes, after those that came before."""
        self._bytes += data
        while (one := self._next()) is not None:
            yield one
        if len(self._bytes) > LARGEST:
            raise NotEnvelopes("An envelope is too large.")

    def _next(self) -> bytes | None:
        self._end = self._end or self._expected_end()
        if self._end is None:
            return None
        match = self._end.search(self._bytes, self._searched)
        if match is None:
            # The end tag may have come in part
            self._searched = max(0, len(self._bytes) - _LONGEST_END)
            return None
        envelope = bytes(self._bytes[: match.end()])
        del self._bytes[: match.end()]
        self._end, self._searched = None, 0
        return envelope

    def _expected_end(self) -> re.Pattern[bytes] | None:
        """Give how the next envelope will end, from how it begins; None while that has not come."""
        blank = _BLANK.match(self._bytes)
        del self._bytes[: blank.end() if blank else 0]
        match = _HEAD.match(self._bytes)
        if match is None:
            if self._bytes and (not self._bytes.startswith(b"<") or len(self._bytes) > _LONGEST_HEAD):
                raise NotEnvelopes("What came is no envelope.")
            return None
        if match[1].rpartition(b":")[2] != b"Envelope" or len(match[1]) > _LONGEST_NAME:
            raise NotEnvelopes("What came is another document.")
        return re.compile(rb"</" + re.escape(match[1]) + rb"\s*>")
