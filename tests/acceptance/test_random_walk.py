"""A random walk: both sides change the same calendars while Exchange fails, processes are killed, the mirror is lost.

In the end both sides hold the same, everything that was answered with a 2xx is there, and what was deleted is gone.
On the way nothing is told to be gone that Exchange has, and no trouble is a 4xx. ``WALK_SEED`` and ``WALK_STEPS`` are
the seed and the length; the same seed draws the same walk, though not the same moments.
"""

import os
from pathlib import Path

import pytest

from bridge.simulator import Simulator

from bridged import PEOPLE
from walk import Walk
from walk_client import Wrong
from walk_end import end
from walk_servers import serving

SEED = int(os.environ.get("WALK_SEED", "1"))
STEPS = int(os.environ.get("WALK_STEPS", "30"))
PERSONALITIES = ["2007", "2010", "2013", "2019", "online", "lenient"]
ONE, TWO = "two workers", "two servers"
SHORT = [(each, (ONE, TWO)[number % 2], "") for number, each in enumerate(PERSONALITIES)] + [
    ("2019", ONE, "postgresql")
]
LONG = [(each, kind, base) for each in PERSONALITIES for kind in (ONE, TWO) for base in ("", "postgresql")]
WALKS = LONG if "WALK_STEPS" in os.environ else SHORT


@pytest.mark.parametrize(("personality", "processes", "base"), WALKS, ids=[" ".join(one).strip() for one in WALKS])
def test_both_sides_hold_the_same_after_a_walk(
    tmp_path: Path, request: pytest.FixtureRequest, personality: str, processes: str, base: str
) -> None:
    database = request.getfixturevalue("database") if base else ""
    commands, workers = (1, 2) if processes == ONE else (2, 1)
    with Simulator(PEOPLE, personality=personality) as exchange:
        config = f'[exchange]\nurl = "{exchange.url}"\n[sync]\nfresh = 0\n'
        with serving(tmp_path, config, database, commands, workers) as servers:
            walk = Walk(exchange, servers, SEED)
            try:
                walk.run(STEPS)
                end(walk)
            except Exception as error:
                (tmp_path / "walk.log").write_text("\n".join(walk.log))
                told = "\n".join(walk.log[-40:])
                again = f"WALK_SEED={SEED} WALK_STEPS={STEPS} pytest '{request.node.nodeid}'"
                raise Wrong(
                    f"{error}\n\nThe walk so far, in whole in {tmp_path}/walk.log:\n{told}\n\n{again}"
                ) from error
            assert "Traceback" not in servers.told, servers.told
