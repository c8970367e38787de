"""Subscriptions over EWS: what is asked and where, what answers mean, and to which server they stay."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    BridgeError,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeUnreachable,
    FolderMissing,
    RequestRefused,
)
from bridge.ews.affinity import Affinities, Affinity
from bridge.ews.events import LOST
from bridge.ews.exchange import EwsExchange
from bridge.ews.operations import get_events, get_streaming_events, subscribe, unsubscribe
from bridge.ews.settings import EwsSettings
from bridge.ews.xml import Element
from bridge.exchange import Deadline, Notifications, Subscription, SubscriptionId, Woken
from bridge.model import (
    Address,
    BasicCredential,
    CalendarRef,
    Caller,
    FolderId,
    OrganisationId,
    ServiceCredential,
    Viewer,
)
from bridge.simulator.people import PersonPlan
from bridge.simulator.simulator import Simulator

from heard import Heard

SAMPLES = Path(os.environ["EXCHANGE_SCHEMAS"]) / "documented"
ANNA, BOB = Address("anna@example.com"), Address("bob@example.com")
ONE = SubscriptionId("one")
COOKIE = "X-BackEndOverrideCookie=CO1.example~1941; path=/; secure; HttpOnly"


def sample(path: str) -> Element:
    body = etree.fromstring((SAMPLES / path).read_bytes()).find("{*}Body")
    assert body is not None
    return body[0]


def caller(address: Address, *, service: bool = False) -> Caller:
    credential = ServiceCredential("service", "x", address) if service else BasicCredential(address, "x")
    return Caller(Viewer(OrganisationId("test"), address), credential)


def calendar(address: Address) -> CalendarRef:
    return CalendarRef(Viewer(OrganisationId("test"), address), address, FolderId(f"folder of {address}"))


def soon() -> Deadline:
    return Deadline.after(10)


# --- answers -----------------------------------------------------------------------------------------


def test_the_documented_answers_are_read() -> None:
    stream = sample("Subscribe/resp-how-to-stream-notifications-about-mailbox-events-by-using-ews-in-exchange-2.xml")
    assert subscribe.read(stream, ANNA, Notifications.STREAM).watermark is None
    pull = subscribe.read(sample("Subscribe/resp-subscribe-operation-1.xml"), ANNA, Notifications.PULL)
    expected = SubscriptionId("39ea5d0f-f062-455e-a1e9-89c0304390f4")
    assert pull == Subscription(expected, ANNA, "AAAAAHgGAAAAAAAAAQ==")
    with pytest.raises(AccessDenied):
        subscribe.read(sample("Subscribe/resp-subscribe-operation-2.xml"), ANNA, Notifications.PULL)
    told = get_events.read(sample("GetEvents/resp-getevents-operation-1.xml"), ONE, "AAAAAMAGAAAAAAAAAQ==")
    assert (told.watermark, told.has_more) == ("AAAAAOQGAAAAAAAAAQ==", False)
    assert told.woken is not None
    assert told.woken.folders == frozenset({FolderId("AQApAH")})
    denied = get_events.read(sample("GetEvents/resp-getevents-operation-2.xml"), ONE, "w")
    assert denied.woken == Woken(ONE, frozenset(), is_lost=True)
    unsubscribe.read(sample("Unsubscribe/resp-unsubscribe-operation-1.xml"))
    unsubscribe.read(sample("Unsubscribe/resp-unsubscribe-operation-2.xml"))


def test_a_move_names_both_folders_and_an_event_of_a_folder_that_folder_alone(answers: Any) -> None:
    moved = (
        "<t:MovedEvent><t:Watermark>w</t:Watermark><t:TimeStamp>2027-01-01T00:00:00Z</t:TimeStamp><t:ItemId Id='i'/>"
        "<t:ParentFolderId Id='new'/><t:OldItemId Id='j'/><t:OldParentFolderId Id='old'/></t:MovedEvent>"
    )
    folder = (
        "<t:ModifiedEvent><t:TimeStamp>2027-01-01T00:00:00Z</t:TimeStamp><t:FolderId Id='inner'/>"
        "<t:ParentFolderId Id='outer'/></t:ModifiedEvent>"
    )
    for events, expected in ((moved, {"new", "old"}), (folder, {"inner"}), (moved + folder, {"new", "old", "inner"})):
        for prefix in ("m", "t"):
            inside = (
                f"<m:Notifications><{prefix}:Notification><{prefix}:SubscriptionId>one</{prefix}:SubscriptionId>"
                f"{events}</{prefix}:Notification></m:Notifications>"
            )
            told = get_streaming_events.read(answers.element(answers.response("GetStreamingEvents", inside)), [ONE])
            assert told.woken == (Woken(ONE, frozenset(map(FolderId, expected))),)


def test_a_status_event_is_no_news_and_moves_the_watermark(answers: Any) -> None:
    status = (
        "<m:Notification><t:SubscriptionId>one</t:SubscriptionId><t:MoreEvents>false</t:MoreEvents>"
        "<t:StatusEvent><t:Watermark>next</t:Watermark></t:StatusEvent></m:Notification>"
    )
    told = get_events.read(answers.element(answers.response("GetEvents", status)), ONE, "w")
    assert (told.woken, told.watermark) == (None, "next")


@pytest.mark.parametrize("code", sorted(LOST))
def test_a_subscription_that_is_lost_is_told_so_and_needs_no_unsubscribing(code: str, answers: Any) -> None:
    lost = Woken(ONE, frozenset(), is_lost=True)
    assert get_events.read(answers.element(answers.response("GetEvents", code)), ONE, "w").woken == lost
    stream = answers.element(answers.response("GetStreamingEvents", code))
    assert get_streaming_events.read(stream, [ONE]).woken == (lost,)
    unsubscribe.read(answers.element(answers.response("Unsubscribe", code)))


def test_a_subscription_without_an_id_or_a_watermark_is_unusable(answers: Any) -> None:
    for inside in ("", "<m:SubscriptionId>one</m:SubscriptionId>"):
        with pytest.raises(AnswerUnusable):
            subscribe.read(answers.element(answers.response("Subscribe", inside)), ANNA, Notifications.PULL)
    with pytest.raises(AnswerUnusable):
        get_events.read(answers.element(answers.response("GetEvents", "")), ONE, "w")


@pytest.mark.parametrize(("count", "minutes"), [(0, 10), (201, 10), (1, 0), (1, 31)])
def test_a_stream_that_exchange_would_refuse_is_not_asked_for(count: int, minutes: int) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        get_streaming_events.request([ONE] * count, minutes)


# --- the wire ----------------------------------------------------------------------------------------


@pytest.fixture
def exchange(serve: Any) -> Iterator[Callable[..., tuple[EwsExchange, Any]]]:
    """Make the port on a server that answers as told, an answer for each request, the last for all that follow."""
    made: list[EwsExchange] = []

    def make(*told: bytes) -> tuple[EwsExchange, Any]:
        left = list(told)

        def script(connection: Any) -> None:
            while connection.read_request():
                answer = left.pop(0) if len(left) > 1 else left[0]
                if not answer:
                    return
                connection.send(answer)

        server = serve(script)
        made.append(EwsExchange(EwsSettings(server.url)))
        return made[-1], server

    yield make
    for one in made:
        one.close()


def subscribed(answers: Any, **headers: str) -> bytes:
    answer: bytes = answers.http(
        answers.response("Subscribe", "<m:SubscriptionId>one</m:SubscriptionId><m:Watermark>w</m:Watermark>"), **headers
    )
    return answer


def headers_of(server: Any, name: str) -> list[str]:
    heads = [request.split(b"\r\n\r\n")[0].decode() for request in server.requests]
    return [", ".join(re.findall(rf"^{name}: (.*?)\r?$", head, re.MULTILINE)) for head in heads]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorInvalidOperation", RequestRefused),
        ("ErrorSchemaValidation", RequestRefused),
        ("ErrorInvalidRequest", RequestRefused),
        ("ErrorExceededSubscriptionCount", RequestRefused),
        ("ErrorAccessDenied", AccessDenied),
        ("ErrorSubscriptionDelegateAccessNotSupported", AccessDenied),
        ("ErrorFolderNotFound", FolderMissing),
        ("ErrorItemNotFound", FolderMissing),
        ("ErrorServerBusy", ExchangeBusy),
        ("ErrorExceededConnectionCount", ExchangeBusy),
        ("ErrorInternalServerError", ExchangeFailed),
    ],
)
def test_a_refusal_for_good_is_told_from_trouble_that_passes(
    code: str, kind: type[BridgeError], exchange: Any, answers: Any
) -> None:
    port, server = exchange(answers.http(answers.response("Subscribe", code)))
    with pytest.raises(kind) as caught:
        port.subscribe(caller(ANNA), [calendar(ANNA)], Notifications.STREAM, soon())
    assert type(caught.value) is kind
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_knows_no_such_request_refuses_it(status: int, exchange: Any, answers: Any) -> None:
    port, _ = exchange(answers.http("no", status))
    with pytest.raises(RequestRefused):
        port.subscribe(caller(ANNA), [calendar(ANNA)], Notifications.PULL, soon())


def test_the_cookie_of_the_first_subscription_goes_with_all_that_follows_for_the_account(
    exchange: Any, answers: Any
) -> None:
    events = answers.response("GetEvents", "ErrorSubscriptionNotFound")
    port, server = exchange(
        subscribed(answers, Set_Cookie=COOKIE),
        subscribed(answers, Set_Cookie="X-BackEndCookie=other; expires=Wed, 25-Sep-2013 18:53:06 GMT; path=/EWS"),
        answers.http(events),
    )
    one = port.subscribe(caller(ANNA, service=True), [calendar(ANNA)], Notifications.PULL, soon())
    two = port.subscribe(caller(BOB, service=True), [calendar(BOB)], Notifications.PULL, soon())
    port.news(caller(BOB, service=True), two, soon())
    with pytest.raises(AnswerUnusable):
        port.subscribe(caller(BOB), [calendar(BOB)], Notifications.PULL, soon())
    assert (one.mailbox, two.mailbox) == (ANNA, BOB)
    sent = "X-BackEndOverrideCookie=CO1.example~1941"
    assert headers_of(server, "Cookie") == ["", sent, sent, ""]
    assert headers_of(server, "X-AnchorMailbox") == [ANNA, ANNA, ANNA, BOB]
    assert headers_of(server, "X-PreferServerAffinity") == ["true"] * 4


def test_a_server_that_is_of_no_use_any_more_is_forgotten_and_the_next_one_learned(exchange: Any, answers: Any) -> None:
    port, server = exchange(
        subscribed(answers, Set_Cookie=COOKIE),
        answers.http(answers.response("Subscribe", "ErrorServerBusy")),
        b"",
        subscribed(answers, Set_Cookie=COOKIE.replace("CO1", "CO2")),
        subscribed(answers),
    )

    def ask() -> None:
        port.subscribe(caller(ANNA), [calendar(ANNA)], Notifications.PULL, soon())

    ask()
    with pytest.raises(ExchangeBusy):
        ask()
    port._wire._budget._accounts.clear()  # the wait is over
    with pytest.raises(ExchangeUnreachable):
        ask()
    ask()
    ask()
    sent = [cookie.partition("=")[2] for cookie in headers_of(server, "Cookie")]
    assert sent == ["", "CO1.example~1941", "CO1.example~1941", "", "CO2.example~1941"]


def test_only_the_cookies_that_tell_the_server_are_kept() -> None:
    affinity = Affinity(ANNA)
    affinity.learn(
        "exchangecookie=ddb8; expires=Thu, 25-Sep-2014 18:42:45 GMT; path=/; HttpOnly, "
        "X-BackEndOverrideCookie=CO1~1; path=/; secure; HttpOnly, X-BackEndCookie=anna=Ox8; path=/EWS"
    )
    assert affinity.headers()["Cookie"] == "X-BackEndOverrideCookie=CO1~1; exchangecookie=ddb8"
    affinity.learn("x-backendoverridecookie=CO2~2, other=1")
    assert affinity.headers()["Cookie"] == "X-BackEndOverrideCookie=CO2~2; exchangecookie=ddb8"
    affinity.forget()
    assert affinity.headers() == {"X-PreferServerAffinity": "true"}


def test_an_account_has_one_server_however_its_name_is_written() -> None:
    affinities = Affinities()
    assert affinities.of("EXAMPLE\\Anna", ANNA) is affinities.of("example\\anna", BOB)
    assert affinities.of("bob", BOB).anchor == BOB


def test_news_are_asked_for_until_there_are_no_more(exchange: Any, answers: Any) -> None:
    def events(mark: str, folder: str, *, more: bool) -> bytes:
        inside = (
            f"<m:Notification><t:SubscriptionId>one</t:SubscriptionId><t:PreviousWatermark>p</t:PreviousWatermark>"
            f"<t:MoreEvents>{str(more).lower()}</t:MoreEvents><t:CreatedEvent><t:Watermark>{mark}</t:Watermark>"
            f"<t:TimeStamp>2027-01-01T00:00:00Z</t:TimeStamp><t:ItemId Id='i'/><t:ParentFolderId Id='{folder}'/>"
            "</t:CreatedEvent></m:Notification>"
        )
        answer: bytes = answers.http(answers.response("GetEvents", inside))
        return answer

    port, server = exchange(events("2", "a", more=True), events("3", "b", more=False))
    subscription, woken = port.news(caller(ANNA), Subscription(ONE, ANNA, "1"), soon())
    assert subscription == Subscription(ONE, ANNA, "3")
    assert woken == Woken(ONE, frozenset({FolderId("a"), FolderId("b")}))
    marks = re.findall(rb"<m:Watermark>(.*?)</m:Watermark>", b"".join(server.requests))
    assert marks == [b"1", b"2"]
    endless, _ = exchange(events("9", "a", more=True))
    subscription, _ = endless.news(caller(ANNA), Subscription(ONE, ANNA, "1"), soon())
    assert subscription.watermark == "9"


@pytest.mark.parametrize(
    ("build", "how"),
    [
        ((8, 3, 0, 0), Notifications.PULL),
        ((14, 0, 639, 21), Notifications.PULL),
        ((14, 1, 218, 15), Notifications.STREAM),
        ((15, 2, 1748, 10), Notifications.STREAM),
    ],
)
def test_the_build_promises_how_changes_are_told(
    build: tuple[int, int, int, int], how: Notifications, exchange: Any, answers: Any
) -> None:
    zones = "<m:GetServerTimeZonesResponse><m:ResponseMessages><m:GetServerTimeZonesResponseMessage "
    zones += 'ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:TimeZoneDefinitions/>'
    zones += "</m:GetServerTimeZonesResponseMessage></m:ResponseMessages></m:GetServerTimeZonesResponse>"
    port, _ = exchange(answers.http(answers.envelope(zones, build)))
    assert port.capabilities(caller(ANNA), soon()).notifications is how


# --- several servers behind one address --------------------------------------------------------------


@pytest.fixture
def organisation() -> Iterator[tuple[Simulator, EwsExchange]]:
    """Run an organisation of several servers, each with one mailbox, and a service account."""
    people = [PersonPlan(address.title(), address, "x") for address in (ANNA, BOB)]
    people.append(PersonPlan("Service", "service", "x", impersonates=True))
    with Simulator(people, several_servers=True) as server:
        port = EwsExchange(EwsSettings(server.url))
        yield server, port
        port.close()
        assert server.invalid_answers == []


def test_one_stream_tells_a_service_account_of_mailboxes_on_several_servers(
    organisation: tuple[Simulator, EwsExchange],
) -> None:
    server, port = organisation
    callers = [caller(address, service=True) for address in (ANNA, BOB)]
    calendars = [port.calendars(one, one.viewer.address, soon())[0].ref for one in callers]

    def watch() -> list[Subscription]:
        return [
            port.subscribe(one, [ref], Notifications.STREAM, soon())
            for one, ref in zip(callers, calendars, strict=True)
        ]

    def heard_of_all(subscriptions: list[Subscription]) -> None:
        stream = port.listen(callers[1], subscriptions, 10, soon())
        try:
            heard = Heard(stream)
            for ref in calendars:
                start = datetime(2027, 1, 1, 9, tzinfo=UTC)
                server.add_event(ref.mailbox, subject="E", start=start, end=start)
            wanted = {subscription.id for subscription in subscriptions}
            heard.until(lambda heard: {one.subscription for one in heard.woken} == wanted)
            assert not any(one.is_lost for one in heard.woken)
        finally:
            stream.close()

    heard_of_all(watch())
    server.lose_subscriptions()
    heard_of_all(watch())
