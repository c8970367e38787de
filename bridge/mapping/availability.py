"""TRANSP and STATUS (RFC 5545 3.8.2.7, 3.8.1.11) and the busy status (MS-OXCICAL 2.1.3.1.1.20.25, .31).

The standard properties decide; X-MICROSOFT-CDO-BUSYSTATUS only says which of several that look the same in them:
clients carry it along unseen when their user switches between free and busy.
"""

from collections.abc import Mapping
from typing import Any

from bridge.item import BusyStatus, Item, Response
from bridge.mapping.component import Component
from bridge.mapping.field import Asked, Field, Shown, attributes

_CDO = "X-MICROSOFT-CDO-BUSYSTATUS"
_CDO_TO_ITEM = {
    "FREE": BusyStatus.FREE,
    "TENTATIVE": BusyStatus.TENTATIVE,
    "BUSY": BusyStatus.BUSY,
    "OOF": BusyStatus.OUT_OF_OFFICE,
    "WORKINGELSEWHERE": BusyStatus.WORKING_ELSEWHERE,
}
_TRANSPARENT = frozenset({BusyStatus.FREE, BusyStatus.WORKING_ELSEWHERE})


class Availability(Field):
    """Whether the event blocks its time, and how."""

    name = "TRANSP"
    ical = frozenset({"TRANSP", "STATUS", _CDO, "X-MICROSOFT-CDO-INTENDEDSTATUS"})
    attributes = attributes("busy_status")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the busy status; busy where the client says nothing (RFC 5545 3.8.2.7).

        Where Exchange does not know "working elsewhere", it is free, as it looks to others; that it is more is kept.
        """
        status = _to_busy_status(asked.event)
        is_unknown = status is BusyStatus.WORKING_ELSEWHERE and not asked.context.has_working_elsewhere
        return {"busy_status": BusyStatus.FREE if is_unknown else status}

    def to_ical(self, shown: Shown) -> list[str]:
        """Write TRANSP where it is not OPAQUE, the default, and the rest where it adds to it."""
        item = shown.item
        shown_status = effective_status(item)
        lines = ["TRANSP:TRANSPARENT"] if shown_status in _TRANSPARENT else []
        if item.is_cancelled:
            lines.append("STATUS:CANCELLED")
        elif shown_status is BusyStatus.TENTATIVE:
            lines.append("STATUS:TENTATIVE")
        if shown_status in {BusyStatus.OUT_OF_OFFICE, BusyStatus.WORKING_ELSEWHERE}:
            lines.append(f"{_CDO}:{shown_status.upper()}")
        return lines

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the busy status, and on what makes a meeting free."""
        return item.content.busy_status, item.is_cancelled, _is_declined(item)


def effective_status(item: Item) -> BusyStatus:
    """Give how the item blocks its time: a meeting that is cancelled or declined does not."""
    if item.is_cancelled or _is_declined(item):
        return BusyStatus.FREE
    return item.content.busy_status


def _is_declined(item: Item) -> bool:
    return item.is_meeting and item.my_response is Response.DECLINE


def _to_busy_status(event: Component) -> BusyStatus:
    transparency, status, cdo = (_value(event, name) for name in ("TRANSP", "STATUS", _CDO))
    told = _CDO_TO_ITEM.get(cdo)
    if status == "CANCELLED":  # takes no time (RFC 4791 7.10)
        return BusyStatus.FREE
    if transparency == "TRANSPARENT":
        return told if told is BusyStatus.WORKING_ELSEWHERE else BusyStatus.FREE
    if not transparency and told in _TRANSPARENT:
        return told
    if status == "TENTATIVE":
        return BusyStatus.TENTATIVE
    return told if told and told not in _TRANSPARENT else BusyStatus.BUSY


def _value(event: Component, name: str) -> str:
    line = event.get(name)
    return line.value.strip().upper() if line else ""
