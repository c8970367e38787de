"""VFREEBUSY (RFC 5545 3.6.4): busy blocks as iCalendar. Nothing of what fills the time is told."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from bridge.item import BusyStatus
from bridge.model import Block

_TYPES = {
    BusyStatus.BUSY: "BUSY",
    BusyStatus.TENTATIVE: "BUSY-TENTATIVE",
    BusyStatus.OUT_OF_OFFICE: "BUSY-UNAVAILABLE",
}
"""FBTYPE (RFC 5545 3.2.9); what else there may be is busy."""


def to_vfreebusy(blocks: Iterable[Block], start: datetime, end: datetime, stamp: datetime) -> bytes:
    """Give a calendar with one VFREEBUSY for a window; all times UTC, ``stamp`` is the moment of the answer.

    A line holds one period, so that none is longer than 75 octets and need be folded.
    """
    uid = hashlib.sha256(f"{_utc(start)}/{_utc(end)}/{_utc(stamp)}".encode()).hexdigest()[:40]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//exchange-caldav-bridge//EN", "BEGIN:VFREEBUSY"]
    lines += [f"UID:{uid}", f"DTSTAMP:{_utc(stamp)}", f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}"]
    lines += [
        f"FREEBUSY;FBTYPE={_TYPES.get(block.status, 'BUSY')}:{_utc(block.start)}/{_utc(block.end)}" for block in blocks
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "END:VFREEBUSY", "END:VCALENDAR")).encode()


def _utc(moment: datetime) -> str:
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return "%04d%02d%02dT%02d%02d%02dZ" % fields  # noqa: UP031 - a month has hundreds, and this takes a quarter
