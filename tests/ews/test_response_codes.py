"""The table of response codes."""

import pytest

from bridge.errors import (
    AccessDenied,
    BridgeError,
    CursorExpired,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeSays,
    FolderMissing,
    ItemChanged,
    ItemMissing,
    RequestRefused,
)
from bridge.ews.response_codes import error_for


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorItemNotFound", ItemMissing),
        ("ErrorFolderNotFound", FolderMissing),
        ("ErrorNonExistentMailbox", FolderMissing),
        ("ErrorSyncFolderNotFound", FolderMissing),
        ("ErrorAccessDenied", AccessDenied),
        ("ErrorCannotDeleteObject", AccessDenied),
        ("ErrorIrresolvableConflict", ItemChanged),
        ("ErrorChangeKeyRequired", ItemChanged),
        ("ErrorChangeKeyRequiredForWriteOperations", ItemChanged),
        ("ErrorStaleObject", ItemChanged),
        ("ErrorInvalidSyncStateData", CursorExpired),
        ("ErrorServerBusy", ExchangeBusy),
        ("ErrorExceededConnectionCount", ExchangeBusy),
        ("ErrorCalendarDurationIsTooLong", RequestRefused),
        ("ErrorCalendarEndDateIsEarlierThanStartDate", RequestRefused),
        ("ErrorOccurrenceCrossingBoundary", RequestRefused),
        ("ErrorPropertyValidationFailure", RequestRefused),
        ("ErrorInvalidPropertySet", RequestRefused),
        ("ErrorQuotaExceeded", RequestRefused),
        ("ErrorInternalServerError", ExchangeFailed),
        ("ErrorMailboxStoreUnavailable", ExchangeFailed),
        ("ErrorInvalidRequest", ExchangeFailed),
        ("ErrorNobodyHasSeenYet", ExchangeFailed),
        ("", ExchangeFailed),
    ],
)
def test_a_code_stands_for_one_error(code: str, kind: type[BridgeError]) -> None:
    assert type(error_for(code)) is kind


def test_an_unknown_code_is_never_a_definite_answer() -> None:
    for code in ("ErrorSomethingNotFound", "ErrorNotFound", "NoError", "soap:Client", "ErrorItemNotFound2"):
        assert not isinstance(error_for(code), ExchangeSays)


def test_codes_reach_those_who_act_on_them() -> None:
    refused = error_for("ErrorCalendarDurationIsTooLong")
    failed = error_for("ErrorMailboxMoveInProgress")
    assert isinstance(refused, RequestRefused)
    assert isinstance(failed, ExchangeFailed)
    assert (refused.code, failed.code) == ("ErrorCalendarDurationIsTooLong", "ErrorMailboxMoveInProgress")


def test_what_is_no_code_is_not_repeated() -> None:
    error = error_for("The subject 'Divorce' is too long")
    assert "Divorce" not in str(error)
