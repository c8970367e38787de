"""Bring a mirror up to date: the feed says which items changed, reading gives them, the mirror takes a page whole.

The rules are those of ``docs/architecture.md``, section Pull: a page and the cursor it moves are one transaction, what
was pushed meanwhile is read again, what cannot be read stays and is tried again, and nothing holds the cursor. Before
the first listing of all, which may take minutes, the months around now are read: most questions are about them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.errors import (
    AnswerUnusable,
    BridgeError,
    CredentialRefused,
    CursorExpired,
    ExchangeFailed,
    ExchangeTimedOut,
    RequestRefused,
)
from bridge.exchange import Deadline, Exchange
from bridge.ids import parse_name_stamp
from bridge.item import ChangeKey, Cursor, Entry, Item, ItemId, ItemRef, Missing, Page, Uid, Unreadable
from bridge.mapping.context import Context
from bridge.mirror.batch import Batch, CursorMoved
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Caller, Name
from bridge.resource import Rendered, Snapshot, Window
from bridge.state.state import State
from bridge.sync.gather import gather
from bridge.sync.render import Naming, Render, Renderer, make_placeholder
from bridge.sync.rerender import render_again

LOG = logging.getLogger(__name__)

CALL = 60.0
"""Seconds for one call of a pull."""
WINDOW = 20.0
"""Seconds for finding out what is in the window: what takes longer is no help to who waits."""
BATCH = 50
"""How many items one call reads."""
AT_ONCE = 3
"""How many calls of one pull go side by side: one less than a mailbox may have, so that a write finds room."""
MONTHS_BEFORE, MONTHS_AFTER = 1, 3
"""What the window has of the past and of the future, beside the month that is now."""
RETRY_UNREADABLE = timedelta(minutes=5)
RETRY_OPEN = timedelta(seconds=2)
"""When an item that a write was busy with is read again."""


@dataclass
class _Draft:
    """What becomes one Batch."""

    puts: list[Rendered] = field(default_factory=list)
    seen: list[ItemId] = field(default_factory=list)
    removed: list[ItemId] = field(default_factory=list)
    pending: list[tuple[ItemId, datetime]] = field(default_factory=list)
    settled: list[ItemId] = field(default_factory=list)


class Puller:
    """Pulls calendars of one organisation into the mirror."""

    def __init__(
        self,
        exchange: Exchange,
        mirror: Mirror,
        state: State,
        renderer: Renderer,
        now: Callable[[], datetime],
        on_part: Callable[[], None],
    ) -> None:
        """Take the back end, the mirror, the state with its open intents, what renders, a clock that gives UTC.

        ``on_part`` is called whenever the mirror has taken something.
        """
        self._exchange = exchange
        self._mirror = mirror
        self._intents = state.intents
        self._personal = state.personal
        self._renderer = renderer
        self._now = now
        self._on_part = on_part

    def pull(self, caller: Caller, ref: CalendarRef, context: Context, total: int | None = None) -> None:
        """Take every page that Exchange has for us. Raises Unavailable and ExchangeSays; the mirror stays whole.

        ``total`` is how many items Exchange says there are, where it does.
        """
        render_again(self._mirror, self._renderer, ref, context)
        status = self._mirror.status(ref)
        if status.pulled_at is None and total is not None:
            self._mirror.note_total(ref, total)
        if status.pulled_at is None and status.cursor is None and status.window is None:
            self._take_window(caller, ref, context)
        while not self._page(caller, ref, context, total):
            self._on_part()
        if self._read_again(caller, ref, context):
            # An instance was found gone: the resource that has lost it is rendered from those that are left
            self._read_again(caller, ref, context)
        snapshot = self._mirror.snapshot(ref)
        if snapshot.is_complete and not ref.is_own:
            self._personal.sweep(ref, {one.uid for one in snapshot.resources.values()}, self._now())

    def _take_window(self, caller: Caller, ref: CalendarRef, context: Context) -> None:
        """Read what takes place around now, before all the rest. Where Exchange does not give it, do without."""
        now, snapshot = self._now(), self._mirror.snapshot(ref)
        window = Window(_month(now, -MONTHS_BEFORE), _month(now, MONTHS_AFTER + 1), now)
        try:
            ids = self._exchange.window(caller, ref, window.start, window.end, Deadline.after(WINDOW))
            found = self._get(caller, ref, ids)
        except (RequestRefused, ExchangeFailed, ExchangeTimedOut, AnswerUnusable) as error:
            LOG.info("a calendar is read without its window first: %s", error)
            return
        draft = _Draft()
        self._sort(caller, ref, context, [one for one in found if not isinstance(one, Unreadable)], {}, draft)
        if draft.pending or any(isinstance(one, Unreadable) for one in found):
            return  # not all of it is known, which only the listing deals with
        try:
            self._apply(ref, draft, snapshot, asked_from=None, cursor=None, window=window)
        except CursorMoved:
            LOG.debug("another pull came first; the window is not needed")
        self._on_part()

    def _page(self, caller: Caller, ref: CalendarRef, context: Context, total: int | None) -> bool:
        """Take one page; say whether it was the last."""
        status = self._mirror.status(ref)
        if status.cursor is None and not status.is_listing:
            self._mirror.begin_listing(ref)
        snapshot = self._mirror.snapshot(ref)
        try:
            page: Page | None = self._ask(caller, ref, status.cursor, snapshot)
        except CursorExpired:
            page = None
        if page is None or (not status.is_listing and status.cursor and self._begins_anew(ref, page, snapshot)):
            if status.cursor is None:
                raise ExchangeFailed("Exchange does not list this calendar: it takes no beginning for one.")
            LOG.info("the change feed of a calendar starts anew: Exchange does not know our cursor any more")
            self._mirror.begin_listing(ref)
            return False
        if page.cursor == status.cursor and not page.is_last:
            raise AnswerUnusable("Exchange lists the same changes of this calendar again and again.")
        draft = self._draft(caller, ref, context, page, snapshot)
        try:
            self._apply(ref, draft, snapshot, asked_from=status.cursor, cursor=page.cursor, is_last=page.is_last)
        except CursorMoved:
            return False  # what took its place may have been asked for earlier, and know less
        if status.pulled_at is None:
            held = len(snapshot.resources) + len(draft.puts)
            LOG.info("first pull of a calendar: %d of %s events", held, "so far unknown" if total is None else total)
        return page.is_last

    def _begins_anew(self, ref: CalendarRef, page: Page, snapshot: Snapshot) -> bool:
        """Say whether a page of changes is one of a listing.

        Servers that are no Exchange answer a cursor so that they do not know, and tell of no deletion then.

        It calls items new that pages have told of before. Our own, which no page has told of yet, are pending.
        """
        if page.removed or not all(entry.is_new for entry in page.entries):
            return False
        known = {held.id for listed in snapshot.resources.values() for held in listed.items}
        told = known - set(self._mirror.due(ref, datetime.max.replace(tzinfo=UTC)))
        return any(entry.ref.id in told for entry in page.entries)

    def _ask(self, caller: Caller, ref: CalendarRef, cursor: Cursor | None, snapshot: Snapshot) -> Page:
        page = self._exchange.feed(caller, ref, cursor, Deadline.after(CALL))
        if cursor is None and page.is_last and not page.entries and snapshot.resources:
            LOG.warning("a calendar with %d resources suddenly lists empty: asked again", len(snapshot.resources))
            page = self._exchange.feed(caller, ref, None, Deadline.after(CALL))
        return page

    def _apply(
        self,
        ref: CalendarRef,
        draft: _Draft,
        read: Snapshot,
        *,
        asked_from: Cursor | None,
        cursor: Cursor | None,
        is_last: bool = False,
        window: Window | None = None,
    ) -> bool:
        """Take the draft into the mirror; say whether resources are to be read again because of it."""
        applied = self._mirror.apply(
            ref,
            Batch(
                asked_from=asked_from,
                cursor=cursor,
                is_last=is_last,
                read_from=read.revision,
                puts=tuple(draft.puts),
                seen=tuple(draft.seen),
                removed=tuple(draft.removed),
                pending=tuple(draft.pending),
                settled=(*draft.settled, *draft.seen),
                now=self._now(),
                window=window,
            ),
        )
        if applied.stale:
            LOG.info("%d resources changed while a page was read: they are read again", len(applied.stale))
        return bool(applied.stale)

    def _draft(self, caller: Caller, ref: CalendarRef, context: Context, page: Page, snapshot: Snapshot) -> _Draft:
        draft = _Draft(removed=list(page.removed))
        known = {held for listed in snapshot.resources.values() for held in listed.items} if page.entries else set()
        unread: list[Entry] = []
        for entry in page.entries:
            if entry.ref in known:  # our own write echoed, or a listing of what we have
                draft.seen.append(entry.ref.id)
            else:
                unread.append(entry)
        self._read(caller, ref, context, unread, draft)
        return draft

    def _read(
        self, caller: Caller, ref: CalendarRef, context: Context, entries: Sequence[Entry], draft: _Draft
    ) -> None:
        """Read the entries' items and add what becomes of each to the draft."""
        if not entries:
            return
        found = self._get(caller, ref, [entry.ref.id for entry in entries])
        self._sort(caller, ref, context, found, {entry.ref.id: entry for entry in entries}, draft)

    def _sort(
        self,
        caller: Caller,
        ref: CalendarRef,
        context: Context,
        found: Sequence[Item | Unreadable | Missing],
        entries: Mapping[ItemId, Entry],
        draft: _Draft,
    ) -> None:
        """Make resources of what was read, and add what becomes of each to the draft."""
        naming = self._naming(ref, context, draft.removed, found)
        # What no page has told of (yet): of these some are parts of the same resources, others may be gone
        beside = self._get(caller, ref, naming.rivals(found))
        gone = [one.id for one in beside if isinstance(one, Missing)]
        if gone:
            draft.removed += gone
            naming = self._naming(ref, context, draft.removed, found)
        exceptions = self._exceptions(caller, ref, found)
        names, uids = self._open(ref)
        render = self._renderer.many(ref)
        for one in gather(_eldest_first(found), [one for one in beside if isinstance(one, Item)], naming):
            if isinstance(one, Missing):
                draft.removed.append(one.id)
                continue
            ids = [one.id] if isinstance(one, Unreadable) else [item.ref.id for item in one]
            if self._is_open(one, naming, names, uids):
                draft.pending += [(id_, self._now() + RETRY_OPEN) for id_ in ids]
            elif isinstance(one, Unreadable) or not self._put(render, one, exceptions, naming, draft):
                for id_ in ids:
                    self._keep_unread(entries.get(id_, Entry(ItemRef(id_, ChangeKey("")))), naming, draft)

    def _get(self, caller: Caller, ref: CalendarRef, ids: Sequence[ItemId]) -> list[Item | Unreadable | Missing]:
        """Read items, each small batch with a deadline of its own: a slow Exchange gets on, too."""

        def read(batch: Sequence[ItemId]) -> tuple[Item | Unreadable | Missing, ...]:
            return self._exchange.get(caller, ref, batch, Deadline.after(CALL))

        batches = [ids[begin : begin + BATCH] for begin in range(0, len(ids), BATCH)]
        if len(batches) < 2:
            return [one for batch in batches for one in read(batch)]
        with ThreadPoolExecutor(AT_ONCE, "pull") as readers:
            return [one for found in readers.map(read, batches) for one in found]

    def _exceptions(
        self, caller: Caller, ref: CalendarRef, found: Iterable[Item | Unreadable | Missing]
    ) -> dict[ItemId, Item]:
        """Read the changed occurrences of all masters among the items."""
        ids = [listed.ref.id for one in found if isinstance(one, Item) for listed in one.exceptions]
        return {one.ref.id: one for one in self._get(caller, ref, ids) if isinstance(one, Item)}

    @staticmethod
    def _put(
        render: Render,
        items: tuple[Item, ...],
        exceptions: Mapping[ItemId, Item],
        naming: Naming,
        draft: _Draft,
    ) -> bool:
        """Render a resource and add it; say whether that was possible."""
        listed = [one.ref.id for item in items for one in item.exceptions]
        if not all(one in exceptions for one in listed):
            LOG.warning("a changed occurrence could not be read: its series stays as it was")
            return False
        try:
            name, uid = naming.name(items)
            served_uid = None if uid == items[0].content.uid else uid
            whole = (*items, *(exceptions[one] for one in listed))
            draft.puts.append(render(name, whole, naming.context, served_uid))
        except Exception as error:  # noqa: BLE001 - one item that defeats us must not hold the others
            LOG.warning("an item could not be rendered (%s): its time stays blocked", type(error).__name__)
            return False
        draft.settled += [item.ref.id for item in items]
        return True

    def _keep_unread(self, entry: Entry, naming: Naming, draft: _Draft) -> None:
        """Keep an item that cannot be read, and have it tried again."""
        if naming.holder(entry.ref.id) is None:
            name, uid = naming.placeholder(entry)
            draft.puts.append(make_placeholder(name, uid, entry.ref, entry.outline))
        else:
            draft.seen.append(entry.ref.id)
        LOG.warning("an item could not be read: it stays, and is tried again")
        draft.pending.append((entry.ref.id, self._now() + RETRY_UNREADABLE))

    def _naming(
        self,
        ref: CalendarRef,
        context: Context,
        leaving: Iterable[ItemId],
        found: Iterable[Item | Unreadable | Missing],
    ) -> Naming:
        resources = self._mirror.snapshot(ref).resources
        uids = [one.content.uid for one in found if isinstance(one, Item)]
        return Naming(resources, self._mirror.former_names(ref, uids), context, leaving)

    def _open(self, ref: CalendarRef) -> tuple[frozenset[Name], frozenset[Uid]]:
        standing = self._intents.standing(ref)
        return (
            frozenset(intent.name for intent in standing),
            frozenset(intent.uid for intent in standing if intent.uid is not None),
        )

    @staticmethod
    def _is_open(
        one: tuple[Item, ...] | Unreadable, naming: Naming, names: frozenset[Name], uids: frozenset[Uid]
    ) -> bool:
        """Say whether a write is busy with this resource: it will be read when that is done."""
        if not names:
            return False
        if isinstance(one, Unreadable):
            return naming.holder(one.id) in names
        uid, address = one[0].content.uid, naming.context.mailbox.address
        bears: set[str | None] = {naming.holder(item.ref.id) for item in one}
        bears |= {parse_name_stamp(item.content.name_stamp, address, item.content.uid) for item in one}
        return uid in uids or not bears.isdisjoint(names)

    def _read_again(self, caller: Caller, ref: CalendarRef, context: Context) -> bool:
        """Read the items whose time has come: unreadable ones, and those that a write was busy with.

        Say whether that made others due.
        """
        due = self._mirror.due(ref, self._now())
        status = self._mirror.status(ref)
        if not due or status.cursor is None:
            return False
        snapshot = self._mirror.snapshot(ref)
        draft = _Draft(settled=list(due))
        try:
            self._reread(caller, ref, context, due, draft)
        except CredentialRefused:
            raise
        except BridgeError as error:
            LOG.info("items to be read again stay for later: %s", error)
            return False
        try:
            return self._apply(ref, draft, snapshot, asked_from=status.cursor, cursor=status.cursor)
        except CursorMoved:
            LOG.debug("another pull came first; the items stay to be read again")
            return False

    def _reread(self, caller: Caller, ref: CalendarRef, context: Context, due: Sequence[ItemId], draft: _Draft) -> None:
        found = self._get(caller, ref, due)
        draft.pending += [(one.id, self._now() + RETRY_UNREADABLE) for one in found if isinstance(one, Unreadable)]
        read = [one for one in found if not isinstance(one, Unreadable)]
        self._sort(caller, ref, context, read, {}, draft)


def _eldest_first(found: Iterable[Item | Unreadable | Missing]) -> list[Item | Unreadable | Missing]:
    """Order the items so that of two with one UID the elder is named first, whatever order Exchange lists in."""

    def age(one: Item | Unreadable | Missing) -> tuple[bool, str, str]:
        if isinstance(one, Item):
            return (False, one.created.isoformat() if one.created else "", one.ref.id)
        return (True, "", one.id)

    return sorted(found, key=age)


def _month(now: datetime, months: int) -> datetime:
    """Give the first instant (UTC) of the month that is so many months from now's."""
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
