"""What takes place in a window, asked view by view: a view that is too much for Exchange is asked in halves."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bridge.errors import AnswerUnusable, ExchangeBusy
from bridge.ews.operations import find_in_window, get_masters
from bridge.ews.xml import Element
from bridge.item import ItemId
from bridge.model import FolderId

Ask = Callable[[Element], Element]
"""Sends an operation's request and gives the response element."""

LONGEST = timedelta(days=730)
"""A view of more than two years is refused (ErrorCalendarViewRangeTooBig)."""
SHORTEST = timedelta(hours=1)
"""More than five hundred events within an hour are not asked for in halves again."""


def ask_window(ask: Ask, folder: FolderId, start: datetime, end: datetime) -> tuple[ItemId, ...]:
    """Give the ids of singles and masters that take place in [start, end). Raises Unavailable, ExchangeSays."""
    items: dict[ItemId, None] = {}
    occurrences: dict[str, ItemId] = {}
    for view in _views(ask, folder, start, end):
        items |= dict.fromkeys(view.items)
        for uid, id_ in view.occurrences:
            occurrences.setdefault(uid, id_)
    items |= dict.fromkeys(_masters(ask, list(occurrences.values())))
    return tuple(items)


def _views(ask: Ask, folder: FolderId, start: datetime, end: datetime) -> Iterator[find_in_window.View]:
    """Ask from the first to the last; what a view told stands, even where it was cut short and is asked again."""
    spans = [(start, end)]
    while spans:
        begin, finish = spans.pop()
        if begin >= finish:
            continue
        if finish - begin > LONGEST:
            spans += [(begin + LONGEST, finish), (begin, begin + LONGEST)]
            continue
        view = find_in_window.read(ask(find_in_window.request(folder, begin, finish)))
        yield view
        if not view.is_whole:
            if finish - begin <= SHORTEST:
                raise AnswerUnusable("Exchange does not list all that takes place within an hour.")
            middle = begin + timedelta(seconds=(finish - begin).total_seconds() // 2)
            spans += [(middle, finish), (begin, middle)]


def _masters(ask: Ask, occurrences: list[ItemId]) -> Iterator[ItemId]:
    """Give the masters of occurrences, some at a time; one that went meanwhile is left out."""
    done = 0
    while done < len(occurrences):
        batch = occurrences[done : done + get_masters.BATCH]
        answered = get_masters.read(ask(get_masters.request(batch)), len(batch))
        if not answered:
            raise ExchangeBusy("Exchange gave up before the first item (ErrorBatchProcessingStopped).", 10)
        done += len(answered)
        yield from (id_ for id_ in answered if id_ is not None)
