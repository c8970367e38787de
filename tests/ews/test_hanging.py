"""Streams: what a connection that Exchange holds open tells, and every way in which it ends."""

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import (
    AccessDenied,
    AnswerUnusable,
    BridgeError,
    CredentialRefused,
    ExchangeBusy,
    ExchangeFailed,
    ExchangeTimedOut,
    ExchangeUnreachable,
)
from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline, Stream, Subscription, SubscriptionId, Woken
from bridge.model import Address, BasicCredential, Caller, FolderId, OrganisationId, Viewer

from heard import Heard
from private_authority import private_authority

ANNA = Address("anna@example.com")
CALLER = Caller(Viewer(OrganisationId("test"), ANNA), BasicCredential("anna", "secret"))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE, TWO = (Subscription(SubscriptionId(name), ANNA) for name in ("one", "two"))
OK = "<m:ConnectionStatus>OK</m:ConnectionStatus>"
CLOSED = "<m:ConnectionStatus>Closed</m:ConnectionStatus>"

Listen = Callable[..., Stream]


def notified(subscription: str, *folders: str, kind: str = "Modified") -> str:
    events = "".join(
        f"<t:{kind}Event><t:TimeStamp>2027-01-01T00:00:00Z</t:TimeStamp><t:ItemId Id='item'/>"
        f"<t:ParentFolderId Id='{folder}'/></t:{kind}Event>"
        for folder in folders
    )
    status = "" if folders else "<t:StatusEvent/>"
    return (
        f"<m:Notifications><t:Notification><t:SubscriptionId>{subscription}</t:SubscriptionId>{events}{status}"
        "</t:Notification></m:Notifications>"
    )


def chunk(text: str) -> bytes:
    raw = text.encode()
    return b"%x\r\n%s\r\n" % (len(raw), raw)


def woken(subscription: str, *folders: str) -> Woken:
    return Woken(SubscriptionId(subscription), frozenset(map(FolderId, folders)))


@pytest.fixture
def exchanges() -> Iterator[Callable[..., EwsExchange]]:
    made: list[EwsExchange] = []

    def make(url: str, **settings: Any) -> EwsExchange:
        made.append(EwsExchange(EwsSettings(url, **settings)))
        return made[-1]

    yield make
    for exchange in made:
        exchange.close()


@pytest.fixture(params=["plain", "tls"])
def listen(
    request: pytest.FixtureRequest, tmp_path: Path, serve: Any, exchanges: Callable[..., EwsExchange]
) -> Iterator[Listen]:
    """Open a stream at a server that sends the pieces, then waits until the test is over or ends the connection."""
    streams: list[Stream] = []
    ca_file, context = private_authority(tmp_path) if request.param == "tls" else (None, None)
    done = threading.Event()

    def open_stream(*pieces: bytes, stays: bool = False) -> Stream:
        def script(connection: Any) -> None:
            connection.read_request()
            for piece in pieces:
                connection.send(piece)
            if stays:
                done.wait(30)

        exchange = exchanges(serve(script, context).url, ca_file=ca_file)
        streams.append(exchange.listen(CALLER, [ONE, TWO], 10, Deadline.after(10)))
        return streams[-1]

    yield open_stream
    done.set()
    for stream in streams:
        stream.close()


def test_each_envelope_tells_what_it_holds_until_the_stream_is_over(listen: Listen, answers: Any) -> None:
    def envelope(inside: str) -> str:
        text: str = answers.response("GetStreamingEvents", inside)
        return text

    first, beat = envelope(OK), envelope(notified("one") + OK)
    events = envelope(notified("one", "a", "b")) + envelope(notified("two", "c", kind="Created"))
    told = Heard(listen(HEAD, chunk(first), chunk(beat), chunk(events), chunk(envelope(CLOSED)), b"0\r\n\r\n"))
    told.until_it_ends()
    assert told.trouble is None
    assert told.woken == [woken("one", "a", "b"), woken("two", "c")]
    assert told.stream.receive() == ()


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_envelopes_are_told_as_soon_as_they_are_whole_however_they_are_cut(
    size: int, listen: Listen, answers: Any
) -> None:
    text = answers.response("GetStreamingEvents", OK)
    text += answers.response("GetStreamingEvents", notified("one", "a"))
    body = text.replace("<s:", "<soap11:").replace("</s:", "</soap11:").replace("xmlns:s=", "xmlns:soap11=")
    pieces = [chunk(body[place : place + size]) for place in range(0, len(body), size)]
    stream = listen(HEAD, *pieces, stays=True)
    told = Heard(stream).until(lambda told: bool(told.woken))
    assert told.woken == [woken("one", "a")]
    assert not stream.is_over
    assert stream.receive() == ()


def test_an_end_that_was_not_announced_is_trouble_and_what_came_before_it_is_told(listen: Listen, answers: Any) -> None:
    told = Heard(listen(HEAD, chunk(answers.response("GetStreamingEvents", notified("one", "a"))))).until_it_ends()
    assert told.woken == [woken("one", "a")]
    assert isinstance(told.trouble, ExchangeUnreachable)


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (b"0\r\n\r\n", ExchangeUnreachable),
        (chunk("<s:Envelope><s:Bo"), ExchangeUnreachable),
        (chunk("<s:Envelope><s:Bo") + b"0\r\n\r\n", AnswerUnusable),
        (b"100\r\n<half", ExchangeUnreachable),
        (chunk("<html>Gateway</html>"), AnswerUnusable),
        (chunk("<s:Envelope>&nbsp;</s:Envelope>"), AnswerUnusable),
        (chunk("<s:Envelope></s:Envelope>"), AnswerUnusable),
        (b"no chunk\r\n", AnswerUnusable),
    ],
)
def test_whatever_breaks_a_stream_is_trouble_after_what_came_before(
    rest: bytes, kind: type[BridgeError], listen: Listen, answers: Any
) -> None:
    before = chunk(answers.response("GetStreamingEvents", notified("two", "c")))
    told = Heard(listen(HEAD, before, rest)).until_it_ends()
    assert told.woken == [woken("two", "c")]
    assert isinstance(told.trouble, kind)
    with pytest.raises(kind):
        told.stream.receive()


def test_a_trouble_wakes_the_selector_even_where_the_connection_stays(listen: Listen, answers: Any) -> None:
    both = answers.response("GetStreamingEvents", notified("one", "a")) + "<html>"
    told = Heard(listen(HEAD, chunk(both), stays=True)).until_it_ends()
    assert (told.woken, type(told.trouble)) == ([woken("one", "a")], AnswerUnusable)


LOST_CODES = ["ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorMissedNotificationEvents"]


@pytest.mark.parametrize("code", LOST_CODES)
def test_lost_subscriptions_are_named_or_are_all(code: str, listen: Listen, answers: Any) -> None:
    name = "m:GetStreamingEventsResponseMessage"
    named = "<m:ErrorSubscriptionIds><t:SubscriptionId>two</t:SubscriptionId></m:ErrorSubscriptionIds>"
    for inside, expected in ((named, ["two"]), ("", ["one", "two"])):
        envelope = answers.envelope(
            f"<m:GetStreamingEventsResponse><m:ResponseMessages><{name} ResponseClass='Error'>"
            f"<m:MessageText>Gone.</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>{inside}</{name}>"
            "</m:ResponseMessages></m:GetStreamingEventsResponse>"
        )
        told = Heard(listen(HEAD, chunk(envelope), b"0\r\n\r\n")).until_it_ends()
        assert told.woken == [Woken(SubscriptionId(one), frozenset(), is_lost=True) for one in expected]
        assert (told.stream.is_over, told.trouble) == (True, None)


def test_an_error_in_an_envelope_is_what_its_code_stands_for(listen: Listen, answers: Any) -> None:
    for code, kind in (("ErrorAccessDenied", AccessDenied), ("ErrorInternalServerError", ExchangeFailed)):
        told = Heard(listen(HEAD, chunk(answers.response("GetStreamingEvents", code)), stays=True)).until_it_ends()
        assert isinstance(told.trouble, kind)


def test_a_limit_of_connections_holds_the_account_up_like_any_other_call(
    serve: Any, answers: Any, exchanges: Callable[..., EwsExchange]
) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(HEAD + chunk(answers.response("GetStreamingEvents", "ErrorExceededConnectionCount")))

    exchange = exchanges(serve(script).url)
    stream = exchange.listen(CALLER, [ONE], 10, Deadline.after(10))
    told = Heard(stream).until_it_ends()
    stream.close()
    assert isinstance(told.trouble, ExchangeBusy)
    with pytest.raises(ExchangeBusy, match="left alone"):
        exchange.listen(CALLER, [ONE], 10, Deadline.after(10))
    assert exchange.tallied().calls == {("GetStreamingEvents", "ok"): 1, ("GetStreamingEvents", "ExchangeBusy"): 1}


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {"WWW_Authenticate": 'Basic realm="x"'}, CredentialRefused),
        (403, {}, AccessDenied),
        (429, {"Retry_After": "7"}, ExchangeBusy),
        (502, {}, ExchangeFailed),
        (503, {"Retry_After": "7"}, ExchangeBusy),
    ],
)
def test_an_opening_that_is_refused_raises_as_any_call_does(
    status: int, headers: dict[str, str], kind: type[BridgeError], serve: Any, answers: Any, exchanges: Any
) -> None:
    def script(connection: Any) -> None:
        while connection.read_request():
            connection.send(answers.http("no", status, **headers))

    server = serve(script)
    exchange = exchanges(server.url)
    with pytest.raises(kind):
        exchange.listen(CALLER, [ONE], 10, Deadline.after(10))
    assert exchange.tallied().calls == {("GetStreamingEvents", kind.__name__): 1}
    assert len(server.requests) == 1


def test_a_fault_at_the_opening_is_what_its_code_stands_for(serve: Any, answers: Any, exchanges: Any) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        back_off = '<t:Value Name="BackOffMilliseconds">30000</t:Value>'
        connection.send(answers.http(answers.fault("ErrorServerBusy", back_off), 500))

    exchange = exchanges(serve(script).url)
    with pytest.raises(ExchangeBusy) as caught:
        exchange.listen(CALLER, [ONE], 10, Deadline.after(10))
    assert caught.value.retry_after == 30


def test_an_opening_without_an_answer_ends_at_its_deadline(serve: Any, exchanges: Any) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.drip(b"HTTP/1.1 200 OK\r\nX-Drip: " + b"x" * 10_000)

    started = time.monotonic()
    with pytest.raises(ExchangeTimedOut):
        exchanges(serve(script).url).listen(CALLER, [ONE], 10, Deadline.after(0.5))
    assert time.monotonic() - started < 5


def test_a_stream_asks_for_no_packing_holds_no_place_and_keeps_its_line_to_itself(
    serve: Any, answers: Any, exchanges: Any
) -> None:
    over = threading.Event()

    def script(connection: Any) -> None:
        while request := connection.read_request():
            if b"GetStreamingEvents" in request:
                connection.send(HEAD + chunk(answers.response("GetStreamingEvents", OK)))
                over.wait(30)
                return
            name = re.findall(rb"<m:(\w+)", request)[0].decode()
            connection.send(answers.http(answers.response(name, "ErrorSubscriptionNotFound")))

    server = serve(script)
    exchange = exchanges(server.url)
    streams = [exchange.listen(CALLER, [ONE], 10, Deadline.after(10)) for _ in range(6)]
    for _ in range(2):
        exchange.unsubscribe(CALLER, ONE, Deadline.after(10))
    for stream in streams:
        assert not stream.is_over
        stream.close()
    over.set()
    assert len(server.connections) == 7
    head = server.requests[0].split(b"\r\n\r\n")[0]
    assert b"gzip" not in head
    assert base64.b64encode(b"anna:secret") in head
    assert b"X-AnchorMailbox: anna@example.com" in head
    assert b"X-PreferServerAffinity: true" in head


def test_an_answer_of_a_told_length_is_read_too(serve: Any, answers: Any, exchanges: Any) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(answers.http(answers.response("GetStreamingEvents", notified("one", "a"), CLOSED)))

    stream = exchanges(serve(script).url).listen(CALLER, [ONE], 10, Deadline.after(10))
    told = Heard(stream).until_it_ends()
    stream.close()
    assert (told.woken, told.stream.is_over) == ([woken("one", "a")], True)


def test_a_server_that_closes_after_its_answer_is_read_to_the_end(serve: Any, answers: Any, exchanges: Any) -> None:
    def script(connection: Any) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        connection.send(answers.response("GetStreamingEvents", notified("one", "a")).encode())
        connection.send(answers.response("GetStreamingEvents", CLOSED).encode())

    stream = exchanges(serve(script).url).listen(CALLER, [ONE], 10, Deadline.after(10))
    told = Heard(stream).until_it_ends()
    stream.close()
    assert (told.woken, told.stream.is_over, told.trouble) == ([woken("one", "a")], True, None)


def test_bytes_move_the_time_of_hearing(listen: Listen, answers: Any) -> None:
    before = time.monotonic()
    stream = listen(HEAD, chunk(answers.response("GetStreamingEvents", OK)), stays=True)
    assert before <= stream.heard_at <= time.monotonic()
