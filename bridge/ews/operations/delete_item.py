"""DeleteItem: events go to Deleted Items or to the recoverable items, without mail to anyone (SendToNone)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bridge.errors import ExchangeSays
from bridge.ews.response import ResponseMessage, expect
from bridge.ews.response_codes import OCCURRENCE_DELETED
from bridge.ews.series import occurrence_id
from bridge.ews.xml import Element, message_element, type_element
from bridge.exchange import Deletion
from bridge.item import ItemRef

_TYPES: Mapping[Deletion, str] = MappingProxyType(
    {Deletion.TO_DELETED_ITEMS: "MoveToDeletedItems", Deletion.SOFT: "SoftDelete"}
)


def request(ref: ItemRef, how: Deletion) -> Element:
    """Ask for an event to be deleted."""
    return _request([type_element("ItemId", Id=ref.id, ChangeKey=ref.change_key)], how)


def occurrences_request(master: ItemRef, indexes: Sequence[int], how: Deletion) -> Element:
    """Ask for occurrences of a series to be deleted, the last of them first.

    On servers where a deleted occurrence no longer counts, the indexes before it stay as they are. No change key goes
    along: each deletion moves the master's, and DeleteItem finds no conflicts by it.
    """
    return _request([occurrence_id(master, index) for index in _in_turn(indexes)], how)


def read(response: Element) -> None:
    """Raise what the code stands for unless the event was deleted."""
    (message,) = expect(response, 1)
    message.content()


def read_occurrences(response: Element, indexes: Sequence[int]) -> tuple[ExchangeSays | None, ...]:
    """Read what became of each occurrence, in the order of the indexes; None for each that is gone now.

    Raises Unavailable where an answer does not tell that.
    """
    in_turn = _in_turn(indexes)
    outcomes = dict(zip(in_turn, map(_outcome, expect(response, len(in_turn))), strict=True))
    return tuple(outcomes[index] for index in indexes)


def _in_turn(indexes: Sequence[int]) -> list[int]:
    return sorted(set(indexes), reverse=True)


def _outcome(message: ResponseMessage) -> ExchangeSays | None:
    if message.code == OCCURRENCE_DELETED:
        return None
    try:
        message.content()
    except ExchangeSays as error:
        return error
    return None


def _request(named: Sequence[Element], how: Deletion) -> Element:
    return message_element(
        "DeleteItem",
        message_element("ItemIds", *named),
        DeleteType=_TYPES[how],
        SendMeetingCancellations="SendToNone",
    )
