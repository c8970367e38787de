"""If-Match and If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dav.conditions import matches, parse_conditions
from bridge.dav.refusals import NotServed
from bridge.model import ETag
from bridge.resource import ANY_ETAG, Conditions

A, B = ETag('"a"'), ETag('"b"')
TAGS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=8)


def test_headers_that_are_absent_are_no_conditions() -> None:
    assert parse_conditions(None, None) == Conditions()


@pytest.mark.parametrize("header", ['"a", "b"', '"a","b"', ' "a" , , "b" ,'])
def test_a_list_holds_each_of_its_tags(header: str) -> None:
    assert parse_conditions(header, header) == Conditions(frozenset({A, B}), frozenset({A, B}))


def test_a_star_is_any_tag() -> None:
    assert parse_conditions("*", " * ") == Conditions(frozenset({ANY_ETAG}), frozenset({ANY_ETAG}))


def test_a_weak_tag_never_allows_a_write_and_always_spares_a_transfer() -> None:
    conditions = parse_conditions('W/"a"', 'W/"a"')
    assert conditions.if_match == frozenset()
    assert conditions.if_none_match == frozenset({A})


@pytest.mark.parametrize("header", ["", "a", '"a', '"a" x', "W/", "*, *", '*, "a"', ","])
def test_what_cannot_be_read_is_refused_and_not_ignored(header: str) -> None:
    with pytest.raises(NotServed) as refused:
        parse_conditions(header, None)
    assert refused.value.status == 400
    with pytest.raises(NotServed):
        parse_conditions(None, header)


@given(st.lists(TAGS, min_size=1, max_size=5))
def test_every_list_of_tags_comes_back(tags: list[str]) -> None:
    found = parse_conditions(", ".join(f'"{tag}"' for tag in tags), None).if_match
    assert found == frozenset(ETag(f'"{tag}"') for tag in tags)


def test_a_condition_matches_its_tags_and_a_star_matches_all() -> None:
    assert matches(frozenset({A}), A)
    assert not matches(frozenset({A}), B)
    assert matches(frozenset({ANY_ETAG}), B)
    assert not matches(frozenset(), A)
