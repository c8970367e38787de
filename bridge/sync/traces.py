"""Tell what an earlier try of a write has left at Exchange from what somebody else has done there since.

The intent of a write notes the items as they were before its first step. A retry goes on where each of them is as it
was then, or as the client wants it: whatever else is there is somebody's change, which the client has not seen.
"""

import hashlib
from collections.abc import Iterable, Mapping

from bridge.ids import make_file_key
from bridge.item import Attribute, Content, Item, ItemKind
from bridge.mapping.kept import parse_kept, without
from bridge.mapping.personal import STAMPS
from bridge.mapping.resource import instance_start
from bridge.mapping.series import WantedSeries, changed
from bridge.mirror.codec import Codec
from bridge.sync.file_plan import files_of
from bridge.sync.plan import Create, Plan, Remove, Update

_CONTENT: Codec[Content] = Codec(Content)
_DELETED = "deleted"
_FILE = "file"


def make_traces(items: Iterable[Item]) -> dict[str, str]:
    """Give what to note of a resource: a hash of each item, by its original start, deleted occurrences and files."""
    traces = {}
    for item in items:
        traces[_part(item)] = hashlib.sha256(item.ref.id.encode() + _CONTENT.encode(item.content)).hexdigest()
        traces |= {start.isoformat(): _DELETED for start in item.deleted}
        traces |= {make_file_key(one): _FILE for one in files_of([item])}
    return traces


def are_as_noted(items: Iterable[Item], noted: Mapping[str, str]) -> bool:
    """Say whether these items, some of those that were noted or all, are as they were."""
    return make_traces(items).items() <= noted.items()


def are_ours(plan: Plan, wanted: WantedSeries, stored: tuple[Item, ...], noted: Mapping[str, str]) -> bool:
    """Say whether a try of this write explains all in which ``stored`` is not as it was ``noted``.

    ``plan`` is what is left to do. A master, which is written first, has to be as it is wanted, but for deletions that
    are still to be taken back. A client's stamps may be left to do: as long as they are what the item itself says they
    are not kept, and the first step has given it new ones.
    """
    if wanted.master is not None:
        writes = {write.known.id for write in plan.writes if write.known}
        exceptions = [item for item in stored if item.kind is ItemKind.EXCEPTION]
        others = [item for item in exceptions if not are_as_noted([item], noted)]
        kept = all(item.original_start in wanted.exceptions and item.ref.id not in writes for item in others)
        is_done = plan.item is None or _is_done_but_for_stamps(plan.item)
        return kept and (is_done or _takes_back_deletions(plan.item, wanted, noted))
    steps = [step for step in plan.instances if not _is_done_but_for_stamps(step)]
    pending = [step.stored for step in steps if isinstance(step, Update | Remove)]
    gone = noted.keys() - make_traces(stored)
    return are_as_noted(pending, noted) and gone.isdisjoint(start.isoformat() for start in wanted.instances)


def _is_done_but_for_stamps(step: Create | Update | Remove) -> bool:
    """Say whether only DTSTAMP and its like are left for an item."""
    if not isinstance(step, Update) or step.attributes != {Attribute("kept")}:
        return False
    now, then = (without(parse_kept(content.kept), STAMPS) for content in (step.stored.content, step.content))
    return now == then


def _takes_back_deletions(step: Create | Update | None, wanted: WantedSeries, noted: Mapping[str, str]) -> bool:
    """Say whether that is all that is left for the master: some servers need its rule taken away for that."""
    if not isinstance(step, Update):
        return False
    left = {start.isoformat() for start in step.stored.deleted if start not in wanted.deleted}
    if not all(noted.get(start) == _DELETED for start in left):
        return False
    difference = changed(step.stored.content, step.content)
    is_away = step.stored.content.recurrence is None and _DELETED in noted.values()
    return not difference or (is_away and difference == {Attribute("recurrence")})


def _part(item: Item) -> str:
    start = instance_start(item)
    return start.isoformat() if start else ""
