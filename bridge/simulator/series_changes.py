"""What becomes of exceptions and deleted occurrences when their series' pattern, start or zone changes.

Servers differ, hence the rule `exceptions_on_change`: `reset` drops them all (MS-OXOCAL 3.1.4.7.3.5), `keep` keeps
those whose dates the new pattern still has, `split` makes single items of the exceptions and forgets the deletions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from bridge.simulator.model import Item, Modification
from bridge.simulator.rules import Rules
from bridge.simulator.series import Series, Values, recurrence_in, series_of
from bridge.simulator.store import Store

WAYS = ("reset", "keep", "split")


@dataclass(frozen=True)
class Rearranged:
    """A master after a change, and the single items that its exceptions have become."""

    master: Item
    singles: tuple[Item, ...] = field(default=())


def put_change(store: Store, rules: Rules, before: Item, after: Item, *, written: bool) -> Item:
    """Give an item stored as it has become, by `after.modified_by`; a series with what that makes of its exceptions.

    `written`: the change gave a recurrence, be it the same.
    """
    if after.occurrence:
        return store.put_occurrence(after, after.modified_by, touch=rules.occurrence_touches_series)
    rearranged = rearrange(before, after, rules, written=written)
    for single in rearranged.singles:
        store.add_item(store.folder_of(single), single.values, single.extended, after.modified_by)
    return store.put_item(rearranged.master, after.modified_by)


def rearrange(before: Item, after: Item, rules: Rules, *, written: bool) -> Rearranged:
    """Give what a change makes of a master; `written`: the change gave a recurrence, be it the same."""
    if recurrence_in(before.values) is None or not (before.exceptions or before.deleted):
        return Rearranged(after)
    again = written and rules.same_recurrence_resets and rules.exceptions_on_change != "keep"
    if not again and not _differs(before, after):
        return Rearranged(after)
    bare = replace(after, exceptions={}, deleted=frozenset())
    if rules.exceptions_on_change == "split":
        series = series_of(before)
        return Rearranged(bare, tuple(_single(series.item(day)) for day in sorted(before.exceptions)))
    if rules.exceptions_on_change == "keep" and recurrence_in(after.values) is not None:
        return Rearranged(_keep(series_of(before), series_of(bare)))
    return Rearranged(bare)


def _differs(before: Item, after: Item) -> bool:
    if recurrence_in(after.values) is None:
        return True
    old, new = series_of(before), series_of(after)
    return (old.recurrence, old.begins, old.zone) != (new.recurrence, new.begins, new.zone)


def _single(item: Item) -> Item:
    """Give an exception as an item of its own, of the same UID."""
    return replace(item, occurrence=None)


def _keep(old: Series, new: Series) -> Item:
    deleted = frozenset(day for day in old.master.deleted if new.recurrence.index_of(day) is not None)
    exceptions: Mapping[date, Modification] = {
        day: replace(changed, values=_moved_along(old, new, day, changed.values))
        for day, changed in old.master.exceptions.items()
        if new.recurrence.index_of(day) is not None
    }
    return replace(new.master, exceptions=exceptions, deleted=deleted)


def _moved_along(old: Series, new: Series, day: date, values: Values) -> Values:
    """Give an exception's values: one that had not been moved goes where the new pattern has it."""
    if (values["Start"], values["End"]) != old.span(day):
        return values
    start, end = new.span(day)
    return {**values, "Start": start, "End": end}
