"""What every test shares: tests that need foreign data say so by a mark and are skipped where it is not."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bridge.simulator.rules import assumed
from bridge.sync.freshness import Patience

from postgres import Cluster, empty, shared_cluster
from stores import ON_POSTGRESQL, ON_SQLITE, Files, Schemas, Stores

_NEEDS = {
    "schemas": ("EXCHANGE_SCHEMAS", "schemas"),
    "recordings": ("EXCHANGE_SCHEMAS", "recordings"),
    "corpus": ("ICALENDAR_CORPUS", "objects"),
}


def _is_there(variable: str, folder: str) -> bool:
    root = os.environ.get(variable)
    return bool(root) and (Path(root or "") / folder).is_dir()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark, (variable, folder) in _NEEDS.items():
            if item.get_closest_marker(mark) and not _is_there(variable, folder):
                item.add_marker(pytest.mark.skip(reason=f"{variable} names no folder with {folder}/"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much of the simulated Exchange rests on nobody's word."""
    terminalreporter.write_line(f"The simulated Exchange follows {len(assumed())} rules that are assumed.")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give the PostgreSQL that all test processes share; what needs it is skipped where there is none."""
    folder = tmp_path_factory.getbasetemp()
    try:
        with shared_cluster(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as found:
            yield found
    except LookupError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def own_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """Give a PostgreSQL that the test may stop and start."""
    own = cluster.another()
    try:
        yield own
    finally:
        own.remove()


@pytest.fixture(scope="session")
def own_database(cluster: Cluster) -> Iterator[str]:
    """Give the URL of a database that is this process's own."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def database(own_database: str) -> str:
    """Give the URL of an empty database."""
    empty(own_database)
    return own_database


@pytest.fixture(params=[ON_SQLITE, ON_POSTGRESQL])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Give each kind of database in turn."""
    if request.param == ON_SQLITE:
        return Files(tmp_path)
    return Schemas(request.getfixturevalue("database"))


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Let requests wait for news as long as it takes: a busy machine must not make answers old.

    Tests of waiting give a patience of their own, or run the command as it is.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.service.Patience", partial(Patience, known=30.0))
        yield
