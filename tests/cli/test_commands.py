"""The commands in this process: help, and mistakes told in sentences."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner
from radicale import config as radicale_config

from bridge.cli import main
from bridge.config import (
    ExchangeSettings,
    FreeBusySettings,
    MirrorSettings,
    ServerSettings,
    Share,
    StateSettings,
    SyncSettings,
    load,
)

EXAMPLE = Path(__file__).parents[2] / "config" / "exchange-bridge.toml"


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"HOME": str(tmp_path), "EXCHANGE_BRIDGE_CONFIG": "", "XDG_STATE_HOME": ""})


def test_help_names_every_command(runner: CliRunner) -> None:
    result = runner.invoke(main, ["-h"])
    assert result.exit_code == 0
    for name in ("serve", "demo", "simulate", "share", "mirror", "config"):
        assert f"\n  {name} " in result.output


def test_it_tells_its_version(runner: CliRunner) -> None:
    result = runner.invoke(main, ["--version"])
    assert (result.exit_code, result.output.startswith("exchange-bridge, version 0.")) == (0, True)


@pytest.mark.parametrize("command", [["serve"], ["config", "check"]])
def test_without_a_configuration_it_says_how_to_name_one(command: list[str], runner: CliRunner) -> None:
    result = runner.invoke(main, command)
    assert result.exit_code == 2
    assert result.stderr == "No configuration is named: give --config FILE, or set EXCHANGE_BRIDGE_CONFIG.\n"
    assert result.stdout == ""


@pytest.mark.parametrize("command", [["serve"], ["config", "check"]])
def test_every_mistake_is_a_line_and_the_code_is_two(command: list[str], runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[exchange]\nurl = "http://mail.example.org/"\n[server]\nthreads = 1\n')
    result = runner.invoke(main, [*command, "--config", str(path)])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert all(line.startswith(f"{path}: ") for line in result.stderr.splitlines())


def test_the_example_configuration_is_right(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(main, ["config", "check", "--config", str(EXAMPLE)])
    assert result.exit_code == 0, result.stderr
    assert "https://mail.example.org/EWS/Exchange.asmx" in result.output
    assert str(tmp_path / ".local/state/exchange-bridge") in result.output


def test_the_example_shows_every_key(runner: CliRunner, tmp_path: Path) -> None:
    commented = re.compile(r"^# (\[\[share\]\]|[a-z_]+ = .*)$", re.MULTILINE)
    text = commented.sub(r"\1", EXAMPLE.read_text()).replace('ca_file = "/etc/ssl/certs/example-ca.pem"', "")
    password = tmp_path / "service-password"
    password.write_text("secret")
    password.chmod(0o600)
    text = text.replace("/etc/exchange-bridge/service-password", str(password))
    path = tmp_path / "all.toml"
    path.write_text(text)
    result = runner.invoke(main, ["config", "check", "--config", str(path)])
    assert result.exit_code == 0, result.stderr
    assert "Reached   https://calendar.example.org/" in result.output
    assert "Shares    1" in result.output
    kinds = (ExchangeSettings, ServerSettings, StateSettings, SyncSettings, MirrorSettings, FreeBusySettings, Share)
    shown = {
        key
        for section in tomllib.loads(text).values()
        for key in (section[0] if isinstance(section, list) else section)
    }
    assert shown == {field.name for kind in kinds for field in fields(kind)} - {"ca_file"}


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    commented = re.compile(r"^# ((?!ca_file|url|folder|viewer|owner|service_|database)[a-z_]+ = .*)$", re.MULTILINE)
    path = tmp_path / "all.toml"
    path.write_text(commented.sub(r"\1", EXAMPLE.read_text()))
    assert load(path, {"HOME": "/h"}) == load(EXAMPLE, {"HOME": "/h"})


def test_the_example_for_radicales_own_command_is_right() -> None:
    configuration = radicale_config.load([(str(EXAMPLE.with_name("radicale.ini")), False)])
    for section in ("auth", "rights", "storage", "web"):
        assert configuration.get(section, "type") == "bridge.storage_plugin"
    assert configuration.get("storage", "config") == EXAMPLE.name
    assert configuration.get("auth", "realm") == load(EXAMPLE, {"HOME": "/h"}).server.realm
    assert configuration.get("rights", "permit_overwrite_collection") is False
    assert configuration.get("sharing", "type") == "none"
