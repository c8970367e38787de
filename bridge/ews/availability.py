"""Availability of any number of mailboxes for any window, asked in pieces that Exchange takes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bridge.errors import ExchangeFailed
from bridge.ews.operations import get_user_availability
from bridge.ews.operations.get_user_availability import (
    LONGEST_WINDOW,
    MOST_MAILBOXES,
    SHORTEST_WINDOW,
    WINDOW_TOO_BIG,
    Window,
)
from bridge.ews.xml import Element
from bridge.model import Address, Availability, Block, NoAvailability

Ask = Callable[[Element], Element]
"""Sends a request, bound to a deadline, and gives its response."""
_Told = Availability | NoAvailability


def ask_availability(ask: Ask, mailboxes: Sequence[Address], start: datetime, end: datetime) -> tuple[_Told, ...]:
    """Ask for each mailbox's busy time in the window, in the order of the mailboxes.

    A mailbox of which one piece of the window is not told is not told of at all: what is missing would look free.
    Raises what `bridge.exchange.Exchange` says.
    """
    told: dict[Address, _Told] = {}
    distinct = tuple(dict.fromkeys(mailboxes))
    for place in range(0, len(distinct), MOST_MAILBOXES):
        told |= _some(ask, distinct[place : place + MOST_MAILBOXES], start, end)
    return tuple(told[mailbox] for mailbox in mailboxes)


def _some(ask: Ask, mailboxes: Sequence[Address], start: datetime, end: datetime) -> dict[Address, _Told]:
    blocks: dict[Address, set[Block]] = {mailbox: set() for mailbox in mailboxes}
    refused: dict[Address, _Told] = {}
    for window in _windows(start, end):
        asked = [mailbox for mailbox in mailboxes if mailbox not in refused]
        if not asked:
            break
        for one in _window(ask, asked, window):
            if isinstance(one, Availability):
                blocks[one.mailbox].update(one.blocks)
            else:
                refused[one.mailbox] = one
    whole = {mailbox: _clipped(mailbox, blocks[mailbox], start, end) for mailbox in mailboxes}
    return {**whole, **refused}


def _windows(start: datetime, end: datetime) -> Iterator[Window]:
    while start < end:
        until = min(start + LONGEST_WINDOW, end)
        yield Window(start, until)
        start = until


def _window(ask: Ask, mailboxes: Sequence[Address], window: Window) -> list[_Told]:
    """Ask for one window; halve it where the server takes only shorter ones (ErrorTimeIntervalTooBig)."""
    length = max(window.end - window.start, SHORTEST_WINDOW)
    asked = Window(window.start, window.start + length)
    try:
        told = get_user_availability.read(ask(get_user_availability.request(mailboxes, asked)), mailboxes, asked)
    except ExchangeFailed as error:
        if error.code != WINDOW_TOO_BIG or length == SHORTEST_WINDOW:
            raise
    else:
        if length == SHORTEST_WINDOW or not any(_is_too_big(one) for one in told):
            return list(told)
    middle = asked.start + max(length / 2, SHORTEST_WINDOW)
    first = _window(ask, mailboxes, Window(asked.start, middle))
    return first + _window(ask, mailboxes, Window(middle, asked.end))


def _is_too_big(told: _Told) -> bool:
    return isinstance(told, NoAvailability) and told.reason == WINDOW_TOO_BIG


def _clipped(mailbox: Address, blocks: set[Block], start: datetime, end: datetime) -> Availability:
    clipped = {Block(max(one.start, start), min(one.end, end), one.status) for one in blocks}
    kept = (block for block in clipped if block.start < block.end)
    return Availability(mailbox, tuple(sorted(kept, key=lambda block: (block.start, block.end, block.status))))
