"""ORGANIZER and ATTENDEE (RFC 5545 3.8.4.1, 3.8.4.3): shown from Exchange, never written to it.

An item's people come from mails between mail servers. What a client says of people is kept and given back.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from bridge.ids import make_address
from bridge.item import Attendee, AttendeeRole, Item, Person, Response
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Shown, ShownField
from bridge.mapping.lines import make_line
from bridge.model import Mailbox

_PARTSTAT = {
    Response.ACCEPT: "ACCEPTED",
    Response.ORGANIZER: "ACCEPTED",
    Response.DECLINE: "DECLINED",
    Response.TENTATIVE: "TENTATIVE",
}
_ROLE = {
    AttendeeRole.REQUIRED: {"ROLE": "REQ-PARTICIPANT"},
    AttendeeRole.OPTIONAL: {"ROLE": "OPT-PARTICIPANT"},
    # MS-OXCICAL 2.1.3.1.1.20.2
    AttendeeRole.RESOURCE: {"CUTYPE": "RESOURCE", "ROLE": "NON-PARTICIPANT"},
}


class People(ShownField):
    """The people of a meeting."""

    name = "ATTENDEE"
    ical = frozenset({"ORGANIZER", "ATTENDEE"})

    def to_ical(self, shown: Shown) -> Sequence[str]:
        """Write organizer and attendees of a meeting; an appointment's organizer is its owner and says nothing."""
        item = shown.item
        return list(_lines(item, shown.context)) if _has_people(item) else []

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the people and their answers."""
        if not _has_people(item):
            return ()
        attendees = sorted(
            (one.person.address.casefold(), one.role.value, one.response) for one in item.content.attendees
        )
        return (item.organizer.address.casefold() if item.organizer else "", item.my_response, *attendees)


def has_people(event: Component) -> bool:
    """Whether a client's event names people."""
    return any(line.name in People.ical for line in event.lines)


def is_organizer(event: Component, mailbox: Mailbox) -> bool:
    """Whether a client's event is the mailbox's own: it names no organizer, or one of the mailbox's addresses."""
    organizer = event.get("ORGANIZER")
    return organizer is None or make_address(organizer.value) in mailbox.addresses


def _has_people(item: Item) -> bool:
    return item.is_meeting or bool(item.content.attendees)


def _lines(item: Item, context: Context) -> Iterator[str]:
    if item.organizer:
        yield make_line("ORGANIZER", _uri(item.organizer), **_common_name(item.organizer))
    for attendee in item.content.attendees:
        partstat = _PARTSTAT.get(_response(attendee, item, context), "NEEDS-ACTION")
        rsvp = {"RSVP": "TRUE"} if partstat == "NEEDS-ACTION" else {}
        parameters = _common_name(attendee.person) | _ROLE[attendee.role] | {"PARTSTAT": partstat} | rsvp
        yield make_line("ATTENDEE", _uri(attendee.person), **parameters)


def _response(attendee: Attendee, item: Item, context: Context) -> Response:
    """Give an attendee's answer: his own copy tells his own apart from the list, and no one else's at all."""
    is_self = make_address(attendee.person.address) in context.mailbox.addresses
    return item.my_response if is_self and item.my_response is not Response.UNKNOWN else attendee.response


def _common_name(person: Person) -> dict[str, str]:
    return {"CN": person.display_name} if person.display_name else {}


def _uri(person: Person) -> str:
    """Give the calendar user address; one that is none of the internet's cannot be mailed and says so."""
    return "mailto:" + quote(person.address, safe="@!#$&'*+/=?^`{|}~") if "@" in person.address else "invalid:nomail"
