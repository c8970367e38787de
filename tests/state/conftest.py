"""A state in a folder of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.keys import Keys
from bridge.model import Address, CalendarRef, FolderId, OrganisationId, Viewer
from bridge.state.state import State

from stores import Stores

OpenState = Callable[..., State]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def keys() -> Keys:
    return Keys({"1": b"1" * 32}, b"l" * 32)


@pytest.fixture
def open_state(stores: Stores, tmp_path: Path, keys: Keys) -> Iterator[OpenState]:
    """Open the one state again, as another process would."""
    with ExitStack() as stack:

        def open_one(keys: Keys = keys) -> State:
            engine = stores.engine("state")
            stack.callback(engine.dispose)
            state = State(engine, keys, tmp_path)
            stack.callback(state.close)
            return state

        yield open_one


@pytest.fixture
def state(open_state: OpenState) -> State:
    return open_state()


@pytest.fixture
def ref() -> CalendarRef:
    viewer = Viewer(OrganisationId("example"), Address("anna@example.com"))
    return CalendarRef(viewer, Address("anna@example.com"), FolderId("AAMkFolder="))
