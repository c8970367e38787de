"""A random walk: pages, pushes and listings in any order, against a model that keeps everything in plain dicts.

The model says nothing of generations, serials or graves. It keeps which items a listing has not named yet, and what
the calendar was at every revision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bridge.item import Cursor, ItemId
from bridge.mirror.batch import Batch, CursorMoved
from bridge.mirror.mirror import Mirror
from bridge.mirror.verification import verify_mirror
from bridge.model import CalendarRef, Name, Revision
from bridge.resource import Rendered

from told import told_since

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]

NAMES = [f"{letter}.ics" for letter in "abcd"]
ITEMS = [f"item {number}" for number in range(7)]
UIDS = ["u", "v", "w"]


@dataclass(frozen=True)
class Put:
    """A resource to be put, as the walk draws it."""

    name: str
    uid: str
    items: tuple[str, ...]
    text: int
    key: int


PUT = st.builds(
    Put,
    name=st.sampled_from(NAMES),
    uid=st.sampled_from(UIDS),
    items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=2, unique=True).map(tuple),
    text=st.integers(1, 2),
    key=st.integers(1, 2),
)
WALKS = settings(max_examples=15, stateful_step_count=25, deadline=None)
SOME_ITEMS = st.lists(st.sampled_from(ITEMS), max_size=3, unique=True)


def disjoint(puts: list[Put]) -> list[Put]:
    """Leave out puts that claim the name or an item of an earlier one: no page does that."""
    kept: list[Put] = []
    for put in puts:
        if all(put.name != other.name and not set(put.items) & set(other.items) for other in kept):
            kept.append(put)
    return kept


@dataclass
class Model:
    """What the mirror of one calendar has to be."""

    revision: int = 0
    cursor: str | None = None
    unseen: set[str] | None = None
    living: dict[str, Put] = field(default_factory=dict)
    pushed: dict[str, int] = field(default_factory=dict)  # by living name
    pushed_away: list[tuple[str, str, int]] = field(default_factory=list)  # name, uid, revision
    pending: set[str] = field(default_factory=set)
    history: dict[int, dict[str, str]] = field(default_factory=lambda: {0: {}})

    def owner(self, item: str) -> str | None:
        return next((name for name, put in self.living.items() if item in put.items), None)

    def begin_listing(self) -> None:
        self.cursor = None
        self.unseen = {item for put in self.living.values() for item in put.items}

    def see(self, items: set[str]) -> None:
        if self.unseen is not None:
            self.unseen -= items

    def stale_for(self, put: Put, read_from: int) -> set[str] | None:
        """Give the names a push is ahead with, None when the put may be taken."""
        ahead = {name for name, revision in self.pushed.items() if revision > read_from}
        owners = {self.owner(item) for item in put.items}
        ahead = {name for name in ahead if name == put.name or name in owners or self.living[name].uid == put.uid}
        away = any(
            revision > read_from and (name == put.name or uid == put.uid) for name, uid, revision in self.pushed_away
        )
        return ahead if ahead or away else None

    def replace(self, puts: list[Put], dropped: set[str], *, is_push: bool) -> set[str]:
        """Put and drop; give the names that lost an item to somebody and have others left."""
        before = {name: (put.uid, put.text) for name, put in self.living.items()}
        taken = {item: put.name for put in puts for item in put.items}
        after: dict[str, Put] = {}
        shrunk = set()
        for name, put in {**self.living, **{put.name: put for put in puts}}.items():
            items = tuple(item for item in put.items if item not in dropped and taken.get(item, name) == name)
            if items:
                after[name] = Put(name, put.uid, items, put.text, put.key)
                if items != put.items and name not in {put.name for put in puts}:
                    shrunk.add(name)
            elif is_push:
                self.pushed_away.append((name, put.uid, self.revision + 1))
        changed = {name: (put.uid, put.text) for name, put in after.items()} != before
        self.living = after
        self.pushed = {name: revision for name, revision in self.pushed.items() if name in after}
        if changed or is_push:
            self.revision += 1
        self.history[self.revision] = {name: served(put) for name, put in after.items()}
        return shrunk


def served(put: Put) -> str:
    return f"{put.name} is {put.uid} {put.text}"


class Walk(RuleBasedStateMachine):
    """One calendar; ``mirror`` lives through the walk and so loads in increments."""

    def __init__(self, mirror: Mirror, fresh: Callable[[], Mirror], event: MakeEvent, ref: CalendarRef) -> None:
        super().__init__()
        self.mirror, self.fresh, self.event, self.ref = mirror, fresh, event, ref
        self.now = datetime.fromisoformat("2026-03-04T12:00:00Z")
        self.model = Model()
        self.cursors = 0
        self.asked: tuple[str | None, int] | None = None

    def render(self, put: Put) -> Rendered:
        return self.event(put.name, *put.items, text=f"{put.uid} {put.text}", key=put.key, uid=put.uid)

    @rule()
    def ask_for_a_page(self) -> None:
        self.asked = (self.model.cursor, self.model.revision)

    @rule()
    def begin_listing(self) -> None:
        self.mirror.begin_listing(self.ref)
        self.model.begin_listing()

    @precondition(lambda self: self.asked is not None)
    @rule(puts=st.lists(PUT, max_size=3), removed=SOME_ITEMS, seen=SOME_ITEMS, unread=SOME_ITEMS, is_last=st.booleans())
    def apply_the_page(
        self, puts: list[Put], removed: list[str], seen: list[str], unread: list[str], *, is_last: bool
    ) -> None:
        assert self.asked is not None
        asked_from, read_from = self.asked
        self.asked = None
        puts = disjoint(puts)
        gone = set(removed) - {item for put in puts for item in put.items}
        self.cursors += 1
        batch = Batch(
            asked_from=None if asked_from is None else Cursor(asked_from),
            cursor=Cursor(str(self.cursors)),
            is_last=is_last,
            read_from=Revision(read_from),
            now=self.now,
            puts=tuple(self.render(put) for put in puts),
            seen=tuple(ItemId(item) for item in seen),
            removed=tuple(ItemId(item) for item in gone),
            pending=tuple((ItemId(item), self.now) for item in unread),
        )
        if asked_from != self.model.cursor:
            with pytest.raises(CursorMoved):
                self.mirror.apply(self.ref, batch)
            return
        applied = self.mirror.apply(self.ref, batch)
        stale = self.expect(puts, gone, set(seen), set(unread), read_from=read_from, is_last=is_last)
        self.model.cursor = batch.cursor
        assert (set(applied.stale), applied.revision) == (stale, self.model.revision)

    def expect(
        self, puts: list[Put], gone: set[str], seen: set[str], unread: set[str], *, read_from: int, is_last: bool
    ) -> set[str]:
        model = self.model
        if model.cursor is None and model.unseen is None:
            model.begin_listing()
        stale, again, taken = set(), set(), []
        for put in puts:
            ahead = model.stale_for(put, read_from)
            if ahead is None:
                taken.append(put)
            else:
                stale |= ahead | {put.name}
                again |= set(put.items).union(*(model.living[name].items for name in ahead))
        dropped = set()
        for item in gone:
            owner = model.owner(item)
            if owner is not None and model.pushed.get(owner, 0) > read_from:
                stale.add(owner)
                again |= set(model.living[owner].items)
            else:
                dropped.add(item)
        named = seen | unread | again | {item for put in taken for item in put.items}
        model.see(named)
        if model.unseen is not None and is_last:
            dropped |= {item for item in model.unseen if model.owner(item)}
            model.unseen = None
        shrunk = model.replace(taken, dropped, is_push=False)
        again |= {item for name in shrunk for item in model.living[name].items}
        model.pending = (model.pending - dropped) | again | unread
        return stale | shrunk

    @rule(put=PUT, replaced=st.none() | st.sampled_from(NAMES))
    def push(self, put: Put, replaced: str | None) -> None:
        revision = self.mirror.put(self.ref, self.render(put), None if replaced is None else Name(replaced))
        model = self.model
        goes = model.living.get(replaced) if replaced is not None and replaced != put.name else None
        dropped = set(goes.items) - set(put.items) if goes else set()
        model.see(set(put.items))
        model.replace([put], dropped, is_push=True)
        model.pushed[put.name] = model.revision
        model.pending |= set(put.items)
        assert revision == model.revision

    @rule(name=st.sampled_from(NAMES))
    def push_a_removal(self, name: str) -> None:
        revision = self.mirror.remove(self.ref, Name(name))
        model = self.model
        if name in model.living:
            items = set(model.living[name].items)
            model.replace([], items, is_push=True)
            model.pending -= items
        assert revision == model.revision

    @invariant()
    def is_as_the_model_says(self) -> None:
        model, ref = self.model, self.ref
        status = self.mirror.status(ref)
        assert (status.revision, status.cursor, status.is_listing) == (
            model.revision,
            model.cursor,
            model.unseen is not None,
        )
        assert {name for name in map(Name, NAMES) if self.mirror.read(ref, name)} == model.living.keys()
        for name, put in model.living.items():
            rendered = self.mirror.read(ref, Name(name))
            assert rendered is not None
            assert (rendered.text.decode(), rendered.uid) == (served(put), put.uid)
            assert tuple(one.id for one in rendered.items) == put.items
        assert set(self.mirror.due(ref, self.now)) == model.pending

    @invariant()
    def memory_is_as_a_fresh_process_finds_it(self) -> None:
        snapshot = self.mirror.snapshot(self.ref)
        assert snapshot == self.fresh().snapshot(self.ref)
        assert {name: one.uid for name, one in snapshot.resources.items()} == {
            name: put.uid for name, put in self.model.living.items()
        }

    @invariant()
    def every_client_is_told_what_it_misses(self) -> None:
        now = self.model.history[self.model.revision]
        for revision, then in self.model.history.items():
            told = told_since(self.mirror, self.ref, revision)
            assert told is not None
            changed, removed = told
            assert set(removed) == then.keys() - now.keys()
            assert {name for name, text in now.items() if then.get(name) != text} <= set(changed) <= now.keys()
        assert told_since(self.mirror, self.ref, self.model.revision) == ((), ())

    @invariant()
    def everything_opens_and_fits_together(self) -> None:
        assert verify_mirror(self.mirror._database, self.mirror._keys, lambda _: None) == {}


def test_any_walk_of_pages_pushes_and_listings_ends_where_the_model_does(
    open_mirror: OpenMirror, event: MakeEvent, ref: CalendarRef
) -> None:
    walks = 0

    def begin() -> Walk:
        nonlocal walks
        walks += 1
        mirror = open_mirror(name=f"walk_{walks}")
        mirror.status(ref)
        second = open_mirror(name=f"walk_{walks}")

        def fresh() -> Mirror:
            second._memory.forget(ref.viewer)
            return second

        return Walk(mirror, fresh, event, ref)

    run_state_machine_as_test(begin, settings=WALKS)  # type: ignore[arg-type] # any callable will do, hypothesis says
