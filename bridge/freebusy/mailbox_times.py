"""What Exchange tells of mailboxes' time, month by month for each viewer: asked once, kept, told with its age.

Kept in the mirror, too: a process that starts anew, or finds Exchange away, has what was told last.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from bridge.errors import AnswerUnusable, BridgeError, ExchangeTimedOut, Unavailable
from bridge.exchange import Deadline, Exchange, Waiters
from bridge.freebusy.months import first_instant, months_between
from bridge.mirror.busy_months import BusyMonth, BusyMonths
from bridge.model import Address, Availability, Block, Caller, NoAvailability, Viewer

LOG = logging.getLogger(__name__)

LONGEST_WAIT = 20.0
"""Seconds a request waits for Exchange's answer."""
MONTHS_HELD = 20_000
"""Months of mailboxes that are held over all viewers."""


@dataclass(frozen=True, slots=True)
class MailboxBlocks:
    """A mailbox's blocks in whole months, and when Exchange told the oldest of them (UTC)."""

    mailbox: Address
    blocks: tuple[Block, ...]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class _Told:
    asked_at: datetime
    answer: tuple[Block, ...] | NoAvailability


_Key = tuple[Viewer, Address, int]
_Flight = Future[dict[_Key, _Told]]


class MailboxTimes:
    """Availability, cached and asked once when many ask. Thread-safe."""

    def __init__(
        self,
        exchange: Exchange,
        kept: BusyMonths,
        waiters: Waiters,
        *,
        now: Callable[[], datetime],
        fresh: float = 60.0,
    ) -> None:
        """Take the port, the mirror's months, the bound on waiting threads, a clock (UTC).

        ``fresh`` is for how many seconds a mailbox is not asked about again.
        """
        self._exchange = exchange
        self._kept = kept
        self._waiters = waiters
        self._now = now
        self._fresh = timedelta(seconds=fresh)
        self._lock = threading.Lock()
        self._told: LRUCache[_Key, _Told] = LRUCache(MONTHS_HELD)
        self._flights: dict[_Key, _Flight] = {}

    def ask(
        self, caller: Caller, mailboxes: Sequence[Address], start: datetime, end: datetime
    ) -> tuple[MailboxBlocks | NoAvailability, ...]:
        """Give each mailbox's blocks in the months of a span (UTC), in order; an old answer where there is no new one.

        Raises what the port raises, where a mailbox's time is not known at all.
        """
        keys = [(caller.viewer, each, month) for each in mailboxes for month in months_between(start, end)]
        self._recall(caller.viewer, keys)
        known, mine, flights = self._sort(dict.fromkeys(keys))
        trouble: BridgeError | None = None
        if mine:
            trouble = self._fly(caller, mine, known)
        for flight in flights:
            trouble = self._join(caller.viewer, flight, known) or trouble
        if any(key not in known for key in keys):
            raise trouble or AnswerUnusable("Exchange did not tell of every mailbox that was asked for.")
        if trouble is not None and not isinstance(trouble, Unavailable):
            raise trouble
        months = months_between(start, end)
        return tuple(_together(each, [known[caller.viewer, each, month] for month in months]) for each in mailboxes)

    def _recall(self, viewer: Viewer, keys: Iterable[_Key]) -> None:
        """Bring into memory what the mirror keeps and memory has not; a mirror that cannot be used keeps nothing."""
        with self._lock:
            unknown = [(mailbox, month) for _, mailbox, month in keys if (viewer, mailbox, month) not in self._told]
        try:
            kept = self._kept.get(viewer, unknown) if unknown else {}
        except Unavailable:
            return
        with self._lock:
            for (mailbox, month), each in kept.items():
                self._told.setdefault((viewer, mailbox, month), _Told(each.asked_at, each.blocks))

    def _keep(self, viewer: Viewer, answers: Mapping[_Key, _Told]) -> None:
        told = {
            (mailbox, month): BusyMonth(each.asked_at, each.answer)
            for (_, mailbox, month), each in answers.items()
            if not isinstance(each.answer, NoAvailability)
        }
        refused = {mailbox for (_, mailbox, _), each in answers.items() if isinstance(each.answer, NoAvailability)}
        try:
            self._kept.put(viewer, told, refused)
        except Unavailable as problem:
            LOG.warning("what Exchange told of people's time is not kept: %s", problem)

    def _sort(self, keys: Iterable[_Key]) -> tuple[dict[_Key, _Told], dict[_Key, _Flight], list[_Flight]]:
        """Give what is known, however old; what this thread is to ask for; and what others are asking for already."""
        known: dict[_Key, _Told] = {}
        mine: dict[_Key, _Flight] = {}
        others: dict[int, _Flight] = {}
        flight: _Flight = Future()
        with self._lock:
            oldest = self._now() - self._fresh
            for key in keys:
                told: _Told | None = self._told.get(key)
                if told is not None:
                    known[key] = told
                if told is not None and told.asked_at >= oldest:
                    continue
                if key in self._flights:
                    others[id(self._flights[key])] = self._flights[key]
                else:
                    mine[key] = self._flights[key] = flight
        return known, mine, list(others.values())

    def _fly(self, caller: Caller, mine: dict[_Key, _Flight], known: dict[_Key, _Told]) -> BridgeError | None:
        """Ask Exchange for these months in one call, tell those who wait, and give the trouble there was."""
        flight = next(iter(mine.values()))
        answers: dict[_Key, _Told] = {}
        try:
            with self._waiters.waiting(caller.viewer):
                answers = self._ask(caller, mine)
        except BridgeError as problem:
            flight.set_exception(problem)
            return problem
        except BaseException as problem:
            flight.set_exception(problem)
            raise
        else:
            known.update(answers)
            flight.set_result(answers)
            self._keep(caller.viewer, answers)
            return None
        finally:
            with self._lock:
                self._told.update(answers)
                for key in mine:
                    del self._flights[key]

    def _ask(self, caller: Caller, keys: Iterable[_Key]) -> dict[_Key, _Told]:
        wanted = set(keys)
        mailboxes = tuple(dict.fromkeys(mailbox for _, mailbox, _ in wanted))
        months = range(min(month for *_, month in wanted), max(month for *_, month in wanted) + 1)
        start, end = first_instant(months.start), first_instant(months.stop)
        asked_at = self._now()
        answers = self._exchange.availability(caller, mailboxes, start, end, Deadline.after(LONGEST_WAIT))
        if len(answers) != len(mailboxes):
            raise AnswerUnusable("Exchange did not tell of every mailbox that was asked for.")
        return {
            (caller.viewer, mailbox, month): _Told(asked_at, _of_month(answer, month))
            for mailbox, answer in zip(mailboxes, answers, strict=True)
            for month in months
        }

    def _join(self, viewer: Viewer, flight: _Flight, known: dict[_Key, _Told]) -> BridgeError | None:
        """Wait for what another thread is asking, and give the trouble there was."""
        try:
            with self._waiters.waiting(viewer):
                known.update(flight.result(timeout=LONGEST_WAIT))
        except WaitedTooLong:
            return ExchangeTimedOut("Exchange has not told in time when people are busy.")
        except BridgeError as problem:
            return problem
        return None


def _of_month(answer: Availability | NoAvailability, month: int) -> tuple[Block, ...] | NoAvailability:
    if isinstance(answer, NoAvailability):
        return answer
    start, end = first_instant(month), first_instant(month + 1)
    return tuple(each for each in answer.blocks if each.start < end and each.end > start)


def _together(mailbox: Address, told: Sequence[_Told]) -> MailboxBlocks | NoAvailability:
    """Put a mailbox's months together; where one of them is refused, nothing is told."""
    blocks: list[Block] = []
    for each in told:
        if isinstance(each.answer, NoAvailability):
            return each.answer
        blocks += each.answer
    return MailboxBlocks(mailbox, tuple(dict.fromkeys(blocks)), min(each.asked_at for each in told))
