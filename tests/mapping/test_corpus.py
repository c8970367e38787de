"""Every real object goes through, or is refused by name."""

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.item import Item
from bridge.mapping.attachments import Attachments
from bridge.mapping.calendar_object import parse
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries, to_ical, to_items

pytestmark = pytest.mark.corpus
Hold = Callable[[WantedSeries], tuple[Item, ...]]


def facts(component: Component, context: Context) -> list[Any]:
    """Give what a component says: its properties with their parameters, and its sub-components, in any order.

    Of files the event itself holds, it is left out how: they come back as links.
    """
    files = {line.number for line in Attachments().take(component, context)}
    lines = [(line.name, sorted(line.parameters), line.value) for line in component.lines if line.number not in files]
    lines += [("ATTACH", [], "")] * len(files)
    return sorted([*lines, *(facts(child, context) for child in component.children)], key=repr)


def test_every_real_object_comes_back_or_is_refused(
    context: Context, hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    wrong = []
    for path in sorted(Path(os.environ["ICALENDAR_CORPUS"], "objects").rglob("*.ics")):
        try:
            obj = parse(path.read_bytes())
            wanted = to_items(obj, context, ())
        except Refused as refused:
            reasons[f"{type(refused).__name__}: {re.sub(r'line [0-9]+', 'line …', str(refused))}"] += 1
            continue
        items = hold(wanted)
        again = parse(to_ical(items, context).text)
        lost = [
            fact
            for before, after in zip(by_original(obj.events), by_original(again.events), strict=True)
            for fact in facts(before, context)
            if fact not in facts(after, context)
        ]
        is_same = replace(to_items(again, context, items), files=wanted.files) == wanted
        kind = "equal, series" if is_series(wanted) else "equal"
        counts["failed" if lost or not is_same else kind] += 1
        wrong += [(path.name, lost, is_same)] if lost or not is_same else []
    with capsys.disabled():
        print(f"\ncorpus: {dict(counts)}, refused {reasons.total()}")  # noqa: T201 - the counts are what it is read for
        print("".join(f"{number:4} {reason}\n" for reason, number in reasons.most_common()))  # noqa: T201 - the same
    assert wrong == []
    assert counts.total() > 9 * reasons.total()


def is_series(wanted: WantedSeries) -> bool:
    return wanted.master is None or wanted.master.recurrence is not None


def by_original(events: tuple[Component, ...]) -> list[Component]:
    """Put the master first and its changed occurrences in order."""
    return sorted(events, key=lambda event: line.value if (line := event.get("RECURRENCE-ID")) else "")
