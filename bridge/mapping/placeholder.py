"""What is served in the place of an item that cannot be read: it blocks the item's time and says why."""

from datetime import UTC, datetime, timedelta

from bridge.item import BusyStatus, Outline, Uid
from bridge.mapping.document import PRODID, Rendering
from bridge.mapping.lines import escape, fold
from bridge.mapping.stamps import NO_STAMP
from bridge.mapping.values import write_utc
from bridge.resource import IndexRecord

_SUMMARY = "Busy (this entry could not be read from Exchange)"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def to_placeholder(uid: Uid, outline: Outline | None) -> Rendering:
    """Show an item of which at most an outline is known; equal outlines give equal bytes.

    Where its time is not known it stands, taking no time, at the beginning of 1970: there it hides nothing, and shows
    in no calendar's present, while the resource is not missing from the listing.
    """
    start = outline.start if outline else None
    end = (outline.end if outline else None) or start
    status = outline.busy_status if outline and start else BusyStatus.FREE
    start, end = start or _NO_TIME, end or _NO_TIME + timedelta(hours=1)
    end = max(start, end)
    is_free = status in {BusyStatus.FREE, BusyStatus.WORKING_ELSEWHERE}
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "BEGIN:VEVENT"]
    lines += [f"UID:{escape(uid)}", f"SUMMARY:{_SUMMARY}", f"DTSTART:{write_utc(start)}"]
    lines += [f"DTEND:{write_utc(end)}"] if end > start else []
    lines += [*(["TRANSP:TRANSPARENT"] if is_free else []), f"DTSTAMP:{NO_STAMP}"]
    return Rendering(fold([*lines, "END:VEVENT", "END:VCALENDAR"]), IndexRecord(start, end, busy_status=status))
