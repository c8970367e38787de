"""People of an item as EWS carries them: mailboxes, one by one and in the three lists of attendees."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bridge.ews.xml import Element, find_type, text_element, type_element, type_text
from bridge.item import Attendee, AttendeeRole, Content, Person, Response

_LEGACY = "/o="
"""How the directory's own X.500 names begin (legacyExchangeDN; RoutingType EX)."""
_RESPONSES: Mapping[str, Response] = MappingProxyType({member.value: member for member in Response})


def has_legacy_address(person: Person) -> bool:
    """Whether the address is the directory's own name of somebody, which no mail of the internet reaches."""
    return person.address[:3].lower() == _LEGACY


def from_mailbox(element: Element) -> Person | None:
    """Read the Mailbox inside an element; None where there is none."""
    mailbox = find_type(element, "Mailbox")
    if mailbox is None:
        return None
    return Person(type_text(mailbox, "EmailAddress"), type_text(mailbox, "Name"))


def from_attendees(element: Element, role: AttendeeRole) -> list[Attendee]:
    """Read one of the lists; an answer that is not known to us counts as none."""
    people = ((from_mailbox(child), type_text(child, "ResponseType")) for child in element)
    return [Attendee(person, role, _RESPONSES.get(response, Response.UNKNOWN)) for person, response in people if person]


def to_attendees(name: str, role: AttendeeRole) -> Callable[[Content], Element | None]:
    """Give what makes the list of a role, None where nobody is in it.

    Answers are never written: they are the attendees' own. Who has no address cannot be invited and is left out
    (ErrorInvalidRecipients).
    """

    def make(content: Content) -> Element | None:
        people = [one.person for one in content.attendees if one.role is role and one.person.address]
        return type_element(name, *map(_to_attendee, people)) if people else None

    return make


def _to_attendee(person: Person) -> Element:
    parts = [text_element("Name", person.display_name)] if person.display_name else []
    parts.append(text_element("EmailAddress", person.address))
    parts.append(text_element("RoutingType", "EX" if has_legacy_address(person) else "SMTP"))
    return type_element("Attendee", type_element("Mailbox", *parts))
