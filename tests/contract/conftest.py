"""The back ends that the contract suite runs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline, Notifications
from bridge.model import (
    Address,
    BasicCredential,
    CalendarRef,
    Caller,
    OrganisationId,
    Rights,
    ServiceCredential,
    Viewer,
)
from bridge.simulator import CalendarPlan, PersonPlan, Simulator

from memory_exchange import MemoryExchange
from port_subject import Subject

_REFUSED_TO_SERVICES = (
    "The account does not have permission to impersonate the requested user.",
    "The SMTP address has no mailbox associated with it.",
)
"""What impersonation is refused with; every other refusal is a request that is wrong."""


def caller(address: str) -> Caller:
    viewer = Viewer(OrganisationId("test"), Address(address))
    return Caller(viewer, BasicCredential(address, f"password of {address}"))


def acting(account: str, owner: Caller) -> Caller:
    """Give the owner as a service account asks for him."""
    credential = ServiceCredential(account, f"password of {account}", owner.viewer.address)
    return replace(owner, credential=credential)


def on_memory(*, finds_conflicts: bool = True) -> Subject:
    exchange = MemoryExchange(page_size=3, finds_conflicts=finds_conflicts)
    owner, reader, stranger = (caller(f"{name}@example.test") for name in ("owner", "reader", "stranger"))
    for one, aliases in ((owner, ["alias@example.test"]), (reader, []), (stranger, [])):
        exchange.add_person(one.viewer.address, one.credential.password, *aliases)
    exchange.add_folder(owner.viewer.address, "Second")
    exchange.room_list.append(exchange.add_room("attic@example.test", "Attic"))
    folder = exchange.calendar_of(owner.viewer.address)
    folder.readers[reader.viewer.address] = Rights(read=True, create=False, modify=False, delete=False)
    exchange.notifications = Notifications.STREAM
    exchange.service_accounts["service@example.test"] = "password of service@example.test"
    exchange.powerless_accounts["reader@example.test"] = "password of reader@example.test"

    def lose_subscriptions() -> None:
        for one in list(exchange.watched):
            exchange.lose(one)

    return Subject(
        exchange,
        owner,
        Address("alias@example.test"),
        reader,
        stranger,
        CalendarRef(owner.viewer, owner.viewer.address, folder.id),
        acting("service@example.test", owner),
        acting("reader@example.test", owner),
        lose_subscriptions,
        delegates_subscribe=True,
    )


def person(caller: Caller, *aliases: str, shares_with: str = "") -> PersonPlan:
    address = caller.viewer.address
    permissions = {shares_with: "read"} if shares_with else {}
    return PersonPlan(
        name=address.partition("@")[0].title(),
        address=address,
        password=caller.credential.password,
        aliases=aliases,
        calendars=(CalendarPlan("Calendar", permissions), CalendarPlan("Second")),
    )


@contextmanager
def on_ews(personality: str, *, ntlm: bool = False) -> Iterator[Subject]:
    owner, reader, stranger = (caller(f"{name}@example.test") for name in ("owner", "reader", "stranger"))
    people = [
        person(owner, "alias@example.test", shares_with=reader.viewer.address),
        person(reader),
        person(stranger),
        replace(person(caller("service@example.test")), impersonates=True),
        PersonPlan("Attic", "attic@example.test", "unknown", room_list="rooms@example.test"),
    ]
    with Simulator(people, personality=personality, ntlm=ntlm, tls=ntlm) as server:
        plain = EwsSettings(server.url)
        exchange = EwsExchange(replace(plain, authentication="ntlm", ca_file=server.ca_file) if ntlm else plain)
        calendar = exchange.calendars(owner, owner.viewer.address, Deadline.after(20))[0].ref
        try:
            yield Subject(
                exchange,
                owner,
                Address("alias@example.test"),
                reader,
                stranger,
                calendar,
                acting("service@example.test", owner),
                acting("reader@example.test", owner),
                server.lose_subscriptions,
                delegates_subscribe=server.service.personality.rules.delegates_subscribe,
                lists_for_any_cursor=personality == "lenient",
                lists_rooms=personality not in {"2007", "lenient"},
                weeks_from_sunday=personality == "2007",
                has_no_resources=personality == "lenient",
            )
        finally:
            exchange.close()
        assert server.outbox == []
        assert server.invalid_answers == []
        found_out = ["GetFolder: The specified server version is invalid."] if personality == "2007" else []
        refused = [one for one in server.refused if not one.endswith(_REFUSED_TO_SERVICES)]
        assert refused == found_out or personality == "lenient"


@pytest.fixture(
    params=["memory", "memory without conflicts", "2007", "2010", "2013", "2019", "2019 by NTLM", "online", "lenient"]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param.startswith("memory"):
        yield on_memory(finds_conflicts=request.param == "memory")
        return
    personality, _, way = request.param.partition(" by ")
    with on_ews(personality, ntlm=way == "NTLM") as made:
        yield made
