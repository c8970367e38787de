"""Whose calendar it is, in which zone its floating times live, and how clients reach it."""

from dataclasses import dataclass, replace

from bridge.item import UTC_ZONE, Zone
from bridge.model import Mailbox, Name

_NO_NAME = Name("")


@dataclass(frozen=True, slots=True)
class Context:
    """What mapping must know beside the event: ``mailbox``, whose addresses mean "self", and ``zone``.

    Floating times and new all-day events are taken to be in ``zone``. ``calendar_url`` is the calendar's whole URL as
    clients reach it, with a slash at its end, and ``name`` the resource's in it: so the files of events are found.
    """

    mailbox: Mailbox
    zone: Zone = UTC_ZONE
    calendar_url: str = ""
    name: Name = _NO_NAME

    def of(self, name: Name) -> "Context":
        """Give the context of a resource."""
        return self if name == self.name else replace(self, name=name)
