"""What is watched, as the one thread that watches keeps it: places in units, and units in channels.

* A *place* is a calendar as one viewer has it.
* A *unit* holds the places of one mailbox that are asked for by one caller: one subscription.
* A *channel* holds the units whose changes come over one stream: those of one viewer, who is asked for with his own
  credential, or many mailboxes' that a service account asks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.exchange import Notifications, Stream, Subscription, SubscriptionId
from bridge.model import Address, CalendarRef, Caller, FolderId, ServedCalendar, Viewer

MOST_UNITS = 200
"""Subscriptions on one stream (EWS: GetStreamingEvents takes so many)."""
FIRST_RETRY, LAST_RETRY = 5.0, 300.0
"""Seconds until what has failed is tried again: the first time, and when it goes on failing."""


@dataclass(eq=False, slots=True)
class Retry:
    """When (seconds, monotonic) something is to be tried again."""

    at: float = 0.0
    failures: int = 0

    def fail(self, now: float, wait: float = 0.0) -> None:
        """Put it off, longer each time; for as long as Exchange asked for at least."""
        self.at = now + max(wait, min(LAST_RETRY, FIRST_RETRY * 2**self.failures))
        self.failures += 1

    def succeed(self) -> None:
        """Forget the failures."""
        self.at, self.failures = 0.0, 0


@dataclass(eq=False, slots=True)
class Place:
    """A calendar as one viewer has it. ``seen_at`` is when (monotonic) he last asked for it.

    ``said`` counts how often it was said to have changed, ``read`` is which of these a pull that began later has dealt
    with. ``is_ours``: no other process watches it.
    """

    served: ServedCalendar
    seen_at: float
    said: int = 1
    read: int = 0
    is_pulling: bool = False
    is_ours: bool = False
    retry: Retry = field(default_factory=Retry)

    @property
    def ref(self) -> CalendarRef:
        """The calendar and its viewer."""
        return self.served.calendar.ref


@dataclass(eq=False, slots=True)
class Unit:
    """The places of one mailbox on one channel. ``owner`` is the mailbox's own viewer.

    ``how`` is None until Exchange was asked how it tells of changes.

    ``subscribed`` are the folders of the subscription; ``asked_at`` is when (monotonic) it was last looked whether
    something changed, where Exchange does not say so by itself.
    """

    owner: Viewer
    places: dict[CalendarRef, Place] = field(default_factory=dict)
    how: Notifications | None = None
    subscription: Subscription | None = None
    subscribed: frozenset[FolderId] = frozenset()
    asked_at: float = 0.0
    is_asking: bool = False

    @property
    def mailbox(self) -> Address:
        """Whose it is."""
        return self.owner.address

    def say(self, folders: frozenset[FolderId] = frozenset()) -> None:
        """Note that these have changed; that all have, where none of them is known here."""
        named = [place for place in self.places.values() if place.ref.folder in folders]
        for place in named or self.places.values():
            place.said += 1


@dataclass(eq=False, slots=True)
class Channel:
    """Units and their stream. ``viewer`` is whose credential is used, None for the service account's.

    ``caller`` is as whom the stream was asked for, ``opened_at`` when (monotonic).

    ``open_at`` is when (monotonic) it is to be opened, or opened anew because of what came in; None when it is right.
    ``claim_at`` is when it is looked again whether other processes still watch what they do; None when they watch none.
    """

    viewer: Viewer | None
    units: dict[Address, Unit] = field(default_factory=dict)
    stream: Stream | None = None
    caller: Caller | None = None
    opened_at: float = 0.0
    open_at: float | None = 0.0
    claim_at: float | None = None
    is_opening: bool = False
    retry: Retry = field(default_factory=Retry)

    def places(self) -> Iterator[Place]:
        """Give all places."""
        for unit in self.units.values():
            yield from unit.places.values()

    def unit_of(self, subscription: SubscriptionId) -> Unit | None:
        """Give the unit that a subscription is of."""
        units = self.units.values()
        return next((one for one in units if one.subscription and one.subscription.id == subscription), None)

    def open_by(self, at: float) -> None:
        """Have it opened at that time at the latest."""
        self.open_at = at if self.open_at is None else min(at, self.open_at)

    def lose_subscriptions(self) -> None:
        """Note that Exchange does not know any subscription any more."""
        for unit in self.units.values():
            unit.subscription = None
