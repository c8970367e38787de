"""Every knob, from code and from the control URL."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from lxml import etree

from bridge.simulator import Simulator
from bridge.simulator.faults import KINDS
from tests.simulator.streaming import Listener, M, events_of

TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ANNA = "anna@example.com"
FOLDER = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
CREATE = (
    '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
    "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
    "</t:CalendarItem></m:Items></m:CreateItem>"
)
START, END = datetime(2026, 3, 3, 10, tzinfo=UTC), datetime(2026, 3, 3, 11, tzinfo=UTC)


def turn(sim: Simulator, **command: Any) -> Any:
    return requests.post(sim.control_url, json=command, timeout=10).json()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("busy_fault", 500, "ErrorServerBusy"),
        ("busy_503", 503, ""),
        ("busy_item", 200, "ErrorServerBusy"),
        ("too_many_connections", 500, "ErrorExceededConnectionCount"),
        ("unauthorized", 401, ""),
        ("server_error", 500, "Runtime Error"),
        ("fault", 500, "ErrorInternalServerError"),
        ("item_error", 200, "ErrorInternalServerError"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_troubles_come_for_the_calls_they_are_meant_for(
    ask: Any, sim: Simulator, kind: str, status: int, code: str, *, after: bool
) -> None:
    turn(
        sim,
        add=[{"kind": kind, "operation": "CreateItem", "count": 1, "after": after, "milliseconds": 7, "seconds": 3}],
    )
    assert ask.post(FOLDER).status_code == 200
    answer = ask.post(CREATE)
    assert answer.status_code == status
    assert code in answer.text
    assert len(sim.events(ANNA)) == int(after)  # a write whose answer is lost has happened all the same
    assert ask.post(CREATE).status_code == 200
    assert sim.faults.knobs == ()


def test_throttling_says_how_long_to_wait(ask: Any, sim: Simulator) -> None:
    for kind in ("busy_fault", "busy_item"):
        sim.trouble(kind, count=1, milliseconds=4500)
        value = next(etree.fromstring(ask.post(FOLDER).content).iter(f"{TYPES}Value"))
        assert (value.get("Name"), value.text) == ("BackOffMilliseconds", "4500")
    sim.trouble("busy_503", count=1, seconds=30)
    assert ask.post(FOLDER).headers["Retry-After"] == "30"


def test_a_reset_connection(ask: Any, sim: Simulator) -> None:
    sim.trouble("reset", count=1)
    with pytest.raises(requests.ConnectionError):
        ask.post(CREATE)
    assert sim.events(ANNA) == []
    sim.trouble("reset", count=1, after=True)
    with pytest.raises(requests.ConnectionError):
        ask.post(CREATE)
    assert len(sim.events(ANNA)) == 1


def test_a_cut_answer_ends_before_its_length(ask: Any, sim: Simulator) -> None:
    sim.trouble("cut", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask.post(FOLDER)


def test_a_truncated_answer_looks_whole_and_is_not(ask: Any, sim: Simulator) -> None:
    sim.trouble("truncated", count=1)
    answer = ask.post(FOLDER)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert b"</s:Envelope>" not in answer.content


def test_latency_and_drip_take_their_time(ask: Any, sim: Simulator) -> None:
    ask.post(FOLDER)
    turn(sim, latency=120)
    begun = time.monotonic()
    ask.post(FOLDER)
    assert time.monotonic() - begun >= 0.12
    turn(sim, latency=0, add=[{"kind": "drip", "milliseconds": 10}])
    begun = time.monotonic()
    answer = ask.post(FOLDER)
    pieces = len(answer.content) // 64
    assert time.monotonic() - begun >= pieces * 0.01
    assert answer.content.endswith(b"</s:Envelope>")


def test_a_waiting_call_does_not_keep_the_simulator_from_stopping(make_ask: Any) -> None:
    with Simulator(latency=60_000) as sim:
        ask = make_ask(sim)
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                sim.control_url.replace("simulator/control", "EWS/Exchange.asmx"), timeout=0.05, **_login(sim, ask)
            )
        begun = time.monotonic()
    assert time.monotonic() - begun < 5


def _login(sim: Simulator, ask: Any) -> dict[str, Any]:
    from bridge.simulator.people import PersonPlan, settle_people  # noqa: PLC0415

    settle_people(sim.store, (PersonPlan("Zoe", "zoe@example.com", "zoe-password"),))
    return {"data": ask.envelope(FOLDER), "auth": ("zoe@example.com", "zoe-password")}


def test_pages_can_be_made_small(ask: Any, sim: Simulator) -> None:
    for _ in range(5):
        sim.add_event(ANNA, subject="x", start=START, end=END)
    turn(sim, add=[{"kind": "page_size", "size": 2}])
    sync = (
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>"
        '<t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId><m:MaxChangesReturned>512</m:MaxChangesReturned>'
        "</m:SyncFolderItems>"
    )
    (message,) = ask(sync)
    assert len(list(message.iter(f"{TYPES}Create"))) == 2


@pytest.mark.parametrize("code", ["", "ErrorInternalServerError"])
def test_one_item_that_cannot_be_read(ask: Any, sim: Simulator, code: str) -> None:
    good, bad = (sim.add_event(ANNA, subject="x", start=START, end=END, uid=uid) for uid in ("good", "bad"))
    turn(sim, add=[{"kind": "unreadable", "item": "bad", "code": code}])
    ids = "".join(f'<t:ItemId Id="{item.id}"/>' for item in (good, bad))
    shape = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
    messages = ask(f"<m:GetItem>{shape}<m:ItemIds>{ids}</m:ItemIds></m:GetItem>")
    assert [message.get("ResponseClass") for message in messages] == ["Success", "Error"]
    assert (code or "ErrorItemCorrupt") in etree.tostring(messages[1]).decode()


def test_a_knob_can_be_for_one_mailbox(ask: Any, sim: Simulator) -> None:
    sim.trouble("busy_503", mailbox="Anna@example.com")
    assert ask.post(FOLDER).status_code == 503
    assert ask.post(FOLDER, "bob").status_code == 200
    assert requests.get(sim.control_url, timeout=10).json()["calls"] == {"GetFolder": {ANNA: 1, "bob@example.com": 1}}
    turn(sim, clear=["busy_503"], reset_counts=True)
    assert ask.post(FOLDER).status_code == 200
    state = requests.get(sim.control_url, timeout=10).json()
    assert (state["total"], state["logins"]) == (1, {ANNA: 1})
    assert state["recent"][0]["outcome"] == "ok"


@pytest.mark.parametrize(
    "command", [{"add": [{"kind": "no"}]}, {"nonsense": 1}, {"add": ["x"]}, {"add": [{"kind": "reset", "count": "1"}]}]
)
def test_commands_that_mean_nothing_are_refused_and_nothing_is_done(sim: Simulator, command: dict[str, Any]) -> None:
    answer = requests.post(sim.control_url, json=command | {"latency": 5}, timeout=10)
    assert answer.status_code == 400
    assert sim.faults.knobs == ()


def test_every_kind_is_explained(sim: Simulator) -> None:
    assert requests.get(sim.control_url, timeout=10).json()["kinds"] == KINDS


def test_a_batch_can_stop_in_its_middle(ask: Any, sim: Simulator) -> None:
    items = "".join(f"<t:CalendarItem><t:Subject>{n}</t:Subject></t:CalendarItem>" for n in range(4))
    sim.trouble("batch_stopped", size=2, count=1)
    messages = ask(f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items>{items}</m:Items></m:CreateItem>')
    assert [message.get("ResponseClass") for message in messages] == ["Success", "Success", "Warning", "Warning"]
    assert "ErrorBatchProcessingStopped" in etree.tostring(messages[2]).decode()
    assert len(sim.events(ANNA)) == 2


def test_a_busy_server_behind_the_server(ask: Any, sim: Simulator) -> None:
    sim.trouble("busy_inner", count=1)
    value = next(etree.fromstring(ask.post(FOLDER).content).iter(f"{TYPES}Value"))
    assert (value.get("Name"), value.text) == ("InnerErrorResponseCode", "ErrorServerBusy")


def test_clearing(sim: Simulator) -> None:
    turn(sim, latency=3, add=[{"kind": "reset"}, {"kind": "drip"}])
    turn(sim, clear=["reset"], latency=0)
    assert [knob.kind for knob in sim.faults.knobs] == ["drip"]
    assert requests.post(sim.control_url, json={"clear": ["no"]}, timeout=10).status_code == 400
    assert requests.post(sim.control_url, json={"clear": 5}, timeout=10).status_code == 400
    turn(sim, clear=True)
    assert sim.faults.knobs == ()


SUBSCRIBE = (
    "<m:Subscribe><m:{0}SubscriptionRequest><t:FolderIds>"
    '<t:DistinguishedFolderId Id="calendar"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType>'
    "</t:EventTypes>{1}</m:{0}SubscriptionRequest></m:Subscribe>"
)


def subscribed(ask: Any) -> str:
    return str(ask(SUBSCRIBE.format("Streaming", ""))[0].findtext(f"{M}SubscriptionId"))


def pulled(ask: Any, named: str, mark: str) -> Any:
    text = f"<m:SubscriptionId>{named}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark>"
    return ask(f"<m:GetEvents>{text}</m:GetEvents>")[0]


@pytest.mark.parametrize(
    ("kind", "error"), [("stream_cut", requests.exceptions.ChunkedEncodingError), ("stream_end", None)]
)
def test_a_held_stream_breaks_or_ends_without_a_word(
    ask: Any, sim: Simulator, kind: str, error: type[Exception] | None
) -> None:
    first, second = subscribed(ask), subscribed(ask)
    with Listener(ask, [first]) as broken:
        broken.read()
        turn(sim, add=[{"kind": kind, "count": 1, "mailbox": ANNA}])
        if error:
            with pytest.raises(error):
                broken.read()
        else:
            assert broken.read() is None
        with Listener(ask, [second]) as whole, Listener(ask, [first]) as again:
            for listener in (whole, again):
                assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
            item = sim.add_event(ANNA, subject="x", start=START, end=END)
            for listener in (whole, again):
                assert events_of(listener.read()) == [("Created", item.id)]


def test_a_held_stream_can_fall_silent(make_sim: Any, make_ask: Any) -> None:
    sim = make_sim(heartbeat_seconds=0.02, stream_minute_seconds=0.2)
    ask = make_ask(sim)
    named = subscribed(ask)
    with Listener(ask, [named]) as listener:
        listener.read()
        turn(sim, add=[{"kind": "stream_silent"}])
        item = sim.add_event(ANNA, subject="x", start=START, end=END)
        time.sleep(0.4)  # longer than the stream would be held
        assert sim.subscriptions[0].stream
        turn(sim, clear=["stream_silent"])
        told = [events_of(message) for message in iter(listener.read, None)]
    assert [("Created", item.id)] in told


@pytest.mark.parametrize(
    ("kind", "code"), [("missed_events", "ErrorMissedNotificationEvents"), ("lost_events", "NoError")]
)
def test_events_can_be_missed_or_lost(ask: Any, sim: Simulator, kind: str, code: str) -> None:
    (message,) = ask(SUBSCRIBE.format("Pull", "<t:Timeout>5</t:Timeout>"))
    pull, mark = (str(message.findtext(M + name)) for name in ("SubscriptionId", "Watermark"))
    with Listener(ask, [subscribed(ask)]) as listener:
        listener.read()
        sim.trouble(kind, operation="GetEvents", count=1)
        sim.trouble(kind, operation="GetStreamingEvents", count=1)
        sim.add_event(ANNA, subject="x", start=START, end=END)
        assert pulled(ask, pull, mark).findtext(f"{M}ResponseCode") == code
        if kind == "missed_events":
            assert listener.read().findtext(f"{M}ResponseCode") == code
        item = sim.add_event(ANNA, subject="y", start=START, end=END)
        assert events_of(listener.read()) == [("Created", item.id)]
        assert events_of(pulled(ask, pull, mark)) == [("Created", item.id)]


def test_knobs_of_answers_are_for_streams_too(ask: Any, sim: Simulator) -> None:
    named = subscribed(ask)
    for kind, status in [("busy_503", 503), ("unauthorized", 401), ("busy_fault", 500), ("truncated", 200)]:
        sim.trouble(kind, operation="GetStreamingEvents", count=1)
        with Listener(ask, [named]) as listener:
            assert listener.answer.status_code == status
    sim.trouble("item_error", operation="GetStreamingEvents", count=1, after=True, code="ErrorReadEventsFailed")
    with Listener(ask, [named]) as listener:
        assert listener.read().findtext(f"{M}ResponseCode") == "ErrorReadEventsFailed"
        assert listener.read() is None
    sim.trouble("cut", operation="GetStreamingEvents", count=1)
    with Listener(ask, [named]) as listener, pytest.raises(requests.exceptions.RequestException):
        listener.read()
    assert not sim.subscriptions[0].stream
    sim.trouble("reset", operation="GetStreamingEvents", count=1)
    with pytest.raises(requests.ConnectionError):
        Listener(ask, [named])
    sim.trouble("drip", operation="GetStreamingEvents", count=1, milliseconds=1)
    with Listener(ask, [named]) as listener:
        assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
        item = sim.add_event(ANNA, subject="x", start=START, end=END)
        assert events_of(listener.read()) == [("Created", item.id)]
