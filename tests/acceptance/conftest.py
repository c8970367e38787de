"""Bridges in front of simulated Exchanges, for whole modules: starting one takes a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridged import Bridged, bridged
from place import Place, place_of_series


@pytest.fixture(scope="module", params=["2019", "2010", "lenient"])
def everywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    """Put a bridge in front of each kind of Exchange, that asks Exchange at every read."""
    with bridged(tmp_path_factory.mktemp("bridge"), request.param) as made:
        yield made


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    """Put a bridge in front of Exchange 2019, that asks Exchange at every read."""
    with bridged(tmp_path_factory.mktemp("bridge"), "2019") as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a calendar for series one by one, without HTTP."""
    with place_of_series(tmp_path_factory.mktemp("drawn")) as made:
        yield made


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Bridged]:
    """Serve with two processes."""
    with bridged(tmp_path, "2019", workers=2, fresh=3600) as made:
        yield made
