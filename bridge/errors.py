"""What can be the case when something is not done, and what a client may do about it.

::

    BridgeError
    ├── ConfigurationInvalid        the admin mends the configuration; nothing starts
    ├── LoginRefused                401: another user name or password
    ├── Refused                     4xx: the client's request cannot be done as it is; Exchange was not changed
    │   ├── NotFound                404
    │   ├── NotPermitted            403 need-privileges
    │   ├── PreconditionFailed      412: read again, then decide
    │   ├── UidTaken                409 no-uid-conflict: the UID is another resource's
    │   ├── NameTaken               405 or 409: there is a calendar of this name
    │   ├── InvalidCalendarData     403 valid-calendar-data: broken iCalendar
    │   ├── InvalidCalendarObject   403 valid-calendar-object-resource: not one event
    │   ├── UnsupportedComponent    403 supported-calendar-component
    │   ├── NotExpressible          403 valid-calendar-object-resource: valid, but Exchange cannot hold it
    │   ├── TooLarge                413 max-resource-size
    │   ├── AttachmentTooLarge      403 max-attachment-size
    │   ├── TooManyAttachments      403 max-attachments-per-resource
    │   └── TokenUnknown            403 valid-sync-token: start over
    ├── Unavailable                 503 with Retry-After: try the same again later
    │   ├── ExchangeUnreachable     no connection, or one that broke before anything was sent
    │   ├── ExchangeBusy            Exchange asks us to wait
    │   ├── ExchangeTimedOut        the total deadline of a call ran out
    │   ├── AnswerUnusable          truncated, malformed or partial; nothing was taken from it
    │   ├── ExchangeFailed          an error of Exchange's own that says nothing of the request
    │   ├── MirrorFilling           the first pull is still under way
    │   └── WriteUnderWay           another change of the same resource is being written
    └── ExchangeSays                Exchange's definite answers, for `sync` to act on; none reaches a client as it is
        ├── CredentialRefused       the user name or password is wrong
        ├── AccessDenied            the viewer lacks a right
        ├── FolderMissing           the folder is not there, or may not be seen
        ├── ItemMissing             the item is not there any more
        ├── ItemChanged             the change key is stale: somebody else wrote first
        ├── CursorExpired           the cursor is not known: pull from the start
        └── RequestRefused          the item breaks a rule of Exchange's; `code` is Exchange's name for it

No message holds a secret or an event's content: messages name calendars, settings, properties and Exchange's codes.
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """The root. ``str()`` of any of these is a sentence fit for the person at the client."""


class ConfigurationInvalid(BridgeError):
    """Every mistake of a configuration, told at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Take one sentence per mistake, each naming its file, section and key."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class LoginRefused(BridgeError):
    """The user name or password is not accepted."""


# --- 4xx ---------------------------------------------------------------------------------------------


class Refused(BridgeError):
    """The request cannot be done as it is. Nothing was changed at Exchange."""


class NotFound(Refused):
    """There is no such calendar or resource, as far as Exchange has told."""


class NotPermitted(Refused):
    """The viewer lacks a privilege; ``privilege`` is its DAV name, such as ``write-content``."""

    def __init__(self, message: str, privilege: str) -> None:
        """Take the sentence and the missing DAV privilege."""
        super().__init__(message)
        self.privilege = privilege


class PreconditionFailed(Refused):
    """The resource is not in the state the client asked for."""


class UidTaken(Refused):
    """Another resource of this calendar has this UID; ``name`` is that resource's."""

    def __init__(self, message: str, name: str) -> None:
        """Take the sentence and the name of the resource that has the UID."""
        super().__init__(message)
        self.name = name


class NameTaken(Refused):
    """There is a calendar of this name already (RFC 4791 5.3.1: resource-must-be-null)."""


class InvalidCalendarData(Refused):
    """The body is not iCalendar; the message says which line or property (RFC 4791 5.3.2.1)."""


class InvalidCalendarObject(Refused):
    """Valid iCalendar, but not one calendar object resource (RFC 4791 4.1)."""


class UnsupportedComponent(Refused):
    """A component that this calendar does not hold (RFC 4791 5.2.3)."""


class NotExpressible(Refused):
    """Exchange has no way to hold this; the message names the property and the rule."""


class TooLarge(Refused):
    """The body is larger than the bridge takes; ``limit`` is in bytes."""

    def __init__(self, message: str, limit: int) -> None:
        """Take the sentence and the limit in bytes."""
        super().__init__(message)
        self.limit = limit


class AttachmentTooLarge(Refused):
    """The files that come with an event are larger than the bridge takes (RFC 8607 6.2)."""


class TooManyAttachments(Refused):
    """The event would have more files than the bridge takes (RFC 8607 6.3)."""


class TokenUnknown(Refused):
    """The sync token is not of this mirror; the client starts over (RFC 6578 3.2)."""


# --- 503 ---------------------------------------------------------------------------------------------


class Unavailable(BridgeError):
    """The same request may succeed later; ``retry_after`` is in seconds.

    Out of a write it says nothing of whether the write was carried out (a proxy's 503 may come after it): that is
    found out by reading, never by sending again.
    """

    def __init__(self, message: str, retry_after: float = 30.0) -> None:
        """Take the sentence and after how many seconds a retry makes sense."""
        super().__init__(message)
        self.retry_after = retry_after


class ExchangeUnreachable(Unavailable):
    """No connection, or one that broke. Nothing of an unsent request reached Exchange."""


class ExchangeBusy(Unavailable):
    """Exchange throttles; ``retry_after`` is what it asked for."""


class ExchangeTimedOut(Unavailable):
    """The total deadline ran out. Whether a write was carried out is not known."""


class AnswerUnusable(Unavailable):
    """Truncated, malformed or partial. Whether a write was carried out is not known."""


class ExchangeFailed(Unavailable):
    """An error of Exchange's own; ``code`` is its name for it."""

    def __init__(self, message: str, code: str = "", retry_after: float = 30.0) -> None:
        """Take the sentence, Exchange's code, and after how many seconds a retry makes sense."""
        super().__init__(message, retry_after)
        self.code = code


class MirrorFilling(Unavailable):
    """The calendar is being read for the first time."""


class WriteUnderWay(Unavailable):
    """Another change of the same resource is being written."""


# --- Exchange's definite answers ---------------------------------------------------------------------


class ExchangeSays(BridgeError):
    """A definite answer of Exchange's: the request was understood and not done."""


class CredentialRefused(ExchangeSays):
    """Exchange does not accept the credential."""


class AccessDenied(ExchangeSays):
    """The viewer lacks a right at Exchange."""


class FolderMissing(ExchangeSays):
    """The folder is not there, or Exchange does not let the viewer know of it."""


class ItemMissing(ExchangeSays):
    """The item is not there any more."""


class ItemChanged(ExchangeSays):
    """The change key is stale (ErrorIrresolvableConflict)."""


class CursorExpired(ExchangeSays):
    """The cursor is not known any more (ErrorInvalidSyncStateData)."""


class RequestRefused(ExchangeSays):
    """The item breaks a rule of Exchange's; ``code`` is Exchange's name for the rule."""

    def __init__(self, message: str, code: str) -> None:
        """Take the sentence and Exchange's code."""
        super().__init__(message)
        self.code = code
