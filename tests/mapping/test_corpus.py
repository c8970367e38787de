"""Every real object goes through, or is refused by name."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.mapping.calendar_object import parse
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.event import changed, to_ical, to_item
from bridge.model import Item

pytestmark = pytest.mark.corpus


def facts(component: Component) -> list[Any]:
    """Give what a component says: its properties with their parameters, and its sub-components, in any order."""
    lines = [(line.name, sorted(line.parameters), line.value) for line in component.lines]
    return sorted([*lines, *(facts(child) for child in component.children)], key=repr)


def test_every_real_object_comes_back_or_is_refused(
    context: Context, make_item: Callable[..., Item], capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for path in sorted(Path(os.environ["ICALENDAR_CORPUS"], "objects").rglob("*.ics")):
        try:
            obj = parse(path.read_bytes())
            wanted = to_item(obj, context, None)
        except Refused as refused:
            counts[f"refused, {type(refused).__name__}"] += 1
            continue
        item = make_item(wanted.content)
        served = to_ical(item, context)
        again = parse(served.text)
        lost = [fact for fact in facts(obj.event) if fact not in facts(again.event)]
        changes = changed(item.content, to_item(again, context, item).content)
        counts["equal" if not lost and not changes else "failed"] += 1
        wrong += [(path.name, lost, changes)] if lost or changes else []
    with capsys.disabled():
        print(f"\ncorpus: {dict(counts)}")  # noqa: T201 - the counts are what the test is read for
    assert wrong == []
    assert counts["equal"] > 0
