"""Exchange's troubles, as a client sees them: what is known, else 503 with Retry-After, never a 4xx."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bridged import ANN, Bridged, bridged
from events import START, event

Answer = TypeVar("Answer")
PATIENCE = 60.0
LISTING = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>'
KINDS = [
    "busy_fault",
    "busy_503",
    "busy_item",
    "too_many_connections",
    "server_error",
    "reset",
    "cut",
    "truncated",
]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path, "2019") as made:
        made.exchange.add_event(ANN, subject="There", uid="there-1", start=START, end=START + timedelta(hours=1))
        yield made
        made.exchange.faults.clear()


def listing(bridge: Bridged) -> tuple[int, bool]:
    answer = bridge.ask("PROPFIND", bridge.calendar(), LISTING, Depth="1")
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code, "there-1.ics" in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_is_served_and_what_is_not_is_503(fresh: Bridged, kind: str) -> None:
    assert bridge_home(fresh) == 207
    fresh.exchange.trouble(kind, operation="SyncFolderItems", seconds=1)
    assert listing(fresh) == (503, False)
    fresh.exchange.faults.clear()
    until_listed(fresh)
    fresh.exchange.trouble(kind, operation="SyncFolderItems", seconds=1)
    assert listing(fresh) == (207, True)
    assert fresh.ask("GET", fresh.calendar() + "there-1.ics").status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_in_trouble_is_503_and_once_after_the_retry(fresh: Bridged, kind: str) -> None:
    until_listed(fresh)
    fresh.exchange.trouble(kind, operation="CreateItem", count=1, seconds=1)
    assert fresh.put("new.ics", event("new-1"), If_None_Match="*").status_code == 503
    fresh.exchange.faults.clear()
    created = eventually(lambda: fresh.put("new.ics", event("new-1"), If_None_Match="*").status_code, not_yet=503)
    assert created == 201
    assert sorted(item.uid for item in fresh.exchange.events(ANN)) == ["new-1", "there-1"]


def test_a_dead_exchange_is_503_at_login_and_never_401(fresh: Bridged) -> None:
    fresh.exchange.trouble("reset")
    answer = fresh.ask("PROPFIND", fresh.calendar(), LISTING, Depth="1")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def bridge_home(bridge: Bridged) -> int:
    return bridge.ask("PROPFIND", bridge.url + ANN + "/", Depth="1").status_code


def until_listed(bridge: Bridged) -> None:
    assert eventually(lambda: listing(bridge), not_yet=(503, False)) == (207, True)


def eventually(ask: Callable[[], Answer], *, not_yet: Answer) -> Answer:
    """Ask again while Exchange's back-off lasts, as a client does that was told Retry-After."""
    end = time.monotonic() + PATIENCE
    while (answer := ask()) == not_yet and time.monotonic() < end:
        time.sleep(0.1)
    return answer
