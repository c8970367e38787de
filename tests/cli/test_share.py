"""``exchange-bridge share``: what it says, and what it does to the state."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.config import load
from bridge.service import prepare

ANNA, BEN, CLEO = "anna@example.org", "ben@example.org", "cleo@example.org"


class Shares:
    """Runs the commands on one configuration, in which Ben sees Anna's calendar."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "bridge.toml"
        self.config.write_text(
            '[exchange]\nurl = "https://mail.example.org/EWS/Exchange.asmx"\n[state]\nfolder = "own"\n'
            f'[[share]]\nviewer = "{BEN}"\nowner = "{ANNA}"\n'
        )
        prepare(load(self.config))

    def __call__(self, command: str, viewer: str = "", owner: str = "", *more: str) -> Result:
        named = ["--viewer", viewer, "--owner", owner] if viewer else []
        runner = CliRunner(env={"EXCHANGE_BRIDGE_CONFIG": str(self.config)})
        return runner.invoke(main, ["share", command, *named, *more])

    def listed(self) -> list[dict[str, str]]:
        """Give what is listed as JSON."""
        told: list[dict[str, str]] = json.loads(self("list", "", "", "--json").stdout)
        return told


@pytest.fixture
def share(tmp_path: Path) -> Shares:
    return Shares(tmp_path)


def row(viewer: str, owner: str, source: str) -> dict[str, str]:
    return {"viewer": viewer, "owner": owner, "folder": "calendar", "from": source}


def test_what_is_added_is_listed_beside_what_is_configured_until_it_is_removed(share: Shares) -> None:
    added = share("add", CLEO, "Anna@Example.org")
    assert (added.exit_code, added.stdout) == (0, f"{CLEO} sees {ANNA}'s calendar, as far as Exchange allows.\n")
    assert share.listed() == [row(BEN, ANNA, "configuration"), row(CLEO, ANNA, "added")]
    removed = share("remove", CLEO, ANNA)
    assert (removed.exit_code, removed.stdout) == (0, f"{CLEO} sees {ANNA}'s calendar no more.\n")
    assert share.listed() == [row(BEN, ANNA, "configuration")]


def test_the_list_is_a_table(share: Shares) -> None:
    share("add", CLEO, BEN)
    assert share("list").stdout.splitlines() == [
        "VIEWER            OWNER             FOLDER    FROM",
        "ben@example.org   anna@example.org  calendar  configuration",
        "cleo@example.org  ben@example.org   calendar  added",
    ]


def test_without_shares_it_says_so(share: Shares) -> None:
    share.config.write_text(share.config.read_text().partition("[[share]]")[0])
    assert share("list").stdout == "There are no shares.\n"
    assert share.listed() == []


def test_adding_twice_is_no_mistake(share: Shares) -> None:
    share("add", CLEO, ANNA)
    again = share("add", CLEO, ANNA)
    assert (again.exit_code, again.stdout) == (0, f"{CLEO} sees {ANNA}'s calendar already.\n")
    assert len(share.listed()) == 2


def test_what_is_configured_is_not_added(share: Shares) -> None:
    result = share("add", BEN, ANNA)
    assert (result.exit_code, result.stdout) == (0, f"It is there already: it stands in {share.config}.\n")
    assert len(share.listed()) == 1


def test_what_is_configured_is_removed_in_the_file_that_is_named(share: Shares) -> None:
    result = share("remove", BEN, ANNA)
    assert result.exit_code == 1
    assert f"stands in {share.config}: take its [[share]] out there" in result.stderr
    assert len(share.listed()) == 1


def test_removing_what_is_not_there_says_so(share: Shares) -> None:
    result = share("remove", CLEO, ANNA)
    assert (result.exit_code, "There is no such share" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("viewer", "owner", "more", "said"),
    [
        ("cleo", ANNA, (), "'--viewer': it is 'cleo', must be a mail address"),
        (CLEO, "anna@exa mple.org", (), "'--owner': it is 'anna@exa mple.org', must be a mail address"),
        (CLEO, ANNA, ("--folder", "Team"), "'--folder': it is 'Team'; only 'calendar'"),
        (ANNA, "ANNA@example.org", (), "The viewer and the owner are the same"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(
    viewer: str, owner: str, more: tuple[str, ...], said: str, share: Shares
) -> None:
    result = share("add", viewer, owner, *more)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(share.listed()) == 1


@pytest.mark.parametrize("lost", ["own", "own/state.db", "own/key"])
def test_where_there_is_no_state_none_is_made(lost: str, share: Shares, tmp_path: Path) -> None:
    if (tmp_path / lost).is_dir():
        shutil.rmtree(tmp_path / lost)
    else:
        (tmp_path / lost).unlink()
    for command in (["add", CLEO, ANNA], ["remove", CLEO, ANNA], ["list"]):
        result = share(*command)
        assert result.exit_code == 2
        assert f"{tmp_path / 'own'}: there is no state of a bridge here" in result.stderr
    assert not (tmp_path / lost).exists()


def test_a_state_that_cannot_be_used_is_named(share: Shares, tmp_path: Path) -> None:
    (tmp_path / "own" / "state.db").write_bytes(b"this is no database" * 1000)
    result = share("list")
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr
