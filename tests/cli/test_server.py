"""A worker that starts: it waits for a store that cannot be opened at this moment."""

from pathlib import Path

import pytest

from bridge.cli import server
from bridge.config import Settings, load
from bridge.errors import ConfigurationInvalid, Unavailable
from bridge.service import Service, build


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "bridge.toml"
    config.write_text(f'[exchange]\nurl = "https://mail.example.test/"\n[state]\nfolder = "{tmp_path / "own"}"\n')
    return load(config)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Give the errors that the next tries to build the service end with."""
    errors: list[Exception] = []

    def build_or_fail(settings: Settings) -> Service:
        if errors:
            raise errors.pop(0)
        return build(settings)

    monkeypatch.setattr(server, "build", build_or_fail)
    monkeypatch.setattr(server, "START_PAUSE", 0)
    return errors


def test_a_store_that_cannot_be_opened_at_this_moment_is_tried_again(
    settings: Settings, tries: list[Exception]
) -> None:
    tries += [Unavailable("The calendars' store cannot be used now (disk I/O error).")] * 2
    server.build_patiently(settings).close()
    assert tries == []


def test_one_that_stays_away_is_told_in_the_end(settings: Settings, tries: list[Exception]) -> None:
    tries += [Unavailable("away")] * server.START_TRIES
    with pytest.raises(Unavailable):
        server.build_patiently(settings)
    assert tries == []


def test_a_mistake_is_told_at_once(settings: Settings, tries: list[Exception]) -> None:
    tries += [ConfigurationInvalid(["wrong"])] * 2
    with pytest.raises(ConfigurationInvalid):
        server.build_patiently(settings)
    assert len(tries) == 1
