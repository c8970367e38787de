"""How many connections one process has to each of its databases."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.pool import QueuePool

from bridge.database import postgresql, sqlite
from bridge.database.troubles import troubles
from bridge.errors import Unavailable

OF_SQLITE, KEPT = 64, 8
OF_A_SERVER = 10


def test_connections_to_a_file_are_bounded_and_few_stay_open(tmp_path: Path) -> None:
    engine = sqlite.make_engine(tmp_path / "mirror.db", "NORMAL")
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    pool._timeout = 0.01
    with ExitStack() as opened:
        for _ in range(OF_SQLITE):
            opened.enter_context(engine.connect())
        with pytest.raises(Unavailable), troubles("The mirror"):
            engine.connect()
    assert pool.checkedin() == KEPT
    engine.dispose()


def test_connections_to_a_server_are_bounded() -> None:
    engine = postgresql.make_server_engine("postgresql://bridge@127.0.0.1:1/bridge", "mirror")
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.size() + pool._max_overflow == OF_A_SERVER
    engine.dispose()
