"""UpdateItem: some attributes of events, without mail to anyone (SendToNone).

One event or master is written against its change key. Occurrences of a series go many in one call.
"""

from collections.abc import Sequence

from bridge.errors import ExchangeSays
from bridge.ews.editions import Edition
from bridge.ews.items import Row, refuse_inexpressible, rows_for, rows_for_occurrence
from bridge.ews.operations.create_item import written_reference
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.series import occurrence_id
from bridge.ews.xml import Element, message_element, type_element
from bridge.exchange import OccurrenceWrite
from bridge.item import Attribute, Content, ItemRef

_REFUSE_STALE = "NeverOverwrite"
_TAKE_STALE = "AlwaysOverwrite"


def request(ref: ItemRef, content: Content, changed: frozenset[Attribute], edition: Edition) -> Element:
    """Ask for the named attributes to be as in the content: each set by itself, or deleted where it has nothing.

    NeverOverwrite refuses the write when the change key is stale (ConflictResolution). Raises RequestRefused for what
    cannot be written.
    """
    _refuse(content, changed, edition)
    named = type_element("ItemId", Id=ref.id, ChangeKey=ref.change_key)
    return _request([_change(named, rows_for(changed, edition), content)], _REFUSE_STALE)


def occurrences_request(master: ItemRef, writes: Sequence[OccurrenceWrite], edition: Edition) -> Element:
    """Ask for occurrences to be changed, by index, or by the item of one that is an exception already.

    A master and all its occurrences have one change key, and it moves with each of them that changes (OccurrenceItemId,
    Microsoft's reference). So a single occurrence is written like any event: against the master's key, refused when
    that is stale. Of several in one call each but the first would be stale by the one before it; ConflictResolution is
    said once for all of them, so they are written by AlwaysOverwrite, with the key, since some versions want one there
    (ErrorChangeKeyRequiredForWriteOperations). AutoResolve would not do: it may leave a value as it was and report
    success. What somebody else wrote meanwhile to other attributes or other occurrences stays in any case; whether the
    series is still the one that the indexes were counted in, the caller has to have made sure of.

    Raises RequestRefused for what cannot be written to an occurrence; nothing is sent then.
    """
    for one in writes:
        _refuse(one.content, one.changed, edition)
    changes = [_change(_named(master, one), rows_for_occurrence(one.changed, edition), one.content) for one in writes]
    return _request(changes, _REFUSE_STALE if len(changes) == 1 else _TAKE_STALE)


def read(response: Element) -> ItemRef:
    """Read the new version of the item. Raises ItemChanged, ItemMissing, what another error code stands for."""
    (message,) = expect(response, 1)
    return written_reference(message.content())


def read_occurrences(response: Element, count: int) -> tuple[ItemRef | ExchangeSays, ...]:
    """Read what became of each occurrence, in the order asked.

    Raises Unavailable where an answer does not tell that: which of them were written is then found out by reading.
    """
    return tuple(_outcome(message) for message in expect(response, count))


def _refuse(content: Content, changed: frozenset[Attribute], edition: Edition) -> None:
    if "busy_status" in changed:
        refuse_inexpressible(content, edition)


def _outcome(message: ResponseMessage) -> ItemRef | ExchangeSays:
    try:
        return written_reference(message.content())
    except ExchangeSays as error:
        return error


def _request(changes: Sequence[Element], conflicts: str) -> Element:
    return message_element(
        "UpdateItem",
        message_element("ItemChanges", *changes),
        ConflictResolution=conflicts,
        MessageDisposition="SaveOnly",
        SendMeetingInvitationsOrCancellations="SendToNone",
    )


def _named(master: ItemRef, write: OccurrenceWrite) -> Element:
    if write.known is None:
        return occurrence_id(master, write.index, master.change_key)
    return type_element("ItemId", Id=write.known.id, ChangeKey=master.change_key)


def _change(named: Element, rows: Sequence[Row], content: Content) -> Element:
    updates = [update for update in (_update(row, content) for row in rows) if update is not None]
    return type_element("ItemChange", named, type_element("Updates", *updates))


def _update(row: Row, content: Content) -> Element | None:
    element = row.to_item(content)
    if element is not None:
        return type_element("SetItemField", row.field_uri(), type_element("CalendarItem", element))
    return type_element("DeleteItemField", row.field_uri()) if row.is_clearable else None
