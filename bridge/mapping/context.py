"""Whose calendar it is, its zone, how clients reach it, and what is known of the server's zones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge.item import UTC_ZONE, Zone
from bridge.model import Mailbox, Name
from bridge.zone_definition import ZoneDefinition
from bridge.zone_rules import LAST_TOLD_YEAR

_NO_NAME = Name("")


@dataclass(frozen=True, slots=True)
class ServerZones:
    """What is known of a server's zones when a series is written.

    ``definitions`` are its own rules by Windows id, None for one that it does not know; what was not asked for is not
    there, and taken to be as ours. A series without end is held against them until the year ``until``.
    ``defines_zones``: the server takes a zone with rules of its own.
    """

    definitions: Mapping[str, ZoneDefinition | None] = field(default_factory=dict)
    until: int = LAST_TOLD_YEAR
    defines_zones: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """What mapping must know beside the event: ``mailbox``, whose addresses mean "self", and ``zone``.

    Floating times and new all-day events are taken to be in ``zone``. ``calendar_url`` is the calendar's whole URL as
    clients reach it, with a slash at its end, and ``name`` the resource's in it: so the files of events are found.
    ``server`` and ``has_working_elsewhere``, whether Exchange knows that busy status, matter to writing alone.
    """

    mailbox: Mailbox
    zone: Zone = UTC_ZONE
    calendar_url: str = ""
    name: Name = _NO_NAME
    server: ServerZones = ServerZones()
    has_working_elsewhere: bool = True

    def of(self, name: Name) -> "Context":
        """Give the context of a resource."""
        return self if name == self.name else replace(self, name=name)
