"""The busy time the bridge tells of a calendar is what Exchange's own availability says, in any window."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline
from bridge.freebusy.blocks import clip, merge
from bridge.ids import make_etag
from bridge.mapping.context import Context
from bridge.mapping.series import to_ical
from bridge.model import (
    Address,
    Availability,
    BasicCredential,
    Block,
    BusyStatus,
    CalendarRef,
    Caller,
    IndexRecord,
    Item,
    Mailbox,
    OrganisationId,
    Viewer,
)
from bridge.occurrences import occurrences
from bridge.simulator import Simulator, lifelike_people

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
HOURS = 24 * 300
"""From before the clock goes back in autumn until after it goes forward in spring."""
COUNTED = {BusyStatus.TENTATIVE, BusyStatus.BUSY, BusyStatus.OUT_OF_OFFICE}


class Person:
    """Somebody's calendar as the bridge reads it, and his availability as Exchange tells it."""

    def __init__(self, wire: EwsExchange, address: str, password: str) -> None:
        self._wire = wire
        self._address = Address(address)
        self._caller = Caller(Viewer(OrganisationId("x"), self._address), BasicCredential(address, password))
        self._records = list(self._read())

    def _read(self) -> Iterator[IndexRecord]:
        ref = self._wire.calendars(self._caller, self._address, Deadline.after(30))[0].ref
        page = self._wire.feed(self._caller, ref, None, Deadline.after(30))
        assert page.is_last
        for item in self._get(ref, [entry.ref.id for entry in page.entries]):
            exceptions = self._get(ref, [one.ref.id for one in item.exceptions])
            rendering = to_ical((item, *exceptions), Context(Mailbox(self._address)))
            assert make_etag(rendering.text)
            yield rendering.index

    def _get(self, ref: CalendarRef, ids: list[str]) -> list[Item]:
        found = self._wire.get(self._caller, ref, ids, Deadline.after(60))  # type: ignore[arg-type] # ids of items
        items = [one for one in found if isinstance(one, Item)]
        assert len(items) == len(ids)
        return items

    def ours(self, start: datetime, end: datetime) -> tuple[Block, ...]:
        blocks = [
            Block(one.start, one.end, one.busy_status)
            for record in self._records
            for one in occurrences(record, start, end)
            if one.busy_status in COUNTED
        ]
        return merge(clip(blocks, start, end))

    def theirs(self, start: datetime, end: datetime) -> tuple[Block, ...]:
        (told,) = self._wire.availability(self._caller, [self._address], start, end, Deadline.after(60))
        assert isinstance(told, Availability)
        return merge(clip([block for block in told.blocks if block.status in COUNTED], start, end))


@pytest.fixture(scope="module")
def people() -> Iterator[list[Person]]:
    plans = lifelike_people(seed=11, events=150)
    with Simulator(plans) as exchange:
        wire = EwsExchange(EwsSettings(exchange.url))
        yield [Person(wire, plan.address, plan.password) for plan in plans]
        wire.close()
        assert exchange.invalid_answers == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(who=st.integers(0, 2), hour=st.integers(0, HOURS), length=st.integers(1, 24 * 365))
def test_busy_time_equals_exchanges_availability(people: list[Person], who: int, hour: int, length: int) -> None:
    start = BEGIN + timedelta(hours=hour)
    end = start + timedelta(hours=length)
    assert people[who].ours(start, end) == people[who].theirs(start, end)


def test_there_is_something_to_compare(people: list[Person]) -> None:
    assert all(len(person.ours(BEGIN, BEGIN + timedelta(hours=HOURS))) > 100 for person in people)
