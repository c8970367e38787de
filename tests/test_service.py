"""What is looked at before anything is served."""

from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import ConfigurationInvalid
from bridge.service import KEY_FILE, STATE_FILE, build, prepare


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.toml"
    path.write_text(
        f'[exchange]\nurl = "http://127.0.0.1:9/EWS/Exchange.asmx"\n[state]\nfolder = "{tmp_path / "own"}"\n'
    )
    return path


def test_a_service_is_built_without_asking_exchange(config: Path) -> None:
    build(load(config)).close()


def test_a_lost_key_beside_a_state_is_told_and_no_new_one_is_made(config: Path, tmp_path: Path) -> None:
    prepare(load(config))
    key = tmp_path / "own" / KEY_FILE
    key.unlink()
    with pytest.raises(ConfigurationInvalid, match=f"'{KEY_FILE}' is missing"):
        prepare(load(config))
    assert not key.exists()


def test_a_state_of_other_keys_is_told_before_anything_is_served(config: Path, tmp_path: Path) -> None:
    prepare(load(config))
    (tmp_path / "own" / KEY_FILE).unlink()
    state = (tmp_path / "own" / STATE_FILE).rename(tmp_path / "aside")
    prepare(load(config))
    state.rename(tmp_path / "own" / STATE_FILE)
    with pytest.raises(ConfigurationInvalid):
        prepare(load(config))
