"""Calendars of one or a few resources, asked through filters."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest
from lxml import etree

from bridge.dav.filter_grammar import parse_filter
from bridge.dav.query import find
from bridge.dav.timeline import Timeline
from bridge.ids import make_etag
from bridge.item import Uid
from bridge.model import Name, Revision
from bridge.occurrences import Occurrence, occurrences
from bridge.resource import IndexRecord, Listed

FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2400, 1, 1, tzinfo=UTC)


class Expanding:
    """An occurrence source that holds nothing and expands every time."""

    def __init__(self, resources: Mapping[Name, Listed]) -> None:
        self.resources = resources

    def names(self, start: datetime | None, end: datetime | None) -> list[Name]:
        return [name for name, each in self.resources.items() if next(self.occurrences(each, start, end), None)]

    def occurrences(self, listed: Listed, start: datetime | None, end: datetime | None) -> Iterator[Occurrence]:
        return occurrences(listed.index, start or FIRST, end or LAST)


@pytest.fixture
def list_one() -> Callable[..., Listed]:
    """List a resource by its text and record."""

    def make(text: bytes, record: IndexRecord, name: str = "a.ics", uid: str = "Lunch@Example.com") -> Listed:
        return Listed(Name(name), Uid(uid), make_etag(text), len(text), record, Revision(1), ())

    return make


@pytest.fixture
def timeline() -> Callable[..., Timeline]:
    """Give the timeline of listed resources."""

    def make(*listed: Listed, zone: tzinfo | None = None) -> Timeline:
        return Timeline(Expanding({each.name: each for each in listed}), zone)

    return make


@pytest.fixture
def passes(list_one: Any, timeline: Any) -> Callable[..., bool]:
    """Say whether a resource passes what stands inside the comp-filter of VCALENDAR."""

    def ask(inside: str, record: IndexRecord, text: bytes | None = None, zone: tzinfo | None = None) -> bool:
        root = f'<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VCALENDAR">{inside}'
        wanted = parse_filter(etree.fromstring(root + "</C:comp-filter></C:filter>"))
        listed = list_one(text or b"", record)

        def texts(names: Any) -> dict[Name, bytes]:
            assert text is not None, "the text is read where the listing decides"
            return dict.fromkeys(names, text)

        return bool(find(wanted, {listed.name: listed}, timeline(listed, zone=zone), texts))

    return ask
