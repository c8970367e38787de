"""What the contract suite runs on: a back end with three people behind it."""

from dataclasses import dataclass

from bridge.exchange import Exchange
from bridge.model import Address, CalendarRef, Caller


@dataclass(frozen=True)
class Subject:
    """A back end; an owner with his default calendar, a reader of it, and a stranger who shares nothing."""

    exchange: Exchange
    owner: Caller
    owner_alias: Address
    reader: Caller
    stranger: Caller
    calendar: CalendarRef
    lists_for_any_cursor: bool = False
    lists_rooms: bool = True
    weeks_from_sunday: bool = False
    """Weeks begin on Sunday, whatever a pattern says."""
    has_no_resources: bool = False
    """Rooms and things are read back as people who must come."""
