"""What the contract suite runs on: a back end with three people behind it."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.exchange import Exchange
from bridge.model import Address, CalendarRef, Caller


@dataclass(frozen=True)
class Subject:
    """A back end; an owner with his default calendar, a reader of it, and a stranger who shares nothing.

    ``service`` is the owner again, asked for by a service account; ``meddler`` too, by one that may not impersonate.
    ``lose_subscriptions`` does what a restart of the server does.
    """

    exchange: Exchange
    owner: Caller
    owner_alias: Address
    reader: Caller
    stranger: Caller
    calendar: CalendarRef
    service: Caller
    meddler: Caller
    lose_subscriptions: Callable[[], None]
    delegates_subscribe: bool = False
    lists_for_any_cursor: bool = False
    lists_rooms: bool = True
    weeks_from_sunday: bool = False
    """Weeks begin on Sunday, whatever a pattern says."""
    has_no_resources: bool = False
    """Rooms and things are read back as people who must come."""
