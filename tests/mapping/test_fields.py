"""The table itself: who owns what."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields

import pytest

from bridge.item import BusyStatus, Content, Item, Sensitivity
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.field import Asked, Field
from bridge.mapping.table import FIELDS, NOT_OWNED

from single_event import to_ical, to_item

FULL = (
    "SUMMARY:Lunch",
    "LOCATION:Canteen",
    "DESCRIPTION:Soup",
    "CLASS:PRIVATE",
    "TRANSP:TRANSPARENT",
    "CATEGORIES:Food",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "TRIGGER:-PT5M",
    "END:VALARM",
)


def test_no_property_and_no_attribute_has_two_owners() -> None:
    owners = Counter(name for one in FIELDS for name in (*one.ical, *one.attributes))
    assert [name for name, count in owners.items() if count > 1] == []


def test_every_attribute_of_content_is_owned_or_listed_with_a_reason() -> None:
    owned = {name for one in FIELDS for name in one.attributes}
    assert owned | NOT_OWNED.keys() == {one.name for one in fields(Content)}
    assert not owned & NOT_OWNED.keys()
    assert all(NOT_OWNED.values())


def test_names_under_which_fields_keep_lines_are_unique() -> None:
    assert len({one.name for one in FIELDS}) == len(FIELDS)


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.name)
@pytest.mark.parametrize("lines", [(), FULL], ids=["empty", "full"])
def test_a_field_writes_every_attribute_it_owns_and_no_other(
    one: Field, lines: tuple[str, ...], context: Context, make_body: Callable[..., bytes]
) -> None:
    asked = Asked(parse(make_body(*lines)), context)
    assert one.to_item(asked).keys() == one.attributes


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.name)
def test_a_field_shows_nothing_that_it_does_not_own(
    one: Field, context: Context, make_body: Callable[..., bytes], make_item: Callable[..., Item]
) -> None:
    content = to_item(parse(make_body(*FULL)), context, None).content
    event = parse(to_ical(make_item(content), context).text).event
    shown = {part.name for part in one.take(event, context)}
    assert shown <= one.ical


def test_what_a_client_leaves_out_is_cleared(
    context: Context, make_body: Callable[..., bytes], make_item: Callable[..., Item]
) -> None:
    stored = make_item(to_item(parse(make_body(*FULL)), context, None).content)
    assert (stored.content.subject, stored.content.reminder_minutes) == ("Lunch", 5)
    content = to_item(parse(make_body()), context, stored).content
    assert (content.subject, content.location, content.body) == ("", "", "")
    assert (content.sensitivity, content.busy_status) == (Sensitivity.NORMAL, BusyStatus.BUSY)
    assert (content.categories, content.reminder_minutes) == ((), None)
