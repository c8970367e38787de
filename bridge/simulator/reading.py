"""The body of an HTTP request, in one piece or chunked."""

from email.message import Message
from io import BufferedIOBase

from bridge.simulator.rules import Rules


class Refused(Exception):
    """The HTTP request itself is refused; `status` says how."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def read_body(headers: Message, content: BufferedIOBase, rules: Rules) -> bytes:
    """Give the body of a request; `Refused` for one that the server does not take."""
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        if not rules.chunked_requests:
            raise Refused(411)
        return _chunks(content, rules)
    try:
        length = int(headers.get("Content-Length", ""))
    except ValueError as cause:
        raise Refused(411) from cause
    _check_size(length, rules)
    return content.read(length)


def _check_size(length: int, rules: Rules) -> None:
    if not 0 <= length <= rules.request_limit_bytes:
        raise Refused(rules.too_large_status)


def _chunks(content: BufferedIOBase, rules: Rules) -> bytes:
    found = bytearray()
    try:
        while size := int(content.readline(64).partition(b";")[0], 16):
            _check_size(len(found) + size if size >= 0 else size, rules)
            found += content.read(size)
            content.readline(64)
    except ValueError as cause:
        raise Refused(400) from cause
    while content.readline(8192).strip():
        pass
    return bytes(found)
