"""The back ends that the contract suite runs on."""

from collections.abc import Iterator

import pytest
from memory_exchange import MemoryExchange
from port_subject import Subject

from bridge.model import Address, BasicCredential, CalendarRef, Caller, OrganisationId, Rights, Viewer


def caller(address: str) -> Caller:
    viewer = Viewer(OrganisationId("test"), Address(address))
    return Caller(viewer, BasicCredential(address, f"password of {address}"))


def on_memory(*, finds_conflicts: bool = True) -> Subject:
    exchange = MemoryExchange(page_size=3, finds_conflicts=finds_conflicts)
    owner, reader, stranger = (caller(f"{name}@example.test") for name in ("owner", "reader", "stranger"))
    for one, aliases in ((owner, ["alias@example.test"]), (reader, []), (stranger, [])):
        exchange.add_person(one.viewer.address, one.credential.password, *aliases)
    exchange.add_folder(owner.viewer.address, "Second")
    folder = exchange.calendar_of(owner.viewer.address)
    folder.readers[reader.viewer.address] = Rights(read=True, create=False, modify=False, delete=False)
    calendar = CalendarRef(owner.viewer, owner.viewer.address, folder.id)
    return Subject(exchange, owner, Address("alias@example.test"), reader, stranger, calendar)


@pytest.fixture(params=["memory", "memory without conflicts"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    made = on_memory(finds_conflicts=request.param == "memory")
    yield made
    made.exchange.close()
