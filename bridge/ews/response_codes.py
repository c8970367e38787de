"""What Exchange's response codes mean to us: one table.

Sources: Microsoft's ResponseCode reference and the operation pages. What is not listed is trouble of Exchange's own,
so that no unknown code ever looks like a definite answer, above all not like something missing.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from bridge.errors import (
    AccessDenied,
    BridgeError,
    CredentialRefused,
    CursorExpired,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeSays,
    FolderMissing,
    ItemChanged,
    ItemMissing,
    RequestRefused,
)

BUSY_SECONDS = 10.0
"""How long we wait when Exchange says that it is busy and not for how long."""
LONGEST_BUSY = 3600.0
"""More than an hour is not believed: it would shut a mailbox out by one mistaken number."""

BUSY = frozenset({"ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"})
"""Throttling (EWS throttling in Exchange): nothing was done, and the mailbox shall be left alone for a while."""

WRONG_VERSION = frozenset(
    {
        "ErrorInvalidServerVersion",
        "ErrorIncorrectSchemaVersion",
        "ErrorInvalidSchemaVersionForMailboxVersion",
        "ErrorWrongServerVersion",
    }
)
"""The request names a version that the server, or the mailbox's own server, does not speak."""

NOT_OF_ONE_ITEM = frozenset(
    {
        "ErrorMailboxStoreUnavailable",
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxFailover",
        "ErrorMailboxLogonFailed",
        "ErrorTimeoutExpired",
        "ErrorConnectionFailed",
        "ErrorConnectionFailedTransientError",
        "ErrorInternalServerTransientError",
        "ErrorInsufficientResources",
        "ErrorNotEnoughMemory",
        "ErrorRequestAborted",
        "ErrorADUnavailable",
    }
)
"""Said in the place of an item, yet about the mailbox or the server: the item is as well as before."""

ATTACHMENT_GONE = "ErrorInvalidAttachmentId"
"""The file is not among those of its item any more (ResponseCode)."""
OCCURRENCE_DELETED = "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
OCCURRENCE_OUT_OF_RANGE = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"

_DEFINITE: Mapping[str, type[ExchangeSays]] = MappingProxyType(
    {
        "ErrorItemNotFound": ItemMissing,
        "ErrorCalendarCannotUpdateDeletedItem": ItemMissing,
        OCCURRENCE_DELETED: ItemMissing,
        ATTACHMENT_GONE: ItemMissing,
        "ErrorFolderNotFound": FolderMissing,
        "ErrorSyncFolderNotFound": FolderMissing,
        "ErrorParentFolderNotFound": FolderMissing,
        "ErrorSavedItemFolderNotFound": FolderMissing,
        "ErrorNonExistentMailbox": FolderMissing,
        "ErrorMissingEmailAddress": FolderMissing,
        "ErrorAccessDenied": AccessDenied,
        "ErrorCannotDeleteObject": AccessDenied,
        "ErrorCreateItemAccessDenied": AccessDenied,
        # A service account that may not ask as this mailbox: its password is right all the same
        "ErrorImpersonateUserDenied": AccessDenied,
        "ErrorImpersonationDenied": AccessDenied,
        "ErrorRecoverableItemsAccessDenied": AccessDenied,
        "ErrorUserNotAllowedByPolicy": AccessDenied,
        "ErrorAccountDisabled": CredentialRefused,
        "ErrorPasswordExpired": CredentialRefused,
        "ErrorPasswordChangeRequired": CredentialRefused,
        "ErrorIrresolvableConflict": ItemChanged,
        "ErrorStaleObject": ItemChanged,
        "ErrorChangeKeyRequired": ItemChanged,
        "ErrorChangeKeyRequiredForWriteOperations": ItemChanged,
        "ErrorInvalidChangeKey": ItemChanged,
        "ErrorInvalidSyncStateData": CursorExpired,
    }
)

_OF_THE_ITEM = frozenset(
    {
        "ErrorAttachmentSizeLimitExceeded",
        "ErrorDataSizeLimitExceeded",
        "ErrorIncorrectUpdatePropertyCount",
        "ErrorInvalidArgument",
        "ErrorInvalidExtendedProperty",
        "ErrorInvalidExtendedPropertyValue",
        "ErrorInvalidPropertyAppend",
        "ErrorInvalidPropertyDelete",
        "ErrorInvalidPropertyForOperation",
        "ErrorInvalidPropertyRequest",
        "ErrorInvalidPropertySet",
        "ErrorInvalidRecipients",
        "ErrorInvalidRoutingType",
        "ErrorInvalidSmtpAddress",
        "ErrorInvalidValueForProperty",
        "ErrorItemSavePropertyError",
        "ErrorMessageSizeExceeded",
        "ErrorPropertyUpdate",
        "ErrorPropertyValidationFailure",
        "ErrorQuotaExceeded",
        # Of folders
        "ErrorDeleteDistinguishedFolder",
        "ErrorFolderExists",
        "ErrorFolderSave",
        "ErrorFolderSavePropertyError",
        "ErrorMoveDistinguishedFolder",
        "ErrorRequiredPropertyMissing",
        "ErrorSchemaValidation",
        "ErrorTimeZone",
        "ErrorUnsupportedPropertyDefinition",
        "ErrorUpdatePropertyMismatch",
        "ErrorValueOutOfRange",
    }
)
_OF_THE_ITEM_PREFIXES = ("ErrorCalendar", "ErrorOccurrence", "ErrorRecurrence", "ErrorUnsupportedRecurrence")

_CODE = re.compile(r"(?:Error|HTTP )[A-Za-z0-9]{1,80}")
_SENTENCES: Mapping[type[ExchangeSays], str] = MappingProxyType(
    {
        ItemMissing: "The event is not at Exchange any more",
        FolderMissing: "Exchange knows no such calendar",
        AccessDenied: "Exchange does not allow this",
        CredentialRefused: "Exchange does not accept the user name and password",
        ItemChanged: "The event was changed at Exchange in the meantime",
        CursorExpired: "Exchange does not know this state of the calendar any more",
    }
)


def bounded_wait(seconds: float) -> float:
    """Give a wait that Exchange asked for, kept to what is believable."""
    return min(max(seconds, 1.0), LONGEST_BUSY)


def error_for(code: str, back_off: float | None = None) -> BridgeError:
    """Give the error that a response code stands for; ``back_off`` is the wait Exchange named, in seconds.

    The message holds the code, never Exchange's own text, which may quote an event.
    """
    code = code if _CODE.fullmatch(code) else "an error without a known name"
    if code in BUSY:
        wait = bounded_wait(BUSY_SECONDS if back_off is None else back_off)
        return ExchangeBusy(f"Exchange is busy ({code}) and asks for {wait:.0f} seconds.", wait)
    kind = _DEFINITE.get(code)
    if kind is not None:
        return kind(f"{_SENTENCES[kind]} ({code}).")
    if code in _OF_THE_ITEM or code.startswith(_OF_THE_ITEM_PREFIXES):
        return RequestRefused(f"Exchange refuses it ({code}).", code)
    return ExchangeFailed(f"Exchange could not do it ({code}).", code)
