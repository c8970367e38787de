"""A simulated Exchange with three people, and a plain way to ask it: raw XML over requests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from lxml import etree

from bridge.simulator import CalendarPlan, PersonPlan, Simulator

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
<s:Header>{version}{zone}</s:Header><s:Body>{body}</s:Body></s:Envelope>"""
PEOPLE = (
    PersonPlan(
        "Anna Berg",
        "anna@example.com",
        "anna-password",
        ("a.berg@example.com",),
        zone="W. Europe Standard Time",
        calendars=(
            CalendarPlan("Calendar", {"bob@example.com": "read", "carl@example.com": "write"}),
            CalendarPlan("Projects"),
        ),
    ),
    PersonPlan("Bob Stone", "bob@example.com", "bob-password"),
    PersonPlan("Carl Stone", "carl@example.com", "carl-password"),
)


class Ask:
    """Asks a simulator as one of its people."""

    def __init__(self, sim: Simulator, version: str = "Exchange2010_SP2") -> None:
        self.sim = sim
        self.version = version
        self.session = requests.Session()

    def envelope(self, body: str, version: str | None = None, zone: str = "") -> bytes:
        version = self.version if version is None else version
        told = f'<t:RequestServerVersion Version="{version}"/>' if version else ""
        context = f'<t:TimeZoneContext><t:TimeZoneDefinition Id="{zone}"/></t:TimeZoneContext>' if zone else ""
        return ENVELOPE.format(version=told, zone=context, body=body).encode()

    def post(self, body: str, who: str = "anna", **settings: Any) -> requests.Response:
        content = self.envelope(body, settings.get("version"), settings.get("zone", ""))
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        login = (f"{who}@example.com", f"{who}-password")
        return self.session.post(self.sim.url, data=content, headers=headers, auth=login, timeout=10)

    def __call__(self, body: str, who: str = "anna", **settings: Any) -> Any:
        """Give the answer's messages."""
        answer = self.post(body, who, **settings)
        assert answer.status_code == 200, answer.text[:3000]
        return list(next(etree.fromstring(answer.content).iter(f"{M}ResponseMessages")))

    def code(self, body: str, who: str = "anna", **settings: Any) -> str:
        """Give the response code of the first message, or of the fault."""
        answer = self.post(body, who, **settings)
        root = etree.fromstring(answer.content)
        if answer.status_code == 200:
            return str(next(root.iter(f"{M}ResponseCode")).text)
        return str(next(root.iter("faultcode")).text).removeprefix("a:")

    def create(self, content: str = "", who: str = "anna", folder: str = "", **settings: Any) -> Any:
        """Give the ItemId element of a new item; `content` is the inside of CalendarItem."""
        (message,) = self(create_text(content, folder), who, **settings)
        assert message.get("ResponseClass") == "Success", etree.tostring(message)
        return next(message.iter(f"{T}ItemId"))

    def item(
        self, item_id: Any, paths: str = "", who: str = "anna", base: str = "AllProperties", **settings: Any
    ) -> Any:
        """Give the CalendarItem element of an id."""
        (message,) = self(get_text(item_id, paths, base), who, **settings)
        assert message.get("ResponseClass") == "Success", etree.tostring(message)
        return next(message.iter(f"{T}CalendarItem"))


def create_text(content: str, folder: str = "") -> str:
    saved = f"<m:SavedItemFolderId>{folder}</m:SavedItemFolderId>" if folder else ""
    return (
        f'<m:CreateItem SendMeetingInvitations="SendToNone">{saved}<m:Items><t:CalendarItem>{content}'
        "</t:CalendarItem></m:Items></m:CreateItem>"
    )


def get_text(item_id: Any, paths: str = "", base: str = "IdOnly") -> str:
    more = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return (
        f"<m:GetItem><m:ItemShape><t:BaseShape>{base}</t:BaseShape>{more}</m:ItemShape>"
        f'<m:ItemIds><t:ItemId Id="{item_id.get("Id")}"/></m:ItemIds></m:GetItem>'
    )


@pytest.fixture
def make_sim() -> Iterator[Callable[..., Simulator]]:
    """Give simulators that stop with the test and have never sent an invalid answer."""
    made: list[Simulator] = []

    def make(personality: str = "2019", **settings: Any) -> Simulator:
        defaults: dict[str, Any] = {"people": PEOPLE, "clock": lambda: NOW}
        sim = Simulator(personality=personality, **(defaults | settings))
        sim.start()
        made.append(sim)
        return sim

    yield make
    for sim in made:
        sim.stop()
    assert [answer for sim in made for answer in sim.invalid_answers] == []


@pytest.fixture
def make_ask() -> Iterator[Callable[..., Ask]]:
    made: list[Ask] = []

    def make(sim: Simulator, version: str = "Exchange2010_SP2") -> Ask:
        made.append(Ask(sim, version))
        return made[-1]

    yield make
    for ask in made:
        ask.session.close()


@pytest.fixture
def sim(make_sim: Callable[..., Simulator]) -> Simulator:
    return make_sim()


@pytest.fixture
def ask(sim: Simulator, make_ask: Callable[..., Ask]) -> Ask:
    return make_ask(sim)


@pytest.fixture
def read_xml() -> Callable[[Any, str], str | None]:
    """Give a reader of one value inside an element: `read_xml(item, "Subject")`."""

    def read(element: Any, path: str) -> str | None:
        found = element.find("/".join(f"{T}{name}" for name in path.split("/")))
        return None if found is None else (found.text or "")

    return read
