"""Calendars and events as Radicale's collections and items, for the stock command. Reading parses nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property
from typing import Any
from xml.etree.ElementTree import Element

from radicale.item import Item
from radicale.item.filter import TIMESTAMP_MAX, TIMESTAMP_MIN, simplify_prefilters
from radicale.storage import BaseCollection

from bridge.dav.views import display_name
from bridge.errors import MirrorFilling, TokenUnknown
from bridge.freebusy.occurrence_index import takes_place
from bridge.ids import make_token
from bridge.model import Login, Name, ServedCalendar
from bridge.occurrences import last_end
from bridge.resource import Listed, Snapshot
from bridge.storage_plugin.needs import Store

READ_ONLY = "[Errno 13] Under Radicale's own command the calendars are read only; use `exchange-bridge serve`."
"""Radicale reads the number out of the text of a ValueError and answers 403 (its app/put.py)."""


class _ReadOnly(BaseCollection):
    """What every collection refuses."""

    def __init__(self, path: str, meta: Mapping[str, str]) -> None:
        self._path = path
        self._meta = meta

    @property
    def path(self) -> str:
        """The path without slashes at its ends."""
        return self._path

    def get_meta(self, key: str | None = None) -> Any:
        """Give the collection's properties, or one of them."""
        return self._meta if key is None else self._meta.get(key)

    def get_multi(self, hrefs: Iterable[str]) -> Iterable[tuple[str, Item | None]]:
        """Give nothing: there are no events outside calendars."""
        return [(href, None) for href in hrefs]

    def get_all(self) -> Iterable[Item]:
        """Give nothing."""
        return []

    @property
    def last_modified(self) -> str:
        """A date, which Radicale insists on; Exchange tells none."""
        return "Thu, 01 Jan 1970 00:00:00 GMT"

    def upload(self, href: str, item: Item) -> tuple[Item, Item | None]:
        """Refuse."""
        del href, item
        raise ValueError(READ_ONLY)

    def delete(self, href: str | None = None) -> None:
        """Refuse."""
        del href
        raise ValueError(READ_ONLY)

    def set_meta(self, props: Mapping[str, str]) -> None:
        """Refuse."""
        del props
        raise ValueError(READ_ONLY)


class RootCollection(_ReadOnly):
    """The root."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__("", {})


class HomeCollection(_ReadOnly):
    """A principal, which is the viewer's home too."""

    def __init__(self, login: Login) -> None:
        """Take whose it is."""
        mailbox = login.mailbox
        super().__init__(mailbox.address, {"D:displayname": mailbox.display_name or mailbox.address})


class CalendarCollection(_ReadOnly):
    """A calendar at one revision."""

    def __init__(self, store: Store, login: Login, served: ServedCalendar) -> None:
        """Take the store and the calendar as the viewer sees it."""
        super().__init__(
            f"{login.mailbox.address}/{served.name}",
            {
                "tag": "VCALENDAR",
                "D:displayname": display_name(login, served),
                "C:supported-calendar-component-set": "VEVENT",
            },
        )
        self._store = store
        self._login = login
        self._served = served

    @cached_property
    def _snapshot(self) -> Snapshot:
        snapshot = self._store.snapshot(self._login, self._served)
        if not snapshot.is_complete:
            raise MirrorFilling("This calendar is being read from Exchange for the first time.")
        return snapshot

    @property
    def owner(self) -> str:
        """Whose mailbox it is in."""
        return self._served.owner.address

    @property
    def etag(self) -> str:
        """The revision, quoted; Radicale's ctag."""
        return f'"{make_token(self._snapshot.epoch, self._snapshot.revision)}"'

    @property
    def last_modified(self) -> str:
        """When Exchange was last asked: nothing in it is newer."""
        pulled_at = self._snapshot.pulled_at
        return super().last_modified if pulled_at is None else format_datetime(pulled_at, usegmt=True)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """Give the token and the names of what changed. A ValueError tells the client to start over."""
        if not old_token:
            return make_token(self._snapshot.epoch, self._snapshot.revision), iter(self._snapshot.resources)
        try:
            changes = self._store.changes(self._login, self._served, old_token)
        except TokenUnknown as error:
            raise ValueError(str(error)) from error
        return changes.token, [*(listed.name for listed in changes.changed), *changes.removed]

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, Item | None]]:
        """Give the events of these names, None for those that are not there."""
        names = [Name(href) for href in hrefs]
        resources = self._snapshot.resources
        items = {item.href: item for item in self._items([resources[name] for name in names if name in resources])}
        yield from ((name, items.get(name)) for name in names)

    def get_all(self) -> Iterator[Item]:
        """Give every event."""
        return self._items(list(self._snapshot.resources.values()))

    def get_filtered(self, filters: Iterable[Element]) -> Iterator[tuple[Item, bool]]:
        """Give the events in the filter's component and time range; only for what is beyond them Radicale parses."""
        tag, start, end, is_simple = simplify_prefilters(filters, "VCALENDAR")
        found = [
            listed
            for listed in self._snapshot.resources.values()
            if tag in {None, listed.index.component} and _overlaps(listed, start, end)
        ]
        yield from ((item, is_simple) for item in self._items(found))

    def has_uid(self, uid: str) -> bool:
        """Say whether an event has this UID."""
        return any(listed.uid == uid for listed in self._snapshot.resources.values())

    def _items(self, found: Sequence[Listed]) -> Iterator[Item]:
        texts = _Texts(self._store, self._served, [listed.name for listed in found])
        return (_LazyItem(self, listed, texts) for listed in found)


class _Texts:
    """The texts of a batch of events, read at once when the first of them is wanted."""

    def __init__(self, store: Store, served: ServedCalendar, names: Sequence[Name]) -> None:
        self._store = store
        self._served = served
        self._names = names

    @cached_property
    def _read(self) -> dict[Name, bytes]:
        return self._store.texts(self._served, self._names)

    def __getitem__(self, name: Name) -> str:
        text = self._read.get(name)
        if text is None:
            raise MirrorFilling("An event changed while it was being read.")
        return text.decode("utf-8", "replace")


class _LazyItem(Item):
    """An event whose text is read only when it is served."""

    def __init__(self, collection: CalendarCollection, listed: Listed, texts: _Texts) -> None:
        super().__init__(
            collection=collection,
            href=listed.name,
            last_modified=collection.last_modified,
            text="",
            etag=listed.etag,
            uid=listed.uid,
            name="VCALENDAR",
            component_name=listed.index.component,
            time_range=_time_range(listed),
        )
        self._text: str | None = None
        self._texts = texts
        self._listed = listed

    def serialize(self) -> str:
        """Give the text."""
        if self._text is None:
            self._text = self._texts[self._listed.name]
        return self._text

    @property
    def vobject_item(self) -> Any:
        """The text parsed, for filters that only Radicale can evaluate."""
        self.serialize()
        return super().vobject_item


def _overlaps(listed: Listed, start: int, end: int) -> bool:
    """Say whether the event takes place in Radicale's range, in seconds since 1970."""
    return takes_place(listed.index, _instant(start), _instant(end))


def _instant(timestamp: int) -> datetime | None:
    """Give an end of Radicale's range; None for its first and last second, by which it means no end."""
    if timestamp in {TIMESTAMP_MIN, TIMESTAMP_MAX}:
        return None
    return datetime.fromtimestamp(timestamp, UTC)


def _time_range(listed: Listed) -> tuple[int, int]:
    """Give when the event first begins and last ends, in seconds since 1970."""
    record = listed.index
    first = min(record.start, *(each.start for each in record.exceptions)) if record.exceptions else record.start
    last = last_end(record)
    return int(first.timestamp()), TIMESTAMP_MAX if last is None else int(last.timestamp())
