"""ResolveNames, in the directory. Source: [D] ResolveNames: at most 100 hits; several are a warning."""

from bridge.simulator.answers import respond, success
from bridge.simulator.call import Call
from bridge.simulator.model import X500, Person
from bridge.simulator.trouble import TEXTS, EwsError
from bridge.simulator.xml import Element, M, T, add, flag, text_of

MOST = 100


def resolve_names(call: Call) -> Element:
    """Give the answer: everybody the entry may mean."""
    return respond(call, [lambda: _one(call)])


def _matches(person: Person, entry: str) -> bool:
    if entry.removeprefix("ex:").startswith(X500):
        return entry.removeprefix("ex:") == person.legacy_name.casefold()
    if entry.startswith("smtp:"):
        return entry.removeprefix("smtp:") in person.addresses
    words = (person.name.casefold(), *person.name.casefold().split(), person.login.casefold(), *person.addresses)
    return any(word.startswith(entry) for word in words)


def _one(call: Call) -> Element:
    entry = text_of(call.request, M + "UnresolvedEntry").strip().casefold()
    found = [person for person in call.store.people if _matches(person, entry)]
    exact = [person for person in found if entry.removeprefix("smtp:") in person.addresses]
    found = exact or found
    if not entry or not found:
        raise EwsError("ErrorNameResolutionNoResults")
    code = "ErrorNameResolutionMultipleResults"
    message = success("ResolveNames", code, "Warning", TEXTS[code]) if len(found) > 1 else success("ResolveNames")
    complete = "true" if len(found) <= MOST else "false"
    told = {"TotalItemsInView": str(len(found)), "IncludesLastItemInRange": complete}
    answers = add(message, M + "ResolutionSet", None, told)
    for person in found[:MOST]:
        resolution = add(answers, T + "Resolution")
        mailbox = add(resolution, T + "Mailbox")
        add(mailbox, T + "Name", person.name)
        add(mailbox, T + "EmailAddress", person.address)
        add(mailbox, T + "RoutingType", "SMTP")
        add(mailbox, T + "MailboxType", "Mailbox")
        if flag(call.request.get("ReturnFullContactData")):
            _contact(resolution, person)
    return message


def _contact(resolution: Element, person: Person) -> None:
    contact = add(resolution, T + "Contact")
    add(contact, T + "DisplayName", person.name)
    add(contact, T + "GivenName", person.name.partition(" ")[0])
    addresses = add(contact, T + "EmailAddresses")
    ordered = (f"SMTP:{person.address}", *(f"smtp:{alias}" for alias in person.aliases))
    for number, address in enumerate(ordered[:3], 1):
        add(addresses, T + "Entry", address, {"Key": f"EmailAddress{number}"})
    add(contact, T + "ContactSource", "ActiveDirectory")
    add(contact, T + "Surname", person.name.rpartition(" ")[2])
