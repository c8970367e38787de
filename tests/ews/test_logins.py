"""Whose mailbox a credential opens."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lxml import etree

from bridge.errors import CredentialRefused, ExchangeBusy, ExchangeFailed
from bridge.ews.exchange import EwsExchange
from bridge.ews.logins import LoginQuestion
from bridge.ews.xml import Element, type_text
from bridge.exchange import Deadline
from bridge.model import Address, BasicCredential, Mailbox
from bridge.simulator.simulator import Simulator


@pytest.mark.parametrize("username", ["anna@example.com", "EXAMPLE\\anna", "a.berg@example.com"])
def test_every_form_of_a_login_leads_to_the_mailbox(username: str, exchange: EwsExchange, deadline: Deadline) -> None:
    mailbox = exchange.log_in(BasicCredential(username, "secret of anna"), deadline)
    assert mailbox == Mailbox(Address("anna@example.com"), "Anna Berg", frozenset({Address("a.berg@example.com")}))


def test_a_wrong_password_is_refused_and_asked_once(
    simulator: Simulator, exchange: EwsExchange, deadline: Deadline
) -> None:
    with pytest.raises(CredentialRefused):
        exchange.log_in(BasicCredential("anna@example.com", "wrong"), deadline)
    assert sum(exchange.tallied().calls.values()) == 1
    assert simulator.refused == []


# --- what a server may say otherwise -----------------------------------------------------------------


class Server:
    """Answers by hand: calendars by the address asked for ("" is the login's own), the directory, ConvertId."""

    def __init__(self, answers: Any, calendars: Mapping[str, str], directory: Mapping[str, str], told: str) -> None:
        self._answers = answers
        self._calendars = calendars
        self._directory = directory
        self._told = told

    def __call__(self, request: Element) -> Element:
        """Answer the request."""
        operation = etree.QName(request).localname
        answer: Callable[[Element], str] = {
            "GetFolder": self._folder,
            "ConvertId": lambda _: self._told,
            "ResolveNames": self._resolution,
        }[operation]
        element: Element = self._answers.element(self._answers.response(operation, answer(request)))
        return element

    def _folder(self, request: Element) -> str:
        id_ = self._calendars.get(request.findtext(".//{*}EmailAddress") or "")
        if id_ is None:
            return "ErrorNonExistentMailbox"
        return f'<m:Folders><t:CalendarFolder><t:FolderId Id="{id_}"/></t:CalendarFolder></m:Folders>'

    def _resolution(self, request: Element) -> str:
        found = self._directory.get(request.findtext(".//{*}UnresolvedEntry") or "")
        if found is None:
            return "ErrorNameResolutionNoResults"
        mailbox = f"<t:Mailbox><t:Name>N</t:Name><t:EmailAddress>{found}</t:EmailAddress></t:Mailbox>"
        return f"<m:ResolutionSet><t:Resolution>{mailbox}</t:Resolution></m:ResolutionSet>"


def _told(address: str) -> str:
    return f'<m:AlternateId Format="EwsId" Id="x" Mailbox="{address}"/>'


def test_a_login_that_is_anothers_address_opens_its_own_mailbox(answers: Any) -> None:
    # Anna logs in as x@example.com; as an address x@example.com is Bob's
    server = Server(answers, {"": "anna's", "x@example.com": "bob's"}, {}, _told("anna@example.com"))
    assert LoginQuestion("x@example.com", server).mailbox().address == "anna@example.com"


def test_the_directory_is_not_believed_when_the_calendars_differ(answers: Any) -> None:
    server = Server(
        answers,
        {"": "anna's", "bob@example.com": "bob's"},
        {"x@example.com": "bob@example.com"},
        "ErrorInvalidRequest",
    )
    with pytest.raises(ExchangeFailed):
        LoginQuestion("x@example.com", server).mailbox()


def test_the_directory_is_believed_when_the_calendar_is_the_same(answers: Any) -> None:
    calendars = {"": "anna's", "anna@example.com": "anna's", "bob@example.com": "bob's"}
    directory = {"anna": "anna@example.com"}
    server = Server(answers, calendars, directory, _told("nobody@mailbox.invalid"))
    assert LoginQuestion("EXAMPLE\\anna", server).mailbox().address == "anna@example.com"


def test_a_server_without_a_directory_is_enough(answers: Any) -> None:
    server = Server(answers, {"": "1", "anna@example.com": "1"}, {}, "ErrorInvalidRequest")
    assert LoginQuestion("Anna@example.com", server).mailbox() == Mailbox(Address("anna@example.com"))


def test_an_account_without_a_mailbox_is_refused(answers: Any) -> None:
    with pytest.raises(CredentialRefused, match="no mailbox"):
        LoginQuestion("anna", Server(answers, {}, {}, "ErrorInvalidRequest")).mailbox()


def test_a_busy_server_is_not_taken_for_one_that_cannot(answers: Any) -> None:
    server = Server(answers, {"": "1"}, {}, "ErrorServerBusy")
    with pytest.raises(ExchangeBusy):
        LoginQuestion("anna@example.com", server).mailbox()


def test_the_questions_of_a_login_name_no_other_mailbox(answers: Any) -> None:
    asked: list[Element] = []
    server = Server(answers, {"": "1"}, {}, _told("anna@example.com"))

    def ask(request: Element) -> Element:
        asked.append(request)
        return server(request)

    LoginQuestion("x", ask).mailbox()
    assert [etree.QName(request).localname for request in asked] == ["GetFolder", "ConvertId", "ResolveNames"]
    assert all(type_text(request, "Mailbox") == "" for request in asked)
