"""Microsoft's own request samples are answered or refused for a reason, never by a crash."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from lxml import etree

from bridge.simulator import Simulator
from bridge.simulator.operations import OPERATIONS

FOLDER = Path(os.environ.get("EXCHANGE_SCHEMAS", "")) / "documented"
SAMPLES = sorted(FOLDER.glob("*/req-*.xml")) if os.environ.get("EXCHANGE_SCHEMAS") else []
# What the samples name is not here, or is of things that are not simulated
EXPECTED = {
    "NoError",
    "ErrorAccessDenied",
    "ErrorFolderNotFound",
    "ErrorInvalidIdMalformed",
    "ErrorItemNotFound",
    "ErrorInvalidChangeKey",
    "ErrorNonExistentMailbox",
    "ErrorSchemaValidation",
    "ErrorInvalidOperation",
    "ErrorNameResolutionNoResults",
    "ErrorInvalidPropertyRequest",
    "ErrorInvalidServerVersion",
    "ErrorInvalidSyncStateData",
}


@pytest.mark.recordings
@pytest.mark.parametrize("personality", ["2010", "2019", "lenient"])
def test_documented_requests(make_sim: Callable[..., Simulator], personality: str) -> None:
    sim = make_sim(personality)
    answered = 0
    with requests.Session() as session:
        session.auth = ("anna@example.com", "anna-password")
        for path in SAMPLES:
            answer = session.post(sim.url, data=path.read_bytes(), timeout=10)
            assert answer.status_code in {200, 500}, path
            root = etree.fromstring(answer.content)
            codes = {e.text for e in root.iter("{*}ResponseCode")} | {
                (e.text or "").removeprefix("a:") for e in root.iter("faultcode")
            }
            assert codes <= EXPECTED, (path, codes)
            answered += answer.status_code == 200
            if path.parent.name not in OPERATIONS:
                assert answer.status_code == 500, path
    assert answered >= 25
