"""Answering a calendar-query (RFC 4791 7.8): which resources pass the filter, reading no more text than it takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress

from bridge.dav.filters import Filter, TextMatch
from bridge.dav.subject import Subject
from bridge.dav.timeline import Timeline
from bridge.errors import InvalidCalendarData
from bridge.model import Name
from bridge.resource import Listed

Texts = Callable[[Sequence[Name]], Mapping[Name, bytes]]
"""Gives the bytes served for resources; one that is deleted meanwhile is left out."""

_AT_ONCE = 1000
"""Resources whose texts are held in memory at one time while they are looked through."""


def find(wanted: Filter, resources: Mapping[Name, Listed], timeline: Timeline, texts: Texts) -> list[Listed]:
    """Give the resources that pass."""
    by_uid = wanted.uid_sought()
    if by_uid is not None:
        return [each for each in _bearing(by_uid, resources) if each.index.component == "VEVENT"]
    in_range = {span: timeline.names(resources, span) for span in wanted.ranges}
    candidates: Iterable[Listed] = resources.values()
    if in_range:
        fewest = min(in_range.values(), key=len)
        candidates = [resources[name] for name in fewest if name in resources]
    verdicts = [(each, wanted.decide(each, in_range)) for each in candidates]
    open_ones = [each for each, verdict in verdicts if verdict is None]
    if not open_ones:
        return [each for each, verdict in verdicts if verdict]
    passed = set(_passing(wanted, open_ones, timeline, texts))
    return [each for each, verdict in verdicts if verdict or (verdict is None and each.name in passed)]


def _bearing(sought: TextMatch, resources: Mapping[Name, Listed]) -> Iterable[Listed]:
    """Give the resources whose UID matches: the UIDs of all are folded as one text, which costs a third of each alone.

    U+0000 stands between them, which neither iCalendar nor XML can bear and no collation changes.
    """
    fold = sought.collation
    part, folded = fold(sought.part), fold("\0".join([each.uid for each in resources.values()]))
    if part not in folded:
        return ()
    return compress(resources.values(), [part in uid for uid in folded.split("\0")])


def _passing(wanted: Filter, candidates: Sequence[Listed], timeline: Timeline, texts: Texts) -> Iterable[Name]:
    for begin in range(0, len(candidates), _AT_ONCE):
        chunk = candidates[begin : begin + _AT_ONCE]
        read = texts([each.name for each in chunk])
        for each in chunk:
            text = read.get(each.name)
            if text is None:
                continue
            unfolded = text.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
            if wanted.may_hold(unfolded) and _holds(wanted, each, unfolded, timeline):
                yield each.name


def _holds(wanted: Filter, listed: Listed, text: bytes, timeline: Timeline) -> bool:
    """Decide by the text. What we serve and cannot read passes: to leave an event out may hide it for good."""
    try:
        subject = Subject(listed, text, timeline, wanted.lines)
    except InvalidCalendarData:
        return True
    return wanted.holds(subject)
