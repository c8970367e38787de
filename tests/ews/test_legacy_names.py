"""People named by the directory's own names: asked for once, and never in the way of a reading."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import AccessDenied, BridgeError, ExchangeBusy, ExchangeTimedOut, RequestRefused
from bridge.ews.legacy_names import MOST_ASKED, LegacyNames
from bridge.ews.xml import Element
from bridge.exchange import Deadline
from bridge.item import (
    Attendee,
    AttendeeRole,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemRef,
    Missing,
    Person,
    Response,
    Uid,
)

NAME = "/o=Example/ou=Site/cn=Recipients/cn=anna"
OTHER = "/O=EXAMPLE/OU=Site/cn=Recipients/cn=bob"
START = datetime(2026, 3, 2, 11, tzinfo=UTC)


def item(organizer: str, *attendees: str) -> Item:
    people = tuple(Attendee(Person(address, "N"), AttendeeRole.OPTIONAL, Response.ACCEPT) for address in attendees)
    content = Content(Uid("u"), "s", START, START, attendees=people)
    return Item(ItemRef(ItemId("i"), ChangeKey("k")), content, organizer=Person(organizer, "O"))


class Directory:
    """Answers ResolveNames, and remembers what it was asked."""

    def __init__(self, answers: Any, known: dict[str, str]) -> None:
        """Take who has which address."""
        self.asked: list[str] = []
        self.known = known
        self.trouble: BridgeError | None = None
        self._answers = answers

    def ask(self, request: Element, deadline: Deadline) -> Element:
        """Answer one question, or fail."""
        assert deadline.remaining() > 0
        entry = request[0].text or ""
        self.asked.append(entry)
        if self.trouble is not None:
            raise self.trouble
        inside = "ErrorNameResolutionNoResults"
        if entry in self.known:
            mailbox = f"<t:Mailbox><t:Name>N</t:Name><t:EmailAddress>{self.known[entry]}</t:EmailAddress></t:Mailbox>"
            inside = f"<m:ResolutionSet><t:Resolution>{mailbox}</t:Resolution></m:ResolutionSet>"
        element: Element = self._answers.element(self._answers.response("ResolveNames", inside))
        return element


@pytest.fixture
def directory(answers: Any) -> Directory:
    return Directory(answers, {NAME: "anna@example.com"})


Resolve = Callable[..., list[Any]]


@pytest.fixture
def resolve(directory: Directory) -> Resolve:
    names = LegacyNames()
    return lambda *found, seconds=20.0: names.resolved(directory.ask, found, Deadline.after(seconds))


def test_people_with_addresses_of_the_internet_cost_nothing(directory: Directory, resolve: Resolve) -> None:
    found = [item("anna@example.com", "bob@example.com"), Missing(ItemId("m"))]
    assert resolve(*found) == found
    assert directory.asked == []


def test_organizer_and_attendees_get_their_addresses_by_one_question_each(
    directory: Directory, resolve: Resolve
) -> None:
    first = item(NAME, NAME, "bob@example.com")
    assert resolve(first, first) == [item("anna@example.com", "anna@example.com", "bob@example.com")] * 2
    assert resolve(first) == [item("anna@example.com", "anna@example.com", "bob@example.com")]
    assert directory.asked == [NAME]


def test_whom_the_directory_does_not_know_stays_and_is_not_asked_for_again(
    directory: Directory, resolve: Resolve
) -> None:
    for _time in range(2):
        assert resolve(item(OTHER, NAME)) == [item(OTHER, "anna@example.com")]
    assert sorted(directory.asked) == sorted([OTHER, NAME])


@pytest.mark.parametrize("trouble", [ExchangeBusy("busy", 10), ExchangeTimedOut("late"), AccessDenied("no")])
def test_trouble_of_the_directory_leaves_the_item_and_passes(
    trouble: BridgeError, directory: Directory, resolve: Resolve
) -> None:
    directory.trouble = trouble
    assert resolve(item(NAME, OTHER)) == [item(NAME, OTHER)]
    assert directory.asked == [NAME]
    directory.trouble = None
    assert resolve(item(NAME)) == [item("anna@example.com")]


def test_a_name_that_the_directory_refuses_is_asked_for_once(directory: Directory, resolve: Resolve) -> None:
    directory.trouble = RequestRefused("no", "ErrorInvalidArgument")
    for _time in range(2):
        assert resolve(item(NAME)) == [item(NAME)]
    assert directory.asked == [NAME]


def test_no_more_is_asked_than_the_time_and_a_reading_allow(directory: Directory, resolve: Resolve) -> None:
    assert resolve(item(NAME), seconds=0.0) == [item(NAME)]
    assert directory.asked == []
    many = replace(item(NAME), content=item("", *(f"/o=x/cn={n}" for n in range(MOST_ASKED + 5))).content)
    resolve(many)
    assert len(directory.asked) == MOST_ASKED
    resolve(many)
    assert len(directory.asked) == MOST_ASKED + 6
