"""If-Match and If-None-Match (RFC 9110 13.1): lists, ``*``, weak tags."""

import re

from bridge.dav.refusals import bad_request
from bridge.model import ETag
from bridge.resource import ANY_ETAG, Conditions

_TAG = re.compile(r'(W/)?("[^"]*")')


def parse_conditions(if_match: str | None, if_none_match: str | None) -> Conditions:
    """Read the two headers, None where absent.

    If-Match compares strongly, so a weak tag in it matches nothing; If-None-Match compares weakly. Raises NotServed
    (400) for a list that cannot be read: to ignore a condition would overwrite what the client meant to protect.
    """
    return Conditions(
        None if if_match is None else frozenset(tag for weak, tag in _tags(if_match, "If-Match") if not weak),
        None if if_none_match is None else frozenset(tag for _, tag in _tags(if_none_match, "If-None-Match")),
    )


def matches(condition: frozenset[ETag], etag: ETag) -> bool:
    """Say whether the condition's list holds this ETag or is ``*``."""
    return ANY_ETAG in condition or etag in condition


def _tags(header: str, name: str) -> list[tuple[bool, ETag]]:
    if header.strip() == "*":
        return [(False, ANY_ETAG)]
    found = _TAG.findall(header)
    if not found or _TAG.sub("", header).strip(" \t,"):
        raise bad_request(f"The {name} header is not a list of quoted entity tags.")
    return [(bool(weak), ETag(tag)) for weak, tag in found]
