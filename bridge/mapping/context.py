"""Whose calendar it is, and in which zone its floating times live."""

from dataclasses import dataclass

from bridge.item import UTC_ZONE, Zone
from bridge.model import Mailbox


@dataclass(frozen=True, slots=True)
class Context:
    """What mapping must know beside the event: ``mailbox``, whose addresses mean "self", and ``zone``.

    Floating times and new all-day events are taken to be in ``zone``.
    """

    mailbox: Mailbox
    zone: Zone = UTC_ZONE
