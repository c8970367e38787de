"""Blocks put together, against a minute-by-minute account."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.freebusy.blocks import clip, merge
from bridge.item import BusyStatus
from bridge.model import Block

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPANS = st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from([BusyStatus.BUSY, BusyStatus.TENTATIVE]))


def minutes(blocks: tuple[Block, ...] | list[Block]) -> set[tuple[int, BusyStatus]]:
    return {
        (minute, each.status)
        for each in blocks
        for minute in range((each.start - NOON) // MINUTE, (each.end - NOON) // MINUTE)
    }


def blocks_of(spans: list[tuple[int, int, BusyStatus]]) -> list[Block]:
    return [Block(NOON + begin * MINUTE, NOON + (begin + length) * MINUTE, status) for begin, length, status in spans]


@given(st.lists(SPANS, max_size=12))
def test_merged_blocks_cover_the_same_minutes_and_do_not_touch(spans: list[tuple[int, int, BusyStatus]]) -> None:
    blocks = blocks_of(spans)
    merged = merge(blocks)
    assert minutes(merged) == minutes(blocks)
    assert list(merged) == sorted(merged, key=lambda each: each.start)
    for status in BusyStatus:
        of_one = [each for each in merged if each.status is status]
        assert all(first.end < second.start for first, second in pairwise(of_one))


@given(st.lists(SPANS, max_size=12), st.integers(0, 60), st.integers(1, 60))
def test_clipped_blocks_cover_what_is_in_the_window(
    spans: list[tuple[int, int, BusyStatus]], begin: int, width: int
) -> None:
    blocks = blocks_of(spans)
    clipped = clip(blocks, NOON + begin * MINUTE, NOON + (begin + width) * MINUTE)
    assert minutes(clipped) == {each for each in minutes(blocks) if begin <= each[0] < begin + width}
    assert all(each.end > each.start for each in clipped)
