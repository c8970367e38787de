"""How much an account may have at once: calls, held streams, subscriptions; and who pays for a service account."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from lxml import etree

from bridge.simulator import PERSONALITIES, PersonPlan, Simulator
from bridge.simulator.budgets import Payer
from tests.simulator.streaming import Listener, M, text_of_request

ANNA, BRIDGE = "anna@example.com", "bridge@example.com"
PEOPLE = (
    PersonPlan("Anna", ANNA, "anna-password"),
    PersonPlan("Bob", "bob@example.com", "bob-password"),
    PersonPlan("Bridge", BRIDGE, "bridge-password", impersonates=True),
    PersonPlan("Other", "other@example.com", "other-password", impersonates=True),
)
FOLDER = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
SUBSCRIBE = (
    "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>"
    '<t:DistinguishedFolderId Id="calendar"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType>'
    "</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"
)
AS_ANNA = (
    f"<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{ANNA}</t:SmtpAddress></t:ConnectingSID>"
    "</t:ExchangeImpersonation>"
)
Make = Callable[..., Any]


class Acting:
    """Asks as Anna by impersonation."""

    def __init__(self, ask: Any) -> None:
        self.ask, self.sim = ask, ask.sim

    def envelope(self, body: str) -> bytes:
        content: bytes = self.ask.envelope(body)
        return content.replace(b"</s:Header>", AS_ANNA.encode() + b"</s:Header>")

    def post(self, body: str, who: str) -> requests.Response:
        login = (f"{who}@example.com", f"{who}-password")
        answer: requests.Response = self.ask.session.post(
            self.sim.url, data=self.envelope(body), auth=login, timeout=10
        )
        return answer


def code(answer: requests.Response) -> str:
    root = etree.fromstring(answer.content)
    if answer.status_code == 200:
        return str(next(root.iter(f"{M}ResponseCode")).text)
    return str(next(root.iter("faultcode")).text).removeprefix("a:")


def subscribed(answer: requests.Response) -> str:
    return str(next(etree.fromstring(answer.content).iter(f"{M}SubscriptionId")).text)


@contextmanager
def under_way(sim: Simulator, count: int, content: bytes, who: str) -> Iterator[None]:
    """Have so many calls be under way: each waits for its latency, which ends with the simulator."""

    def post() -> None:
        requests.post(sim.url, data=content, auth=(f"{who}@example.com", f"{who}-password"), timeout=20)

    sim.trouble("latency", operation="GetFolder", count=count, milliseconds=60_000)
    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(post) for _ in range(count)]
        while sim.records.total("GetFolder") < count:
            threading.Event().wait(0.005)
        yield
        sim.stop()
        for call in calls:
            with pytest.raises(requests.ConnectionError):
                call.result()


def test_the_limits_of_each_server() -> None:
    limits = {
        name: (kind.rules.max_concurrency, kind.rules.hanging_connections, kind.rules.max_subscriptions)
        for name, kind in PERSONALITIES.items()
    }
    assert limits == {
        "2007": (0, 0, 0),
        "2010": (10, 10, 5000),
        "2013": (27, 3, 5000),
        "2019": (27, 10, 5000),
        "online": (27, 10, 20),
        "lenient": (0, 0, 0),
    }


def test_an_account_has_so_many_calls_under_way_at_most(make_ask: Make) -> None:
    sim = Simulator(PEOPLE, max_concurrency=3)
    sim.start()
    ask = make_ask(sim)
    with under_way(sim, 3, ask.envelope(FOLDER), "anna"):
        answer = ask.post(FOLDER)
        assert (answer.status_code, code(answer)) == (500, "ErrorExceededConnectionCount")
        assert "You have exceeded the available concurrent connections for your account" in answer.text
        assert sim.records.recent[-1].outcome == "ErrorExceededConnectionCount"
        assert code(ask.post(FOLDER, "bob")) == "NoError"
        # What is done by impersonation is charged to a copy of Anna's budget
        assert code(Acting(ask).post(FOLDER, "bridge")) == "NoError"


def test_all_service_accounts_share_the_copy_of_a_budget(make_ask: Make) -> None:
    sim = Simulator(PEOPLE, max_concurrency=2)
    sim.start()
    ask = make_ask(sim)
    acting = Acting(ask)
    with under_way(sim, 2, acting.envelope(FOLDER), "bridge"):
        assert code(acting.post(FOLDER, "other")) == "ErrorExceededConnectionCount"
        assert code(ask.post(FOLDER)) == "NoError"
        assert code(ask.post(FOLDER, "bridge")) == "NoError"


def test_calls_that_are_over_count_no_more(make_sim: Make, make_ask: Make) -> None:
    sim = make_sim(people=PEOPLE, max_concurrency=1, hanging_connections=1)
    ask = make_ask(sim)
    for kind in ("reset", "cut", "busy_503", "fault", "unauthorized", "truncated"):
        sim.trouble(kind, count=1)
        try:
            ask.post(FOLDER)
        except requests.exceptions.RequestException:
            assert kind in {"reset", "cut"}
        while code(ask.post(FOLDER)) != "NoError":  # the thread of what broke may be still at it
            threading.Event().wait(0.005)


def test_an_account_holds_so_many_streams_at_most(make_sim: Make, make_ask: Make) -> None:
    sim = make_sim("2013", people=PEOPLE)
    ask = make_ask(sim)
    ids = [subscribed(ask.post(SUBSCRIBE)) for _ in range(4)]
    with ExitStack() as stack:
        held = [stack.enter_context(Listener(ask, [named])) for named in ids[:3]]
        for listener in held:
            assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
        answer = ask.post(text_of_request(ids[3:]))
        assert (answer.status_code, code(answer)) == (500, "ErrorExceededConnectionCount")
        assert code(ask.post(FOLDER)) == "NoError"
        held[0].close()
        while sim.service.budgets.used(Payer(ANNA), "stream") == 3:
            threading.Event().wait(0.005)
        with Listener(ask, ids[3:]) as listener:
            assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"


def test_a_service_account_holds_streams_at_its_own_cost_or_anothers(make_sim: Make, make_ask: Make) -> None:
    sim = make_sim(people=PEOPLE, hanging_connections=1)
    ask = make_ask(sim)
    acting = Acting(ask)
    ids = [subscribed(acting.post(SUBSCRIBE, "bridge")) for _ in range(2)]
    with Listener(ask, ids[:1], "bridge") as own, Listener(acting, ids[1:], "bridge") as copied:
        for listener in (own, copied):
            assert listener.read().findtext(f"{M}ConnectionStatus") == "OK"
        assert code(ask.post(text_of_request(ids[:1]), "bridge")) == "ErrorExceededConnectionCount"
        assert code(acting.post(text_of_request(ids[:1]), "bridge")) == "ErrorExceededConnectionCount"
        item = sim.add_event(ANNA, subject="x", start=sim.store.clock(), end=sim.store.clock())
        for listener in (own, copied):
            assert item.id.encode() in etree.tostring(listener.read())


def test_an_account_has_so_many_subscriptions_at_most(make_sim: Make, make_ask: Make) -> None:
    sim = make_sim("online", people=PEOPLE)
    ask = make_ask(sim)
    acting = Acting(ask)
    ids = [subscribed(ask.post(SUBSCRIBE)) for _ in range(20)]
    answer = ask.post(SUBSCRIBE)
    assert (answer.status_code, code(answer)) == (200, "ErrorExceededSubscriptionCount")
    assert code(ask.post(SUBSCRIBE, "bob")) == "NoError"
    assert [code(acting.post(SUBSCRIBE, "bridge")) for _ in range(21)] == (
        ["NoError"] * 20 + ["ErrorExceededSubscriptionCount"]
    )
    assert code(acting.post(SUBSCRIBE, "other")) == "ErrorExceededSubscriptionCount"
    ask(f"<m:Unsubscribe><m:SubscriptionId>{ids[0]}</m:SubscriptionId></m:Unsubscribe>")
    assert code(ask.post(SUBSCRIBE)) == "NoError"
