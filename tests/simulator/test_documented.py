"""Microsoft's own request samples are answered or refused for a reason, never by a crash."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    "ErrorMailRecipientNotFound",
    "ErrorInvalidChangeKey",
    "ErrorNonExistentMailbox",
    "ErrorSchemaValidation",
    "ErrorInvalidOperation",
    "ErrorNameResolutionNoResults",
    "ErrorInvalidPropertyRequest",
    "ErrorInvalidServerVersion",
    "ErrorInvalidSubscription",
    "ErrorInvalidSyncStateData",
    "ErrorSubscriptionNotFound",
    "ErrorInvalidTimeInterval",  # a sample's window lacks a second of the day that 2010 asks for
}


@pytest.mark.recordings
@pytest.mark.parametrize("personality", ["2007", "2010", "2013", "2019", "lenient"])
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


@pytest.mark.recordings
def test_the_documented_series_is_answered_as_documented(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    """Create the sample's series and ask for it as the sample does: the answer is the sample's, ids apart."""
    ask = make_ask(make_sim("2019"))
    login = ("anna@example.com", "anna-password")
    name = "how-to-create-a-recurring-series-by-using-ews-in-exchange"
    send = (FOLDER / "CreateItem" / f"req-{name}-1.xml").read_bytes()
    created = ask.session.post(ask.sim.url, data=send, auth=login, timeout=10)
    item_id = next(etree.fromstring(created.content).iter("{*}ItemId")).get("Id")
    question = (FOLDER / "GetItem" / f"req-{name}-3.xml").read_text()
    question = question.replace('Id="AAMkAD" ChangeKey="DwAAAB"', f'Id="{item_id}"')
    answer = ask.session.post(ask.sim.url, data=question.encode(), auth=login, timeout=10)
    expected = etree.parse(FOLDER / "GetItem" / f"resp-{name}-4.xml").getroot()

    def facts(root: Any) -> list[tuple[str, str]]:
        (item,) = root.iter("{*}CalendarItem")
        return [(etree.QName(element).localname, (element.text or "").strip()) for element in item.iter()]

    assert facts(etree.fromstring(answer.content)) == facts(expected)


@pytest.mark.recordings
def test_the_documented_events_are_answered_as_documented(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    """Subscribe as a sample does and ask for events: elements and attributes are those of the samples."""

    def shape(element: Any) -> Any:
        return etree.QName(element).text, sorted(element.attrib), [shape(child) for child in element]

    def sample(operation: str, name: str) -> Any:
        root = etree.parse(FOLDER / operation / name).getroot()
        return next(root.iter(f"{{*}}{operation}ResponseMessage"))

    def post(path: Path, **replaced: str) -> Any:
        text = path.read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        answer = ask.session.post(ask.sim.url, data=text.encode(), auth=login, timeout=10)
        assert answer.status_code == 200, answer.text
        return next(etree.fromstring(answer.content).iter("{*}ResponseMessages"))[0]

    sim = make_sim("2019")
    ask, login = make_ask(sim), ("anna@example.com", "anna-password")
    subscribed = post(
        FOLDER / "Subscribe" / "req-how-to-pull-notifications-about-mailbox-events-by-using-ews-in-exchange-1.xml",
        inbox="calendar",
    )
    assert shape(subscribed) == shape(sample("Subscribe", "resp-subscribe-operation-1.xml"))
    name = "how-to-stream-notifications-about-mailbox-events-by-using-ews-in-exchange"
    streaming = post(FOLDER / "Subscribe" / f"req-{name}-1.xml")
    assert shape(streaming) == shape(sample("Subscribe", f"resp-{name}-2.xml"))
    moment = sim.store.clock()
    for _ in range(2):
        sim.add_event("anna@example.com", subject="x", start=moment, end=moment)
    named, mark = subscribed.findtext("{*}SubscriptionId"), subscribed.findtext("{*}Watermark")
    ids = {"d581ab79-a2ec-4653-9c8e-564d7cfc1d8c": named, "AAAAAGUhAAAAAAAAAQ==": mark}
    request = FOLDER / "GetEvents" / "req-how-to-pull-notifications-about-mailbox-events-by-using-ews-in-exchange-3.xml"
    answer = post(request, **ids)
    expected = sample("GetEvents", "resp-getevents-operation-1.xml")
    events = list(answer.iter("{*}CreatedEvent"))
    assert [shape(event)[1:] for event in events] == [shape(event)[1:] for event in expected.iter("{*}NewMailEvent")]
    for message in (answer, expected):
        for event in list(
            message.iter("{*}CreatedEvent", "{*}ModifiedEvent", "{*}NewMailEvent", "{*}FreeBusyChangedEvent")
        ):
            event.getparent().remove(event)
    assert shape(answer) == shape(expected)
    login = ("bob@example.com", "bob-password")
    denied, expected = post(request, **ids), sample("GetEvents", "resp-getevents-operation-2.xml")
    assert shape(denied) == shape(expected)
    assert [child.text for child in denied] == [child.text for child in expected]
    ended = post(FOLDER / "Unsubscribe" / "req-unsubscribe-operation-0.xml")
    expected = sample("Unsubscribe", "resp-unsubscribe-operation-2.xml")
    assert [(child.tag, child.text) for child in ended] == [(child.tag, child.text) for child in expected]
