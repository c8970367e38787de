"""A service account that asks as others: who may, as whom, by which name, and what is remembered of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exchangelib
import pytest
import requests
from lxml import etree

from bridge.simulator import CalendarPlan, PersonPlan, Simulator, load_people
from bridge.simulator.records import Seen
from tests.simulator.streaming import T

ANNA, BRIDGE = "anna@example.com", "bridge@example.com"
PEOPLE = (
    PersonPlan(
        "Anna",
        ANNA,
        "anna-password",
        ("a.berg@example.com",),
        login="ab",
        calendars=(CalendarPlan("Calendar", {"default": "none"}),),
    ),
    PersonPlan("Bob", "bob@example.com", "bob-password"),
    PersonPlan("Bridge", BRIDGE, "bridge-password", impersonates=True),
)
FOLDER = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)
CREATE = (
    '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>x</t:Subject>'
    "</t:CalendarItem></m:Items></m:CreateItem>"
)
Make = Callable[..., Any]


@pytest.fixture
def sim(make_sim: Make) -> Simulator:
    made: Simulator = make_sim(people=PEOPLE)
    return made


def send(ask: Any, body: str, named: str, who: str = "bridge") -> requests.Response:
    content = ask.envelope(body).decode()
    header = f"<t:ExchangeImpersonation><t:ConnectingSID>{named}</t:ConnectingSID></t:ExchangeImpersonation></s:Header>"
    content = content.replace("</s:Header>", header)
    answer: requests.Response = ask.session.post(
        ask.sim.url, data=content.encode(), auth=(f"{who}@example.com", f"{who}-password"), timeout=10
    )
    return answer


def fault(answer: requests.Response) -> str:
    assert answer.status_code == 500
    return str(next(etree.fromstring(answer.content).iter("faultcode")).text).removeprefix("a:")


@pytest.mark.parametrize(
    "named",
    [
        "<t:SmtpAddress>anna@example.com</t:SmtpAddress>",
        "<t:SmtpAddress>A.Berg@example.com</t:SmtpAddress>",
        "<t:PrimarySmtpAddress>anna@example.com</t:PrimarySmtpAddress>",
        "<t:PrincipalName>ab@example.com</t:PrincipalName>",
    ],
)
def test_a_service_account_is_whom_it_impersonates(ask: Any, sim: Simulator, named: str) -> None:
    answer = send(ask, FOLDER, named)
    assert answer.status_code == 200
    root = etree.fromstring(answer.content)
    assert next(root.iter(f"{T}FolderId")).get("Id") == sim.folder(ANNA).id
    assert {child.text for child in next(root.iter(f"{T}EffectiveRights"))} == {"true"}
    assert send(ask, CREATE, named).status_code == 200
    assert [item.modified_by for item in sim.events(ANNA)] == ["Anna"]
    assert sim.records.recent[0] == Seen("GetFolder", ANNA, ANNA, 200, "ok", BRIDGE)
    assert dict(sim.records.logins) == {BRIDGE: 2}


def test_without_impersonation_the_service_account_is_itself(ask: Any, sim: Simulator) -> None:
    (message,) = ask(FOLDER, "bridge")
    assert next(message.iter(f"{T}FolderId")).get("Id") == sim.folder(BRIDGE).id
    assert sim.records.recent[0] == Seen("GetFolder", BRIDGE, BRIDGE, 200, "ok", BRIDGE)
    theirs = FOLDER.replace(
        'Id="calendar"/>',
        f'Id="calendar"><t:Mailbox><t:EmailAddress>{ANNA}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>',
    )
    assert ask.code(theirs, "bridge") == "ErrorFolderNotFound"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("<t:SmtpAddress>nobody@example.com</t:SmtpAddress>", "ErrorNonExistentMailbox"),
        ("<t:PrincipalName>nobody@example.com</t:PrincipalName>", "ErrorInvalidUserPrincipalName"),
        ("<t:PrimarySmtpAddress>a.berg@example.com</t:PrimarySmtpAddress>", "ErrorNonPrimarySmtpAddress"),
        ("<t:SID>S-1-5-21-1</t:SID>", "ErrorInvalidOperation"),
        ("<t:SmtpAddress> </t:SmtpAddress>", "ErrorInvalidExchangeImpersonationHeaderData"),
        ("", "ErrorInvalidExchangeImpersonationHeaderData"),
        ("<t:Name>anna@example.com</t:Name>", "ErrorSchemaValidation"),
    ],
)
def test_who_is_named_must_exist(ask: Any, sim: Simulator, named: str, code: str) -> None:
    assert fault(send(ask, FOLDER, named)) == code
    assert sim.records.recent[-1].outcome == code


def test_others_may_not_impersonate(ask: Any, sim: Simulator) -> None:
    named = "<t:SmtpAddress>anna@example.com</t:SmtpAddress>"
    answer = send(ask, CREATE, named, "bob")
    assert fault(answer) == "ErrorImpersonateUserDenied"
    assert "The account does not have permission to impersonate the requested user." in answer.text
    assert sim.events(ANNA) == []


def test_who_is_impersonated_needs_no_password_that_is_right(ask: Any, sim: Simulator) -> None:
    sim.change_password(ANNA, "another")
    assert send(ask, FOLDER, "<t:SmtpAddress>anna@example.com</t:SmtpAddress>").status_code == 200
    sim.change_password(BRIDGE, "another")
    assert send(ask, FOLDER, "<t:SmtpAddress>anna@example.com</t:SmtpAddress>").status_code == 401


def test_the_oldest_name_the_primary_address_alone(make_sim: Make, make_ask: Make) -> None:
    ask = make_ask(make_sim("2007", people=PEOPLE), "Exchange2007_SP1")
    assert fault(send(ask, FOLDER, f"<t:SmtpAddress>{ANNA}</t:SmtpAddress>")) == "ErrorSchemaValidation"
    assert send(ask, FOLDER, f"<t:PrimarySmtpAddress>{ANNA}</t:PrimarySmtpAddress>").status_code == 200


def test_knobs_are_for_the_mailbox_of_who_is_impersonated(ask: Any, sim: Simulator) -> None:
    sim.trouble("busy_503", mailbox=ANNA)
    assert send(ask, FOLDER, f"<t:SmtpAddress>{ANNA}</t:SmtpAddress>").status_code == 503
    assert ask.post(FOLDER, "bridge").status_code == 200


def test_service_accounts_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    person = '[[people]]\nname = "S"\naddress = "s@example.com"\npassword = "p"\nimpersonates = '
    path.write_text(person + "true\n", encoding="utf-8")
    assert [plan.impersonates for plan in load_people(path)] == [True]
    path.write_text(person + '"yes"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="impersonates is true or false"):
        load_people(path)


def test_exchangelib_impersonates(sim: Simulator) -> None:
    ews: Any = exchangelib
    configuration = ews.Configuration(
        service_endpoint=sim.url,
        credentials=ews.Credentials(BRIDGE, "bridge-password"),
        auth_type=ews.BASIC,
        version=ews.Version(ews.Build(15, 2, 1, 1)),
    )
    anna = ews.Account(ANNA, config=configuration, autodiscover=False, access_type=ews.IMPERSONATION)
    assert anna.calendar.id == sim.folder(ANNA).id
    with anna.calendar.streaming_subscription() as named:
        (subscription,) = sim.subscriptions
        assert (subscription.id, subscription.wish.owner) == (named, BRIDGE)
        assert subscription.wish.mailbox == sim.person(ANNA).mailbox
    ews.protocol.CachingProtocol.clear_cache()


def test_a_subscription_is_known_to_one_of_several_servers(make_sim: Make, make_ask: Make) -> None:
    ask = make_ask(make_sim(people=PEOPLE, several_servers=True))
    subscribe = (
        '<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"/></t:FolderIds>'
        "<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>5</t:Timeout>"
        "</m:PullSubscriptionRequest></m:Subscribe>"
    )
    named = f"<t:SmtpAddress>{ANNA}</t:SmtpAddress>"
    affinity = {"X-AnchorMailbox": ANNA, "X-PreferServerAffinity": "true"}

    def code(body: str, headers: dict[str, str]) -> str:
        ask.session.headers.update(headers)
        answer = send(ask, body, named)
        for name in headers:
            del ask.session.headers[name]
        root = etree.fromstring(answer.content)
        told.update({etree.QName(element).localname: element.text for element in root.iter() if element.text})
        return str(next(root.iter("{*}ResponseCode")).text)

    told: dict[str, str] = {}
    assert code(subscribe, affinity) == "NoError"
    (cookie,) = ask.session.cookies
    assert cookie.name == "X-BackEndOverrideCookie"
    ids = f"<m:SubscriptionId>{told['SubscriptionId']}</m:SubscriptionId>"
    events = f"<m:GetEvents>{ids}<m:Watermark>{told['Watermark']}</m:Watermark></m:GetEvents>"
    assert code(events, {"X-PreferServerAffinity": "true"}) == "NoError"
    assert code(events, {"X-AnchorMailbox": ANNA}) == "NoError"
    ask.session.cookies.clear()
    assert code(events, {"X-PreferServerAffinity": "true"}) == "ErrorSubscriptionNotFound"
    assert code(f"<m:Unsubscribe>{ids}</m:Unsubscribe>", {}) == "ErrorSubscriptionNotFound"
    ask.session.cookies.clear()  # it names the server of the service account by now
    assert code(f"<m:Unsubscribe>{ids}</m:Unsubscribe>", affinity) == "NoError"
