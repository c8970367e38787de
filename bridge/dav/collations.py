"""Collations of text-match (RFC 4791 7.5, RFC 4790): how two texts are made comparable."""

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

Collation = Callable[[str], str]
"""Folds a text; two texts are equal under the collation when they are equal folded."""

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold_ascii(text: str) -> str:
    """Fold by ``i;ascii-casemap`` (RFC 4790 9.2): the case of ASCII letters does not matter, all else does."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def fold_octets(text: str) -> str:
    """Fold by ``i;octet`` (RFC 4790 9.3): not at all. UTF-8 keeps parts of a text parts of its octets."""
    return text


def fold_unicode(text: str) -> str:
    """Fold by ``i;unicode-casemap`` (RFC 5051 2): each character in title case, then decomposed."""
    return unicodedata.normalize("NFKD", "".join(map(_title, text)))


@lru_cache(maxsize=4096)
def _title(character: str) -> str:
    """Give a character's simple title case: mappings to several characters are not in the table RFC 5051 names."""
    title = character.title()
    return title if len(title) == 1 else character


COLLATIONS: Mapping[str, Collation] = {
    "i;ascii-casemap": fold_ascii,
    "i;octet": fold_octets,
    "i;unicode-casemap": fold_unicode,
}
"""Those that are done, by name; RFC 4791 7.5 demands the first two."""
