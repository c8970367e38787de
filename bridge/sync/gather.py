"""Which items of a batch are one resource: instances of one UID that came to Exchange without their master."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bridge.item import Item, Missing, Unreadable
from bridge.mapping.resource import instance_start
from bridge.sync.render import Naming


def gather(
    found: Iterable[Item | Unreadable | Missing], beside: Sequence[Item], naming: Naming
) -> Iterator[tuple[Item, ...] | Unreadable | Missing]:
    """Give the resources that the items of a batch make, in the order of the first item of each.

    ``beside`` are further items of the same resources.
    Of two instances of one UID and one time the second is a resource of its own. Where a part of a resource could not
    be read its other parts are given as unreadable, so that it stays what it was.
    """
    groups: dict[str, dict[datetime, Item]] = {}
    gathered: list[Item | Unreadable | Missing | dict[datetime, Item]] = []
    for one in found:
        start = instance_start(one) if isinstance(one, Item) else None
        if not isinstance(one, Item) or start is None:
            gathered.append(one)
            continue
        key = naming.home(one) or one.content.uid
        if key not in groups:
            groups[key] = _beside(one, beside, naming)
            gathered.append(groups[key])
        if groups[key].setdefault(start, one) is not one:
            gathered.append(one)
    for each in gathered:
        if isinstance(each, dict):
            yield from _whole(each, naming)
        else:
            yield (each,) if isinstance(each, Item) else each


def _beside(one: Item, beside: Sequence[Item], naming: Naming) -> dict[datetime, Item]:
    """Give the instances that stand in the same resource already, by original start."""
    home = naming.home(one)
    held = naming.held(home) if home is not None else frozenset()
    starts = ((instance_start(other), other) for other in beside if other.ref.id in held)
    return {start: other for start, other in starts if start is not None}


def _whole(group: dict[datetime, Item], naming: Naming) -> Iterator[tuple[Item, ...] | Unreadable]:
    items = tuple(item for _, item in sorted(group.items()))
    home = naming.home(items[0])
    if home is None or naming.held(home) <= {item.ref.id for item in items}:
        yield items
    else:
        yield from (Unreadable(item.ref.id, "another instance of the event") for item in items)
