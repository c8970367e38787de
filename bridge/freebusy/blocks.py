"""Blocks of busy time, put together: what touches or overlaps and has one status is one block."""

from collections.abc import Iterable
from datetime import datetime

from bridge.item import BusyStatus
from bridge.model import Block


def merge(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Give the blocks with those of one status merged, in order of start. Blocks of two statuses may overlap."""
    merged: list[Block] = []
    last: dict[BusyStatus, Block] = {}
    for block in sorted(blocks, key=lambda each: each.start):
        open_one = last.get(block.status)
        if open_one is None or block.start > open_one.end:
            if open_one is not None:
                merged.append(open_one)
            last[block.status] = block
        elif block.end > open_one.end:
            last[block.status] = Block(open_one.start, block.end, block.status)
    merged += last.values()
    return tuple(sorted(merged, key=lambda each: (each.start, each.end, each.status)))


def clip(blocks: Iterable[Block], start: datetime, end: datetime) -> tuple[Block, ...]:
    """Give what of the blocks is in a window (UTC); what takes no time there is left out."""
    return tuple(
        block
        if start <= block.start and block.end <= end
        else Block(max(block.start, start), min(block.end, end), block.status)
        for block in blocks
        if block.start < end and block.end > start
    )
