"""A client that follows sync tokens knows the calendar, in whatever pages it asks and whatever changes between them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import MirrorFilling, TokenUnknown
from bridge.item import Uid
from bridge.model import Address, CalendarRef, Epoch, ETag, FolderId, Name, OrganisationId, Revision, Viewer
from bridge.resource import Changes, IndexRecord, Listed, Snapshot
from bridge.sync.changes import changes_since

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = Address("ann@example.test")
REF = CalendarRef(Viewer(OrganisationId("test"), ANN), ANN, FolderId("folder"))
EPOCH = Epoch("0123456789abcdef")


@dataclass
class Calendar:
    """A calendar that remembers every life of every name, as the mirror does."""

    revision: int = 0
    living: dict[Name, tuple[int, int]] = field(default_factory=dict)  # created, changed
    graves: list[tuple[Name, int, int]] = field(default_factory=list)  # created, removed

    def write(self, puts: set[str], removals: set[str]) -> None:
        """Change several names at once: one page of Exchange's feed is one revision."""
        self.revision += 1
        for name in map(Name, sorted(removals - puts)):
            if name in self.living:
                self.graves.append((name, self.living.pop(name)[0], self.revision))
        for name in map(Name, sorted(puts)):
            self.living[name] = (self.living.get(name, (self.revision, 0))[0], self.revision)

    def removed(self, since: Revision) -> dict[Name, Revision]:
        return {name: Revision(went) for name, made, went in self.graves if made <= since < went}

    def ask(self, token: str | None, limit: int | None = None) -> Changes:
        listed = {
            name: Listed(name, Uid(name), ETag(f'"{changed}"'), 1, IndexRecord(NOW, NOW), Revision(changed), ())
            for name, (_, changed) in self.living.items()
        }
        snapshot = Snapshot(REF, EPOCH, Revision(self.revision), NOW, lambda: listed)
        return changes_since(snapshot, self.removed, token, limit)


@dataclass
class Client:
    """What a client knows. It takes pages as they come."""

    known: dict[Name, ETag] = field(default_factory=dict)
    token: str | None = None
    is_first: bool = True

    def take(self, changes: Changes, limit: int | None) -> None:
        assert limit is None or len(changes.changed) + len(changes.removed) <= limit
        if self.token is None:
            assert not changes.removed
        self.known.update({each.name: each.etag for each in changes.changed})
        for name in changes.removed:
            self.known.pop(name, None)
        self.token = changes.token


NAMES = st.sets(st.sampled_from("abcdefgh"), max_size=6)
WRITES = st.tuples(NAMES, NAMES)


@given(
    st.lists(WRITES, max_size=5),
    st.lists(st.tuples(st.none() | WRITES, st.none() | st.integers(1, 4)), max_size=25),
)
@settings(deadline=None)
def test_a_client_that_asks_to_the_end_knows_the_calendar(
    before: list[tuple[set[str], set[str]]],
    walk: list[tuple[tuple[set[str], set[str]] | None, int | None]],
) -> None:
    calendar, client = Calendar(), Client()
    for puts, removals in before:
        calendar.write(puts, removals)
    for write, limit in walk:
        if write is not None:
            calendar.write(*write)
        client.take(calendar.ask(client.token, limit), limit)
    pages = 0
    while (changes := calendar.ask(client.token, 2)).is_cut:
        client.take(changes, 2)
        pages += 1
        assert pages < 100, "pages come to an end when nothing changes any more"
    client.take(changes, 2)
    assert client.known == {name: f'"{changed}"' for name, (_, changed) in calendar.living.items()}
    assert calendar.ask(client.token) == Changes((), (), client.token or "", known_at=NOW)


def test_a_page_and_what_is_left_are_all_there_is_each_once() -> None:
    calendar = Calendar()
    calendar.write(set("abcdefgh"), set())
    first = calendar.ask(None, 3)
    second = calendar.ask(first.token, 3)
    third = calendar.ask(second.token, 3)
    assert [each.is_cut for each in (first, second, third)] == [True, True, False]
    names = [each.name for page in (first, second, third) for each in page.changed]
    assert sorted(names) == list("abcdefgh")


def test_a_first_listing_in_pages_does_not_tell_of_what_went_before_it_began() -> None:
    calendar = Calendar()
    calendar.write(set("abcd"), set())
    calendar.write(set(), set("ab"))
    page = calendar.ask(None, 1)
    assert page.is_cut
    rest = calendar.ask(page.token)
    assert rest.removed == ()
    assert {each.name for each in (*page.changed, *rest.changed)} == set("cd")


def test_what_goes_during_a_first_listing_is_told() -> None:
    calendar = Calendar()
    calendar.write(set("abcd"), set())
    page = calendar.ask(None, 2)
    calendar.write(set(), set("abcd"))
    rest = calendar.ask(page.token)
    assert rest.changed == ()
    assert {each.name for each in page.changed} <= set(rest.removed)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "urn:exchange-bridge:sync:ffffffffffffffff:1",
        f"urn:exchange-bridge:sync:{EPOCH}:2",
        f"urn:exchange-bridge:sync:{EPOCH}:1:short",
        f"urn:exchange-bridge:sync:{EPOCH}:1:0123456789abcdef:",
    ],
)
def test_a_token_that_was_never_given_is_unknown(token: str) -> None:
    calendar = Calendar()
    calendar.write({"a"}, set())
    with pytest.raises(TokenUnknown):
        calendar.ask(token)


def test_a_first_listing_goes_on_where_nobody_remembers_what_went_before_it_began() -> None:
    calendar = Calendar()
    for number in range(6):
        calendar.write({f"{number}.ics"}, set())
    calendar.write(set(), {"5.ics"})
    began = Revision(calendar.revision)
    remembered = calendar.removed

    def removed(since: Revision) -> dict[Name, Revision] | None:
        return remembered(since) if since >= began else None

    calendar.removed = removed  # type: ignore[method-assign, assignment]
    page = calendar.ask(None, 2)
    told = [each.name for each in page.changed]
    calendar.write(set(), {"0.ics"})
    while page.is_cut:
        page = calendar.ask(page.token, 2)
        told += [each.name for each in page.changed]
        told = [name for name in told if name not in page.removed]
    assert sorted(told) == ["1.ics", "2.ics", "3.ics", "4.ics"]


@pytest.mark.parametrize("token", [None, ""])
def test_a_calendar_whose_mirror_was_just_lost_is_not_told_to_be_empty(token: str | None) -> None:
    snapshot = Snapshot(REF, EPOCH, Revision(0), None, dict)
    with pytest.raises(MirrorFilling):
        changes_since(snapshot, lambda _: {}, token)
