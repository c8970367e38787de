"""Sync states: what a client has been given, packed so that it need not look inside.

A state holds the folder, the epoch, the numbers of all that was given, as ranges, and the change seen last. While
a first listing is under way it also holds the change it began at. Base64 of gzip, as real ones are [V].
"""

import base64
import binascii
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SyncState:
    """A sync state: `seen` is the last change told, `listing` whether the first listing is still under way."""

    kind: str
    place: str
    epoch: int
    seen: int = 0
    listing: bool = True
    given: frozenset[int] = field(default_factory=frozenset)

    def text(self) -> str:
        """Give the state as a client keeps it."""
        ranges = [list(pair) for pair in _ranges(sorted(self.given))]
        content = [self.kind, self.place, self.epoch, self.seen, int(self.listing), ranges]
        packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)
        return base64.b64encode(packed).decode()


def read_state(text: str) -> SyncState | None:
    """Give the state a client sent, None when it is not one of ours."""
    try:
        packed = base64.b64decode(text, validate=True)
        kind, place, epoch, seen, listing, ranges = json.loads(gzip.decompress(packed))
        given = frozenset(number for first, last in ranges for number in range(first, last + 1))
        return SyncState(str(kind), str(place), int(epoch), int(seen), bool(listing), given)
    except (binascii.Error, ValueError, OSError, EOFError, TypeError):
        return None


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
