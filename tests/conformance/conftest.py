"""A bridge of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conforming import Bridge, conforming


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    """Put a bridge in front of a simulated Exchange with three people."""
    with conforming(tmp_path) as made:
        yield made
