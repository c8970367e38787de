"""One bridge, and nginx before it at the root and below a prefix, for the whole module."""

import os
import shutil
from collections.abc import Iterator

import pytest

from bridged import Bridged, bridged
from proxied import Proxied, proxied


@pytest.fixture(scope="module")
def nginx() -> str:
    """Give the program; Debian keeps it where only administrators look."""
    found = shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if found is None:
        pytest.skip("there is no nginx on this machine (Debian: nginx-light)")
    return found


@pytest.fixture(scope="module")
def bridge(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    """Serve Ann's calendars."""
    del nginx
    with bridged(tmp_path_factory.mktemp("bridge"), "2019") as made:
        yield made


@pytest.fixture(scope="module", params=["at the root", "below a prefix"])
def outside(
    request: pytest.FixtureRequest, nginx: str, bridge: Bridged, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """Give the bridge as it is seen from outside, in both of the documented ways."""
    folder = tmp_path_factory.mktemp("nginx")
    with proxied(nginx, bridge, folder, below_prefix=request.param == "below a prefix") as made:
        yield made
