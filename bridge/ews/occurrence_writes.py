"""Occurrences changed and deleted in one call, under the indexes that the server gives them."""

from collections.abc import Sequence
from dataclasses import replace

from bridge.errors import ExchangeSays, ItemMissing
from bridge.ews.editions import Edition
from bridge.ews.indexes import Ask, Indexes
from bridge.ews.operations import delete_item, update_item
from bridge.exchange import Deletion, OccurrenceWrite
from bridge.item import ItemRef


def update(
    ask: Ask, master: ItemRef, writes: Sequence[OccurrenceWrite], indexes: Indexes, edition: Edition
) -> tuple[ItemRef | ExchangeSays, ...]:
    """Change occurrences; what becomes of each, in their order. Those that are not there are not asked for."""
    placed = [_placed(write, indexes) for write in writes]
    sent = [one for one in placed if isinstance(one, OccurrenceWrite)]
    if not sent:
        return tuple(one for one in placed if not isinstance(one, OccurrenceWrite))
    response = ask(update_item.occurrences_request(master, sent, edition))
    outcomes = iter(update_item.read_occurrences(response, len(sent)))
    return tuple(next(outcomes) if isinstance(one, OccurrenceWrite) else one for one in placed)


def _placed(write: OccurrenceWrite, indexes: Indexes) -> OccurrenceWrite | ExchangeSays:
    if write.known is not None:
        return write
    own = indexes[write.index]
    return replace(write, index=own) if isinstance(own, int) else own


def delete(
    ask: Ask, master: ItemRef, wanted: Sequence[int], indexes: Indexes, how: Deletion
) -> tuple[ExchangeSays | None, ...]:
    """Delete occurrences; what becomes of each, in their order, None for one that is gone now or was before."""
    sent = [own for own in (indexes[index] for index in wanted) if isinstance(own, int)]
    outcomes: dict[int, ExchangeSays | None] = {}
    if sent:
        response = ask(delete_item.occurrences_request(master, sent, how))
        outcomes = dict(zip(sent, delete_item.read_occurrences(response, sent), strict=True))
    return tuple(_outcome(indexes[index], outcomes) for index in wanted)


def _outcome(own: int | ExchangeSays, outcomes: dict[int, ExchangeSays | None]) -> ExchangeSays | None:
    if isinstance(own, int):
        return outcomes[own]
    return None if isinstance(own, ItemMissing) else own
