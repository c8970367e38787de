"""What a client is told of a mirrored calendar."""

from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Name, Revision


def told_since(mirror: Mirror, ref: CalendarRef, revision: int) -> tuple[tuple[Name, ...], tuple[Name, ...]] | None:
    """Give the names that changed and that went after a revision; None where there is no such revision (any more)."""
    snapshot = mirror.snapshot(ref)
    if not 0 <= revision <= snapshot.revision:
        return None
    removed = mirror.removed(ref, snapshot.epoch, Revision(revision))
    if removed is None:
        return None
    changed = tuple(sorted(name for name, listed in snapshot.resources.items() if listed.revision > revision))
    return changed, tuple(name for name in removed if name not in snapshot.resources)
