"""To whom another's calendar belongs, also where a server tells little."""

from collections import Counter
from typing import Any

import pytest
from lxml import etree

from bridge.errors import ExchangeFailed
from bridge.ews.operations import convert_id, resolve_names
from bridge.ews.owners import Owners
from bridge.ews.xml import Element
from bridge.model import Address, FolderId

FOLDER = FolderId("AAMkFolder=")
VIEWER, ALIAS, PRIMARY = (Address(f"{name}@example.com") for name in ("viewer", "alias", "primary"))


class Server:
    """Answers by hand; "Error…" is an error's code. Counts what it is asked."""

    def __init__(
        self, answers: Any, *, converted: str = "ErrorInvalidRequest", resolved: str = "ErrorInvalidRequest"
    ) -> None:
        self.answers = answers
        self.told = {"ConvertId": self._converted(converted), "ResolveNames": self._resolved(resolved)}
        self.asked: Counter[str] = Counter()

    def __call__(self, request: Element) -> Element:
        """Answer the request."""
        operation = str(etree.QName(request).localname)
        self.asked[operation] += 1
        element: Element = self.answers.element(self.answers.response(operation, self.told[operation]))
        return element

    def _converted(self, address: str) -> str:
        if address.startswith("Error"):
            return address
        return f'<m:AlternateId Format="EwsId" Id="{FOLDER}" Mailbox="{address}"/>'

    def _resolved(self, address: str) -> str:
        if address.startswith("Error"):
            return address
        return (
            f"<m:ResolutionSet><t:Resolution><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox><t:Contact>"
            f'<t:EmailAddresses><t:Entry Key="EmailAddress1">smtp:{ALIAS}</t:Entry></t:EmailAddresses></t:Contact>'
            f"</t:Resolution></m:ResolutionSet>"
        )


def _primary(owners: Owners, server: Server) -> Address:
    return owners.primary(server, FOLDER, ALIAS, VIEWER)


def test_the_folders_id_tells_and_is_asked_about_once(answers: Any) -> None:
    server, owners = Server(answers, converted=PRIMARY), Owners()
    assert [_primary(owners, server) for _ in range(3)] == [PRIMARY] * 3
    assert server.asked == {"ConvertId": 1}


@pytest.mark.parametrize("converted", ["ErrorInvalidRequest", VIEWER, convert_id.NOBODY])
def test_where_it_tells_nothing_the_directory_does(converted: str, answers: Any) -> None:
    assert _primary(Owners(), Server(answers, converted=converted, resolved=PRIMARY)) == PRIMARY


@pytest.mark.parametrize(
    "resolved", ["ErrorInvalidRequest", "ErrorNameResolutionNoResults", "ErrorAccessDenied", VIEWER]
)
def test_where_nobody_tells_the_address_asked_for_has_to_do(resolved: str, answers: Any) -> None:
    assert _primary(Owners(), Server(answers, resolved=resolved)) == ALIAS


def test_an_owners_name_is_asked_for_once(answers: Any) -> None:
    server, owners = Server(answers, resolved=PRIMARY), Owners()
    nameless = server.told["ResolveNames"]
    server.told["ResolveNames"] = nameless.replace("<t:Mailbox>", "<t:Mailbox><t:Name>Pia P.</t:Name>")
    assert [owners.name(server, PRIMARY) for _ in range(3)] == ["Pia P."] * 3
    assert server.asked == {"ResolveNames": 1}


@pytest.mark.parametrize("code", ["ErrorNameResolutionNoResults", "ErrorAccessDenied", "ErrorInternalServerError"])
def test_an_owner_may_have_no_name_and_trouble_is_not_remembered(code: str, answers: Any) -> None:
    server, owners = Server(answers, resolved=code), Owners()
    assert owners.name(server, PRIMARY) == ""
    assert owners.name(server, PRIMARY) == ""
    assert server.asked == {"ResolveNames": 1 if code == "ErrorNameResolutionNoResults" else 2}


@pytest.mark.parametrize("operation", [convert_id, resolve_names])
def test_a_passing_trouble_makes_nobody_another_one(operation: Any, answers: Any) -> None:
    name = "ConvertId" if operation is convert_id else "ResolveNames"
    server, owners = Server(answers, resolved=PRIMARY), Owners()
    good = server.told[name]
    server.told[name] = "ErrorInternalServerTransientError"
    with pytest.raises(ExchangeFailed):
        _primary(owners, server)
    server.told[name] = good
    assert _primary(owners, server) == PRIMARY
