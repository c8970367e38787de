"""What the Exchange in memory knows of single items: their series, their listing, their text and people."""

from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

from bridge.item import Attendee, AttendeeRole, Content, Item, Outline, Response
from bridge.occurrences import Series, zone_of

_ROLES = list(AttendeeRole)


def written(content: Content, before: tuple[Attendee, ...] = ()) -> Content:
    """Give what Exchange keeps of a content: the plain text of a formatted body, people by role with their answers.

    Answers are the attendees' own: whoever was invited ``before`` keeps his, and nobody's is written.
    """
    answers = {one.person.address: one.response for one in before}
    people = [replace(one, response=answers.get(one.person.address, Response.UNKNOWN)) for one in content.attendees]
    ordered = tuple(sorted(people, key=lambda one: _ROLES.index(one.role)))
    body = words(content.html) if content.html else content.body
    return replace(content, attendees=ordered, body=body, html=content.html or None)


def words(html: str) -> str:
    """Give the words of HTML, a line for each paragraph and division."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"p", "div"}:
            self.parts.append("\n")


def outline_of(item: Item) -> Outline:
    """Give what a listing tells of an item."""
    content = item.content
    return Outline(content.uid, content.start, content.end, content.busy_status, item.kind)


def reshapes(old: Content, new: Content) -> bool:
    """Whether a write is to a pattern or its times, so that exceptions may go."""
    return (old.recurrence, old.start, old.end, old.start_zone) != (new.recurrence, new.start, new.end, new.start_zone)


def series_of(content: Content) -> Series:
    """Give the series of a master's content."""
    assert content.recurrence is not None
    zone = zone_of(content.start_zone, content.start, content.recurrence, is_all_day=content.is_all_day)
    return Series(content.recurrence, content.start, zone, content.is_all_day)


def has_occurrence(content: Content, index: int) -> bool:
    """Whether the pattern has an occurrence of that index."""
    size = series_of(content).size
    return size is None or index <= size


def start_of(content: Content, index: int) -> datetime:
    """Give where the pattern has the occurrence of that index."""
    return series_of(content).at(index)


def occurrence_of(content: Content, start: datetime) -> Content:
    """Give the content of an occurrence as its master has it."""
    return replace(content, start=start, end=series_of(content).end(start, content.end), recurrence=None)


def times_of(item: Item, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Give when an item takes place within a window, occurrence by occurrence."""
    content = item.content
    if content.recurrence is None:
        spans = [(content.start, content.end)]
    else:
        moved = {one.original_start for one in item.exceptions} | set(item.deleted)
        spans = [(one.start, one.end) for one in item.exceptions]
        for _, begin in series_of(content).starts(start - (content.end - content.start)):
            if begin >= end:
                break
            if begin not in moved:
                spans.append((begin, occurrence_of(content, begin).end))
    return [(begin, finish) for begin, finish in spans if begin < end and finish > start]
