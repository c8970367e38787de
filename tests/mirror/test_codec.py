"""Nouns as bytes and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.item import ChangeKey, Content, Item, ItemId, ItemRef, Uid, Zone
from bridge.mirror.codec import Codec, Undecodable
from bridge.model import Calendar, ETag, Mailbox, Name, Revision
from bridge.resource import IndexRecord, Listed
from bridge.zone_definition import ZoneDefinition, ZoneEra

BEGIN = datetime(2026, 3, 4, 12, tzinfo=UTC)
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(lambda instant: instant.replace(microsecond=0))
CONTENTS = st.builds(Content, start=INSTANTS, end=INSTANTS)
ITEMS = st.builds(Item, content=CONTENTS, created=st.none() | INSTANTS, modified=st.none() | INSTANTS)
LISTED = st.builds(Listed, index=st.builds(IndexRecord, start=INSTANTS, end=INSTANTS))

LISTED_CODEC: Codec[Listed] = Codec(Listed)
FACTS_CODEC: Codec[tuple[Item, ...]] = Codec(tuple[Item, ...])


@given(st.lists(ITEMS, max_size=3).map(tuple))
def test_items_come_back_as_they_were(items: tuple[Item, ...]) -> None:
    assert FACTS_CODEC.decode(FACTS_CODEC.encode(items)) == items


@given(LISTED)
def test_listed_resources_come_back_as_they_were(listed: Listed) -> None:
    assert LISTED_CODEC.decode(LISTED_CODEC.encode(listed)) == listed


@given(st.lists(st.from_type(Calendar), max_size=2).map(tuple))
def test_calendars_come_back_as_they_were(calendars: tuple[Calendar, ...]) -> None:
    codec: Codec[tuple[Calendar, ...]] = Codec(tuple[Calendar, ...])
    assert codec.decode(codec.encode(calendars)) == calendars


@given(st.from_type(Mailbox))
def test_sets_are_written_in_one_order(mailbox: Mailbox) -> None:
    codec: Codec[Mailbox] = Codec(Mailbox)
    reordered = replace(mailbox, aliases=frozenset(sorted(mailbox.aliases, reverse=True)))
    assert codec.encode(mailbox) == codec.encode(reordered)
    assert codec.decode(codec.encode(mailbox)) == mailbox


def listed_at(zone: str) -> Listed:
    index = IndexRecord(BEGIN, BEGIN + timedelta(hours=1), zone_id=zone)
    items = (ItemRef(ItemId("i"), ChangeKey("k")),)
    return Listed(Name("n"), Uid("u"), ETag('"e"'), 9, index, Revision(1), items)


def test_what_is_not_told_is_the_default() -> None:
    short = LISTED_CODEC.encode(listed_at("UTC"))
    assert b"zone_id" not in short
    assert LISTED_CODEC.decode(short).index.zone_id == "UTC"


def test_what_a_later_version_adds_is_passed_over() -> None:
    data = LISTED_CODEC.encode(listed_at("W. Europe Standard Time"))
    longer = data.replace(b'"zone_id"', b'"colour":"red","zone_id"')
    assert LISTED_CODEC.decode(longer) == listed_at("W. Europe Standard Time")


NO_LISTED = [
    b"",
    b"{}",
    b"\x01",
    b"\x01{",
    b"\x01{}",
    b"\x01[]",
    b"\x01null",
    b'\x01{"name":1}',
    b"\x02{}",
    b"\x01\xff",
]


@pytest.mark.parametrize("data", NO_LISTED)
def test_what_is_no_such_noun_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Undecodable):
        LISTED_CODEC.decode(data)


@pytest.mark.parametrize("damage", [b'"start":"noon"', b'"start":1e99', b'"start":null'])
def test_a_value_of_another_kind_is_refused_by_name(damage: bytes) -> None:
    data = LISTED_CODEC.encode(listed_at("UTC"))
    begin = data.index(b'"start":')
    end = data.index(b",", begin)
    with pytest.raises(Undecodable):
        LISTED_CODEC.decode(data[:begin] + damage + data[end:])


@pytest.mark.parametrize("kind", [dict[str, int], tuple[int, str], int | str, object])
def test_a_kind_of_value_that_no_noun_has_yet_is_refused_at_once(kind: object) -> None:
    with pytest.raises(TypeError, match="no codec"):
        Codec(kind)


def test_two_zones_with_definitions_differ() -> None:
    codec: Codec[Zone] = Codec(Zone)
    assert codec.encode(Zone("Custom", ZoneDefinition((ZoneEra(3600),)))) != codec.encode(Zone("Custom"))
