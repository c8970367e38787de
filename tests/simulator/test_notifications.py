"""Subscriptions: what is told of which change, to whom, in which shape; by asking, and by a held answer."""

import base64
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import exchangelib
import pytest
import requests
from lxml import etree

from bridge.simulator import PersonPlan, Simulator
from bridge.simulator.budgets import Payer
from bridge.simulator.subscriptions import Wish
from tests.simulator.streaming import Listener, events_of, text_of_request

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
ANNA, BOB = "anna@example.com", "bob@example.com"
START, END = datetime(2026, 3, 3, 10, tzinfo=UTC), datetime(2026, 3, 3, 11, tzinfo=UTC)
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'
KINDS = ("Copied", "Created", "Deleted", "Modified", "Moved", "NewMail", "FreeBusyChanged")
THEIRS = (
    '<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@example.com</t:EmailAddress></t:Mailbox>'
    "</t:DistinguishedFolderId>"
)
PEOPLE = (PersonPlan("Anna", ANNA, "anna-password"),)
Make = Callable[..., Any]


def subscribe_text(
    folders: str = CALENDAR,
    *,
    streaming: bool = False,
    kinds: tuple[str, ...] = KINDS,
    mark: str = "",
    minutes: int = 5,
) -> str:
    kind = "Streaming" if streaming else "Pull"
    where = f"<t:FolderIds>{folders}</t:FolderIds>" if folders else ""
    types = "".join(f"<t:EventType>{one}Event</t:EventType>" for one in kinds)
    told = f"<t:Watermark>{mark}</t:Watermark>" if mark else ""
    more = "" if streaming else f"{told}<t:Timeout>{minutes}</t:Timeout>"
    everywhere = "" if folders else ' SubscribeToAllFolders="true"'
    return (
        f"<m:Subscribe><m:{kind}SubscriptionRequest{everywhere}>{where}<t:EventTypes>{types}</t:EventTypes>{more}"
        f"</m:{kind}SubscriptionRequest></m:Subscribe>"
    )


def events_text(named: str, mark: str) -> str:
    return f"<m:GetEvents><m:SubscriptionId>{named}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>"


def unsubscribe_text(named: str) -> str:
    return f"<m:Unsubscribe><m:SubscriptionId>{named}</m:SubscriptionId></m:Unsubscribe>"


class Pull:
    """A pull subscription; called it gives what has happened since the last call."""

    def __init__(self, ask: Any, who: str = "anna", **settings: Any) -> None:
        self.ask, self.who = ask, who
        (message,) = ask(subscribe_text(**settings), who)
        assert message.get("ResponseClass") == "Success", etree.tostring(message)
        self.id, self.mark = message.findtext(f"{M}SubscriptionId"), message.findtext(f"{M}Watermark")

    def message(self) -> Any:
        (message,) = self.ask(events_text(self.id, self.mark), self.who)
        marks = [mark.text for mark in message.iter(f"{T}Watermark")]
        self.mark = marks[-1] if marks else self.mark
        return message

    def __call__(self) -> list[tuple[str, str]]:
        return events_of(self.message())


def stream_id(ask: Any, who: str = "anna", **settings: Any) -> str:
    (message,) = ask(subscribe_text(streaming=True, **settings), who)
    assert message.get("ResponseClass") == "Success", etree.tostring(message)
    assert message.find(f"{M}Watermark") is None
    return str(message.findtext(f"{M}SubscriptionId"))


def add(sim: Simulator, calendar: str = "", **more: Any) -> Any:
    return sim.add_event(ANNA, calendar, **({"subject": "x", "start": START, "end": END} | more))


def test_a_pull_subscription_is_told_what_happens_in_its_folder(ask: Any, sim: Simulator) -> None:
    folder = sim.folder(ANNA).id
    pull = Pull(ask)
    assert pull() == [("Status", "")]
    item = add(sim)
    assert pull() == [("Created", item.id), ("FreeBusyChanged", item.id), ("Modified", folder)]
    assert pull() == [("Status", "")]
    item = sim.change_event(item, Subject="y")
    assert pull() == [("Modified", item.id), ("Modified", folder)]
    item = sim.change_event(item, LegacyFreeBusyStatus="Free")
    assert pull() == [("Modified", item.id), ("FreeBusyChanged", item.id), ("Modified", folder)]
    sim.remove_event(item)
    assert pull() == [("Deleted", item.id), ("FreeBusyChanged", item.id), ("Modified", folder)]
    add(sim, "Projects")
    # That calendar is in this one
    assert pull() == [("Modified", sim.folder(ANNA, "Projects").id)]


def test_what_is_done_through_ews_is_told_too(ask: Any) -> None:
    pull = Pull(ask, kinds=("Created", "Modified", "Deleted"))
    made = ask.create("<t:Subject>x</t:Subject>").get("Id")
    assert pull()[0] == ("Created", made)
    ask(
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{made}"/><t:Updates><t:SetItemField><t:FieldURI '
        'FieldURI="item:Subject"/><t:CalendarItem><t:Subject>y</t:Subject></t:CalendarItem></t:SetItemField>'
        "</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
    assert pull()[0] == ("Modified", made)
    ask(
        '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>'
        f'<t:ItemId Id="{made}"/></m:ItemIds></m:DeleteItem>'
    )
    assert pull()[0] == ("Deleted", made)


@pytest.mark.parametrize("operation", ["MoveItem", "CopyItem"])
def test_what_is_moved_or_copied_tells_both_places(ask: Any, sim: Simulator, operation: str) -> None:
    item, target = add(sim), sim.folder(ANNA, "Projects")
    here = Pull(ask, kinds=("Moved", "Copied"))
    there = Pull(ask, folders=f'<t:FolderId Id="{target.id}"/>', kinds=("Moved", "Copied"))
    (message,) = ask(
        f'<m:{operation}><m:ToFolderId><t:FolderId Id="{target.id}"/></m:ToFolderId><m:ItemIds>'
        f'<t:ItemId Id="{item.id}"/></m:ItemIds></m:{operation}>'
    )
    new = next(message.iter(f"{T}ItemId")).get("Id")
    kind = operation.replace("Item", "d").replace("Moved", "Moved").replace("Copyd", "Copied")
    for pull in (here, there):
        event = next(pull.message().iter(f"{T}{kind}Event"))
        told = {etree.QName(child).localname: child.get("Id") for child in event}
        assert told["ItemId"] == new
        assert told["ParentFolderId"] == target.id
        assert told["OldItemId"] == item.id
        assert told["OldParentFolderId"] == sim.folder(ANNA).id


def test_folders_are_told_of_as_well(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask, folders="", kinds=("Created", "Modified", "Moved", "Deleted"))
    root = sim.folder(ANNA).id
    folder = sim.add_calendar(ANNA, "New")
    assert pull() == [("Created", folder.id), ("Modified", root)]
    item = add(sim, "New")
    assert ("Created", item.id) in pull()
    delete = f'<m:FolderIds><t:FolderId Id="{folder.id}"/></m:FolderIds></m:DeleteFolder>'
    assert ask.code(f'<m:DeleteFolder DeleteType="MoveToDeletedItems">{delete}') == "NoError"
    assert [kind for kind, _ in pull()] == ["Moved", "Modified", "Modified"]
    assert ask.code(f'<m:DeleteFolder DeleteType="HardDelete">{delete}') == "NoError"
    assert pull()[0] == ("Deleted", folder.id)


def test_only_the_kinds_asked_for_are_told(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask, kinds=("Deleted",))
    item = add(sim)
    sim.remove_event(item)
    assert pull() == [("Deleted", item.id)]


def test_an_occurrence_tells_of_its_series(ask: Any, sim: Simulator) -> None:
    master = add(sim, recurrence={"every": "day", "count": 5})
    pull = Pull(ask, kinds=("Modified",))
    sim.change_event(sim.occurrence(master, 2), Subject="y")
    assert pull()[0] == ("Modified", master.id)
    sim.remove_event(sim.occurrence(master, 3))
    assert pull()[0] == ("Modified", master.id)


def test_at_most_fifty_events_are_told_at_once(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask, kinds=("Created",))
    items = [add(sim) for _ in range(120)]
    told, more = [], []
    for _ in range(3):
        previous = pull.mark
        message = pull.message()
        told += events_of(message)
        more.append(next(message.iter(f"{T}MoreEvents")).text)
        assert next(message.iter(f"{T}PreviousWatermark")).text == previous
    assert told == [("Created", item.id) for item in items]
    assert more == ["true", "true", "false"]


def test_events_look_as_in_the_documentation(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask)
    add(sim)
    message = pull.message()
    (item, *_, folder) = (event for event in message.iter() if etree.QName(event).localname.endswith("Event"))
    assert [etree.QName(child).localname for child in item] == ["Watermark", "TimeStamp", "ItemId", "ParentFolderId"]
    assert [child.get("ChangeKey") for child in item][2:] == ["DwAAAA==", "AgAAAA=="]
    names = [etree.QName(child).localname for child in folder]
    assert names == ["Watermark", "TimeStamp", "FolderId", "ParentFolderId", "UnreadCount"]


def test_a_watermark_told_before_is_invalid_and_so_is_any_other(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask)
    first = pull.mark
    add(sim)
    pull()
    for mark in (first, "x", "AAAAAGUhAAAAAAAAAQ=="):
        assert ask.code(events_text(pull.id, mark)) == "ErrorInvalidWatermark"
    assert pull() == [("Status", "")]


def test_a_new_subscription_may_begin_at_an_old_watermark(ask: Any, sim: Simulator) -> None:
    mark = Pull(ask).mark
    item = add(sim)
    assert Pull(ask, mark=mark, kinds=("Created",))() == [("Created", item.id)]
    assert ask.code(subscribe_text(mark="AQAAAEUG3SE7gl6KhP1RVzLz1LT/////AAAAAAE=")) == "ErrorInvalidWatermark"


def test_an_unused_pull_subscription_expires(make_sim: Make, make_ask: Make) -> None:
    moment = [START]
    ask = make_ask(make_sim(clock=lambda: moment[0]))
    pull = Pull(ask, minutes=5)
    moment[0] += timedelta(minutes=4)
    assert pull() == [("Status", "")]
    moment[0] += timedelta(minutes=4)
    assert pull() == [("Status", "")]
    moment[0] += timedelta(minutes=6)
    assert ask.code(events_text(pull.id, pull.mark)) == "ErrorExpiredSubscription"
    assert ask.code(events_text(pull.id, pull.mark)) == "ErrorSubscriptionNotFound"


@pytest.mark.parametrize("minutes", [0, 1441])
def test_a_pull_subscription_lives_a_minute_to_a_day(
    ask: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    assert ask.code(subscribe_text(minutes=minutes)) == "ErrorSchemaValidation"
    monkeypatch.setattr(sim.service, "schemas", None)
    assert ask.code(subscribe_text(minutes=minutes)) == "ErrorSchemaValidation"


def test_a_subscription_ends_when_it_is_asked_to(ask: Any) -> None:
    pull = Pull(ask)
    assert ask.code(unsubscribe_text(pull.id)) == "NoError"
    for text in (unsubscribe_text(pull.id), events_text(pull.id, pull.mark)):
        (message,) = ask(text)
        assert message.findtext(f"{M}ResponseCode") == "ErrorSubscriptionNotFound"
        assert message.findtext(f"{M}MessageText") == "The specified subscription was not found."


def test_nobody_else_gets_at_a_subscription(ask: Any) -> None:
    pull, streamed = Pull(ask), stream_id(ask)
    for text in (unsubscribe_text(pull.id), events_text(pull.id, pull.mark)):
        assert ask.code(text, "bob") == "ErrorSubscriptionAccessDenied"
    with Listener(ask, [streamed], "bob") as listener:
        assert listener.read().findtext(f"{M}ResponseCode") == "ErrorSubscriptionAccessDenied"


def test_others_folders_cannot_be_subscribed_to(make_sim: Make, make_ask: Make) -> None:
    for personality in ("2007", "2010", "2013", "2019"):
        ask = make_ask(make_sim(personality), "Exchange2007_SP1")
        assert ask.code(subscribe_text(THEIRS, kinds=("Created",)), "bob") == (
            "ErrorSubscriptionDelegateAccessNotSupported"
        )
    sim = make_sim("online")
    ask = make_ask(sim)
    pull = Pull(ask, "bob", folders=THEIRS)
    item = add(sim)
    assert ("Created", item.id) in pull()
    sim.permit(ANNA, BOB, "freebusy")
    assert ask.code(subscribe_text(THEIRS), "bob") == "ErrorAccessDenied"
    sim.permit(ANNA, BOB, "none")
    assert ask.code(subscribe_text(THEIRS), "bob") == "ErrorFolderNotFound"


def test_what_is_asked_for_must_make_sense(make_sim: Make, make_ask: Make) -> None:
    ask = make_ask(make_sim("online"))
    both = subscribe_text().replace(
        "<m:PullSubscriptionRequest", '<m:PullSubscriptionRequest SubscribeToAllFolders="1"'
    )
    assert ask.code(both) == "ErrorInvalidSubscriptionRequest"
    assert ask.code(subscribe_text(CALENDAR + THEIRS), "bob") == "ErrorInvalidSubscriptionRequest"
    push = (
        f"<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds>{CALENDAR}</t:FolderIds><t:EventTypes>"
        "<t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:StatusFrequency>1</t:StatusFrequency>"
        "<t:URL>http://localhost/</t:URL></m:PushSubscriptionRequest></m:Subscribe>"
    )
    assert ask.code(push) == "ErrorInvalidOperation"
    streamed = stream_id(ask)
    assert ask.code(events_text(streamed, "x")) == "ErrorInvalidSubscription"
    with Listener(ask, [Pull(ask).id]) as listener:
        assert listener.read().findtext(f"{M}ResponseCode") == "ErrorInvalidSubscription"


def test_old_servers_do_not_stream(make_sim: Make, make_ask: Make) -> None:
    ask = make_ask(make_sim("2007"), "Exchange2007_SP1")
    assert ask.code(subscribe_text(streaming=True, kinds=("Created",))) == "ErrorSchemaValidation"
    assert ask.code(text_of_request(["x"])) == "ErrorSchemaValidation"
    assert ask.code(subscribe_text()) == "ErrorSchemaValidation"  # FreeBusyChangedEvent
    assert Pull(ask, kinds=("Created",))() == [("Status", "")]


@pytest.mark.parametrize(
    ("allowed", "codes"), [("none", ["ErrorAccessDenied"] * 2), ("pull", ["NoError", "ErrorAccessDenied"])]
)
def test_a_server_may_not_allow_notifications(make_sim: Make, make_ask: Make, allowed: str, codes: list[str]) -> None:
    ask = make_ask(make_sim(notifications=allowed))
    assert [ask.code(subscribe_text(streaming=streaming)) for streaming in (False, True)] == codes
    with pytest.raises(ValueError, match="notifications is one of"):
        Simulator(notifications="some")


def test_what_is_allowed_can_change(ask: Any, sim: Simulator) -> None:
    pull = Pull(ask)
    sim.allow_notifications("none")
    assert ask.code(subscribe_text()) == "ErrorAccessDenied"
    assert pull() == [("Status", "")]
    state = requests.post(sim.control_url, json={"notifications": "pull"}, timeout=10).json()
    assert state["notifications"] == "pull"
    assert [ask.code(subscribe_text(streaming=streaming)) for streaming in (False, True)] == [
        "NoError",
        "ErrorAccessDenied",
    ]
    for wrong in ("some", ["pull"], None):
        assert requests.post(sim.control_url, json={"notifications": wrong}, timeout=10).status_code == 400
    with pytest.raises(ValueError, match="notifications is one of"):
        sim.allow_notifications("some")


def test_a_stream_says_that_it_is_open_and_then_what_happens(ask: Any, sim: Simulator) -> None:
    with Listener(ask, [stream_id(ask)]) as listener:
        first = listener.read()
        assert [etree.QName(child).localname for child in first] == ["ResponseCode", "ConnectionStatus"]
        assert first.findtext(f"{M}ConnectionStatus") == "OK"
        item = add(sim)
        message = listener.read()
        assert [etree.QName(child).localname for child in message] == ["ResponseCode", "Notifications"]
        assert message.find(f"{M}Notifications/{M}Notification/{T}SubscriptionId") is not None
        assert message.find(f".//{T}Watermark") is None
        assert events_of(message)[0] == ("Created", item.id)
        sim.remove_event(item)
        assert events_of(listener.read())[0] == ("Deleted", item.id)


def test_what_happened_before_a_stream_was_opened_is_told(ask: Any, sim: Simulator) -> None:
    streamed = stream_id(ask, kinds=("Created",))
    items = [add(sim) for _ in range(60)]
    with Listener(ask, [streamed]) as listener:
        assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
        told = [events_of(listener.read()) for _ in range(2)]
    assert [len(batch) for batch in told] == [50, 10]
    assert [event for batch in told for event in batch] == [("Created", item.id) for item in items]


def test_a_stream_beats_while_nothing_happens_and_ends_closed(make_sim: Make, make_ask: Make) -> None:
    ask = make_ask(make_sim(heartbeat_seconds=0.05, stream_minute_seconds=0.5))
    with Listener(ask, [stream_id(ask)]) as listener:
        first, *told, last = iter(listener.read, None)
    assert [one.findtext(f"{M}ConnectionStatus") for one in (first, last)] == ["OK", "Closed"]
    assert told
    for message in told:
        assert events_of(message) == [("Status", "")]
        assert message.find(f"{M}ConnectionStatus") is None


def test_a_stream_may_tell_of_several_subscriptions(ask: Any, sim: Simulator) -> None:
    projects = f'<t:FolderId Id="{sim.folder(ANNA, "Projects").id}"/>'
    ids = [stream_id(ask, kinds=("Created",)), stream_id(ask, folders=projects, kinds=("Created",))]
    with Listener(ask, ids) as listener:
        listener.read()
        add(sim, "Projects")
        assert next(listener.read().iter(f"{T}SubscriptionId")).text == ids[1]
        add(sim)
        assert next(listener.read().iter(f"{T}SubscriptionId")).text == ids[0]


def test_unknown_subscriptions_are_named_and_nothing_else_is_told(ask: Any, sim: Simulator) -> None:
    streamed = stream_id(ask)
    with Listener(ask, ["AAA-", streamed]) as listener:
        message = listener.read()
        assert message.get("ResponseClass") == "Error"
        assert message.findtext(f"{M}ResponseCode") == "ErrorInvalidSubscription"
        assert [one.text for one in message.iter(f"{M}SubscriptionId")] == ["AAA-"]
        assert message.findtext(f"{M}ConnectionStatus") == "Closed"
        assert listener.answer.status_code == 200
        assert not sim.subscriptions[0].stream
    assert ask.code(text_of_request([streamed] + [str(n) for n in range(200)])) == "ErrorInvalidSubscriptionRequest"


def test_a_second_stream_takes_the_place_of_the_first(ask: Any, sim: Simulator) -> None:
    ids = [stream_id(ask), stream_id(ask, folders='<t:DistinguishedFolderId Id="tasks"/>')]
    with Listener(ask, ids) as first, Listener(ask, ids[:1]) as second:
        first.read()
        assert second.read().findtext(f"{M}ConnectionStatus") == "OK"
        message = first.read()
        assert message.findtext(f"{M}ResponseCode") == "ErrorNewEventStreamConnectionOpened"
        assert [one.text for one in message.iter(f"{M}SubscriptionId")] == ids[:1]
        assert message.findtext(f"{M}ConnectionStatus") == "OK"
        add(sim)
        assert events_of(second.read())[0][0] == "Created"
        with Listener(ask, ids[1:]) as third:
            third.read()
            assert first.read().findtext(f"{M}ConnectionStatus") == "Closed"
            assert first.read() is None


def test_a_held_stream_is_told_when_its_subscription_ends(ask: Any) -> None:
    streamed = stream_id(ask)
    with Listener(ask, [streamed]) as listener:
        listener.read()
        assert ask.code(unsubscribe_text(streamed)) == "NoError"
        message = listener.read()
        assert message.findtext(f"{M}ResponseCode") == "ErrorSubscriptionUnsubscribed"
        assert message.findtext(f"{M}ConnectionStatus") == "Closed"
        assert listener.read() is None


def test_a_streaming_subscription_lives_while_it_is_held_and_a_while_after(make_sim: Make, make_ask: Make) -> None:
    moment = [START]
    sim = make_sim(clock=lambda: moment[0], streaming_subscription_minutes=10)
    ask = make_ask(sim)
    streamed = stream_id(ask)
    with Listener(ask, [streamed]) as listener:
        listener.read()
        moment[0] += timedelta(minutes=25)
        item = add(sim)
        assert events_of(listener.read())[0] == ("Created", item.id)
    until(lambda: not any(one.stream for one in sim.subscriptions))
    moment[0] += timedelta(minutes=9)
    with Listener(ask, [streamed]) as listener:
        assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
    until(lambda: not any(one.stream for one in sim.subscriptions))
    moment[0] += timedelta(minutes=11)
    with Listener(ask, [streamed]) as listener:
        assert listener.read().findtext(f"{M}ResponseCode") == "ErrorInvalidSubscription"


def until(come: Callable[[], bool]) -> None:
    """Wait for what another thread does at once; it says so to nobody."""
    end = time.monotonic() + 5
    while not come():
        assert time.monotonic() < end
        threading.Event().wait(0.005)


def test_a_client_that_goes_away_frees_its_thread_at_once(make_sim: Make, make_ask: Make) -> None:
    for tls in (False, True):
        sim = make_sim(tls=tls)
        ask = make_ask(sim)
        ask.session.trust_env, ask.session.verify = False, str(sim.ca_file) if tls else True
        streamed = stream_id(ask)
        listener = Listener(ask, [streamed], verify=ask.session.verify)
        listener.read()
        before = threading.active_count()
        listener.close()
        until(lambda: not any(one.stream for one in sim.subscriptions))  # noqa: B023 - it is called here
        until(lambda: threading.active_count() < before)  # noqa: B023


def test_five_hundred_streams_are_held_and_end_at_once(make_ask: Make) -> None:
    with Simulator(PEOPLE, hanging_connections=0) as sim, ExitStack() as stack:
        ask = make_ask(sim)
        calendar = sim.folder(ANNA)
        wish = Wish(ANNA, Payer(ANNA), calendar.mailbox, frozenset({calendar.number}), frozenset({"CreatedEvent"}), 30)
        wish = replace(wish, is_streaming=True)
        held, port = [], int(sim.base.rpartition(":")[2])
        for _ in range(500):
            with sim.store.lock:
                streamed = sim.service.subscriptions.subscribe(wish).id
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            body = ask.envelope(text_of_request([streamed], 30))
            head = (
                f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nAuthorization: Basic "
            )
            login = base64.b64encode(f"{ANNA}:anna-password".encode()).decode()
            connection.sendall(f"{head}{login}\r\n\r\n".encode() + body)
            held.append(stack.enter_context(connection.makefile("rb")))
        for answer in held:
            assert b"ConnectionStatus>OK<" in part(answer)
        begun = time.monotonic()
        item = add(sim)
        for answer in held:
            assert item.id.encode() in part(answer)
        assert time.monotonic() - begun < 10
        begun = time.monotonic()
        sim.stop()
        assert time.monotonic() - begun < 5
        assert not [thread for thread in threading.enumerate() if "process_request" in thread.name]


def part(answer: IO[bytes]) -> bytes:
    """Give the next envelope of a chunked answer."""
    found = b""
    while not found.endswith(b"</Envelope>\r\n"):
        line = answer.readline()
        assert line
        found += line
    return found


def test_a_queue_that_overflows_is_told_as_missed_events(make_sim: Make, make_ask: Make) -> None:
    sim = make_sim(event_queue_limit=5)
    ask = make_ask(sim)
    pull, streamed = Pull(ask, kinds=("Created",)), stream_id(ask, kinds=("Created",))
    for _ in range(6):
        add(sim)
    assert ask.code(events_text(pull.id, pull.mark)) == "ErrorMissedNotificationEvents"
    assert pull() == [("Status", "")]
    with Listener(ask, [streamed]) as listener:
        listener.read()
        message = listener.read()
        assert message.findtext(f"{M}ResponseCode") == "ErrorMissedNotificationEvents"
        assert [one.text for one in message.iter(f"{M}SubscriptionId")] == [streamed]
        assert message.findtext(f"{M}ConnectionStatus") == "OK"
        item = add(sim)
        assert events_of(listener.read()) == [("Created", item.id)]
    assert pull() == [("Created", item.id)]


def test_exchangelib_pulls_and_streams(make_sim: Make) -> None:
    ews: Any = exchangelib
    sim = make_sim()
    configuration = ews.Configuration(
        service_endpoint=sim.url,
        credentials=ews.Credentials(ANNA, "anna-password"),
        auth_type=ews.BASIC,
        version=ews.Version(ews.Build(15, 2, 1, 1)),
    )
    anna = ews.Account(ANNA, config=configuration, autodiscover=False, access_type=ews.DELEGATE)
    with anna.calendar.pull_subscription(timeout=10) as (named, mark):
        item = add(sim)
        (notification,) = anna.calendar.get_events(named, mark)
        assert notification.events[0].item_id.id == item.id
    with anna.calendar.streaming_subscription() as named:
        item = add(sim)
        (notification,) = anna.calendar.get_streaming_events(named, connection_timeout=1, max_notifications_returned=1)
        assert notification.subscription_id == named
        assert type(notification.events[0]).__name__ == "CreatedEvent"
        assert notification.events[0].item_id.id == item.id
        with pytest.raises(ews.errors.ErrorInvalidSubscription, match=r"Subscription is invalid. \(.*'AAA-'"):
            list(anna.calendar.get_streaming_events(["AAA-", named], connection_timeout=1))
    ews.protocol.CachingProtocol.clear_cache()


def test_the_control_url_shows_subscriptions_and_loses_them(ask: Any, sim: Simulator) -> None:
    pull, streamed = Pull(ask), stream_id(ask)
    with Listener(ask, [streamed]) as listener:
        listener.read()
        shown = requests.get(sim.control_url, timeout=10).json()["subscriptions"]
        assert shown == [
            {"owner": ANNA, "mailbox": ANNA, "is_streaming": streaming, "is_held": streaming, "waiting": 0}
            for streaming in (False, True)
        ]
        state = requests.post(sim.control_url, json={"lose_subscriptions": True}, timeout=10).json()
        assert state["subscriptions"] == []
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            listener.read()
    assert ask.code(events_text(pull.id, pull.mark)) == "ErrorSubscriptionNotFound"
    with Listener(ask, [streamed]) as listener:
        assert listener.read().findtext(f"{M}ResponseCode") == "ErrorInvalidSubscription"
