"""Who is left at Exchange when a client writes a meeting that the mailbox organizes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bridge.item import Attendee, AttendeeRole, Content, Item, Person, Response, Uid
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context

from single_event import to_ical, to_item

MakeItem = Callable[..., Item]
NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)
BEN, CLEO = "ben@example.test", "cleo@example.test"
NEW_LINE = f"ATTENDEE;CN=Cleo:mailto:{CLEO}\r\nEND:VEVENT"


def meeting(make_item: MakeItem, organizer: str, *people: Person) -> Item:
    attendees = tuple(Attendee(one, AttendeeRole.REQUIRED, Response.ACCEPT) for one in people)
    content = Content(Uid("uid-1"), "Review", NINE, NINE, attendees=attendees)
    return make_item(content, organizer=Person(organizer, "Anna"), is_meeting=True, my_response=Response.ORGANIZER)


def shown(item: Item, context: Context) -> str:
    return to_ical(item, context).text.decode().replace("\r\n ", "")


def written(text: str, item: Item, context: Context) -> list[Person]:
    return [one.person for one in to_item(parse(text.encode()), context, item).content.attendees]


@pytest.mark.parametrize("organizer", ["anna.former@example.test", "/o=Example/cn=anna", ""])
def test_a_meeting_stays_ones_own_by_an_address_that_is_none_of_the_mailboxs(
    organizer: str, context: Context, make_item: MakeItem
) -> None:
    item = meeting(make_item, organizer, Person(BEN, "Ben"))
    text = shown(item, context).replace("END:VEVENT", NEW_LINE)
    assert [one.address for one in written(text, item, context)] == [BEN, CLEO]


def test_who_leaves_the_organizer_out_loses_nobody(context: Context, make_item: MakeItem) -> None:
    item = meeting(make_item, "anna@example.test", Person(BEN, "Ben"))
    text = re.sub(r"ORGANIZER[^\r]*\r\n", "", shown(item, context))
    assert [one.address for one in written(text, item, context)] == [BEN]
    assert written(re.sub(r"ATTENDEE[^\r]*\r\n", "", text), item, context) == []


@pytest.mark.parametrize(
    "names",
    [
        ("Dora  Two Blanks ",),
        ('Emil "the" Quote',),
        ("Same Name", "Same Name"),
        ("",),
        ("x" * 300,),
    ],
)
def test_people_without_an_internet_address_stay_beside_a_new_one(
    names: tuple[str, ...], context: Context, make_item: MakeItem
) -> None:
    people = [Person(f"/o=Example/cn={number}", name) for number, name in enumerate(names)]
    item = meeting(make_item, "anna@example.test", *people)
    text = shown(item, context).replace("END:VEVENT", NEW_LINE)
    assert [one.address for one in written(text, item, context)] == [*(one.address for one in people), CLEO]


def test_an_address_that_no_xml_can_hold_is_kept_and_not_sent(context: Context, make_item: MakeItem) -> None:
    item = meeting(make_item, "anna@example.test", Person(BEN, "Ben"))
    text = shown(item, context).replace("END:VEVENT", "ATTENDEE:mailto:%00@example.test\r\nEND:VEVENT")
    content = to_item(parse(text.encode()), context, item).content
    assert [one.person.address for one in content.attendees] == [BEN]
    assert "%00@example.test" in (content.kept or "")
