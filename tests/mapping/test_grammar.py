"""Whatever the grammar of RFC 5545 and its extensions allows goes there and back, or is refused by name."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings

from bridge.errors import Refused
from bridge.item import Item
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, to_ical, to_items

from grammar import calendar_objects
from grammar_judge import check_refusal, unnamed

EVENTS = int(os.environ.get("DRAWN_EVENTS", "150"))
PHASES = set(Phase) - {Phase.shrink}
Hold = Callable[[WantedSeries], tuple[Item, ...]]


def test_whatever_the_grammar_allows_comes_back_or_is_refused_by_name(context: Context, hold: Hold) -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=EVENTS, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(body=calendar_objects())
    def holds(body: bytes) -> None:
        try:
            wanted = to_items(parse(body), context, ())
        except Refused as refused:
            check_refusal(body, refused)
            counts["refused"] += 1
            return
        items = hold(wanted)
        served = to_ical(items, context).text
        assert unnamed(body, served) == []
        again = to_items(parse(served), context, items)
        assert asked(again) == asked(wanted)
        assert to_ical(items, context).text == served
        counts["stored"] += 1

    holds()
    assert counts["stored"] > 3 * counts["refused"]


def test_whatever_replaces_something_else_comes_back(context: Context, hold: Hold) -> None:
    """Nothing of the event that was there shines through."""

    @settings(max_examples=EVENTS // 3, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(first=calendar_objects(), second=calendar_objects())
    def holds(first: bytes, second: bytes) -> None:
        try:
            old = hold(to_items(parse(first), context, ()))
            wanted = to_items(parse(second), context, old)
            anew = to_items(parse(second), context, ())
        except Refused:
            return
        if (wanted.master is None) != (old[0].original_start is not None):
            return  # a series is not put in the place of its instances, nor the reverse
        # What is an exception at Exchange stays one, and is written as the pattern has it: a client sees it beside.
        exceptions = {start: one for start, one in wanted.exceptions.items() if start in anew.exceptions}
        items = hold(replace(wanted, exceptions=exceptions))
        assert unnamed(second, to_ical(items, context, parse(second).uid).text) == []

    holds()


def asked(wanted: WantedSeries) -> tuple[object, ...]:
    """Give what is asked of Exchange."""
    return wanted.master, wanted.exceptions, wanted.deleted, wanted.instances
