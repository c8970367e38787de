"""Months of mailboxes' time in the mirror: sealed, each viewer's own, and not without bound."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.item import BusyStatus
from bridge.mirror.busy_months import BusyMonth
from bridge.mirror.mirror import Mirror
from bridge.model import Address, Block, OrganisationId, Viewer

ANN = Viewer(OrganisationId("example.test"), Address("ann@example.test"))
BEN = Viewer(OrganisationId("example.test"), Address("ben@example.test"))
CLEO = Address("cleo@example.test")
THEN = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
BLOCK = Block(THEN, THEN + timedelta(hours=1), BusyStatus.OUT_OF_OFFICE)


def test_a_month_is_given_to_the_viewer_it_was_told_to(mirror: Mirror) -> None:
    told = {(CLEO, 24327): BusyMonth(THEN, (BLOCK,)), (CLEO, 24328): BusyMonth(THEN, ())}
    mirror.busy_months.put(ANN, told)
    assert mirror.busy_months.get(ANN, [*told, (CLEO, 1)]) == told
    assert mirror.busy_months.get(BEN, told) == {}
    mirror.forget(ANN)
    assert mirror.busy_months.get(ANN, told) == {}


def test_the_latest_of_a_viewer_are_kept(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.mirror.busy_months.MOST_OF_A_VIEWER", 3)
    for number in range(5):
        mirror.busy_months.put(ANN, {(CLEO, number): BusyMonth(THEN + timedelta(minutes=number), (BLOCK,))})
    kept = mirror.busy_months.get(ANN, [(CLEO, number) for number in range(5)])
    assert sorted(month for _, month in kept) == [2, 3, 4]


def test_nothing_of_it_is_in_the_clear(mirror: Mirror, file: Path) -> None:
    mirror.busy_months.put(ANN, {(CLEO, 24327): BusyMonth(THEN, (BLOCK,))})
    written = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    for secret in (b"cleo", b"ann@", b"OOF", b"2027-03-01"):
        assert secret not in written
