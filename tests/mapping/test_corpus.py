"""Every real object goes through, or is refused by name."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.mapping.calendar_object import CalendarObject, parse
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, changed, to_ical, to_items
from bridge.model import Item

pytestmark = pytest.mark.corpus

Hold = Callable[[WantedSeries], tuple[Item, ...]]
EXPANDED = {"EXDATE", "RRULE"}
"""May be written otherwise; ``make corpus`` compares the occurrences they give."""


def facts(component: Component) -> list[Any]:
    """Give what a component says: its properties with their parameters, and its sub-components, in any order."""
    lines = [(line.name, sorted(line.parameters), line.value) for line in component.lines if line.name not in EXPANDED]
    return sorted([*lines, *(facts(child) for child in component.children)], key=repr)


def is_the_same(first: WantedSeries, second: WantedSeries) -> bool:
    """Say whether what comes back wants nothing new."""
    if (first.deleted, set(first.exceptions)) != (second.deleted, set(second.exceptions)):
        return False
    pairs = [(first.exceptions[start], second.exceptions[start]) for start in first.exceptions]
    if first.master is not None and second.master is not None:
        pairs.append((first.master, second.master))
    return not any(changed(one, other) for one, other in pairs)


def test_every_real_object_comes_back_or_is_refused(
    context: Context, hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for path in sorted(Path(os.environ["ICALENDAR_CORPUS"], "objects").rglob("*.ics")):
        try:
            obj = parse(path.read_bytes())
            wanted = to_items(obj, context, ())
        except Refused as refused:
            counts[f"refused, {type(refused).__name__}"] += 1
            continue
        items = hold(wanted)
        again = parse(to_ical(items, context).text)
        lost = lost_of(obj, again)
        same = is_the_same(wanted, to_items(again, context, items)) or wanted.master is None
        counts["equal" if same and not lost else "failed"] += 1
        wrong += [(path.name, lost, same)] if lost or not same else []
    with capsys.disabled():
        print(f"\ncorpus: {dict(counts)}")  # noqa: T201 - the counts are what the test is read for
    assert wrong == []
    assert counts["equal"] > 0


def lost_of(before: CalendarObject, after: CalendarObject) -> list[Any]:
    return [fact for fact in facts(before.event) if fact not in facts(after.event)]
