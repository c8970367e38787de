"""ExchangeImpersonation: a service account asks as somebody else.

Sources: [D] ExchangeImpersonation, ConnectingSID, responsecode; [R] the texts, by many who met them; which of two
errors comes first is assumed.
"""

from bridge.simulator.history import check_impersonation
from bridge.simulator.model import Person
from bridge.simulator.rules import Personality
from bridge.simulator.store import Store
from bridge.simulator.trouble import Fault, NotSimulated
from bridge.simulator.xml import Element, T, children, name_of, text_of


def impersonated(store: Store, personality: Personality, login: Person, header: Element) -> Person:
    """Give who the header names, if the account may ask as that person."""
    named = next(children(header.find(T + "ConnectingSID")), None)
    if named is None or not text_of(named).strip():
        raise Fault("ErrorInvalidExchangeImpersonationHeaderData")
    check_impersonation(personality, named)
    person = _named(store, name_of(named), text_of(named).strip().casefold())
    if not login.impersonates:
        raise Fault("ErrorImpersonateUserDenied")
    return person


def _named(store: Store, kind: str, text: str) -> Person:
    if kind == "SID":
        raise NotSimulated("impersonation by SID")
    if kind == "PrincipalName":
        found = next((person for person in store.people if person.principal_name.casefold() == text), None)
        if found is None:
            raise Fault("ErrorInvalidUserPrincipalName")
        return found
    person = store.person(text)
    if person is None:
        raise Fault("ErrorNonExistentMailbox")
    if kind == "PrimarySmtpAddress" and person.address.casefold() != text:
        raise Fault("ErrorNonPrimarySmtpAddress", values={"Primary": person.address})
    return person
