"""GetUserAvailability: when people are busy, for a window of days and some mailboxes.

Asked for FreeBusyMerged, times and statuses without what fills them. The zone sent is UTC, so the times of the answer,
which bear no offset, are UTC. The answer has no response messages but a FreeBusyResponse for each mailbox, in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import MappingProxyType

from bridge.errors import AnswerUnusable
from bridge.ews.response import ResponseMessage, response_message
from bridge.ews.xml import (
    TYPES,
    Element,
    find_message,
    find_type,
    from_instant,
    message_element,
    text_element,
    type_element,
    type_text,
)
from bridge.item import BusyStatus
from bridge.model import Address, Availability, Block, NoAvailability

MOST_MAILBOXES = 100
"""ErrorMailboxDataArrayTooBig."""
LONGEST_WINDOW = timedelta(days=42)
"""ErrorTimeIntervalTooBig; documented as 42 days, newer servers take 62."""
SHORTEST_WINDOW = timedelta(days=1)
"""A shorter one is ErrorInvalidTimeInterval (EWS Managed API: at least 24 hours)."""
WINDOW_TOO_BIG = "ErrorTimeIntervalTooBig"
_SLOT = timedelta(minutes=15)
_UNKNOWN_CODES = frozenset(
    {
        "ErrorMailRecipientNotFound",
        "ErrorNonExistentMailbox",
        "ErrorCannotFindUser",
        "ErrorInvalidSmtpAddress",
        "ErrorNameResolutionNoResults",
        "ErrorNameResolutionNoMailbox",
    }
)
_DIGITS: Mapping[str, BusyStatus] = MappingProxyType(
    {"0": BusyStatus.FREE, "1": BusyStatus.TENTATIVE, "2": BusyStatus.BUSY, "3": BusyStatus.OUT_OF_OFFICE}
)
"""MergedFreeBusy. What is not here is not known: 4 is no data up to Exchange 2010 and working elsewhere since 2013."""
_STATUSES: Mapping[str, BusyStatus] = MappingProxyType({status.value: status for status in BusyStatus})
_WITH_EVENTS = frozenset({"FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"})


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time (UTC, whole seconds, end exclusive)."""

    start: datetime
    end: datetime


def request(mailboxes: Sequence[Address], window: Window) -> Element:
    """Ask for the mailboxes' time; at most `MOST_MAILBOXES`, from `SHORTEST_WINDOW` to `LONGEST_WINDOW`."""
    options = type_element(
        "FreeBusyViewOptions",
        type_element(
            "TimeWindow",
            text_element("StartTime", _to_naive(window.start)),
            text_element("EndTime", _to_naive(window.end)),
        ),
        text_element("MergedFreeBusyIntervalInMinutes", str(_SLOT // timedelta(minutes=1))),
        text_element("RequestedView", "FreeBusyMerged"),
    )
    people = message_element("MailboxDataArray", *map(_mailbox_data, mailboxes))
    return message_element("GetUserAvailabilityRequest", _utc(), people, options)


def read(response: Element, mailboxes: Sequence[Address], window: Window) -> tuple[Availability | NoAvailability, ...]:
    """Read what is told of each mailbox in the window that was asked for, in order; blocks may reach beyond it.

    Raises AnswerUnusable when there is not one answer for each.
    """
    listed = find_message(response, "FreeBusyResponseArray")
    told = [] if listed is None else list(listed)
    if len(told) != len(mailboxes):
        raise AnswerUnusable(f"Exchange told of {len(told)} mailboxes where {len(mailboxes)} were asked.")
    return tuple(_one(mailbox, element, window) for mailbox, element in zip(mailboxes, told, strict=True))


# --- asking ------------------------------------------------------------------------------------------


def _to_naive(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()


def _mailbox_data(mailbox: Address) -> Element:
    return type_element(
        "MailboxData",
        type_element("Email", text_element("Address", mailbox)),
        text_element("AttendeeType", "Required"),
        text_element("ExcludeConflicts", "false"),
    )


def _utc() -> Element:
    """Make UTC as a SerializableTimeZone: two changes of clocks must be named, so here they change by nothing."""
    return type_element(
        "TimeZone",
        text_element("Bias", "0"),
        _change_of_clocks("StandardTime", month=10),
        _change_of_clocks("DaylightTime", month=3),
    )


def _change_of_clocks(name: str, month: int) -> Element:
    return type_element(
        name,
        text_element("Bias", "0"),
        text_element("Time", "02:00:00"),
        text_element("DayOrder", "1"),
        text_element("Month", str(month)),
        text_element("DayOfWeek", "Sunday"),
    )


# --- reading -----------------------------------------------------------------------------------------


def _one(mailbox: Address, element: Element, window: Window) -> Availability | NoAvailability:
    message = _message(element)
    if message is not None and message.is_error:
        is_unknown, is_refused = message.code in _UNKNOWN_CODES, message.code == "ErrorNoFreeBusyAccess"
        return NoAvailability(mailbox, message.code, is_unknown, is_refused)
    view = find_message(element, "FreeBusyView")
    if view is None:
        return NoAvailability(mailbox, "NoFreeBusyView")
    listed = find_type(view, "CalendarEventArray")
    merged = type_text(view, "MergedFreeBusy").strip()
    has_events = listed is not None or bool(_WITH_EVENTS & set(type_text(view, "FreeBusyViewType").split()))
    if not has_events and not merged:
        return NoAvailability(mailbox, "NoFreeBusyData")
    try:
        events = [] if listed is None else [_event(one) for one in listed.iterchildren(f"{{{TYPES}}}CalendarEvent")]
    except ValueError:
        return NoAvailability(mailbox, "FreeBusyNotUnderstood")
    statuses = [_DIGITS.get(digit, BusyStatus.NO_DATA) for digit in merged]
    if has_events:
        statuses = _unaccounted(statuses, events, window)
    blocks = (*events, *_slots(statuses, window))
    return Availability(mailbox, tuple(block for block in blocks if block.status is not BusyStatus.FREE))


def _message(element: Element) -> ResponseMessage | None:
    told = find_message(element, "ResponseMessage")
    return None if told is None else response_message(told)


def _event(element: Element) -> Block:
    """Read an event; a status not known to us counts as busy. Raises ValueError without its times."""
    status = _STATUSES.get(type_text(element, "BusyType").strip(), BusyStatus.BUSY)
    return Block(from_instant(type_text(element, "StartTime")), from_instant(type_text(element, "EndTime")), status)


def _unaccounted(statuses: Sequence[BusyStatus], events: Sequence[Block], window: Window) -> list[BusyStatus]:
    """Leave of the coarser stream only what the events do not tell: of which time nothing is known."""

    def is_told(place: int) -> bool:
        start = window.start + place * _SLOT
        return any(event.start < start + _SLOT and start < event.end for event in events)

    return [
        status if status is BusyStatus.NO_DATA and not is_told(place) else BusyStatus.FREE
        for place, status in enumerate(statuses)
    ]


def _slots(statuses: Sequence[BusyStatus], window: Window) -> Iterator[Block]:
    """Read the stream, a status for each interval from the start of the window on; equal neighbours are one block."""
    place = 0
    for status, run in groupby(statuses):
        length = len(list(run))
        yield Block(window.start + place * _SLOT, window.start + (place + length) * _SLOT, status)
        place += length
