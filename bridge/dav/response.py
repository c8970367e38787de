"""An HTTP answer as a noun, and the kinds of it that DAV knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bridge.dav.xml import DECLARATION, NAMESPACES, text

XML = "application/xml; charset=utf-8"
CALENDAR = "text/calendar; charset=utf-8; component=VEVENT"
"""RFC 5545 8.1. Clients take a member for an event when its type begins with text/calendar."""


FREE_BUSY = "text/calendar; charset=utf-8; component=VFREEBUSY"


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body. Content-Length is whoever sends it's to add."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


def plain(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Give an answer whose body is a sentence for the person at the client."""
    return Response(
        status,
        {"Content-Type": "text/plain; charset=utf-8", **(headers or {})},
        f"{sentence}\n".encode(errors="replace"),
    )


def error(status: int, precondition: str, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Give a DAV:error body (RFC 4918 16): the precondition as ready XML, and the sentence."""
    body = (
        f"{DECLARATION}<D:error{NAMESPACES}>{precondition}"
        f"<D:responsedescription>{text(sentence)}</D:responsedescription></D:error>"
    )
    return Response(status, {"Content-Type": XML, **(headers or {})}, body.encode(errors="replace"))


def multistatus(responses: Iterable[str], tail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Give a 207 from ready DAV:response elements; ``tail`` is what stands after them (a sync token)."""
    body = "".join((DECLARATION, "<D:multistatus", NAMESPACES, ">", *responses, tail, "</D:multistatus>"))
    return Response(207, {"Content-Type": XML, **(headers or {})}, body.encode(errors="replace"))
