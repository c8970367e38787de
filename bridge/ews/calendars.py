"""The further calendars of a mailbox: all of its calendar folders but the default one and what was thrown away."""

from collections.abc import Callable

from bridge.errors import AnswerUnusable
from bridge.ews.folders import CalendarFolder, by_id, distinguished
from bridge.ews.operations import find_folder, get_folder
from bridge.ews.xml import Element
from bridge.model import FolderId

Ask = Callable[[Element], Element]
"""Sends a request, bound to a deadline, and gives its response."""
_MOST_FOLDERS = 2000
"""Calendars of one mailbox. More than that is a server that pages in a circle."""


def other_calendars(ask: Ask, default: FolderId) -> tuple[CalendarFolder, ...]:
    """List the mailbox's further calendars but those inside Deleted Items, which is asked in the same call.

    A server may list fewer than it was asked for: the next page begins where the shorter of the two ended.
    """
    kept: dict[FolderId, CalendarFolder] = {}
    deleted: set[FolderId] = set()
    parents = [distinguished("msgfolderroot"), distinguished("deleteditems")]
    offset = 0
    while offset < _MOST_FOLDERS:
        all_of, below_deleted = find_folder.read(ask(find_folder.request(parents, offset)), 2)
        kept |= {folder.id: folder for folder in all_of.folders}
        deleted |= {folder.id for folder in below_deleted.folders}
        if all_of.is_last and below_deleted.is_last:
            return _whole(ask, [folder for id_, folder in kept.items() if id_ not in deleted and id_ != default])
        offset += min(page.length for page in (all_of, below_deleted) if not page.is_last)
    raise AnswerUnusable("Exchange lists calendars without end.")


def _whole(ask: Ask, found: list[CalendarFolder]) -> tuple[CalendarFolder, ...]:
    """Read those folders again whose properties were cut; one that is gone meanwhile is left out."""
    cut = [folder.id for folder in found if folder.may_be_cut]
    if not cut:
        return tuple(found)
    response = ask(get_folder.request([by_id(id_) for id_ in cut]))
    whole = dict(zip(cut, get_folder.read_existing(response, len(cut)), strict=True))
    told = [whole.get(folder.id, folder) for folder in found]
    return tuple(folder for folder in told if folder is not None)
