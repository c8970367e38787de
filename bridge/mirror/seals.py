"""What is written into a calendar's rows: sealed for that viewer, calendar, name and column, found by HMAC.

Two viewers of one calendar share nothing here, not even the HMAC of an item's id: equal values would tell who meets
whom.
"""

import json

from bridge.item import Cursor, Item, ItemId, Uid
from bridge.keys import Keys
from bridge.mirror.codec import Codec
from bridge.mirror.schema import busy_months, calendars, folder_listings, graves, pending, resources
from bridge.model import Address, Block, Calendar, CalendarRef, Name, Viewer
from bridge.resource import Listed
from bridge.sealed import SealedColumn

_HEAD: Codec[Listed] = Codec(Listed)
_FACTS: Codec[tuple[Item, ...]] = Codec(tuple[Item, ...])
_LABEL: Codec[tuple[str, ...]] = Codec(tuple[str, ...])
_BLOCKS: Codec[tuple[Block, ...]] = Codec(tuple[Block, ...])
_CALENDARS: Codec[tuple[Calendar, ...]] = Codec(tuple[Calendar, ...])

HEAD = SealedColumn(resources.c.head, (calendars.c.key, resources.c.name, b"head"), _HEAD.decode)
TEXT = SealedColumn(resources.c.text, (calendars.c.key, resources.c.name, b"text"), bytes)
FACTS = SealedColumn(resources.c.facts, (calendars.c.key, resources.c.name, b"facts"), _FACTS.decode)
GRAVE = SealedColumn(graves.c.label, (calendars.c.key, graves.c.name, b"name"), _LABEL.decode)
PENDING = SealedColumn(pending.c.label, (calendars.c.key, pending.c.item, b"item"), _LABEL.decode)
CURSOR = SealedColumn(calendars.c.cursor, (calendars.c.key, b"cursor"), bytes.decode)
CALENDARS = SealedColumn(folder_listings.c.listing, (folder_listings.c.mailbox, b"calendars"), _CALENDARS.decode)
BLOCKS = SealedColumn(busy_months.c.blocks, (busy_months.c.month, b"blocks"), _BLOCKS.decode)


class CalendarSeals:
    """Seals and opens the columns of one calendar. Every ``open_`` raises SealBroken or Undecodable.

    ``key`` in all of them is the key of the row, as `name` or `item` gives it.
    """

    def __init__(self, keys: Keys, ref: CalendarRef) -> None:
        self._keys = keys
        self.viewer = viewer_key(keys, ref.viewer)
        self.calendar = calendar_key(keys, ref)

    def name(self, name: Name) -> bytes:
        """Give the key of a resource."""
        return name_key(self._keys, self.calendar, name)

    def uid(self, uid: Uid) -> bytes:
        """Give the key of a UID."""
        return uid_key(self._keys, self.calendar, uid)

    def item(self, item: ItemId) -> bytes:
        """Give the key of an item."""
        return item_key(self._keys, self.calendar, item)

    def rendering(self, url: str) -> bytes:
        """Give what stands for the URL that texts were rendered for."""
        return self._keys.mac(self.calendar + _encode(url), "mirror rendering")

    def seal_head(self, key: bytes, listed: Listed) -> bytes:
        """Seal what listings need of a resource."""
        return self._seal(_HEAD.encode(listed), HEAD, key)

    def open_head(self, key: bytes, sealed: bytes) -> Listed:
        """Open what `seal_head` gave."""
        return _HEAD.decode(self._open(sealed, HEAD, key))

    def seal_text(self, key: bytes, text: bytes) -> bytes:
        """Seal the bytes a client is served."""
        return self._seal(text, TEXT, key)

    def open_text(self, key: bytes, sealed: bytes) -> bytes:
        """Open what `seal_text` gave."""
        return self._open(sealed, TEXT, key)

    def seal_facts(self, key: bytes, facts: tuple[Item, ...]) -> bytes:
        """Seal the items that a resource was rendered from."""
        return self._seal(_FACTS.encode(facts), FACTS, key)

    def open_facts(self, key: bytes, sealed: bytes) -> tuple[Item, ...]:
        """Open what `seal_facts` gave."""
        return _FACTS.decode(self._open(sealed, FACTS, key))

    def seal_name(self, key: bytes, name: Name) -> bytes:
        """Seal the name of a resource that is gone."""
        return self._seal(_LABEL.encode((name,)), GRAVE, key)

    def open_name(self, key: bytes, sealed: bytes) -> Name:
        """Open what `seal_name` gave."""
        return Name(_LABEL.decode(self._open(sealed, GRAVE, key))[0])

    def seal_item(self, key: bytes, item: ItemId) -> bytes:
        """Seal the id of a pending item."""
        return self._seal(_LABEL.encode((item,)), PENDING, key)

    def open_item(self, key: bytes, sealed: bytes) -> ItemId:
        """Open what `seal_item` gave."""
        return ItemId(_LABEL.decode(self._open(sealed, PENDING, key))[0])

    def seal_cursor(self, cursor: Cursor | None) -> bytes | None:
        """Seal the calendar's cursor."""
        return None if cursor is None else self._seal(cursor.encode(), CURSOR)

    def open_cursor(self, sealed: bytes | None) -> Cursor | None:
        """Open what `seal_cursor` gave."""
        return None if sealed is None else Cursor(self._open(sealed, CURSOR).decode())

    def _seal(self, plaintext: bytes, column: SealedColumn, *key: bytes) -> bytes:
        return self._keys.seal(plaintext, column.bound(self.calendar, *key))

    def _open(self, sealed: bytes, column: SealedColumn, *key: bytes) -> bytes:
        return self._keys.open(sealed, column.bound(self.calendar, *key))


def calendar_key(keys: Keys, ref: CalendarRef) -> bytes:
    """Give the key of a calendar as one viewer sees it."""
    told = _frame(ref.viewer.organisation, ref.viewer.address, ref.mailbox, ref.folder)
    return keys.mac(told, "mirror calendar")


def name_key(keys: Keys, calendar: bytes, name: Name) -> bytes:
    """Give the key of a resource, given its calendar's."""
    return keys.mac(calendar + _encode(name), "mirror name")


def uid_key(keys: Keys, calendar: bytes, uid: Uid) -> bytes:
    """Give the key of a UID, given its calendar's."""
    return keys.mac(calendar + _encode(uid), "mirror uid")


def item_key(keys: Keys, calendar: bytes, item: ItemId) -> bytes:
    """Give the key of an item, given its calendar's."""
    return keys.mac(calendar + _encode(item), "mirror item")


def viewer_key(keys: Keys, viewer: Viewer) -> bytes:
    """Give the key of everything that is a viewer's."""
    return keys.mac(_frame(viewer.organisation, viewer.address), "mirror viewer")


def mailbox_key(keys: Keys, viewer: Viewer, mailbox: Address) -> bytes:
    """Give the key of a mailbox as one viewer sees it."""
    return keys.mac(_frame(viewer.organisation, viewer.address, mailbox), "mirror mailbox")


def seal_calendars(keys: Keys, mailbox: bytes, calendars: tuple[Calendar, ...]) -> bytes:
    """Seal the folder listing of a mailbox, given its key."""
    return keys.seal(_CALENDARS.encode(calendars), CALENDARS.bound(mailbox))


def open_calendars(keys: Keys, mailbox: bytes, sealed: bytes) -> tuple[Calendar, ...]:
    """Open what `seal_calendars` gave. Raises SealBroken or Undecodable."""
    return _CALENDARS.decode(keys.open(sealed, CALENDARS.bound(mailbox)))


def month_key(keys: Keys, viewer: Viewer, mailbox: Address, month: int) -> bytes:
    """Give the key of a month of a mailbox's time as one viewer is told it."""
    return keys.mac(_frame(viewer.organisation, viewer.address, mailbox, str(month)), "mirror busy month")


def seal_blocks(keys: Keys, month: bytes, blocks: tuple[Block, ...]) -> bytes:
    """Seal the blocks of a month, given its key."""
    return keys.seal(_BLOCKS.encode(blocks), BLOCKS.bound(month))


def open_blocks(keys: Keys, month: bytes, sealed: bytes) -> tuple[Block, ...]:
    """Open what `seal_blocks` gave. Raises SealBroken or Undecodable."""
    return _BLOCKS.decode(keys.open(sealed, BLOCKS.bound(month)))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a path may hold what is no character


def _frame(*parts: str) -> bytes:
    return json.dumps(parts).encode("ascii")
