"""Shares that are added and removed while the bridge serves."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main

from bridged import ANN, BEN, CLEO, Bridged

LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:displayname/></d:prop></d:propfind>'
ALIAS = "a.example@example.test"


def share(bridge: Bridged, command: str, viewer: str, owner: str) -> None:
    config = str(Path(bridge.folder) / "bridge.toml")
    result = CliRunner().invoke(main, ["share", command, "--config", config, "--viewer", viewer, "--owner", owner])
    assert result.exit_code == 0, result.output


def sees(bridge: Bridged, viewer: str, owner: str) -> bool:
    """Tell whether the owner's calendar is in the viewer's home and can be listed."""
    home = bridge.ask("PROPFIND", f"{bridge.url}{viewer}/", LISTING, person=viewer, Depth="1")
    assert home.status_code == 207
    is_listed = f"/{viewer}/{owner}~calendar/" in home.text
    answer = bridge.ask("PROPFIND", bridge.calendar(viewer, f"{owner}~calendar"), LISTING, person=viewer, Depth="1")
    assert answer.status_code == (207 if is_listed else 404)
    return is_listed


@pytest.mark.parametrize("viewer", [ANN, ALIAS])
def test_a_share_comes_and_goes_without_a_restart(two_workers: Bridged, viewer: str) -> None:
    bridge = two_workers
    bridge.exchange.permit(BEN, ANN, "read")
    for _ in range(2):
        assert not any(sees(bridge, ANN, BEN) for _ in range(4))
        share(bridge, "add", viewer, BEN)
        assert all(sees(bridge, ANN, BEN) for _ in range(4))
        share(bridge, "remove", viewer, BEN)


def test_an_owner_may_be_named_by_an_alias(bridge: Bridged) -> None:
    share(bridge, "add", CLEO, ALIAS)
    assert sees(bridge, CLEO, ANN)
    home = bridge.ask("PROPFIND", f"{bridge.url}{CLEO}/", LISTING, person=CLEO, Depth="1").text
    assert (home.count("~calendar/"), ALIAS in home) == (1, False)


def test_being_shared_gives_no_right(bridge: Bridged) -> None:
    share(bridge, "add", BEN, CLEO)
    assert not sees(bridge, BEN, CLEO)
