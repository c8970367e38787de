"""Collations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dav.collations import COLLATIONS, fold_ascii, fold_unicode


@pytest.mark.parametrize(
    ("name", "first", "second", "is_equal"),
    [
        ("i;ascii-casemap", "ABC", "abc", True),
        ("i;ascii-casemap", "É", "é", False),
        ("i;ascii-casemap", "\u212a", "k", False),
        ("i;octet", "ABC", "abc", False),
        ("i;unicode-casemap", "É", "é", True),
        ("i;unicode-casemap", "É", "E\u0301", True),
        ("i;unicode-casemap", "\u212a", "k", True),
        ("i;unicode-casemap", "ﬁ", "FI", False),
        ("i;unicode-casemap", "ß", "SS", False),
    ],
)
def test_texts_are_equal_when_they_are_equal_folded(name: str, first: str, second: str, *, is_equal: bool) -> None:
    fold = COLLATIONS[name]
    assert (fold(first) == fold(second)) is is_equal


@given(st.text())
def test_ascii_letters_alone_lose_their_case(text: str) -> None:
    assert fold_ascii(text) == "".join(each.lower() if each.isascii() else each for each in text)


@given(st.text(), st.text())
def test_a_part_stays_a_part_unless_marks_join_it(first: str, second: str) -> None:
    assert fold_unicode(first.upper() if first.isascii() else first) == fold_unicode(first)
    if second[:1].isascii():
        assert fold_unicode(first) in fold_unicode(first + second)
