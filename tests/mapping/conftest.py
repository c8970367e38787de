"""What the mapping tests share: whose calendar it is, and how an item and an event are built."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bridge.item import (
    AttachmentId,
    AttachmentRef,
    ChangeKey,
    Content,
    Item,
    ItemId,
    ItemKind,
    ItemRef,
    OccurrenceRef,
    Zone,
)
from bridge.mapping.context import Context
from bridge.mapping.series import WantedSeries
from bridge.model import Address, Mailbox, Name

EVENT_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n"
EVENT_FOOT = "END:VEVENT\r\nEND:VCALENDAR\r\n"


@pytest.fixture(scope="session")
def context() -> Context:
    """Anna's calendar in Berlin."""
    mailbox = Mailbox(Address("anna@example.test"), "Anna Arendt", frozenset({Address("a.arendt@example.test")}))
    url = "https://bridge.test/anna@example.test/calendar/"
    return Context(mailbox, Zone("W. Europe Standard Time"), url, Name("lunch.ics"))


@pytest.fixture(scope="session")
def make_item() -> Callable[..., Item]:
    """Build an item of a content and of what only Exchange says of it."""

    def make(content: Content, **more: Any) -> Item:
        return Item(ItemRef(ItemId("item"), ChangeKey("key")), content, **more)

    return make


@pytest.fixture(scope="session")
def make_body() -> Callable[..., bytes]:
    """Build a body of the lines of an event; UID, DTSTAMP and DTSTART come unless the lines have their own."""

    def make(*lines: str) -> bytes:
        outside = re.sub(r"^BEGIN:.*?^END:[^\n]*$", "", "\n".join(lines), flags=re.DOTALL | re.MULTILINE).split("\n")
        names = {line.split(":")[0].split(";")[0] for line in outside}
        given = {"UID": "uid-1", "DTSTAMP": "20260101T000000Z", "DTSTART": "20260310T090000Z"}
        defaults = [f"{name}:{value}" for name, value in given.items() if name not in names]
        return (EVENT_HEAD + "".join(f"{line}\r\n" for line in (*defaults, *lines)) + EVENT_FOOT).encode()

    return make


@pytest.fixture(scope="session")
def hold() -> Callable[[WantedSeries], tuple[Item, ...]]:
    """Give the items that Exchange holds when a client's wish has been fulfilled."""
    return held


def held(wanted: WantedSeries) -> tuple[Item, ...]:
    if wanted.master is None:
        instances = enumerate(wanted.instances.items())
        return tuple(
            Item(ref(str(number)), content, attachments=attached(wanted, start))
            for number, (start, content) in instances
        )
    kind = ItemKind.MASTER if wanted.master.recurrence else ItemKind.SINGLE
    exceptions = tuple(
        Item(
            ref(str(number)),
            content,
            ItemKind.EXCEPTION,
            original_start=original,
            attachments=attached(wanted, original),
        )
        for number, (original, content) in enumerate(wanted.exceptions.items())
    )
    listed = tuple(
        OccurrenceRef(item.ref, original, item.content.start, item.content.end)
        for item, original in zip(exceptions, wanted.exceptions, strict=True)
    )
    deleted = tuple(sorted(wanted.deleted))
    files = attached(wanted, None)
    master = Item(ref("master"), wanted.master, kind, exceptions=listed, deleted=deleted, attachments=files)
    return (master, *exceptions)


def attached(wanted: WantedSeries, original: datetime | None) -> tuple[AttachmentRef, ...]:
    """Give the files that come with a new event, as an item then lists them."""
    new = wanted.files[original].new if original in wanted.files else ()
    return tuple(
        AttachmentRef(AttachmentId(f"{original} {number}"), file.name, file.content_type, len(file.data))
        for number, file in enumerate(new)
    )


def ref(name: str) -> ItemRef:
    return ItemRef(ItemId(name), ChangeKey("key"))
