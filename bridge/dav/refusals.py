"""Every error as an HTTP answer: the one place where `bridge.errors` get their statuses and precondition bodies."""

import logging
import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from bridge.dav.response import Response, error, plain
from bridge.errors import (
    AttachmentTooLarge,
    BridgeError,
    InvalidCalendarData,
    InvalidCalendarObject,
    LoginRefused,
    NotExpressible,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Refused,
    TokenUnknown,
    TooLarge,
    TooManyAttachments,
    UidTaken,
    Unavailable,
    UnsupportedComponent,
)
from bridge.ids import Path, make_href
from bridge.model import Name

LOG = logging.getLogger(__name__)


class NotServed(Refused):
    """A request that HTTP, DAV or this bridge does not allow as it is, for a reason that no calendar gives.

    ``status`` is the HTTP status; ``precondition`` the violated one as ready XML, "" where the standards name none.
    """

    def __init__(
        self, status: int, message: str, precondition: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Take the status, a sentence, the precondition's XML and headers such as Allow."""
        super().__init__(message)
        self.status = status
        self.precondition = precondition
        self.headers = headers or {}


def bad_request(message: str) -> NotServed:
    """Give the refusal of a request that breaks HTTP's or DAV's grammar."""
    return NotServed(400, message)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what an error is the answer: the realm of a challenge, and the place, for bodies that hold an href.

    The place is that of what was to be read or changed, which is not always the request's: COPY has a destination.
    """

    realm: str
    prefix: str = ""
    path: Path | None = None


_TABLE: tuple[tuple[type[BridgeError], int, str], ...] = (
    (LoginRefused, 401, ""),
    (Unavailable, 503, ""),
    (NotFound, 404, ""),
    (PreconditionFailed, 412, ""),
    (UidTaken, 409, ""),
    (TooLarge, 413, "<C:max-resource-size/>"),
    (AttachmentTooLarge, 403, "<C:max-attachment-size/>"),
    (TooManyAttachments, 403, "<C:max-attachments-per-resource/>"),
    (InvalidCalendarData, 403, "<C:valid-calendar-data/>"),
    (InvalidCalendarObject, 403, "<C:valid-calendar-object-resource/>"),
    (UnsupportedComponent, 403, "<C:supported-calendar-component/>"),
    (NotExpressible, 403, "<C:valid-calendar-object-resource/>"),
    (TokenUnknown, 403, "<D:valid-sync-token/>"),
    (Refused, 403, ""),
)
"""Status and precondition (RFC 4791 5.3.2.1, RFC 6578 3.2) of each kind; the first that fits counts."""


def answer(problem: BridgeError, asked: Asked) -> Response:
    """Give the answer that the docstring of the error promises; 500 for what should not have come this far."""
    for kind, status, precondition in _TABLE:
        if isinstance(problem, kind):
            return _answer(problem, asked, status, precondition)
    return unexpected(problem)


def _answer(problem: BridgeError, asked: Asked, status: int, precondition: str) -> Response:
    headers: Mapping[str, str] = {}
    match problem:
        case NotServed():
            status, precondition, headers = problem.status, problem.precondition, problem.headers
        case LoginRefused():
            headers = {"WWW-Authenticate": f'Basic realm="{asked.realm}"'}
        case Unavailable():
            headers = {"Retry-After": str(max(1, math.ceil(problem.retry_after)))}
        case NotPermitted():
            precondition = need_privileges(problem.privilege, asked)
        case UidTaken():
            precondition = _no_uid_conflict(problem.name, asked)
    if precondition:
        return error(status, precondition, str(problem), headers)
    return plain(status, str(problem), headers)


def unexpected(problem: Exception) -> Response:
    """Give the 500 for a fault of our own, and log where it happened: frames and kinds, never messages or values."""
    LOG.error("A request failed by a fault of the bridge:\n%s", _frames(problem))
    return plain(500, "The bridge made a mistake; nothing is known to have been changed. Its log says where.")


def _frames(problem: BaseException | None) -> str:
    told: list[str] = []
    while problem is not None:
        told.append(_frames_of(type(problem).__qualname__, problem.__traceback__))
        problem = problem.__cause__ or problem.__context__
    return "\ncaused by\n".join(told)


def _frames_of(kind: str, trace: TracebackType | None) -> str:
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
    return "\n".join([kind, *lines])


def need_privileges(privilege: str, asked: Asked) -> str:
    """Give DAV:need-privileges (RFC 3744 7.1.1): the privilege that is missing, and where.

    To add and to delete are rights on the collection that holds what was asked for (RFC 3744 3.9, 3.10).
    """
    path = asked.path or Path()
    href = asked.prefix + make_href(path.parent if privilege in {"bind", "unbind"} else path)
    namespace = "C" if privilege == "read-free-busy" else "D"  # RFC 4791 6.1.1
    return (
        f"<D:need-privileges><D:resource><D:href>{href}</D:href>"
        f"<D:privilege><{namespace}:{privilege}/></D:privilege></D:resource></D:need-privileges>"
    )


def _no_uid_conflict(name: str, asked: Asked) -> str:
    """Give CALDAV:no-uid-conflict (RFC 4791 5.3.2.1) with the event of this name in the calendar that was asked."""
    path = asked.path or Path()
    href = asked.prefix + make_href(Path(path.principal, path.calendar, Name(name)))
    return f"<C:no-uid-conflict><D:href>{href}</D:href></C:no-uid-conflict>"
