"""Whose calendar it is, in which zone its floating times live, and what is known of the server's zones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.item import UTC_ZONE, Zone
from bridge.model import Mailbox
from bridge.zone_definition import ZoneDefinition

_FAR = 2037
"""So far the tz database tells of single changes."""


@dataclass(frozen=True, slots=True)
class ServerZones:
    """What is known of a server's zones when a series is written.

    ``definitions`` are its own rules by Windows id, None for one that it does not know; what was not asked for is not
    there, and taken to be as ours. A series without end is held against them until the year ``until``.
    ``defines_zones``: the server takes a zone with rules of its own.
    """

    definitions: Mapping[str, ZoneDefinition | None] = field(default_factory=dict)
    until: int = _FAR
    defines_zones: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """What mapping must know beside the event: ``mailbox``, whose addresses mean "self", and ``zone``.

    Floating times and new all-day events are taken to be in ``zone``. ``server`` matters to writing alone.
    """

    mailbox: Mailbox
    zone: Zone = UTC_ZONE
    server: ServerZones = ServerZones()
