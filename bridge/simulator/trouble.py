"""What can go wrong in a call, as EWS tells it.

EwsError             one item of a batch failed; the others go on (HTTP 200)
Fault                the whole request failed: a SOAP fault (HTTP 500)
  NotSimulated       Exchange could do it, this simulator cannot: never answered as if it could
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXTS = {
    # [V] a real server's text
    "ErrorItemNotFound": "The specified object was not found in the store., "
    "The process failed to get the correct properties.",
    # [D] the texts of the documentation's samples and of its responsecode page
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the change key "
    "passed in the request does not match the current change key for the item.",
    "ErrorChangeKeyRequired": "A change key is required for this operation.",
    "ErrorChangeKeyRequiredForWriteOperations": "A change key is required for this operation.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorExceededConnectionCount": "You have exceeded the available concurrent connections for your account. "
    "Try again once your other requests have completed.",
    # [R] what many have met
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorInvalidUserPrincipalName": "The user principal name (UPN) is not valid.",
    "ErrorInvalidExchangeImpersonationHeaderData": "ExchangeImpersonation SOAP header must be specified correctly.",
    "ErrorNonPrimarySmtpAddress": "The primary SMTP address must be specified when referencing a mailbox.",
    "ErrorSubscriptionNotFound": "The specified subscription was not found.",
    "ErrorSubscriptionAccessDenied": "Access is denied. Only the subscription owner may access the subscription.",
    "ErrorSubscriptionDelegateAccessNotSupported": "Subscriptions are not supported for delegate user access.",
    # What exchangelib's tests have seen Online say
    "ErrorInvalidSubscription": "Subscription is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorSendMeetingInvitationsRequired": "SendMeetingInvitations attribute is required for calendar items.",
    "ErrorSendMeetingInvitationsOrCancellationsRequired": "SendMeetingInvitationsOrCancellations attribute is "
    "required for calendar items.",
    "ErrorSendMeetingCancellationsRequired": "SendMeetingCancellations attribute is required for calendar items.",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "EndDate is earlier than StartDate",
    "ErrorCalendarDurationIsTooLong": "Calendar item duration is too long.",
    "ErrorCalendarViewRangeTooBig": "The calendar view range is too big.",
    "ErrorExceededFindCountLimit": "Your search request exceeds the maximum number of results.",
    "ErrorCannotDeleteObject": "Cannot delete this object.",
    "ErrorItemCorrupt": "The item is corrupt.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorTimeZone": "The time zone is not valid.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorFolderExists": "A folder with the specified name already exists.",
    "ErrorDeleteDistinguishedFolder": "Distinguished folders cannot be deleted.",
    "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange": "Occurrence index is out of recurrence range.",
    "ErrorCalendarOccurrenceIsDeletedFromRecurrence": "Occurrence with this index was previously deleted from the "
    "recurrence.",
    "ErrorOccurrenceCrossingBoundary": "Modified occurrence is crossing or overlapping adjacent occurrence.",
    "ErrorRecurrenceHasNoOccurrence": "Recurrence has no occurrences in the specified range.",
    "ErrorRecurrenceEndDateTooBig": "Recurrence end date can not exceed Sep 1, 4500 00:00:00.",
    "ErrorRequiredPropertyMissing": "Required property is missing.",
    "ErrorInvalidAttachmentId": "The attachment was not found.",
    "ErrorAttachmentSizeLimitExceeded": "The attachment is larger than this server takes.",
    "ErrorCalendarFolderIsInvalidForCalendarView": "The calendar view can be used on calendar folders only.",
}


@dataclass(eq=False)
class EwsError(Exception):
    """One answer of a batch with ResponseClass Error; `code` is the ResponseCode, `path` the property it is about."""

    code: str
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    path: str = ""

    @property
    def message(self) -> str:
        """Give the MessageText."""
        return self.text or TEXTS.get(self.code, self.code)


@dataclass(eq=False)
class Fault(Exception):
    """A SOAP fault: the whole request failed. `details` are the children of MessageXml."""

    code: str
    text: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Give the fault string."""
        return self.text or TEXTS.get(self.code, self.code)


class NotSimulated(Fault):
    """Exchange could do this, the simulator cannot yet; recorded, so that no test passes by it."""

    def __init__(self, what: str) -> None:
        super().__init__("ErrorInvalidOperation", f"This simulated Exchange cannot do that yet: {what}")


def invalid(violation: str, line: int = 0, position: int = 0) -> Fault:
    """Give the fault for a request that breaks the schema. Source: [D] responsecode, ErrorSchemaValidation."""
    details = {"LineNumber": str(line), "LinePosition": str(position), "Violation": violation}
    return Fault("ErrorSchemaValidation", f"The request failed schema validation: {violation}", details)
