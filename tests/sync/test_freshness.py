"""When a calendar is pulled before it is served."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.model import Address, CalendarRef, Epoch, FolderId, OrganisationId, Revision, Viewer
from bridge.resource import Snapshot
from bridge.sync.freshness import Policy

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
ANNA = Address("anna@example.org")
REF = CalendarRef(Viewer(OrganisationId("example.org"), ANNA), ANNA, FolderId("calendar"))


@pytest.mark.parametrize(
    ("pulled", "heard", "is_due"),
    [
        pytest.param(None, None, True, id="never pulled"),
        pytest.param(14, None, False, id="pulled a moment ago"),
        pytest.param(16, None, True, id="pulled too long ago"),
        pytest.param(7200, 3, False, id="watched and quiet"),
        pytest.param(7200, 16, True, id="its watcher is not heard of any more"),
        pytest.param(5, 16, False, id="its watcher is gone, but it was pulled a moment ago"),
        pytest.param(None, 3, True, id="watched before it was pulled"),
    ],
)
def test_a_calendar_is_due(pulled: int | None, heard: int | None, *, is_due: bool) -> None:
    def ago(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOW - timedelta(seconds=seconds)

    mirrored = Snapshot(REF, Epoch("e"), Revision(1), ago(pulled), dict, heard_at=ago(heard))
    policy = Policy(15, lambda: NOW)
    assert policy.is_due(mirrored) is is_due
    assert policy.is_due(mirrored, fresh=True)
