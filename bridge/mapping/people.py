"""ORGANIZER and ATTENDEE (RFC 5545 3.8.4.1, 3.8.4.3) and the three lists of people that an item has.

A meeting that the mailbox organizes has the client's attendees at Exchange, so that Outlook shows them and their
answers find it; nobody is mailed by that. What Exchange has no place for (CHAIR, groups, delegation, SCHEDULE-AGENT,
people without an internet address) is kept with the client's lines. An invitation's people are its organizer's: they
are shown, and what a client says of them is kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from bridge.ids import make_address
from bridge.item import Attendee, AttendeeRole, Item, Person, Response
from bridge.mapping.component import Component
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field, Shown, attributes
from bridge.mapping.lines import Line, make_line, parse_line, with_parameters
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
_ORDER = tuple(AttendeeRole)
_THINGS = frozenset({"ROOM", "RESOURCE"})
_BY_CHOICE = frozenset({"OPT-PARTICIPANT", "NON-PARTICIPANT"})
_NOT_ANSWERED = frozenset({Response.UNKNOWN, Response.NOT_RECEIVED})
_OWN = frozenset({Response.UNKNOWN, Response.ORGANIZER})
_MAILABLE = re.compile(r"[^\s\x00-\x1f\x7f@<>,;]+@[^\s\x00-\x1f\x7f@<>,;]+")
_NOBODY = "invalid:nomail"
_LONGEST_NAME = 255


class People(Field):
    """The people of a meeting."""

    name = "ATTENDEE"
    ical = frozenset({"ORGANIZER", "ATTENDEE"})
    attributes = attributes("attendees")

    def to_item(self, asked: Asked) -> Mapping[str, Any]:
        """Take the attendees of a meeting that the mailbox organizes; those of others' meetings stay as they are."""
        stored = asked.stored
        if stored is not None and _is_anothers(stored, asked.context.mailbox):
            return {"attendees": stored.content.attendees}
        return {"attendees": tuple(_attendees(asked)) if _is_own(asked) else ()}

    def to_ical(self, shown: Shown) -> Sequence[str]:
        """Write organizer and attendees of a meeting; an appointment's organizer is its owner and says nothing."""
        return self.merge(shown, ())

    def merge(self, shown: Shown, lines: Sequence[str]) -> Sequence[str]:
        """Write who is in the item's lists now, each with what his line said that Exchange has no place for."""
        item = shown.item
        if not _has_people(item):
            return []
        parsed = [parse_line(line) for line in lines]
        said = {address: line for line in parsed if line.name == "ATTENDEE" and (address := _address(line))}
        more = [line.raw for line in parsed if line.name == "ATTENDEE" and _is_kept_alone(line, shown.context)]
        people = [_attendee_line(one, item, shown.context, said) for one in item.content.attendees]
        organizers = [line for line in parsed if line.name == "ORGANIZER"]
        return [*_organizer_lines(item, organizers), *more, *people]

    def facts(self, item: Item) -> tuple[object, ...]:
        """Stand on the people and their answers."""
        if not _has_people(item):
            return ()
        attendees = sorted(
            (one.person.address.casefold(), one.role.value, "" if one.response in _NOT_ANSWERED else one.response)
            for one in item.content.attendees
        )
        if item.my_response in _OWN:
            return tuple(attendees)
        return (item.organizer.address.casefold() if item.organizer else "", item.my_response, *attendees)


def invites(event: Component, mailbox: Mailbox) -> bool:
    """Whether a client's event has attendees other than the mailbox itself."""
    return any(_address(line) not in mailbox.addresses for line in event.all("ATTENDEE"))


def is_organizer(events: Iterable[Component], mailbox: Mailbox) -> bool:
    """Whether a client's events are the mailbox's own: they name no organizer, or one of the mailbox's addresses."""
    organizers = (event.get("ORGANIZER") for event in events)
    return all(line is None or _address(line) in mailbox.addresses for line in organizers)


def _has_people(item: Item) -> bool:
    return item.is_meeting or bool(item.content.attendees)


def _is_anothers(item: Item, mailbox: Mailbox) -> bool:
    """Whether somebody else organizes the meeting that this item is."""
    if not item.is_meeting or item.my_response is Response.ORGANIZER:
        return False
    if item.my_response is not Response.UNKNOWN:
        return True
    return item.organizer is not None and make_address(item.organizer.address) not in mailbox.addresses


# --- to the item -------------------------------------------------------------------------------------


def _organizer(asked: Asked) -> Line | None:
    """Give the ORGANIZER of the event; one of a changed occurrence may stand at its master alone."""
    master = asked.obj.master
    return asked.event.get("ORGANIZER") or (master.get("ORGANIZER") if master else None)


def _is_own(asked: Asked) -> bool:
    """Whether the mailbox organizes what a client says.

    A meeting that it organizes at Exchange stays its own, too, where the client names the organizer as he was shown,
    by a former address perhaps, or leaves him out.
    """
    organizer, stored = _organizer(asked), asked.stored
    if organizer is not None and _address(organizer) in asked.context.mailbox.addresses:
        return True
    if stored is None or not _has_people(stored):
        return False
    return organizer is None or (stored.organizer is not None and _key_of(organizer) == _key(stored.organizer))


def _attendees(asked: Asked) -> list[Attendee]:
    """Give the attendees in the order in which the item's lists are read."""
    own = asked.context.mailbox.addresses
    known: dict[str, list[Attendee]] = {}
    for one in asked.stored.content.attendees if asked.stored else ():
        known.setdefault(_key(one.person), []).append(one)
    found: list[Attendee] = []
    seen: set[str] = set(own)
    for line in asked.event.all("ATTENDEE"):
        person = _person(line)
        key = _key(person) if person else ""
        if person is None or key in own:
            continue
        if known.get(key):
            before = known[key].pop(0)
            found.append(replace(before, role=_role(line)))
        elif key not in seen and _MAILABLE.fullmatch(person.address):
            found.append(Attendee(person, _role(line), Response.UNKNOWN))
        seen.add(key)
    return sorted(found, key=lambda one: _ORDER.index(one.role))


def _key(person: Person) -> str:
    """Give what a person is told by: the address, or the name where there is none that others understand."""
    return make_address(person.address) if "@" in person.address else _name(person.display_name).casefold()


def _key_of(line: Line) -> str:
    person = _person(line)
    return _key(person) if person else ""


def _person(line: Line) -> Person | None:
    name = _name(line.parameter("CN") or "")
    if line.value.strip().casefold() == _NOBODY:
        return Person("", name)
    address = _address(line)
    return Person(address, name) if address else None


def _name(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_NAME]


def _address(line: Line) -> str:
    """Give the internet address of a calendar user, in lower case; an empty text for one that has none.

    A calendar user that is named by something else may have it in EMAIL (RFC 7986 6.2).
    """
    for text in (line.value, line.parameter("EMAIL") or ""):
        address = make_address(text)
        if "@" in address and not set(address) & set(":/"):
            return address
    return ""


def _role(line: Line) -> AttendeeRole:
    """Give the list that somebody stands in: a person who is but told of a meeting is asked by choice."""
    if (line.parameter("CUTYPE") or "").upper() in _THINGS:
        return AttendeeRole.RESOURCE
    return AttendeeRole.OPTIONAL if (line.parameter("ROLE") or "").upper() in _BY_CHOICE else AttendeeRole.REQUIRED


def _is_kept_alone(line: Line, context: Context) -> bool:
    """Whether a line is of somebody whom no list of the item ever holds."""
    address = _address(line)
    return address in context.mailbox.addresses or not (address or line.value.strip().casefold() == _NOBODY)


# --- to iCalendar ------------------------------------------------------------------------------------


def _organizer_lines(item: Item, said: Sequence[Line]) -> Iterator[str]:
    """Write the organizer; of the mailbox's own meeting as the client named him, by an alias perhaps."""
    organizer = item.organizer
    for line in said:
        if organizer is None or item.my_response in _OWN or _address(line) == make_address(organizer.address):
            yield line.raw
            return
    if organizer:
        yield make_line("ORGANIZER", _uri(organizer), **_common_name(organizer))


def _attendee_line(attendee: Attendee, item: Item, context: Context, said: Mapping[str, Line]) -> str:
    response = _response(attendee, item, context)
    partstat = _PARTSTAT.get(response, "NEEDS-ACTION")
    line = said.get(make_address(attendee.person.address))
    if line is None:
        rsvp = {"RSVP": "TRUE"} if partstat == "NEEDS-ACTION" else {}
        parameters = _common_name(attendee.person) | _ROLE[attendee.role] | {"PARTSTAT": partstat} | rsvp
        return make_line("ATTENDEE", _uri(attendee.person), **parameters)
    new = {} if _role(line) is attendee.role else {"CUTYPE": "INDIVIDUAL"} | _ROLE[attendee.role]
    return with_parameters(line, new if response in _NOT_ANSWERED else new | {"PARTSTAT": partstat})


def _response(attendee: Attendee, item: Item, context: Context) -> Response:
    """Give an attendee's answer: his own copy tells his own apart from the list, and no one else's at all."""
    is_self = make_address(attendee.person.address) in context.mailbox.addresses
    return item.my_response if is_self and item.my_response is not Response.UNKNOWN else attendee.response


def _common_name(person: Person) -> dict[str, str]:
    return {"CN": person.display_name} if person.display_name else {}


def _uri(person: Person) -> str:
    """Give the calendar user address; one that is none of the internet's cannot be mailed and says so."""
    return "mailto:" + quote(person.address, safe="@!#$&'*+/=?^`{|}~") if "@" in person.address else _NOBODY
