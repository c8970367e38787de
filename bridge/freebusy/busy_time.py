"""When somebody is busy: of a calendar from the occurrence index, of a mailbox from Exchange's availability."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bridge.errors import CredentialRefused, ExchangeFailed, ExchangeSays, LoginRefused
from bridge.freebusy.blocks import clip, merge
from bridge.freebusy.mailbox_times import MailboxTimes
from bridge.freebusy.months import months_between
from bridge.freebusy.occurrence_index import OccurrenceIndex
from bridge.item import BusyStatus
from bridge.model import Address, Block, Caller, NoAvailability
from bridge.resource import Snapshot

LONGEST = timedelta(days=3 * 366)
"""The longest window that may be asked about; within the months of a calendar that the index holds."""

WorkingElsewhere = Literal["free", "busy", "tentative"]
_WORKING_ELSEWHERE = {"free": BusyStatus.FREE, "busy": BusyStatus.BUSY, "tentative": BusyStatus.TENTATIVE}


@dataclass(frozen=True, slots=True)
class Busy:
    """The blocks of a window, clipped to it and merged by status, and when Exchange told the oldest of it (UTC).

    There are blocks of three statuses: tentative, busy, out of office.
    """

    blocks: tuple[Block, ...]
    asked_at: datetime | None


class BusyTime:
    """Gives busy blocks. Time of which Exchange has no data counts as busy: free is said only of what is known."""

    def __init__(
        self,
        index: OccurrenceIndex,
        mailboxes: MailboxTimes,
        *,
        on_refused: Callable[[Caller], None],
        working_elsewhere: WorkingElsewhere = "free",
    ) -> None:
        """Take what it asks; ``on_refused`` hears of credentials gone bad.

        ``working_elsewhere`` is what such time counts as.
        """
        self._index = index
        self._mailboxes = mailboxes
        self._on_refused = on_refused
        self._counted = {
            **{status: status for status in (BusyStatus.TENTATIVE, BusyStatus.BUSY, BusyStatus.OUT_OF_OFFICE)},
            BusyStatus.NO_DATA: BusyStatus.BUSY,
            BusyStatus.WORKING_ELSEWHERE: _WORKING_ELSEWHERE[working_elsewhere],
        }

    def of_calendar(self, snapshot: Snapshot, start: datetime, end: datetime) -> Busy:
        """Give the blocks of a calendar of which the window is mirrored whole (UTC, at most LONGEST)."""
        at = self._index.at(snapshot)
        found = (block for month in months_between(start, end) for block in at.blocks(month))
        return Busy(self._count(found, start, end), snapshot.known_at)

    def of_default_calendar(
        self, caller: Caller, owner: Address, snapshot: Snapshot, start: datetime, end: datetime
    ) -> Busy | NoAvailability:
        """Give the blocks of a mailbox's default calendar of which the window is mirrored whole (UTC, at most LONGEST).

        Where an item of it cannot be read, nobody but Exchange knows when that takes place and recurs: what Exchange
        tells of its owner is added, and where it cannot be had, that is said. Raises Unavailable, LoginRefused.
        """
        known = self.of_calendar(snapshot, start, end)
        if self._index.at(snapshot).all_are_readable():
            return known
        (told,) = self.of_mailboxes(caller, (owner,), start, end)
        if isinstance(told, NoAvailability):
            return known if told.is_refused or told.is_unknown else told
        ages = [each for each in (known.asked_at, told.asked_at) if each is not None]
        return Busy(merge([*known.blocks, *told.blocks]), min(ages, default=None))

    def of_mailboxes(
        self, caller: Caller, mailboxes: Sequence[Address], start: datetime, end: datetime
    ) -> tuple[Busy | NoAvailability, ...]:
        """Give the blocks of each mailbox as Exchange tells them to the caller (UTC window, at most LONGEST), in order.

        A mailbox that is not known or not told of is said as such. Raises Unavailable, LoginRefused.
        """
        try:
            told = self._mailboxes.ask(caller, mailboxes, start, end)
        except CredentialRefused as problem:
            self._on_refused(caller)
            raise LoginRefused("Exchange does not accept this user name and password any more.") from problem
        except ExchangeSays as problem:
            raise ExchangeFailed(f"Exchange does not tell who is busy ({type(problem).__name__}).") from problem
        return tuple(
            each if isinstance(each, NoAvailability) else Busy(self._count(each.blocks, start, end), each.asked_at)
            for each in told
        )

    def _count(self, blocks: Iterable[Block], start: datetime, end: datetime) -> tuple[Block, ...]:
        counted = (
            Block(block.start, block.end, status)
            for block in clip(blocks, start, end)
            if (status := self._counted.get(block.status, BusyStatus.FREE)) is not BusyStatus.FREE
        )
        return merge(counted)
